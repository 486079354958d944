package data

import (
	"fmt"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// Layout says how the two responses of a pair stand in the rows of a batch.
type Layout int

// The layouts.
const (
	// SharedPrompt puts a pair in one row, beside other pairs or alone: prompt, chosen, rejected. Positions of both responses
	// continue after the prompt, which is computed once.
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
//
// In the layout SharedPrompt a row holds as many whole pairs as fit in it, so Rows may be less than Slots.
type Shape struct {
	Layout    Layout
	Slots     int // pairs, padding included
	Rows      int
	Seq       int // cells of a row
	Responses int
}

// String gives "shared-prompt, 4 pairs: 2x192, 120 response tokens".
func (s Shape) String() string {
	return fmt.Sprintf("%v, %d pairs: %dx%d, %d response tokens", s.Layout, s.Slots, s.Rows, s.Seq, s.Responses)
}

// Holds reports whether [Collate] can lay the pairs out in the shape.
func (s Shape) Holds(pairs []TokenPair) bool {
	return len(pairs) <= s.Slots && s.holds(demandOf(lengthsOfPairs(pairs), s.Layout))
}

func (s Shape) holds(d demand) bool { return d.responses <= s.Responses && s.packs(d) }

// packs reports whether the rows hold the pairs.
func (s Shape) packs(d demand) bool {
	if s.Layout == Separate {
		return d.longest() <= s.Seq && d.sides*s.Slots <= s.Rows
	}
	return d.packs(s.Rows, s.Seq)
}

// Fit returns the smallest shape of one row a pair that holds the pairs in so many slots; in the layout Separate, of one row
// a response.
func Fit(pairs []TokenPair, slots int, layout Layout) Shape {
	d := demandOf(lengthsOfPairs(pairs), layout)
	s := Shape{Layout: layout, Slots: slots, Rows: slots, Seq: d.longest(), Responses: d.responses}
	if layout == Separate {
		s.Rows = d.sides * slots
	}
	return s
}

// shapeStep is what sizes of shapes are rounded up to a multiple of. Ours: the width of a vector of float32 in AVX2.
const shapeStep = 8

func roundUp(n int) int { return (n + shapeStep - 1) / shapeStep * shapeStep }
