package sweep

import (
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"

	"github.com/sparsepo/sparsepo/internal/atomicfile"
	"github.com/sparsepo/sparsepo/internal/frontier"
	"github.com/sparsepo/sparsepo/internal/metrics"
)

// FrontierFile is the sweep's result beside its runs.
const FrontierFile = "frontier.json"

// Frontier is where the methods of a sweep stand between reward and KL.
type Frontier struct {
	MaxKL   float64          `json:"max_kl"` // nats; the areas reach to it: the largest KL any method's hull needs
	Methods []MethodFrontier `json:"methods"`
}

// MethodFrontier is one method's share of it.
type MethodFrontier struct {
	Method string          `json:"method"`
	Points []FrontierPoint `json:"points"`
	Hull   []FrontierPoint `json:"hull"`
	Area   float64         `json:"area"` // under the hull, reward × nats
}

// FrontierPoint is one measurement.
type FrontierPoint struct {
	Run    string  `json:"run,omitempty"`
	Step   int     `json:"step"`
	KL     float64 `json:"kl"` // mean Σ_t KL(pi ‖ pi_ref), nats
	Reward float64 `json:"reward"`
}

// Gather reads the frontier measured during the runs of a grid.
func Gather(axes []Axis, out string) (*Frontier, error) {
	points, err := Points(axes)
	if err != nil {
		return nil, err
	}
	f := &Frontier{}
	index := map[string]int{}
	for _, p := range points {
		records, err := metrics.Read(filepath.Join(out, p.Name, "metrics.jsonl"))
		if err != nil {
			return nil, err
		}
		method := p.Values["method"]
		if _, ok := index[method]; !ok {
			index[method] = len(f.Methods)
			f.Methods = append(f.Methods, MethodFrontier{Method: method})
		}
		m := &f.Methods[index[method]]
		for _, r := range records {
			kl, ok := r["eval_frontier/kl"]
			if reward := r["eval_frontier/reward"]; ok && !math.IsNaN(kl) && !math.IsNaN(reward) {
				m.Points = append(m.Points, FrontierPoint{Run: p.Name, Step: r.Step(), KL: kl, Reward: reward})
			}
		}
	}
	f.addHulls()
	return f, nil
}

func (f *Frontier) addHulls() {
	lists := make([][]frontier.Point, len(f.Methods))
	for i := range f.Methods {
		m := &f.Methods[i]
		for _, p := range m.Points {
			lists[i] = append(lists[i], frontier.Point{KL: p.KL, Reward: p.Reward})
		}
		for _, corner := range frontier.Hull(lists[i]) {
			for _, p := range m.Points {
				if p.KL == corner.KL && p.Reward == corner.Reward {
					m.Hull = append(m.Hull, p)
					break
				}
			}
			f.MaxKL = max(f.MaxKL, corner.KL)
		}
	}
	for i := range f.Methods {
		f.Methods[i].Area = frontier.Area(lists[i], f.MaxKL)
	}
}

// Write writes the frontier to OUT/frontier.json.
func (f *Frontier) Write(out string) error {
	text, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return fmt.Errorf("encode frontier: %w", err)
	}
	return atomicfile.WriteFile(filepath.Join(out, FrontierFile), append(text, '\n'))
}
