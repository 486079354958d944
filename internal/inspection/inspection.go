// Package inspection is the file format of `sparsepo inspect --json`: per-token values of preference pairs under a policy
// and its reference. It holds data only; what computes the values and what draws them import it.
package inspection

import (
	"encoding/json"
	"math"
)

// Inspect is the whole of an inspection.
type Inspect struct {
	// Method is the objective's name, such as "sparse-common".
	Method string `json:"method"`
	Beta   Number `json:"beta"`
	// Loss is the mean of the pairs' losses.
	Loss  Number `json:"loss"`
	Pairs []Pair `json:"pairs"`
}

// Pair is one preference pair. The rewards are those that the loss compares.
type Pair struct {
	Loss           Number `json:"loss"`
	RewardChosen   Number `json:"reward_chosen"`
	RewardRejected Number `json:"reward_rejected"`
	Chosen         Side   `json:"chosen"`
	Rejected       Side   `json:"rejected"`
}

// Side is one response; every list has one entry a response token. IDs is always there. The others are empty where the
// method has no such value: no reference, or no masks.
type Side struct {
	IDs        []int32  `json:"ids"`
	Tokens     []string `json:"tokens"`      // text of each token
	LogpPolicy Values   `json:"logp_policy"` // log pi(y_t), nats
	LogpRef    Values   `json:"logp_ref"`    // log pi_ref(y_t), nats
	LogRatio   Values   `json:"logratio"`    // log pi(y_t) - log pi_ref(y_t), nats
	KLForward  Values   `json:"kl_forward"`  // KL(pi_ref ‖ pi) at the predicting position, nats
	KLReverse  Values   `json:"kl_reverse"`  // KL(pi ‖ pi_ref) at the predicting position, nats
	MaskReward Values   `json:"mask_reward"` // m_u
	MaskKL     Values   `json:"mask_kl"`     // m_d
}

// Len returns the number of response tokens.
func (s Side) Len() int { return len(s.IDs) }

// Number is a number that may be missing: JSON has no NaN and no infinity, so a value that is not finite is written as
// null, and null is read as NaN.
type Number float64

// MarshalJSON writes null for a value that is not finite.
func (n Number) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(n)) || math.IsInf(float64(n), 0) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}

// UnmarshalJSON reads null as NaN.
func (n *Number) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		*n = Number(math.NaN())
		return nil
	}
	return json.Unmarshal(text, (*float64)(n))
}

// Values is a list of numbers with the same rule for values that are not finite. An empty list is written as [].
type Values []float64

// MarshalJSON writes null for each value that is not finite.
func (v Values) MarshalJSON() ([]byte, error) {
	numbers := make([]Number, len(v))
	for i, x := range v {
		numbers[i] = Number(x)
	}
	return json.Marshal(numbers)
}

// UnmarshalJSON reads each null as NaN, and null in place of the list as the empty list.
func (v *Values) UnmarshalJSON(text []byte) error {
	var numbers []Number
	if err := json.Unmarshal(text, &numbers); err != nil {
		return err
	}
	*v = make(Values, len(numbers))
	for i, x := range numbers {
		(*v)[i] = float64(x)
	}
	return nil
}
