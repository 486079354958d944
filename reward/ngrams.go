package reward

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// maxNGramWords bounds the words of an n-gram; longer ones hardly ever recur in a review corpus.
const maxNGramWords = 3

// ngrams numbers word n-grams. It is a trie: an n-gram of several words is found from the number of its first n-1 words and
// the number of its last word, both of which it contains as well.
type ngrams struct {
	words  map[string]int32 // one-word n-grams
	longer map[uint64]int32 // key(first n-1 words, last word)
	texts  []string         // by number; words separated by one space
	order  int              // words of the longest n-gram
}

func newNGrams(size int) *ngrams {
	return &ngrams{words: make(map[string]int32, size), longer: make(map[uint64]int32, size)}
}

func key(prefix, word int32) uint64 { return uint64(uint32(prefix))<<32 | uint64(uint32(word)) }

// add numbers one more n-gram. The n-grams it is made of must have been added before.
func (g *ngrams) add(text string) error {
	id := int32(len(g.texts))
	prefix, word, long := cutLast(text)
	if !long {
		if _, dup := g.words[text]; dup || text == "" {
			return fmt.Errorf("n-gram %d: %q is empty or occurs twice", id, text)
		}
		g.words[text] = id
		g.order = max(g.order, 1)
	} else {
		p, okPrefix := g.find(prefix)
		w, okWord := g.words[word]
		if !okPrefix || !okWord {
			return fmt.Errorf("n-gram %d: %q comes before its parts %q and %q", id, text, prefix, word)
		}
		if _, dup := g.longer[key(p, w)]; dup {
			return fmt.Errorf("n-gram %d: %q occurs twice", id, text)
		}
		numWords := strings.Count(text, " ") + 1
		if numWords > maxNGramWords {
			return fmt.Errorf("n-gram %d: %q has %d words, the limit is %d", id, text, numWords, maxNGramWords)
		}
		g.longer[key(p, w)] = id
		g.order = max(g.order, numWords)
	}
	g.texts = append(g.texts, text)
	return nil
}

func (g *ngrams) find(text string) (int32, bool) {
	prefix, word, long := cutLast(text)
	if !long {
		id, ok := g.words[text]
		return id, ok
	}
	p, ok := g.find(prefix)
	if !ok {
		return 0, false
	}
	w, ok := g.words[word]
	if !ok {
		return 0, false
	}
	id, ok := g.longer[key(p, w)]
	return id, ok
}

// cutLast splits an n-gram of several words into all but the last word and the last word.
func cutLast(text string) (prefix, word string, long bool) {
	i := strings.LastIndexByte(text, ' ')
	if i < 0 {
		return "", text, false
	}
	return text[:i], text[i+1:], true
}

// scratch is the memory that reading one text needs, kept from one text to the next.
type scratch struct {
	word  []byte
	words []int32
	found []int32
}

// unknownWord stands for a word without a number; no n-gram reaches across it.
const unknownWord = -1

// wordNumbers returns the numbers of the words of text in order.
func (g *ngrams) wordNumbers(text string, s *scratch) []int32 {
	s.words = s.words[:0]
	s.word = eachWord(text, s.word, func(word []byte) {
		id, ok := g.words[string(word)]
		if !ok {
			id = unknownWord
		}
		s.words = append(s.words, id)
	})
	return s.words
}

// present returns the numbers of the n-grams that occur in words, each once, ascending.
func (g *ngrams) present(words []int32, s *scratch) []int32 {
	s.found = s.found[:0]
	for start, id := range words {
		if id == unknownWord {
			continue
		}
		s.found = append(s.found, id)
		for end := start + 1; end < min(len(words), start+g.order); end++ {
			next, ok := g.longer[key(id, words[end])]
			if words[end] == unknownWord || !ok {
				break
			}
			s.found = append(s.found, next)
			id = next
		}
	}
	slices.Sort(s.found)
	s.found = slices.Compact(s.found)
	return s.found
}

