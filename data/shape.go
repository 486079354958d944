package data

import (
	"fmt"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// Layout says how the two responses of a pair stand in the rows of a batch.
type Layout int

// The layouts.
const (
	// SharedPrompt puts a pair in one row: prompt, chosen, rejected. Positions of both responses continue after the prompt,
	// which is computed once.
	SharedPrompt Layout = iota
	// Separate gives each response a row of its own after a copy of the prompt: rows [0, slots) hold the chosen side, rows
	// [slots, 2·slots) the rejected one. Without rejected responses there are only the former.
	Separate
)

// String names the layout as settings do.
func (l Layout) String() string {
	if l == Separate {
		return "separate"
	}
	return "shared-prompt"
}

// ParseLayout is the inverse of String.
func ParseLayout(name string) (Layout, error) {
	for _, l := range []Layout{SharedPrompt, Separate} {
		if l.String() == name {
			return l, nil
		}
	}
	return 0, usage.Errorf("layout: unknown layout %q; known: %s, %s", name, SharedPrompt, Separate)
}

// Shape is what the arrays of a batch are sized by. Engines build one graph a shape.
type Shape struct {
	Layout    Layout
	Slots     int // pairs, padding included
	Rows      int
	Seq       int
	Responses int
}

// String gives "shared-prompt, 4 pairs: 4x96, 120 response tokens".
func (s Shape) String() string {
	return fmt.Sprintf("%v, %d pairs: %dx%d, %d response tokens", s.Layout, s.Slots, s.Rows, s.Seq, s.Responses)
}

// holds reports whether a batch of the given extent fits.
func (s Shape) holds(e extent) bool { return e.seq <= s.Seq && e.responses <= s.Responses }

// cost estimates the work of a batch: positions through the layers, and response tokens through the vocabulary.
func (s Shape) cost() float64 {
	// Ours: in GPT-2 Small and in smaller models of 8k entries the output matrix has about half the weights of the layers.
	const responseCost = 0.5
	return float64(s.Rows*s.Seq) + responseCost*float64(s.Responses)
}

// Fit returns the smallest shape that holds the pairs in so many slots.
func Fit(pairs []TokenPair, slots int, layout Layout) Shape {
	e := extentOf(pairs, layout)
	return Shape{Layout: layout, Slots: slots, Rows: rowsOf(pairs, slots, layout), Seq: e.seq, Responses: e.responses}
}

func rowsOf(pairs []TokenPair, slots int, layout Layout) int {
	if layout == Separate {
		for _, p := range pairs {
			if len(p.Rejected) > 0 {
				return 2 * slots
			}
		}
	}
	return slots
}

// extent is the room that pairs need: the longest row, and response tokens in all.
type extent struct{ seq, responses int }

func extentOf(pairs []TokenPair, layout Layout) extent {
	var e extent
	for _, p := range pairs {
		e = e.with(extentOfPair(p, layout))
	}
	return e
}

func (e extent) with(other extent) extent {
	return extent{max(e.seq, other.seq), e.responses + other.responses}
}

func extentOfPair(p TokenPair, layout Layout) extent {
	e := extent{seq: p.Length()}
	if layout == SharedPrompt {
		e.seq = len(p.Prompt) + len(p.Chosen) + len(p.Rejected)
	}
	for _, side := range p.sides() {
		e.responses += len(side) - firstPredicted(p)
	}
	return e
}

// firstPredicted is the place in a response of the first token that something predicts: 1 without a prompt.
func firstPredicted(p TokenPair) int {
	if len(p.Prompt) == 0 {
		return 1
	}
	return 0
}
