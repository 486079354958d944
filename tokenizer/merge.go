package tokenizer

import "fmt"

// A pair is two neighbouring tokens.
type pair struct{ left, right int32 }

// A merge says that a pair becomes one token; of several merges that apply, the one of the lowest rank comes first.
type merge struct {
	rank  int32
	token int32
}

// A symbol is a token of the word being merged, linked to its neighbours.
type symbol struct {
	token          int32 // dead once it has become part of its left neighbour
	previous, next int32 // indexes, none at the ends
}

const (
	dead = -1
	none = -1
)

// A candidate is a merge that applied to the pair of symbols at an index when it was pushed.
type candidate struct {
	merge
	pair
	at int32
}

// mergeTable makes the table of merges of pieces. Ranks are their places unless they are given.
func mergeTable(pieces map[string]int32, merges [][2]string, ranks []int32) (map[pair]merge, error) {
	table := make(map[pair]merge, len(merges))
	for rank, m := range merges {
		left, okLeft := pieces[m[0]]
		right, okRight := pieces[m[1]]
		token, okToken := pieces[m[0]+m[1]]
		missing := ""
		switch {
		case !okLeft:
			missing = m[0]
		case !okRight:
			missing = m[1]
		case !okToken:
			missing = m[0] + m[1]
		}
		if missing != "" {
			return nil, fmt.Errorf("merge %d, %q with %q: %q is not in the vocabulary", rank+1, m[0], m[1], missing)
		}
		made := merge{int32(rank), token}
		if ranks != nil {
			made.rank = ranks[rank]
		}
		table[pair{left, right}] = made
	}
	return table, nil
}

// before orders candidates by rank, then from left to right.
func (c candidate) before(other candidate) bool {
	return c.rank < other.rank || c.rank == other.rank && c.at < other.at
}

// merger applies merges to one word at a time in O(n log n). It is for one goroutine.
type merger struct {
	symbols []symbol
	heap    []candidate
}

// start begins a word of the tokens.
func (m *merger) start(tokens []int32) {
	m.symbols = m.symbols[:0]
	m.heap = m.heap[:0]
	for i, token := range tokens {
		m.symbols = append(m.symbols, symbol{token, int32(i) - 1, int32(i) + 1})
	}
	if len(tokens) > 0 {
		m.symbols[len(tokens)-1].next = none
	}
}

// run merges the word and appends its tokens to ids.
func (m *merger) run(merges map[pair]merge, ids []int32) []int32 {
	for i := range m.symbols {
		m.propose(merges, int32(i))
	}
	for len(m.heap) > 0 {
		m.apply(merges, m.pop())
	}
	for i := range m.symbols {
		if token := m.symbols[i].token; token != dead {
			ids = append(ids, token)
		}
	}
	return ids
}

// propose pushes the merge of the symbols at an index and after it, if there is one.
func (m *merger) propose(merges map[pair]merge, at int32) {
	next := m.symbols[at].next
	if next == none {
		return
	}
	p := pair{m.symbols[at].token, m.symbols[next].token}
	if found, ok := merges[p]; ok {
		m.push(candidate{found, p, at})
	}
}

// apply merges the candidate's pair, unless an earlier merge took one of its symbols.
func (m *merger) apply(merges map[pair]merge, c candidate) {
	left := &m.symbols[c.at]
	if left.token != c.left || left.next == none || m.symbols[left.next].token != c.right {
		return
	}
	right := &m.symbols[left.next]
	left.token, left.next = c.token, right.next
	right.token = dead
	if left.next != none {
		m.symbols[left.next].previous = c.at
	}
	if left.previous != none {
		m.propose(merges, left.previous)
	}
	m.propose(merges, c.at)
}

func (m *merger) push(c candidate) {
	m.heap = append(m.heap, c)
	i := len(m.heap) - 1
	for i > 0 {
		parent := (i - 1) / 2
		if !c.before(m.heap[parent]) {
			break
		}
		m.heap[i] = m.heap[parent]
		i = parent
	}
	m.heap[i] = c
}

func (m *merger) pop() candidate {
	top, last := m.heap[0], m.heap[len(m.heap)-1]
	m.heap = m.heap[:len(m.heap)-1]
	for i := 0; ; {
		child := 2*i + 1
		if child >= len(m.heap) {
			if i < len(m.heap) {
				m.heap[i] = last
			}
			return top
		}
		if child+1 < len(m.heap) && m.heap[child+1].before(m.heap[child]) {
			child++
		}
		if !m.heap[child].before(last) {
			m.heap[i] = last
			return top
		}
		m.heap[i] = m.heap[child]
		i = child
	}
}
