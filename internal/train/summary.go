package train

import (
	"math"

	"github.com/sparsepo/sparsepo/data"
	"github.com/sparsepo/sparsepo/internal/step"
)

// summary gathers means of metrics over batches. Its fields are exported for the checkpoint's JSON.
type summary struct {
	Sums   map[string]float64 `json:"sums"`
	Counts map[string]float64 `json:"counts"`
}

func newSummary() *summary {
	return &summary{Sums: map[string]float64{}, Counts: map[string]float64{}}
}

func (s *summary) add(name string, sum, count float64) {
	s.Sums[name] += sum
	s.Counts[name] += count
}

// means returns every metric that was counted, its name behind prefix.
func (s *summary) means(prefix string) map[string]float64 {
	out := make(map[string]float64, len(s.Sums))
	for name, sum := range s.Sums {
		if s.Counts[name] > 0 {
			out[prefix+name] = sum / s.Counts[name]
		}
	}
	return out
}

// addBatch counts a batch's real pairs and tokens.
func (s *summary) addBatch(b *data.Batch, v step.Values) {
	pairs := len(b.Index)
	total := func(x []float32) float64 {
		sum := 0.0
		for _, y := range x[:pairs] {
			sum += float64(y)
		}
		return sum
	}
	s.add("loss", total(v.Loss), float64(pairs))
	chosen, rejected := newSide(b, 0), newSide(b, b.Pairs)
	paired := len(rejected.tokens) > 0
	if v.Chosen != nil && paired {
		s.add("rewards/chosen", total(v.Chosen), float64(pairs))
		s.add("rewards/rejected", total(v.Rejected), float64(pairs))
		s.add("rewards/margins", total(v.Chosen)-total(v.Rejected), float64(pairs))
		right := 0.0
		for i := range pairs {
			if v.Chosen[i] > v.Rejected[i] {
				right++
			}
		}
		s.add("rewards/accuracies", right, float64(pairs))
	}
	for name, side := range map[string]side{"chosen": chosen, "rejected": rejected} {
		if len(side.tokens) == 0 {
			continue
		}
		s.add("logps/"+name, side.sum(v.LogProb), float64(pairs))
		if v.ForwardKL != nil {
			s.add("kl/"+name, side.sum(v.ForwardKL), float64(pairs))
			s.add("token_kl/"+name, side.sum(v.ForwardKL), float64(len(side.tokens)))
		}
		if v.RewardMask != nil {
			s.addMask("mask/reward", name, side, v.RewardMask)
			s.addMask("mask/kl", name, side, v.KLMask)
		}
	}
}

func (s *summary) addMask(mask, name string, side side, values []float32) {
	zeros := 0.0
	for _, i := range side.tokens {
		if values[i] == 0 {
			zeros++
		}
	}
	s.add(mask+"_sparsity_"+name, zeros, float64(len(side.tokens)))
	s.add(mask+"_mean_"+name, side.sum(values), float64(len(side.tokens)))
}

// side lists the places of one side's tokens in a batch's flat arrays.
type side struct{ tokens []int }

func newSide(b *data.Batch, firstOwner int) side {
	var s side
	for i, owner := range b.Owner {
		if owner >= int64(firstOwner) && owner < int64(firstOwner+len(b.Index)) {
			s.tokens = append(s.tokens, i)
		}
	}
	return s
}

func (s side) sum(x []float32) float64 {
	sum := 0.0
	for _, i := range s.tokens {
		sum += float64(x[i])
	}
	return sum
}

// deadMask reports whether a learned or activation mask is zero at every response token of a batch.
func deadMask(b *data.Batch, v step.Values) bool {
	if v.RewardMask == nil {
		return false
	}
	for i, owner := range b.Owner {
		if owner < int64(2*b.Pairs) && (v.RewardMask[i] != 0 || v.KLMask[i] != 0) {
			return false
		}
	}
	return true
}

// notFinite lists the real pairs whose loss is not a number.
func notFinite(b *data.Batch, v step.Values) []int {
	var bad []int
	for slot, index := range b.Index {
		if x := float64(v.Loss[slot]); math.IsNaN(x) || math.IsInf(x, 0) {
			bad = append(bad, index)
		}
	}
	return bad
}
