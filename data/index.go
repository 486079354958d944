package data

// lengths are what a pair takes, in tokens.
type lengths struct {
	prompt, chosen, rejected int
	given                    int // of the chosen ones, those that are not learned
}

// longest is the number of positions that the prompt and the longer response take.
func (l lengths) longest() int { return l.prompt + max(l.chosen, l.rejected) }

// responses are the lengths of the responses that are there.
func (l lengths) responses() []int {
	if l.rejected == 0 {
		return []int{l.chosen}
	}
	return []int{l.chosen, l.rejected}
}

// firstPredicted is the place in a response of the first token that something predicts: 1 without a prompt.
func (l lengths) firstPredicted() int {
	if l.prompt == 0 {
		return 1
	}
	return 0
}

// index says where each record stands in a store and how long its parts are: 12 bytes a record, 16 in a set of conversations.
type index struct {
	blocks     []*block
	count      int
	candidates map[int]candidates // of the records that have more than one response on a side
	given      []uint32           // chosen tokens that are not learned, of the records up to the last that has any
	masked     bool               // a weight for each response token stands after the responses
}

const blockSize = 64

// block is a run of entries that stand one after the other in the store.
type block struct {
	at      int64 // of the first
	entries [blockSize]entry
}

// entry holds the lengths of a record; of several responses on a side, that of the longest.
type entry struct{ prompt, chosen, rejected uint32 }

// candidates are the lengths of all responses of a record, of which each epoch takes one a side.
type candidates struct{ chosen, rejected []uint32 }

// headWords are the words before a record's tokens: the file it is from, and the line.
const headWords = 2

// add enters the record that is about to be written at a place of the store.
func (x *index) add(at int64, e example) {
	if x.count%blockSize == 0 {
		x.blocks = append(x.blocks, &block{at: at})
	}
	c := candidates{lengthsOf(e.chosen), lengthsOf(e.rejected)}
	x.blocks[x.count/blockSize].entries[x.count%blockSize] = entry{uint32(len(e.prompt)), greatest(c.chosen), greatest(c.rejected)}
	if len(c.chosen) > 1 || len(c.rejected) > 1 {
		if x.candidates == nil {
			x.candidates = map[int]candidates{}
		}
		x.candidates[x.count] = c
	}
	if n := tokensIn(e.given); n > 0 {
		x.given = append(append(x.given, make([]uint32, x.count-len(x.given))...), uint32(n))
	}
	x.count++
}

func lengthsOf(responses [][]int32) []uint32 {
	out := make([]uint32, len(responses))
	for i, ids := range responses {
		out[i] = uint32(len(ids))
	}
	return out
}

func greatest(values []uint32) uint32 {
	most := uint32(0)
	for _, v := range values {
		most = max(most, v)
	}
	return most
}

func sum(values []uint32) int64 {
	total := int64(0)
	for _, v := range values {
		total += int64(v)
	}
	return total
}

func (x *index) entry(i int) entry { return x.blocks[i/blockSize].entries[i%blockSize] }

// longest returns the lengths of a record; of several responses on a side, those of the longest.
func (x *index) longest(i int) lengths {
	e := x.entry(i)
	l := lengths{prompt: int(e.prompt), chosen: int(e.chosen), rejected: int(e.rejected)}
	if i < len(x.given) {
		l.given = int(x.given[i])
	}
	return l
}

// responses lists the lengths of all responses of a record.
func (x *index) responses(i int) candidates {
	if c, several := x.candidates[i]; several {
		return c
	}
	e, c := x.entry(i), candidates{}
	c.chosen = []uint32{e.chosen}
	if e.rejected > 0 {
		c.rejected = []uint32{e.rejected}
	}
	return c
}

// at is the place of a record in the store.
func (x *index) at(i int) int64 {
	b := x.blocks[i/blockSize]
	at := b.at
	for j, e := range b.entries[:i%blockSize] {
		at += headWords + int64(e.prompt)
		if c, several := x.candidates[i-i%blockSize+j]; several {
			at += sum(c.chosen) + sum(c.rejected)
		} else {
			at += int64(e.chosen) + int64(e.rejected)
		}
		if x.masked {
			at += int64(e.chosen) + int64(e.rejected)
		}
	}
	return at
}
