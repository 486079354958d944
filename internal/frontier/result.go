package frontier

import (
	"slices"

	"github.com/sparsepo/sparsepo/internal/bootstrap"
)

// Result is where the methods of some runs stand between reward and KL.
type Result struct {
	Bootstrap Resampling  `json:"bootstrap"`
	Points    []Measured  `json:"points"` // run by run, by step
	Frontiers []*Frontier `json:"frontiers"`
	Notes     []string    `json:"notes,omitempty"` // what is missing, and what that does to the numbers
}

// Resampling says how the intervals were made.
type Resampling struct {
	Prompts   int     `json:"prompts"` // that were drawn from, and drawn, in each resample
	Resamples int     `json:"resamples"`
	Level     float64 `json:"level"`
	Seed      uint64  `json:"seed"`
}

// Measured is a point with its intervals, which are nil where the samples are not known.
type Measured struct {
	Run       string   `json:"run"`
	Method    string   `json:"method"`
	Beta      string   `json:"beta,omitempty"`
	Step      int      `json:"step"`
	Reward    float64  `json:"reward"`
	KL        float64  `json:"kl"`
	KLSampled *float64 `json:"kl_sampled"` // nil where it was not recorded
	Samples   int      `json:"samples"`

	RewardInterval    *bootstrap.Interval `json:"reward_interval,omitempty"`
	KLInterval        *bootstrap.Interval `json:"kl_interval,omitempty"`
	KLSampledInterval *bootstrap.Interval `json:"kl_sampled_interval,omitempty"`
}

// Frontier holds the methods' hulls and areas by one estimator of KL.
type Frontier struct {
	Estimator  Estimator `json:"estimator"`
	Definition string    `json:"definition"`
	// MaxKL is where all areas end, in nats: the largest KL of any vertex of a hull, unless it was given.
	MaxKL   float64  `json:"max_kl"`
	Against string   `json:"against"` // the method that differences are from
	Methods []Method `json:"methods"`
}

// Method is a method's part of a Frontier.
type Method struct {
	Method string   `json:"method"`
	Points int      `json:"points"`
	Hull   []Vertex `json:"hull"` // by rising KL; the last has the highest reward
	Area   float64  `json:"area"` // Area of the points up to MaxKL, reward × nats
	// AreaInterval is nil where a point of the method has no samples.
	AreaInterval *bootstrap.Interval `json:"area_interval"`
	// Difference is the area less that of the method Against; nil for that one.
	Difference         *float64            `json:"difference"`
	DifferenceInterval *bootstrap.Interval `json:"difference_interval"`
}

// Vertex is a point on a hull.
type Vertex struct {
	Run    string  `json:"run"`
	Step   int     `json:"step"`
	KL     float64 `json:"kl"`
	Reward float64 `json:"reward"`
}

// Find returns a method's part, or nil.
func (f *Frontier) Find(method string) *Method {
	for i := range f.Methods {
		if f.Methods[i].Method == method {
			return &f.Methods[i]
		}
	}
	return nil
}

// vertices finds the points that a hull is made of; of equal points the first.
func vertices(points []point, hull []Point, e Estimator) []Vertex {
	list := make([]Vertex, len(hull))
	for i, corner := range hull {
		at := slices.IndexFunc(points, func(p point) bool { return p.Reward == corner.Reward && p.kl(e) == corner.KL })
		list[i] = Vertex{Run: points[at].run.Name, Step: points[at].Step, KL: corner.KL, Reward: corner.Reward}
	}
	return list
}

// reach is the largest KL of any hull's vertex.
func (f *Frontier) reach() float64 {
	var reach float64
	for _, m := range f.Methods {
		if len(m.Hull) > 0 {
			reach = max(reach, m.Hull[len(m.Hull)-1].KL)
		}
	}
	return reach
}

// choose returns the method that differences are from where none was named: DPO, or else the first.
func choose(methods []string, named string) string {
	if named == "" && slices.Contains(methods, "dpo") {
		return "dpo"
	}
	if named == "" && len(methods) > 0 {
		return methods[0]
	}
	return named
}
