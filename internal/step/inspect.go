package step

import (
	"math"

	"github.com/sparsepo/sparsepo/data"
	"github.com/sparsepo/sparsepo/internal/inspection"
	"github.com/sparsepo/sparsepo/loss"
)

// inspectSlots is how many pairs are evaluated at once.
const inspectSlots = 8

// Inspect evaluates pairs and returns the values of every response token that is learned. Masks are 1 for an objective without any; rewards
// are missing where the objective has none and there is no reference to compare with. text gives the text of a token; noise
// is what a random mask is drawn from.
func (p *Program) Inspect(pairs []data.TokenPair, text func(id int32) string, noise func() float32) (inspection.Inspect, error) {
	out := inspection.Inspect{Method: p.settings.Objective.Name, Beta: inspection.Number(p.settings.Options.Beta)}
	slots := min(inspectSlots, len(pairs))
	shape := largestShape(pairs, slots)
	sum := 0.0
	for first := 0; first < len(pairs); first += slots {
		some := pairs[first:min(first+slots, len(pairs))]
		b, err := data.Collate(some, shape)
		if err != nil {
			return inspection.Inspect{}, err
		}
		v, err := p.Evaluate(&b, noise)
		if err != nil {
			return inspection.Inspect{}, err
		}
		for slot, pair := range some {
			missing := inspection.Number(math.NaN())
			inspected := inspection.Pair{
				Loss: inspection.Number(v.Loss[slot]), RewardChosen: missing, RewardRejected: missing,
				Chosen:   p.side(&b, v, pair.Learned(), slot, text),
				Rejected: p.side(&b, v, pair.Rejected, b.Pairs+slot, text),
			}
			if v.Chosen != nil {
				inspected.RewardChosen, inspected.RewardRejected = inspection.Number(v.Chosen[slot]), inspection.Number(v.Rejected[slot])
			}
			sum += float64(v.Loss[slot])
			out.Pairs = append(out.Pairs, inspected)
		}
	}
	out.Loss = inspection.Number(sum / float64(len(pairs)))
	return out, nil
}

// largestShape holds any batch of so many consecutive pairs.
func largestShape(pairs []data.TokenPair, slots int) data.Shape {
	var largest data.Shape
	for first := 0; first < len(pairs); first += slots {
		s := data.Fit(pairs[first:min(first+slots, len(pairs))], slots, data.SharedPrompt)
		if largest.Slots == 0 {
			largest = s
			continue
		}
		largest.Rows, largest.Seq, largest.Responses = max(largest.Rows, s.Rows), max(largest.Seq, s.Seq), max(largest.Responses, s.Responses)
	}
	return largest
}

// side collects one response's values.
func (p *Program) side(b *data.Batch, v Values, ids []int32, owner int, text func(id int32) string) inspection.Side {
	s := inspection.Side{IDs: ids, Tokens: make([]string, len(ids))}
	for i, id := range ids {
		s.Tokens[i] = text(id)
	}
	pick := func(x []float32) inspection.Values {
		if x == nil {
			return nil
		}
		list := make(inspection.Values, 0, len(ids))
		for i, o := range b.Owner {
			if o == int64(owner) {
				list = append(list, float64(x[i]))
			}
		}
		return list
	}
	s.LogpPolicy, s.LogpRef = pick(v.LogProb), pick(v.Reference)
	s.KLForward, s.KLReverse = pick(v.ForwardKL), pick(v.ReverseKL)
	if s.LogpRef != nil {
		s.LogRatio = make(inspection.Values, len(s.LogpPolicy))
		for i := range s.LogRatio {
			s.LogRatio[i] = s.LogpPolicy[i] - s.LogpRef[i]
		}
	}
	s.MaskReward, s.MaskKL = pick(v.RewardMask), pick(v.KLMask)
	if p.settings.Objective.Mask == loss.NoMask {
		s.MaskReward, s.MaskKL = ones(len(ids)), ones(len(ids))
	}
	return s
}

func ones(n int) inspection.Values {
	list := make(inspection.Values, n)
	for i := range list {
		list[i] = 1
	}
	return list
}
