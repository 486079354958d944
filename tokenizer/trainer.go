package tokenizer

import (
	"cmp"
	"container/heap"
	"maps"
	"slices"
)

// trainer learns merges. Pieces are in the byte alphabet.
type trainer struct {
	pieces []string
	ids    map[string]int32
	merges [][2]string
	merged map[pair]bool // the pairs of merges
	words  []trainWord
	pairs  map[pair]*pairCount
	queue  pairQueue
}

// trainWord is a distinct word, cut into tokens, and how often it occurs.
type trainWord struct {
	tokens []int32
	count  int
}

// pairCount is how often a pair occurs, and the words that it may occur in.
type pairCount struct {
	count int
	words []int32
}

func newTrainer(options TrainOptions) *trainer {
	t := &trainer{ids: map[string]int32{}, merged: map[pair]bool{}, pairs: map[pair]*pairCount{}}
	alphabet := make([]string, 0, 256)
	for _, char := range byteToChar {
		alphabet = append(alphabet, string(char))
	}
	slices.Sort(alphabet)
	for _, piece := range slices.Concat(options.SpecialTokens, alphabet) {
		t.token(piece)
	}
	return t
}

// token returns the id of piece, a new one if need be.
func (t *trainer) token(piece string) int32 {
	id, ok := t.ids[piece]
	if !ok {
		id = int32(len(t.pieces))
		t.ids[piece] = id
		t.pieces = append(t.pieces, piece)
	}
	return id
}

func (t *trainer) addWords(counts map[string]int) {
	t.words = make([]trainWord, 0, len(counts))
	for _, word := range slices.Sorted(maps.Keys(counts)) {
		tokens := make([]int32, len(word))
		for i := range tokens {
			tokens[i] = t.ids[string(byteToChar[word[i]])]
		}
		at := int32(len(t.words))
		t.words = append(t.words, trainWord{tokens, counts[word]})
		for i := 1; i < len(tokens); i++ {
			t.add(pair{tokens[i-1], tokens[i]}, at, counts[word])
		}
	}
	for p, c := range t.pairs {
		heap.Push(&t.queue, queuedPair{p, c.count})
	}
}

// add counts occurrences of p in the word at an index.
func (t *trainer) add(p pair, word int32, count int) {
	c := t.pairs[p]
	if c == nil {
		c = &pairCount{}
		t.pairs[p] = c
	}
	c.count += count
	if last := len(c.words) - 1; last < 0 || c.words[last] != word {
		c.words = append(c.words, word)
	}
}

// learn merges the most frequent pair until there are size tokens or no pair is frequent enough.
func (t *trainer) learn(size, minFrequency int) {
	for len(t.pieces) < size && len(t.queue) > 0 {
		top := heap.Pop(&t.queue).(queuedPair)
		now := t.pairs[top.pair]
		switch {
		case now == nil || now.count < minFrequency:
		case now.count != top.count:
			// The count fell since the pair was queued; a rise queues it anew.
			if now.count < top.count {
				heap.Push(&t.queue, queuedPair{top.pair, now.count})
			}
		default:
			t.merge(top.pair, now.words)
		}
	}
}

// merge makes one token of a pair, in the words given. A pair that was merged before comes back where another merge makes
// one of its tokens along a second way (ab+c, a+bc); it keeps its rank.
func (t *trainer) merge(p pair, words []int32) {
	left, right := t.pieces[p.left], t.pieces[p.right]
	token := t.token(left + right)
	if !t.merged[p] {
		t.merged[p] = true
		t.merges = append(t.merges, [2]string{left, right})
	}
	grown := map[pair]bool{}
	for _, at := range words {
		t.mergeWord(p, token, at, grown)
	}
	delete(t.pairs, p)
	for p := range grown {
		heap.Push(&t.queue, queuedPair{p, t.pairs[p].count})
	}
}

// mergeWord replaces the pair in one word, keeps the counts of its neighbours, and notes the pairs that became more
// frequent.
func (t *trainer) mergeWord(p pair, token, at int32, grown map[pair]bool) {
	word := &t.words[at]
	tokens := word.tokens
	kept := 0
	for i := 0; i < len(tokens); i++ {
		if i+1 == len(tokens) || tokens[i] != p.left || tokens[i+1] != p.right {
			tokens[kept] = tokens[i]
			kept++
			continue
		}
		if kept > 0 {
			t.remove(pair{tokens[kept-1], p.left}, word.count)
			t.grow(pair{tokens[kept-1], token}, at, word.count, grown)
		}
		if i+2 < len(tokens) {
			t.remove(pair{p.right, tokens[i+2]}, word.count)
			t.grow(pair{token, tokens[i+2]}, at, word.count, grown)
		}
		tokens[kept] = token
		kept++
		i++
	}
	word.tokens = tokens[:kept]
}

func (t *trainer) grow(p pair, word int32, count int, grown map[pair]bool) {
	t.add(p, word, count)
	grown[p] = true
}

func (t *trainer) remove(p pair, count int) {
	if c := t.pairs[p]; c != nil {
		c.count -= count
	}
}

// queuedPair is a pair and how often it occurred when it was queued.
type queuedPair struct {
	pair
	count int
}

// pairQueue is a heap with the most frequent pair on top, of equally frequent ones that with the lowest ids.
type pairQueue []queuedPair

func (q pairQueue) Len() int      { return len(q) }
func (q pairQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }

func (q pairQueue) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(q[j].count, q[i].count), cmp.Compare(q[i].left, q[j].left), cmp.Compare(q[i].right, q[j].right)) < 0
}

// Push is part of heap.Interface.
func (q *pairQueue) Push(p any) { *q = append(*q, p.(queuedPair)) }

// Pop is part of heap.Interface.
func (q *pairQueue) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}
