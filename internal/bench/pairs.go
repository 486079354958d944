package bench

import (
	"fmt"
	"math/rand/v2"

	"github.com/sparsepo/sparsepo/data"
	"github.com/sparsepo/sparsepo/internal/usage"
)

// Range of a length, in tokens, both ends included.
type Range struct{ Min, Max int }

// PairsOptions says which random pairs are made. All lengths and ids are drawn evenly.
type PairsOptions struct {
	Count            int
	Vocab            int // ids are drawn from 2 to Vocab-1
	Prompt, Response Range
	Seed             uint64
}

const firstID = 2 // 0 and 1 are padding and the end of a sequence in many vocabularies

// WritePairs writes random preference records of token ids.
func WritePairs(path string, o PairsOptions) error {
	switch {
	case o.Count < 1:
		return usage.Errorf("count: found %d, expected a positive whole number", o.Count)
	case o.Vocab <= firstID+1:
		return usage.Errorf("vocab: found %d, expected at least %d", o.Vocab, firstID+2)
	case o.Prompt.Min < 1 || o.Prompt.Max < o.Prompt.Min || o.Response.Min < 1 || o.Response.Max < o.Response.Min:
		return usage.Errorf("prompt %v, response %v: expected ranges of at least 1 token", o.Prompt, o.Response)
	}
	random := rand.New(rand.NewPCG(o.Seed, 0))
	draw := func(r Range) data.Content {
		ids := make([]int32, r.Min+random.IntN(r.Max-r.Min+1))
		for i := range ids {
			ids[i] = int32(firstID + random.IntN(o.Vocab-firstID))
		}
		return data.IDContent(ids)
	}
	return data.WriteFile(path, func(w *data.Writer) error {
		for i := range o.Count {
			rec := data.Record{Source: fmt.Sprintf("pair %d", i+1), Prompt: draw(o.Prompt), Chosen: draw(o.Response), Rejected: draw(o.Response)}
			for rec.Chosen.Equal(rec.Rejected) { // only among the shortest responses
				rec.Rejected = draw(o.Response)
			}
			if err := w.Write(rec); err != nil {
				return err
			}
		}
		return nil
	})
}
