package data

import (
	"fmt"
	"iter"
	"math/bits"
	"math/rand/v2"
	"strconv"
	"strings"
)

// Set is a data set as ids. The ids lie in a temporary file; memory holds 12 to 16 bytes a record, whatever its length. A Set is
// safe for concurrent use.
type Set struct {
	Path string
	Task Task

	store *store
	index index
	files []string // names that sources begin with
	parts []part   // of a mixture; one otherwise
}

// part is a run of records that came from one source of a mixture.
type part struct {
	first, count int
	weight       float64 // 0 takes all records in every epoch
}

// NewSet makes a set of pairs, which are supervised examples where the first has no rejected response.
func NewSet(path string, pairs []TokenPair) (*Set, error) {
	return CollectSet(path, func(yield func(TokenPair, error) bool) {
		for _, p := range pairs {
			if !yield(p, nil) {
				return
			}
		}
	})
}

// CollectSet is NewSet for pairs that come one after the other. An error among them ends it.
func CollectSet(path string, pairs iter.Seq2[TokenPair, error]) (*Set, error) {
	b, err := newSetBuilder(path, Preference)
	if err != nil {
		return nil, err
	}
	for p, err := range pairs {
		if err != nil {
			_ = b.set.Close()
			return nil, err
		}
		if b.set.Len() == 0 {
			b.set.index.masked = p.ChosenMask != nil
			if len(p.Rejected) == 0 {
				b.set.Task = Supervised
			}
		}
		if !p.masksFit() || (p.ChosenMask != nil) != b.set.index.masked {
			_ = b.set.Close()
			return nil, fmt.Errorf("make a set of pairs: %s: masks of %d and %d numbers for %d and %d tokens; give all pairs masks of their lengths, or none",
				p.Source, len(p.ChosenMask), len(p.RejectedMask), len(p.Chosen), len(p.Rejected))
		}
		if !p.givenFits() {
			_ = b.set.Close()
			return nil, fmt.Errorf("make a set of pairs: %s: stretches %v of a response of %d tokens are not learned; give them in order, apart and inside it, and leave some to learn, in supervised examples alone",
				p.Source, p.Given, len(p.Chosen))
		}
		b.add(exampleOf(p))
	}
	b.endPart(0)
	return b.finish()
}

// Close removes the temporary file. A set that is no longer reachable is closed by the garbage collector.
func (s *Set) Close() error { return s.store.close() }

// Len is the number of records.
func (s *Set) Len() int { return s.index.count }

// Pair returns a record as it stands in the first epoch with seed 0, where records have several responses.
func (s *Set) Pair(i int) (TokenPair, error) { return s.pair(i, draw{}) }

// First returns the first n records, or all if there are fewer.
func (s *Set) First(n int) ([]TokenPair, error) {
	pairs := make([]TokenPair, min(n, s.Len()))
	for i := range pairs {
		var err error
		if pairs[i], err = s.Pair(i); err != nil {
			return nil, err
		}
	}
	return pairs, nil
}

// Source says where a record stands, as "file:line".
func (s *Set) Source(i int) string {
	head, err := s.store.read(s.index.at(i), headWords)
	if err != nil {
		return fmt.Sprintf("%s, record %d", s.Path, i+1)
	}
	return s.sourceText(head)
}

func (s *Set) sourceText(head []int32) string {
	name := s.files[head[0]]
	if line := uint32(head[1]); line > 0 {
		return fmt.Sprintf("%s:%d", name, line)
	}
	return name
}

// Longest returns the largest number of positions that a prompt with one response takes, and where that pair stands. A
// model must have so many positions.
func (s *Set) Longest() (length int, source string) {
	at := -1
	for i := range s.Len() {
		if n := s.index.longest(i).longest(); n > length {
			length, at = n, i
		}
	}
	if at < 0 {
		return 0, ""
	}
	return length, s.Source(at)
}

// draw says which responses of a record an epoch sees.
type draw struct {
	seed  uint64
	epoch int
}

// of takes one of n responses of a record.
func (d draw) of(n, record int, side uint64) int {
	if n < 2 {
		return 0
	}
	random := rand.NewPCG(d.seed+side<<32, uint64(d.epoch)<<40|uint64(record))
	j, _ := bits.Mul64(random.Uint64(), uint64(n))
	return int(j)
}

