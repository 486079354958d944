package report

import (
	"fmt"
	"html/template"
	"math"

	"github.com/sparsepo/sparsepo/internal/frontier"
	"github.com/sparsepo/sparsepo/internal/report/chart"
)

// hullTable compares the methods at a few KL budgets.
type hullTable struct {
	Budgets []string
	Rows    []hullRow
}

type hullRow struct {
	Method   string
	Swatch   template.HTML
	Points   int
	Best     string // highest reward
	BestAt   string // where it was reached
	AtBudget []string
}

func (p pareto) table() hullTable {
	var t hullTable
	limit := p.sharedKL()
	for _, m := range p.methods {
		best := p.best(m)
		t.Rows = append(t.Rows, hullRow{
			Method: m, Swatch: chart.Swatch(p.scheme.hull(m), true, !p.scheme.byVariant()), Points: len(p.points[m]),
			BestAt: fmt.Sprintf("KL %s, %s", chart.Format(best.KL), best.place()),
		})
	}
	best := p.column(func(m string) float64 { return p.best(m).Reward })
	for i := range t.Rows {
		t.Rows[i].Best = best[i]
	}
	for _, budget := range chart.LogTicks(limit/25, limit, 6) {
		t.Budgets = append(t.Budgets, chart.Format(budget))
		for i, text := range p.column(func(m string) float64 { return frontier.At(p.hulls[m], budget) }) {
			t.Rows[i].AtBudget = append(t.Rows[i].AtBudget, text)
		}
	}
	return t
}

// column writes one value of each method, a dash for NaN.
func (p pareto) column(value func(method string) float64) []string {
	values := make([]measured, len(p.methods))
	for i, m := range p.methods {
		x := value(m)
		values[i] = measured{X: x, Known: !math.IsNaN(x)}
	}
	texts := columnTexts(values)
	for i, v := range values {
		if !v.Known {
			texts[i] = "–"
		}
	}
	return texts
}

// sharedKL is the largest KL that every method with more than the untouched model reached, so that no hull is prolonged
// when they are compared.
func (p pareto) sharedKL() float64 {
	shared := math.Inf(1)
	for _, m := range p.methods {
		var largest float64
		for _, c := range p.points[m] {
			largest = max(largest, c.KL)
		}
		if largest > 0 && len(p.points[m]) > 1 {
			shared = min(shared, largest)
		}
	}
	if math.IsInf(shared, 1) {
		return 0
	}
	return shared
}
