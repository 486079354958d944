// Package chart draws line and scatter charts as inline SVG for an HTML page.
//
// A chart carries no style sheet: the page styles the classes chart and dense (the drawing), grid, axis, tick, label, rule,
// series and faint (a group), line, hull and open (paths that are not filled), and colours a series through the custom properties --l (light scheme) and --d (dark scheme) of its group. Each series group
// carries its exact values (data-v) and its keys (data-k), so that a script can show them and can switch series off;
// without a script every chart is complete.
package chart

import "math"

// Point is one value of a series. A NaN in Y makes a gap in the line.
type Point struct {
	X, Y float64
	// Note stands behind the values in the point's tooltip.
	Note string
}

// Style is how a series looks.
type Style struct {
	Light, Dark string // CSS colours for the two schemes
	Marker      Marker
	Dash        int     // 0 solid; other values choose a dash pattern
	Size        float64 // of markers, relative to the usual one; 0 means 1
}

// Series is one line, one cloud of points, or both.
type Series struct {
	Name string
	// Keys name the legend entries that switch the series on and off.
	Keys  []string
	Style Style
	// Line joins the points in their order; Dots draws a marker at each; Faint dims them; Hull draws a thick
	// line without values for a script.
	Line, Dots, Faint, Hull bool
	Points                  []Point
}

// Axis is one axis of a chart.
type Axis struct {
	// Label is the axis title with its unit.
	Label string
	// Log makes the axis logarithmic; values that are not above 0 are left out.
	Log bool
	// Integers keeps ticks off fractions.
	Integers bool
	// Fixed sets the range to [Low, High]; otherwise it follows the data.
	Fixed     bool
	Low, High float64

	step float64 // distance of the ticks of a linear axis whose ends were moved to round values
}

// Rule is a horizontal reference line.
type Rule struct {
	Y     float64
	Label string
}

// Chart is one drawing area with its axes.
type Chart struct {
	// ID is unique on the page; the title's and description's ids are made from it.
	ID string
	// Title and Desc are read to people who cannot see the chart.
	Title, Desc string
	// Width and Height are in user units, of which the page shows about one a pixel; text is 12 units high.
	Width, Height float64
	X, Y          Axis
	Series        []Series
	Rules         []Rule
}

// Empty reports whether no series has a point that can be drawn.
func (c Chart) Empty() bool {
	for _, series := range c.Series {
		for _, p := range series.Points {
			if c.drawable(p) {
				return false
			}
		}
	}
	return true
}

func (c Chart) drawable(p Point) bool { return c.X.holds(p.X) && c.Y.holds(p.Y) }

func (a Axis) holds(x float64) bool {
	return !math.IsNaN(x) && !math.IsInf(x, 0) && (!a.Log || x > 0)
}

// Values returns the finite Y values of all series.
func Values(series []Series) []float64 {
	var values []float64
	for _, s := range series {
		for _, p := range s.Points {
			if !math.IsNaN(p.Y) && !math.IsInf(p.Y, 0) {
				values = append(values, p.Y)
			}
		}
	}
	return values
}

// Thin replaces a series of more than limit points by the means of limit equal ranges of X, NaN left out of each mean; a
// range with NaN alone stays NaN and one without points gives none. The points must be sorted by X.
func Thin(points []Point, limit int) []Point {
	if len(points) <= limit || limit < 1 {
		return points
	}
	first, last := points[0].X, points[len(points)-1].X
	width := (last - first) / float64(limit)
	var thin []Point
	for i := 0; i < len(points); {
		bin := min(limit-1, int((points[i].X-first)/width))
		var mean Point
		var numPoints, numValues float64
		for ; i < len(points) && min(limit-1, int((points[i].X-first)/width)) == bin; i++ {
			mean.X += points[i].X
			numPoints++
			if !math.IsNaN(points[i].Y) {
				mean.Y += points[i].Y
				numValues++
			}
		}
		mean.X /= numPoints
		mean.Y /= numValues
		thin = append(thin, mean)
	}
	return thin
}
