package report

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/sparsepo/sparsepo/internal/frontier"
	"github.com/sparsepo/sparsepo/internal/report/chart"
)

// checkpoint is one measured point of a run's frontier.
type checkpoint struct {
	run  *run
	step float64
	frontier.Point
}

// checkpoints returns the frontier records of a run that have both numbers.
func (r *run) checkpoints() []checkpoint {
	var points []checkpoint
	for _, p := range r.Metrics[frontierReward] {
		kl := r.Metrics.at(frontierKL, p.X)
		if kl.Known && !math.IsNaN(kl.X+p.Y) {
			points = append(points, checkpoint{r, p.X, frontier.Point{KL: kl.X, Reward: p.Y}})
		}
	}
	return points
}

// baseline is the untouched model: the frontier records at step 0.
type baseline struct {
	rewards []float64
}

func newBaseline(runs []*run) baseline {
	var b baseline
	for _, r := range runs {
		if zero := r.Metrics.at(frontierReward, 0); zero.Known && !math.IsNaN(zero.X) {
			b.rewards = append(b.rewards, zero.X)
		}
	}
	return b
}

func (b baseline) known() bool { return len(b.rewards) > 0 }

func (b baseline) mean() float64 {
	var sum float64
	for _, x := range b.rewards {
		sum += x
	}
	return sum / float64(len(b.rewards))
}

func (b baseline) rules() []chart.Rule {
	if !b.known() {
		return nil
	}
	return []chart.Rule{{Y: b.mean(), Label: "untouched model " + chart.Format(b.mean())}}
}

// pareto is the frontier of all runs: their points by method, and the hull of each method.
type pareto struct {
	scheme  scheme
	base    baseline
	result  *frontier.Result
	places  map[place]*frontier.Measured
	methods []string
	points  map[string][]checkpoint
	hulls   map[string][]frontier.Point
}

func newPareto(runs []*run, s scheme, base baseline, result *frontier.Result) pareto {
	p := pareto{scheme: s, base: base, result: result, places: byPlace(result), points: map[string][]checkpoint{}, hulls: map[string][]frontier.Point{}}
	for _, r := range runs {
		p.points[r.Method] = append(p.points[r.Method], r.checkpoints()...)
	}
	for _, m := range s.methods {
		if len(p.points[m]) > 0 {
			p.methods = append(p.methods, m)
			p.hulls[m] = frontier.Hull(plain(p.points[m]))
		}
	}
	return p
}

func plain(points []checkpoint) []frontier.Point {
	all := make([]frontier.Point, len(points))
	for i, c := range points {
		all[i] = c.Point
	}
	return all
}

// hullSteps is how many pieces each edge of a hull has on a logarithmic axis, where it is curved.
const hullSteps = 24

// hullLine returns the points to draw a hull through: its vertices, and on a logarithmic axis points of its edges from
// the KL above on. An above of 0 or less stands for a linear axis.
func hullLine(hull []frontier.Point, above float64) []chart.Point {
	var line []chart.Point
	for i, v := range hull {
		if i > 0 && above > 0 {
			from := max(hull[i-1].KL, above)
			for k := range hullSteps {
				if kl := from * math.Pow(v.KL/from, float64(k)/hullSteps); kl > hull[i-1].KL && kl < v.KL {
					line = append(line, chart.Point{X: kl, Y: frontier.At(hull, kl)})
				}
			}
		}
		line = append(line, chart.Point{X: v.KL, Y: v.Reward})
	}
	return line
}

// series are the hulls below the points; above is that of hullLine.
func (p pareto) series(above float64) []chart.Series {
	var hulls, clouds []chart.Series
	for _, m := range p.methods {
		hull := chart.Series{Name: m + ", upper hull", Keys: []string{methodKey(m)}, Style: p.scheme.hull(m), Hull: true}
		hull.Points = hullLine(p.hulls[m], above)
		hulls = append(hulls, hull)
		byRun := map[*run]int{}
		for _, c := range p.points[m] {
			i, known := byRun[c.run]
			if !known {
				i = len(clouds)
				byRun[c.run] = i
				style := p.scheme.run(c.run)
				clouds = append(clouds, chart.Series{Name: c.run.label(), Keys: c.run.keys(), Style: style, Dots: true, Faint: true})
			}
			clouds[i].Points = append(clouds[i].Points, chart.Point{X: c.KL, Y: c.Reward, Note: p.pointNote(c)})
		}
	}
	return append(hulls, clouds...)
}

// divergences are the KL values of all points, sorted.
func (p pareto) divergences() []float64 {
	var values []float64
	for _, m := range p.methods {
		for _, c := range p.points[m] {
			values = append(values, c.KL)
		}
	}
	slices.Sort(values)
	return values
}

func positive(sorted []float64) []float64 {
	i, _ := slices.BinarySearch(sorted, math.SmallestNonzeroFloat64)
	return sorted[i:]
}

// figure draws the frontier. Where the positive KL values span more than a factor of 20, a logarithmic axis is offered.
func (p pareto) figure() figure {
	f := figure{ID: "frontier", Title: "Mean reward against response-level KL"}
	if len(p.methods) == 0 {
		f.Missing = "Not measured: no run has frontier records (eval_frontier/reward and eval_frontier/kl in metrics.jsonl)."
		return f
	}
	values := p.divergences()
	above := positive(values)
	offerLog := len(above) >= 3 && above[len(above)-1] > 20*above[0]
	f.Caption = "Each marker is one checkpoint of one run: the mean reward of one sampled response a prompt, against the mean " +
		"divergence by the estimator kl, " + frontier.Exact.Definition() + ". Lines are the upper hull of all runs of a method. " +
		"Up and to the left is better."
	if hidden := len(values) - len(above); offerLog && hidden > 0 {
		f.Caption += fmt.Sprintf(" The logarithmic axis leaves out %s with a KL of 0 or less.", count(hidden, "point", "points"))
	}
	drawing := panel{Views: p.views("scale-linear", false)}
	if offerLog {
		drawing.Views = append(drawing.Views, p.views("scale-log", true)...)
	}
	f.Panels = []panel{drawing}
	return f
}

// views draws the frontier for wide and narrow pages.
func (p pareto) views(class string, log bool) []view {
	var above float64
	if log {
		above = positive(p.divergences())[0]
	}
	c := chart.Chart{
		Title:  "Mean reward against response-level KL",
		Desc:   "Methods: " + strings.Join(p.methods, ", ") + ".",
		X:      chart.Axis{Label: "mean KL(policy ‖ reference) a response (nats)", Log: log},
		Y:      chart.Axis{Label: "mean reward"},
		Series: p.series(above), Rules: p.base.rules(),
	}
	c.ID, c.Width, c.Height = "chart-frontier-wide-"+class, 1000, 500
	wide := view{Class: "wide " + class, SVG: c.SVG()}
	c.ID, c.Width, c.Height = "chart-frontier-narrow-"+class, panelWidth, 380
	return []view{wide, {Class: "narrow " + class, SVG: c.SVG()}}
}

// best is a method's point of highest reward, the one of least KL among equals.
func (p pareto) best(method string) checkpoint {
	return slices.MaxFunc(p.points[method], func(a, b checkpoint) int {
		switch {
		case a.Reward != b.Reward:
			return sign(a.Reward - b.Reward)
		}
		return sign(b.KL - a.KL)
	})
}

func sign(x float64) int {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return 0
}

// place says at which setting and step a checkpoint was measured.
func (c checkpoint) place() string {
	place := "step " + chartStep(c.step)
	if c.run.Variant != "" {
		place = c.run.Variant + ", " + place
	}
	return place
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