// collectNGrams numbers the n-grams of up to order words that occur in at least minTexts of the texts, the most frequent
// first, at most limit of them (0: no limit).
func collectNGrams(texts []string, order, minTexts, limit int) *ngrams {
	all := newNGrams(0)
	frequency := countWords(texts, all)
	all, frequency = keepFrequent(all, frequency, minTexts)
	numbered := make([][]int32, len(texts))
	var s scratch
	for i, text := range texts {
		numbered[i] = slices.Clone(all.wordNumbers(text, &s))
	}
	for n := 2; n <= order; n++ {
		frequency = append(frequency, countLonger(numbered, all, n, minTexts)...)
	}
	return mostFrequent(all, frequency, limit)
}

// countWords adds every word of the texts to g and returns in how many texts each occurs.
func countWords(texts []string, g *ngrams) []int {
	var frequency, lastText []int
	var buf []byte
	for i, text := range texts {
		buf = eachWord(text, buf, func(word []byte) {
			id, ok := g.words[string(word)]
			if !ok {
				id = int32(len(g.texts))
				g.words[string(word)] = id
				g.texts = append(g.texts, string(word))
				frequency, lastText = append(frequency, 0), append(lastText, -1)
			}
			if lastText[id] != i {
				lastText[id] = i
				frequency[id]++
			}
		})
	}
	g.order = 1
	return frequency
}

// keepFrequent returns the one-word n-grams that occur in at least minTexts texts, renumbered, and their frequencies.
func keepFrequent(g *ngrams, frequency []int, minTexts int) (*ngrams, []int) {
	kept := newNGrams(0)
	var keptFrequency []int
	for id, text := range g.texts {
		if frequency[id] >= minTexts {
			kept.words[text] = int32(len(kept.texts))
			kept.texts = append(kept.texts, text)
			keptFrequency = append(keptFrequency, frequency[id])
		}
	}
	kept.order = 1
	return kept, keptFrequency
}

// countLonger adds to g the n-grams of n words whose parts are in g and that occur in at least minTexts texts, and returns
// their frequencies. Texts are given by the numbers of their words.
func countLonger(texts [][]int32, g *ngrams, n, minTexts int) []int {
	type count struct{ texts, last int32 }
	counts := map[uint64]count{}
	for i, words := range texts {
		for start := range words {
			if start+n > len(words) {
				break
			}
			prefix, ok := g.walk(words[start : start+n-1])
			last := words[start+n-1]
			if !ok || last == unknownWord {
				continue
			}
			c, seen := counts[key(prefix, last)]
			if !seen || c.last != int32(i) {
				counts[key(prefix, last)] = count{c.texts + 1, int32(i)}
			}
		}
	}
	var keys []uint64
	for k, c := range counts {
		if int(c.texts) >= minTexts {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	frequency := make([]int, len(keys))
	for i, k := range keys {
		g.longer[k] = int32(len(g.texts))
		g.texts = append(g.texts, g.texts[k>>32]+" "+g.texts[uint32(k)])
		frequency[i] = int(counts[k].texts)
	}
	g.order = n
	return frequency
}

// walk returns the number of the n-gram made of exactly these words.
func (g *ngrams) walk(words []int32) (int32, bool) {
	id := words[0]
	ok := id != unknownWord
	for _, word := range words[1:] {
		if !ok || word == unknownWord {
			return 0, false
		}
		id, ok = g.longer[key(id, word)]
	}
	return id, ok
}

// mostFrequent renumbers the n-grams of g by falling frequency, shorter ones first among equals, and keeps at most limit of
// them. The parts of an n-gram are at least as frequent as itself and shorter, so they come before it and are kept with it.
func mostFrequent(g *ngrams, frequency []int, limit int) *ngrams {
	ids := make([]int, len(g.texts))
	numWords := make([]int, len(g.texts))
	for i, text := range g.texts {
		ids[i], numWords[i] = i, strings.Count(text, " ")
	}
	slices.SortFunc(ids, func(a, b int) int {
		return cmp.Or(cmp.Compare(frequency[b], frequency[a]), cmp.Compare(numWords[a], numWords[b]), cmp.Compare(g.texts[a], g.texts[b]))
	})
	if limit > 0 && len(ids) > limit {
		ids = ids[:limit]
	}
	kept := newNGrams(len(ids))
	for _, id := range ids {
		// The order above guarantees what add asks for.
		if err := kept.add(g.texts[id]); err != nil {
			panic(err)
		}
	}
	return kept
}
