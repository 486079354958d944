package chart

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestThin(t *testing.T) {
	nan := math.NaN()
	tests := []struct {
		name   string
		points []Point
		limit  int
		want   []Point
	}{
		{"short enough", []Point{{X: 1, Y: 2}, {X: 2, Y: 3}}, 2, []Point{{X: 1, Y: 2}, {X: 2, Y: 3}}},
		{"means of halves", []Point{{X: 0, Y: 1}, {X: 1, Y: 3}, {X: 3, Y: 5}, {X: 4, Y: 9}}, 2, []Point{{X: 0.5, Y: 2}, {X: 3.5, Y: 7}}},
		{"NaN is left out of a mean", []Point{{X: 0, Y: 1}, {X: 1, Y: nan}, {X: 3, Y: nan}, {X: 4, Y: nan}}, 2, []Point{{X: 0.5, Y: 1}, {X: 3.5, Y: nan}}},
		{"a range without points gives none", []Point{{X: 0, Y: 1}, {X: 1, Y: 1}, {X: 10, Y: 2}, {X: 10, Y: 2}}, 3, []Point{{X: 0.5, Y: 1}, {X: 10, Y: 2}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, Thin(test.points, test.limit), cmpopts.EquateNaNs()); diff != "" {
				t.Errorf("Thin (-want +got):\n%s", diff)
			}
		})
	}
}

// parse reads SVG as XML, so that an attribute or text that is not escaped fails the test, and counts the elements.
func parse(t *testing.T, svg string) map[string]int {
	t.Helper()
	decoder := xml.NewDecoder(strings.NewReader(svg))
	counts := map[string]int{}
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return counts
		}
		if err != nil {
			t.Fatalf("not well-formed: %v\n%s", err, svg)
		}
		if start, ok := token.(xml.StartElement); ok {
			counts[start.Name.Local]++
			for _, attribute := range start.Attr {
				if strings.Contains(attribute.Value, "NaN") || strings.Contains(attribute.Value, "Inf") {
					t.Errorf("<%s %s=%q> is not finite", start.Name.Local, attribute.Name.Local, attribute.Value)
				}
			}
		}
	}
}

func drawing(series ...Series) Chart {
	return Chart{ID: "c", Title: "A & B", Width: 400, Height: 300, X: Axis{Label: "x <nats>"}, Y: Axis{Label: "y"}, Series: series}
}

func TestSVGPlacesPoints(t *testing.T) {
	c := drawing(Series{Name: "s", Line: true, Points: []Point{{X: 0, Y: 0}, {X: 5, Y: 5}, {X: 10, Y: 10}}})
	svg := string(c.SVG())
	parse(t, svg)
	p := c.layout()
	// The axes end at the data, and the middle of the data is the middle of the plot.
	middle := coordinate((p.left+p.right)/2) + " " + coordinate((p.top+p.bottom)/2)
	want := `d="M` + coordinate(p.left) + " " + coordinate(p.bottom) + "L" + middle + "L" + coordinate(p.right) + " " + coordinate(p.top) + `"`
	if !strings.Contains(svg, want) {
		t.Errorf("no line %s in\n%s", want, svg)
	}
	c.X.Log = true
	c.Series[0].Points = []Point{{X: 1, Y: 0}, {X: 10, Y: 5}, {X: 100, Y: 10}}
	p = c.layout()
	if got, want := p.x(10), (p.left+p.right)/2; math.Abs(got-want) > 1e-9 {
		t.Errorf("10 between 1 and 100 on a logarithmic axis: at %g, want the middle %g", got, want)
	}
}

