package data

import "fmt"

// Collate lays pairs out in a batch of the given shape. The pairs take the first slots, and each the row of its slot; where
// there are fewer rows than pairs they are packed, the longest first, each in the first row with room for all of it. Index
// counts from 0 and Weight is 1/len(pairs); see [Batch.Weigh] for steps of several batches. Pairs that do not fit are an error;
// see [Shape.Holds].
func Collate(pairs []TokenPair, shape Shape) (Batch, error) {
	if err := check(pairs, shape); err != nil {
		return Batch{}, err
	}
	b := newBatch(shape)
	if len(pairs) > 0 && pairs[0].ChosenMask != nil {
		b.Mask = make([]float32, b.Responses)
	}
	c := collation{Batch: &b}
	for slot, at := range placesOf(pairs, shape) {
		c.add(slot, pairs[slot], at, shape.Layout)
		b.Index[slot] = slot
	}
	b.Index = b.Index[:len(pairs)]
	for i := c.responses; i < b.Responses; i++ {
		b.Owner[i] = int64(2 * b.Pairs)
	}
	b.Weigh(len(pairs))
	return b, nil
}

func check(pairs []TokenPair, shape Shape) error {
	if !shape.Holds(pairs) {
		d := demandOf(lengthsOfPairs(pairs), shape.Layout)
		return fmt.Errorf("collate: %d pairs, the longest of %d cells, %d response tokens: they do not fit in %v",
			len(pairs), d.longest(), d.responses, shape)
	}
	for _, p := range pairs {
		if !p.masksFit() || (p.ChosenMask == nil) != (pairs[0].ChosenMask == nil) {
			return fmt.Errorf("collate: %s: masks that are not one weight for every response token of every pair", p.Source)
		}
		if !p.givenFits() {
			return fmt.Errorf("collate: %s: stretches %v of a response of %d tokens, which are not learned, are no part of it or all of it", p.Source, p.Given, len(p.Chosen))
		}
		for _, side := range p.sides() {
			if len(side) <= p.lengths().firstPredicted() {
				return fmt.Errorf("collate: %s: a response has no token that anything predicts; give it a prompt and at least one id", p.Source)
			}
		}
	}
	return nil
}

// placesOf is where each pair begins, in the layout Separate its chosen side.
func placesOf(pairs []TokenPair, shape Shape) []place {
	lengths, places := make([]int, len(pairs)), make([]place, len(pairs))
	for i, p := range pairs {
		lengths[i], _ = p.lengths().room(shape.Layout)
		places[i].row = i
	}
	if shape.Rows < len(pairs) {
		places = pack(lengths, shape.Seq)
	}
	return places
}

func newBatch(s Shape) Batch {
	cells := s.Rows * s.Seq
	return Batch{
		Rows: s.Rows, Seq: s.Seq, Pairs: s.Slots, Responses: s.Responses,
		Tokens: make([]int64, cells), Positions: make([]int64, cells), Pair: make([]int64, cells), Side: make([]int64, cells),
		Predict: make([]int64, s.Responses), Target: make([]int64, s.Responses), Owner: make([]int64, s.Responses),
		Weight: make([]float32, s.Slots), Index: make([]int, s.Slots),
	}
}

// The values of Batch.Side.
const (
	SidePrompt int64 = iota
	SideChosen
	SideRejected
)

// collation fills a batch from its first slot to its last.
type collation struct {
	*Batch
	responses int // filled so far
}

func (c *collation) add(slot int, p TokenPair, at place, layout Layout) {
	prompt := len(p.Prompt)
	start := at.row*c.Seq + at.column
	c.segment(start, 0, slot, SidePrompt, p.Prompt)
	c.segment(start+prompt, prompt, slot, SideChosen, p.Chosen)
	c.predict(start+prompt-1, start+prompt, slot, p, response{p.Chosen, p.ChosenMask, p.Given})
	c.RealTokens += prompt + len(p.Chosen)
	if len(p.Rejected) == 0 {
		return
	}
	last, first := start+prompt-1, start+prompt+len(p.Chosen) // of the prompt, of the rejected response
	if layout == Separate {
		start = (c.Pairs + slot) * c.Seq
		last, first = start+prompt-1, start+prompt
		c.segment(start, 0, slot, SidePrompt, p.Prompt)
	}
	c.segment(first, prompt, slot, SideRejected, p.Rejected)
	c.predict(last, first, c.Pairs+slot, p, response{ids: p.Rejected, mask: p.RejectedMask})
	c.RealTokens += prompt + len(p.Rejected)
}

// segment writes ids from a place in the flat arrays on, with position numbers from the given one on.
func (c *collation) segment(at, position, slot int, side int64, ids []int32) {
	for i, id := range ids {
		c.Tokens[at+i] = int64(id)
		c.Positions[at+i] = int64(position + i)
		c.Pair[at+i] = int64(slot + 1)
		c.Side[at+i] = side
	}
}

// response is one side of a pair.
type response struct {
	ids   []int32
	mask  []float32 // nil in pairs without masks
	given []Span
}

// predict lists the learned tokens of a response that starts at first and whose first token is predicted at last, the end of
// the prompt.
func (c *collation) predict(last, first, owner int, p TokenPair, r response) {
	for _, s := range between(r.given, len(r.ids)) {
		for i := max(s.First, p.lengths().firstPredicted()); i < s.End; i++ {
			from := first + i - 1
			if i == 0 {
				from = last
			}
			c.Predict[c.responses] = int64(from)
			c.Target[c.responses] = int64(r.ids[i])
			c.Owner[c.responses] = int64(owner)
			if r.mask != nil {
				c.Mask[c.responses] = r.mask[i]
			}
			c.responses++
		}
	}
}

// Weigh sets the weight of every real pair to 1/total, total being the number of real pairs in the whole optimiser step.
func (b *Batch) Weigh(total int) {
	for slot := range b.Index {
		b.Weight[slot] = 1 / float32(total)
	}
}

// Unpack gives back the pairs of a batch, in the order of their slots. Where they come from is not kept, and masks are left out.
func (b *Batch) Unpack() []TokenPair {
	pairs, learned := make([]TokenPair, len(b.Index)), b.learned()
	prompted := make([]int, len(b.Index)) // row+1 that the prompt was read in: the Separate layout has a second copy
	for at, slot := range b.Pair {
		if slot == 0 {
			continue
		}
		p, id, row := &pairs[slot-1], int32(b.Tokens[at]), at/b.Seq+1
		switch b.Side[at] {
		case SideChosen:
			if !learned[at] && len(p.Prompt) > 0 {
				id = ^id
			}
			p.Chosen = append(p.Chosen, id)
		case SideRejected:
			p.Rejected = append(p.Rejected, id)
		default:
			if prompted[slot-1] == 0 {
				prompted[slot-1] = row
			}
			if prompted[slot-1] == row {
				p.Prompt = append(p.Prompt, id)
			}
		}
	}
	for i := range pairs {
		pairs[i].Given = takeGiven(pairs[i].Chosen)
	}
	return pairs
}

// learned says of each cell whether it is a chosen token that is learned. It follows the position that predicts it.
func (b *Batch) learned() []bool {
	cells := make([]bool, len(b.Tokens))
	for i, from := range b.Predict {
		if b.Owner[i] < int64(b.Pairs) {
			cells[from+1] = true
		}
	}
	return cells
}
