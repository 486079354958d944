package report

import (
	"fmt"
	"html/template"
	"math"
	"strconv"
	"strings"

	"github.com/sparsepo/sparsepo/internal/bootstrap"
	"github.com/sparsepo/sparsepo/internal/frontier"
	"github.com/sparsepo/sparsepo/internal/report/chart"
	"github.com/sparsepo/sparsepo/internal/usage"
)

// place is where a point was measured.
type place struct {
	run  string
	step int
}

// loadFrontier makes the frontier's part of a run: its checkpoints, with their samples for the intervals. A samples file that
// cannot be read gives a note.
func (r *run) loadFrontier(folder string) error {
	f := frontier.Run{Name: r.Name, Method: r.Method, Beta: r.Beta, Start: r.Settings["model"] + "\x00" + r.Settings["reference"]}
	for _, c := range r.checkpoints() {
		f.Checkpoints = append(f.Checkpoints, frontier.Checkpoint{
			Step: int(c.step), Reward: c.Reward, KL: c.KL, KLSampled: r.Metrics.at(frontierKLSampled, c.step).orNaN(),
		})
	}
	if err := f.LoadSamples(folder); usage.Is(err) {
		text := strings.TrimPrefix(err.Error(), folder+"/")
		f.Notes = append(f.Notes, text+"; there are no intervals from that step on")
	} else if err != nil {
		return err
	}
	r.Frontier = f
	return nil
}

// measureFrontier finds areas and intervals of all runs that have points.
func measureFrontier(runs []*run) (*frontier.Result, error) {
	var measured []frontier.Run
	for _, r := range runs {
		if len(r.Frontier.Checkpoints) > 0 {
			measured = append(measured, r.Frontier)
		}
	}
	return frontier.Measure(measured, frontier.Options{Bootstrap: frontier.DefaultBootstrap()})
}

// byPlace finds the points of a result.
func byPlace(result *frontier.Result) map[place]*frontier.Measured {
	places := map[place]*frontier.Measured{}
	for i := range result.Points {
		p := &result.Points[i]
		places[place{p.Run, p.Step}] = p
	}
	return places
}

// pointNote stands behind the values of a point: its step, and the intervals of reward and KL.
func (p pareto) pointNote(c checkpoint) string {
	note := "step " + chartStep(c.step)
	if found := p.places[place{c.run.Name, int(c.step)}]; found != nil && found.RewardInterval != nil {
		reward, kl := found.RewardInterval, found.KLInterval
		note += fmt.Sprintf("; 95 %%: reward %s to %s, KL %s to %s",
			chart.Format(reward.Low), chart.Format(reward.High), chart.Format(kl.Low), chart.Format(kl.High))
	}
	return note
}

// areaTable has the methods' dominated areas by every estimator.
type areaTable struct {
	Against    string
	Estimators []areaEstimator
	Rows       []areaRow
	Resampling string
	Notes      []string
}

type areaEstimator struct{ Name, Definition, MaxKL string }

type areaRow struct {
	Method string
	Swatch template.HTML
	Cells  []areaCell // one an estimator
}

// areaCell is a method's area by one estimator; Known is false where that was not recorded.
type areaCell struct {
	Known, Base                             bool
	Area, Interval, Difference, Differences string
}

func (p pareto) areas() areaTable {
	t := areaTable{Notes: p.result.Notes}
	if b := p.result.Bootstrap; b.Prompts > 0 {
		t.Resampling = fmt.Sprintf("%d bootstrap resamples of %d prompts, the same ones for every point of every run", b.Resamples, b.Prompts)
	}
	for _, m := range p.methods {
		t.Rows = append(t.Rows, areaRow{Method: m, Swatch: chart.Swatch(p.scheme.hull(m), true, !p.scheme.byVariant())})
	}
	for _, f := range p.result.Frontiers {
		t.Against = f.Against
		t.Estimators = append(t.Estimators, areaEstimator{string(f.Estimator), f.Definition, chart.Format(f.MaxKL)})
		var largest float64
		for _, m := range f.Methods {
			largest = max(largest, math.Abs(m.Area))
		}
		decimals := decimalsOf(largest)
		for i := range t.Rows {
			t.Rows[i].Cells = append(t.Rows[i].Cells, newAreaCell(f.Find(t.Rows[i].Method), decimals))
		}
	}
	return t
}

func newAreaCell(m *frontier.Method, decimals int) areaCell {
	if m == nil {
		return areaCell{}
	}
	c := areaCell{Known: true, Base: m.Difference == nil, Area: fixed(m.Area, decimals, false), Interval: fixedRange(m.AreaInterval, decimals, false)}
	if !c.Base {
		c.Difference, c.Differences = fixed(*m.Difference, decimals, true), fixedRange(m.DifferenceInterval, decimals, true)
	}
	return c
}

// decimalsOf is how many decimals give a value four significant digits, at most six.
func decimalsOf(x float64) int {
	if x == 0 {
		return 3
	}
	return min(6, max(0, 3-int(math.Floor(math.Log10(x)))))
}

// fixed writes a value with so many decimals, and its sign where it is a difference.
func fixed(x float64, decimals int, difference bool) string {
	text := strings.ReplaceAll(strconv.FormatFloat(x, 'f', decimals, 64), "-", "−")
	if difference && x > 0 {
		return "+" + text
	}
	return text
}

func fixedRange(i *bootstrap.Interval, decimals int, difference bool) string {
	if i == nil {
		return "no samples"
	}
	return fixed(i.Low, decimals, difference) + " to " + fixed(i.High, decimals, difference)
}