// lengths returns the lengths of the pair that an epoch sees of a record.
func (s *Set) lengths(i int, d draw) lengths {
	c, several := s.index.candidates[i]
	if !several {
		return s.index.longest(i)
	}
	l := lengths{prompt: int(s.index.entry(i).prompt), chosen: int(c.chosen[d.of(len(c.chosen), i, 1)])}
	if len(c.rejected) > 0 {
		l.rejected = int(c.rejected[d.of(len(c.rejected), i, 2)])
	}
	return l
}

// pair reads the pair that an epoch sees of a record.
func (s *Set) pair(i int, d draw) (TokenPair, error) {
	c, at, prompt := s.index.responses(i), s.index.at(i), int(s.index.entry(i).prompt)
	chosen, rejected := d.of(len(c.chosen), i, 1), d.of(len(c.rejected), i, 2)
	head, err := s.store.read(at, headWords+prompt)
	if err != nil {
		return TokenPair{}, err
	}
	at += int64(len(head))
	p := TokenPair{Source: s.sourceText(head)}
	if prompt > 0 {
		p.Prompt = head[headWords:]
	}
	p.Chosen, err = s.store.read(at+sum(c.chosen[:chosen]), int(c.chosen[chosen]))
	if i < len(s.index.given) && s.index.given[i] > 0 {
		p.Given = takeGiven(p.Chosen)
	}
	if err != nil || len(c.rejected) == 0 {
		return p, err
	}
	if p.Rejected, err = s.store.read(at+sum(c.chosen)+sum(c.rejected[:rejected]), int(c.rejected[rejected])); err != nil || !s.index.masked {
		return p, err
	}
	words, err := s.store.read(at+sum(c.chosen)+sum(c.rejected), len(p.Chosen)+len(p.Rejected))
	if err != nil {
		return p, err
	}
	weights := numbersOf(words)
	p.ChosenMask, p.RejectedMask = weights[:len(p.Chosen):len(p.Chosen)], weights[len(p.Chosen):]
	return p, nil
}

// setBuilder writes a set.
type setBuilder struct {
	set   *Set
	names map[string]int32
	first int // record of the part that is being written
}

func newSetBuilder(path string, task Task) (*setBuilder, error) {
	store, err := newStore()
	if err != nil {
		return nil, err
	}
	return &setBuilder{set: &Set{Path: path, Task: task, store: store}, names: map[string]int32{}}, nil
}

// example is a tokenised record: a pair, or several responses a side, of which each epoch takes one.
type example struct {
	source           string
	prompt           []int32
	chosen, rejected [][]int32
	given            []Span       // of the only chosen response; nil where there are several, or where all is learned
	masks            [2][]float32 // of the only chosen and the only rejected response; nil in a set without masks
}

func exampleOf(p TokenPair) example {
	e := example{source: p.Source, prompt: p.Prompt, chosen: [][]int32{p.Chosen}, given: p.Given, masks: [2][]float32{p.ChosenMask, p.RejectedMask}}
	if len(p.Rejected) > 0 {
		e.rejected = [][]int32{p.Rejected}
	}
	return e
}

func (b *setBuilder) add(e example) {
	s := b.set
	s.index.add(s.store.words, e)
	s.store.add(b.head(e.source))
	s.store.add(e.prompt)
	for _, ids := range e.chosen {
		s.store.add(withGiven(ids, e.given))
	}
	for _, ids := range e.rejected {
		s.store.add(ids)
	}
	for _, weights := range e.masks {
		s.store.add(bitsOf(weights))
	}
}

// head tells a source as two numbers: a name, and a line where the source ends in one.
func (b *setBuilder) head(source string) []int32 {
	name, line := source, uint64(0)
	if i := strings.LastIndexByte(source, ':'); i >= 0 {
		if n, err := strconv.ParseUint(source[i+1:], 10, 32); err == nil && n > 0 && source[i+1] != '0' && source[i+1] != '+' {
			name, line = source[:i], n
		}
	}
	number, known := b.names[name]
	if !known {
		number = int32(len(b.set.files))
		b.names[name] = number
		b.set.files = append(b.set.files, name)
	}
	return []int32{number, int32(uint32(line))}
}

// endPart ends the records of one source of a mixture.
func (b *setBuilder) endPart(weight float64) {
	if n := b.set.Len() - b.first; n > 0 {
		b.set.parts = append(b.set.parts, part{b.first, n, weight})
	}
	b.first = b.set.Len()
}

func (b *setBuilder) finish() (*Set, error) {
	if err := b.set.store.finish(); err != nil {
		_ = b.set.Close()
		return nil, err
	}
	return b.set, nil
}
