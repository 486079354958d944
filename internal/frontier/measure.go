package frontier

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/sparsepo/sparsepo/internal/bootstrap"
	"github.com/sparsepo/sparsepo/internal/usage"
)

// Options of Measure.
type Options struct {
	MaxKL     float64 // nats, where areas end; 0 lets them end at the largest KL of any hull's vertex
	Against   string  // the method that differences are from; "" is DPO, or the first where it is not there
	Bootstrap bootstrap.Options
}

// DefaultBootstrap is how intervals are made where nothing else is said: often enough for two digits of their ends.
func DefaultBootstrap() bootstrap.Options {
	return bootstrap.Options{Resamples: 2000, Level: 0.95, Seed: 42}
}

// point is a checkpoint with the run it belongs to.
type point struct {
	*Checkpoint
	run   *Run
	index int // in Result.Points
}

// measurement is the work of Measure.
type measurement struct {
	Options
	result  Result
	points  []point
	methods []string           // by first appearance
	members map[string][]point // of each method: its own, and an untouched model's
	draws   []draws            // by point; empty where there are no samples
}

// Measure finds every method's hull and dominated area, by both estimators of KL, with intervals by a bootstrap over prompts:
// each resample draws prompts with replacement, the same ones for every point of every run, and hulls and areas are
// made anew of the means over them. Runs whose method or untouched model is shared come together; a method without a point at
// step 0 takes that of another run which began with the same model. A method that is named and not there is a usage error.
func Measure(runs []Run, o Options) (*Result, error) {
	m := &measurement{Options: o, members: map[string][]point{}}
	m.collect(runs)
	if o.Against != "" && !slices.Contains(m.methods, o.Against) {
		return nil, usage.Errorf("--against: no run of the method %q has a measured point; known: %s", o.Against, strings.Join(m.methods, ", "))
	}
	m.Against = choose(m.methods, o.Against)
	m.result.Bootstrap = Resampling{Resamples: o.Bootstrap.Resamples, Level: o.Bootstrap.Level, Seed: o.Bootstrap.Seed}
	m.shareUntouched()
	m.drawPoints()
	for _, e := range Estimators {
		if f := m.frontier(e); len(f.Methods) > 0 {
			m.result.Frontiers = append(m.result.Frontiers, f)
		}
	}
	return &m.result, nil
}

// collect lists the points of all runs.
func (m *measurement) collect(runs []Run) {
	for i := range runs {
		r := &runs[i]
		for _, note := range r.Notes {
			m.note("%s: %s", r.Name, note)
		}
		if len(r.Checkpoints) == 0 {
			m.note("%s: no frontier records (%sreward, %s%s) in %s; train with frontier.every", r.Name, MetricPrefix, MetricPrefix, Exact, metricsFile)
			continue
		}
		if !slices.Contains(m.methods, r.Method) {
			m.methods = append(m.methods, r.Method)
		}
		for k := range r.Checkpoints {
			c := &r.Checkpoints[k]
			p := point{c, r, len(m.points)}
			m.points = append(m.points, p)
			m.members[r.Method] = append(m.members[r.Method], p)
			measured := Measured{Run: r.Name, Method: r.Method, Beta: r.Beta, Step: c.Step, Reward: c.Reward, KL: c.KL, Samples: len(c.Samples)}
			if !math.IsNaN(c.KLSampled) {
				measured.KLSampled = &c.KLSampled
			}
			m.result.Points = append(m.result.Points, measured)
		}
	}
}

func (m *measurement) note(format string, args ...any) {
	m.result.Notes = append(m.result.Notes, fmt.Sprintf(format, args...))
}

// shareUntouched gives methods without a point at step 0 the untouched model of another method's run.
func (m *measurement) shareUntouched() {
	for _, method := range m.methods {
		own := m.members[method]
		if slices.ContainsFunc(own, untouched) {
			continue
		}
		i := slices.IndexFunc(m.points, func(p point) bool { return untouched(p) && p.run.Start == own[0].run.Start })
		if i < 0 {
			m.note("%s: the untouched model (step 0) was not measured; its area counts nothing below its least KL", method)
			continue
		}
		m.note("%s: the untouched model (step 0) is that of %s", method, m.points[i].run.Name)
		m.members[method] = append([]point{m.points[i]}, own...)
	}
}

func untouched(p point) bool { return p.Step == 0 }

// frontier measures the methods by an estimator.
func (m *measurement) frontier(e Estimator) *Frontier {
	f := &Frontier{Estimator: e, Definition: e.Definition(), MaxKL: m.MaxKL, Against: m.Against}
	for _, method := range m.methods {
		points := m.by(method, e)
		if len(points) == 0 {
			m.note("%s: %s%s was not recorded", method, MetricPrefix, e)
			continue
		}
		hull := Hull(plain(points, e))
		f.Methods = append(f.Methods, Method{Method: method, Points: len(points), Hull: vertices(points, hull, e)})
	}
	if f.MaxKL == 0 {
		f.MaxKL = f.reach()
	}
	for i := range f.Methods {
		f.Methods[i].Area = Area(plain(m.by(f.Methods[i].Method, e), e), f.MaxKL)
	}
	m.addIntervals(f)
	return f
}

// by returns a method's points that have a KL by an estimator.
func (m *measurement) by(method string, e Estimator) []point {
	var points []point
	for _, p := range m.members[method] {
		if !math.IsNaN(p.kl(e)) {
			points = append(points, p)
		}
	}
	return points
}

func plain(points []point, e Estimator) []Point {
	list := make([]Point, len(points))
	for i, p := range points {
		list[i] = Point{KL: p.kl(e), Reward: p.Reward}
	}
	return list
}
