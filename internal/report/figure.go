package report

import (
	"fmt"
	"html/template"
	"strings"

	"github.com/sparsepo/sparsepo/internal/report/chart"
)

// figure is one <figure> of the page.
type figure struct {
	ID      string
	Title   string
	Caption string
	// Panels are charts side by side; where there is none, Missing says what was not measured.
	Panels  []panel
	Missing string
}

// panel is one chart of a figure, drawn for wide and for narrow pages where one drawing does not fit both, and on a
// linear and a logarithmic axis where both are offered.
type panel struct {
	Title string
	Views []view
}

// view is one drawing; Class chooses when the style sheet shows it.
type view struct {
	Class string
	SVG   template.HTML
}

// Scales reports whether the figure offers a choice of linear and logarithmic axes.
func (f figure) Scales() bool {
	for _, p := range f.Panels {
		for _, v := range p.Views {
			if strings.Contains(v.Class, "scale-log") {
				return true
			}
		}
	}
	return false
}

// Grid reports whether the panels stand in a grid, each with its title, and not as one chart of the whole width.
func (f figure) Grid() bool { return len(f.Panels) > 0 && f.Panels[0].Title != "" }

// The size of a panel in a grid of panels.
const (
	panelWidth  = 390
	panelHeight = 262
)

// maxPoints is how many points of a line are drawn in a report of so many runs; longer series are thinned. The fewer, the
// more runs there are, so that the page of a large sweep stays small enough to open.
func maxPoints(numRuns int) int { return min(240, max(60, 9600/numRuns)) }

// singlePanel draws one chart as a figure.
func singlePanel(id, title, caption string, c chart.Chart, missing string) figure {
	f := figure{ID: id, Title: title, Caption: caption}
	c.ID, c.Title = "chart-"+id, title
	if c.Width == 0 {
		c.Width, c.Height = panelWidth, panelHeight
	}
	if svg := c.SVG(); svg != "" {
		f.Panels = []panel{{Views: []view{{SVG: svg}}}}
		return f
	}
	f.Missing = missing
	return f
}

// overSteps collects a metric of all runs as one series a run.
func overSteps(runs []*run, s scheme, metric string) []chart.Series {
	var series []chart.Series
	for _, r := range runs {
		points := r.Metrics[metric]
		if len(points) == 0 {
			continue
		}
		series = append(series, chart.Series{
			Name: r.label(), Keys: r.keys(), Style: s.run(r), Line: true, Dots: len(points) <= 12, Points: chart.Thin(points, s.maxPoints),
		})
	}
	return series
}

// chartStep writes a step number.
func chartStep(step float64) string { return fmt.Sprintf("%.0f", step) }