func TestSVG(t *testing.T) {
	nan := math.NaN()
	tests := []struct {
		name   string
		chart  Chart
		counts map[string]int // of some elements
		has    []string
	}{
		{
			"a gap parts the line, and a lone point gets a dot",
			drawing(Series{Name: "s", Line: true, Points: []Point{{X: 0, Y: 0}, {X: 1, Y: 1}, {X: 2, Y: nan}, {X: 3, Y: 1}, {X: 4, Y: nan}}}),
			map[string]int{"circle": 1, "g": 1},
			[]string{`data-v="0 0&#xA;1 1&#xA;3 1"`},
		},
		{
			"everything is escaped",
			drawing(Series{Name: `<script>"&`, Keys: []string{`"><b>`}, Dots: true, Points: []Point{{X: 1, Y: 1, Note: "</title><script>"}}}),
			map[string]int{"script": 0, "b": 0, "circle": 1, "title": 3},
			nil,
		},
		{
			"one point has a range around it", drawing(Series{Dots: true, Points: []Point{{X: 3, Y: 0.5}}}),
			map[string]int{"circle": 1},
			nil,
		},
		{
			"values that a logarithmic axis lacks are left out",
			Chart{ID: "c", Width: 300, Height: 200, X: Axis{Log: true}, Series: []Series{{Dots: true, Points: []Point{{X: 0, Y: 1}, {X: -1, Y: 1}, {X: 1, Y: 1}, {X: 9, Y: 2}}}}},
			map[string]int{"circle": 2},
			nil,
		},
		{
			"a series of NaN alone is left out",
			drawing(Series{Line: true, Points: []Point{{X: 1, Y: nan}}}, Series{Line: true, Points: []Point{{X: 1, Y: 1}, {X: 2, Y: 2}}}),
			map[string]int{"g": 1},
			nil,
		},
		{
			"infinite values are left out", drawing(Series{Dots: true, Points: []Point{{X: 1, Y: math.Inf(1)}, {X: 1, Y: 1}, {X: math.Inf(-1), Y: 1}}}),
			map[string]int{"circle": 1},
			nil,
		},
		{"a rule widens the range", Chart{
			ID: "c", Width: 300, Height: 200, Series: []Series{{Dots: true, Points: []Point{{X: 1, Y: 1}, {X: 2, Y: 2}}}},
			Rules: []Rule{{Y: 50, Label: "far & away"}, {Y: nan}},
		}, map[string]int{"circle": 2}, []string{"far &amp; away"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			svg := string(test.chart.SVG())
			svg = strings.ReplaceAll(svg, "\n", "&#xA;")
			counts := parse(t, svg)
			for element, want := range test.counts {
				if counts[element] != want {
					t.Errorf("%d <%s>, want %d in\n%s", counts[element], element, want, svg)
				}
			}
			for _, want := range test.has {
				if !strings.Contains(svg, want) {
					t.Errorf("no %s in\n%s", want, svg)
				}
			}
		})
	}
}

func TestEmptyChartIsNotDrawn(t *testing.T) {
	for _, c := range []Chart{drawing(), drawing(Series{Points: []Point{{X: 1, Y: math.NaN()}}})} {
		if !c.Empty() || c.SVG() != "" {
			t.Errorf("chart without values: Empty %t, SVG %q", c.Empty(), c.SVG())
		}
	}
}

// TestTicksOfExpandedAxis checks that the ends of an axis that moved out to round values are ticks themselves.
func TestTicksOfExpandedAxis(t *testing.T) {
	for _, high := range []float64{0.93, 2.2, 7.7, 31, 99.4, 1234} {
		for _, low := range []float64{-0.08 * high, 0, 0.7 * high} {
			p := drawing(Series{Dots: true, Points: []Point{{X: 0, Y: low}, {X: 1, Y: high}}}).layout()
			if n := len(p.yTicks); n < 3 || p.yTicks[0] != p.Y.Low || p.yTicks[n-1] != p.Y.High {
				t.Errorf("values from %g to %g: axis from %g to %g with ticks %v", low, high, p.Y.Low, p.Y.High, p.yTicks)
			}
		}
	}
}

func TestMarkersAreDistinct(t *testing.T) {
	seen := map[string]Marker{}
	for m := Marker(0); m < Marker(NumMarkers); m++ {
		svg := shape(m, 10, 10, 4) + "/>"
		parse(t, svg)
		if other, known := seen[svg]; known {
			t.Errorf("markers %d and %d look the same", other, m)
		}
		seen[svg] = m
	}
	if shape(Marker(NumMarkers), 1, 1, 1) != shape(Circle, 1, 1, 1) || shape(-1, 1, 1, 1) != shape(Marker(NumMarkers-1), 1, 1, 1) {
		t.Error("markers are not taken modulo their number")
	}
}

func TestSwatch(t *testing.T) {
	svg := string(Swatch(Style{Light: "#000", Dark: `"<`, Marker: Square, Dash: 1}, true, true))
	if counts := parse(t, svg); counts["path"] != 2 || !strings.Contains(svg, "stroke-dasharray") {
		t.Errorf("swatch of a dashed line with a square: %s", svg)
	}
}
