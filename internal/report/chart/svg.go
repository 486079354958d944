package chart

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"strconv"
	"strings"
)

// The plot area leaves this much room around it, in user units; the left side follows the tick labels.
const (
	marginTop    = 26
	marginBottom = 42
	marginRight  = 14
	charWidth    = 6.8 // of a digit at the text size of 12
	dotRadius    = 3.4
	denseSeries  = 10 // more lines than this are drawn thinner
)

// plot is a chart with its ranges and its place on the drawing fixed.
type plot struct {
	Chart
	left, right, top, bottom float64
	xTicks, yTicks           []float64
	yLabels                  []string
}

// SVG draws the chart. It returns an empty text when there is nothing to draw.
func (c Chart) SVG() template.HTML {
	if c.Empty() {
		return ""
	}
	p := c.layout()
	var svg strings.Builder
	class := "chart"
	if len(c.Series) > denseSeries {
		class = "chart dense"
	}
	fmt.Fprintf(&svg, `<svg class="%s" viewBox="0 0 %s %s" role="img" aria-labelledby="%s-t %s-d" data-x="%s" data-y="%s" data-box="%s %s %s %s">`,
		class, coordinate(c.Width), coordinate(c.Height), html.EscapeString(c.ID), html.EscapeString(c.ID),
		p.X.data(), p.Y.data(), coordinate(p.left), coordinate(p.top), coordinate(p.right-p.left), coordinate(p.bottom-p.top))
	fmt.Fprintf(&svg, `<title id="%s-t">%s</title><desc id="%s-d">%s</desc>`, html.EscapeString(c.ID),
		html.EscapeString(c.Title), html.EscapeString(c.ID), html.EscapeString(p.description()))
	p.drawAxes(&svg)
	p.drawRules(&svg)
	for _, series := range c.Series {
		p.drawSeries(&svg, series)
	}
	svg.WriteString("</svg>")
	return template.HTML(svg.String())
}

func (c Chart) layout() plot {
	p := plot{Chart: c, top: marginTop, right: c.Width - marginRight, bottom: c.Height - marginBottom}
	numY := max(2, int((p.bottom-p.top)/36))
	p.Y = p.Y.fit(p.values(func(q Point) float64 { return q.Y }), numY, true)
	p.yTicks = p.Y.ticks(numY)
	p.yLabels = tickLabels(p.yTicks, p.Y.Log)
	longest := 1
	for _, label := range p.yLabels {
		longest = max(longest, len([]rune(label)))
	}
	p.left = 10 + charWidth*float64(longest)
	numX := max(2, int((p.right-p.left)/56))
	p.X = p.X.fit(p.values(func(q Point) float64 { return q.X }), numX, false)
	p.xTicks = p.X.ticks(numX)
	return p
}

// values collects one coordinate of every point that is drawn, and of the rules for Y.
func (c Chart) values(coordinate func(Point) float64) []float64 {
	var values []float64
	for _, series := range c.Series {
		for _, q := range series.Points {
			if c.drawable(q) {
				values = append(values, coordinate(q))
			}
		}
	}
	for _, rule := range c.Rules {
		if x := coordinate(Point{X: math.NaN(), Y: rule.Y}); c.Y.holds(x) {
			values = append(values, x)
		}
	}
	return values
}

// fit sets the range of an axis to its data: a linear one starts at 0 when the data come near it, and with expand set
// both ends move out to a round value.
func (a Axis) fit(values []float64, n int, expand bool) Axis {
	if a.Fixed {
		return a
	}
	a.Low, a.High = values[0], values[0]
	for _, x := range values {
		a.Low, a.High = min(a.Low, x), max(a.High, x)
	}
	if a.Log {
		if a.Low == a.High {
			a.Low, a.High = a.Low/2, a.High*2
		}
		pad := math.Pow(a.High/a.Low, 0.03)
		a.Low, a.High = a.Low/pad, a.High*pad
		return a
	}
	if a.Low > 0 && a.Low < a.High/3 {
		a.Low = 0
	}
	if a.Low == a.High {
		pad := max(math.Abs(a.Low)*0.1, 1e-3)
		if a.Integers {
			pad = 1
		}
		a.Low, a.High = a.Low-pad, a.High+pad
	}
	if step := tickStep(a.Low, a.High, n, a.Integers); expand && step > 0 {
		a.Low = roundTo(math.Floor(a.Low/step+1e-9)*step, step)
		a.High = roundTo(math.Ceil(a.High/step-1e-9)*step, step)
		a.step = step
	}
	return a
}

func (a Axis) ticks(n int) []float64 {
	if a.Log {
		return LogTicks(a.Low, a.High, n)
	}
	if a.step > 0 {
		return multiples(a.Low, a.High, a.step, 4*n)
	}
	return Ticks(a.Low, a.High, n, a.Integers)
}

// place maps a value to 0 at the low end of the axis and 1 at its high end.
func (a Axis) place(x float64) float64 {
	if a.Log {
		return math.Log(x/a.Low) / math.Log(a.High/a.Low)
	}
	return (x - a.Low) / (a.High - a.Low)
}

func (a Axis) data() string {
	kind := "linear"
	if a.Log {
		kind = "log"
	}
	return exact(a.Low) + " " + exact(a.High) + " " + kind
}

func (p plot) x(x float64) float64 { return p.left + p.X.place(x)*(p.right-p.left) }
func (p plot) y(y float64) float64 { return p.bottom - p.Y.place(y)*(p.bottom-p.top) }

func (p plot) description() string {
	text := fmt.Sprintf("%d series. %s from %s to %s; %s from %s to %s.", len(p.Series),
		p.X.Label, Format(p.X.Low), Format(p.X.High), p.Y.Label, Format(p.Y.Low), Format(p.Y.High))
	if p.Desc != "" {
		text = p.Desc + " " + text
	}
	return text
}

func (p plot) drawAxes(svg *strings.Builder) {
	var grid strings.Builder
	for i, tick := range p.yTicks {
		y := coordinate(p.y(tick))
		fmt.Fprintf(&grid, "M%s %sH%s", coordinate(p.left), y, coordinate(p.right))
		fmt.Fprintf(svg, `<text class="tick" x="%s" y="%s" dy=".35em" text-anchor="end">%s</text>`,
			coordinate(p.left-6), y, p.yLabels[i])
	}
	fmt.Fprintf(svg, `<path class="grid" d="%s"/>`, grid.String())
	var marks strings.Builder
	fmt.Fprintf(&marks, "M%s %sH%s", coordinate(p.left), coordinate(p.bottom), coordinate(p.right))
	for i, label := range tickLabels(p.xTicks, p.X.Log) {
		x := coordinate(p.x(p.xTicks[i]))
		fmt.Fprintf(&marks, "M%s %sv4", x, coordinate(p.bottom))
		fmt.Fprintf(svg, `<text class="tick" x="%s" y="%s" text-anchor="middle">%s</text>`, x, coordinate(p.bottom+17), label)
	}
	fmt.Fprintf(svg, `<path class="axis" d="%s"/>`, marks.String())
	fmt.Fprintf(svg, `<text class="label" x="2" y="12">%s</text>`, html.EscapeString(p.Y.Label))
	fmt.Fprintf(svg, `<text class="label" x="%s" y="%s" text-anchor="middle">%s</text>`,
		coordinate((p.left+p.right)/2), coordinate(p.Height-6), html.EscapeString(p.X.Label))
}

func (p plot) drawRules(svg *strings.Builder) {
	for _, rule := range p.Rules {
		if !p.Y.holds(rule.Y) {
			continue
		}
		y := p.y(rule.Y)
		fmt.Fprintf(svg, `<path class="rule" d="M%s %sH%s"/>`, coordinate(p.left), coordinate(y), coordinate(p.right))
		fmt.Fprintf(svg, `<text class="rule" x="%s" y="%s" text-anchor="end">%s</text>`,
			coordinate(p.right), coordinate(y-5), html.EscapeString(rule.Label))
	}
}

func (p plot) drawSeries(svg *strings.Builder, series Series) {
	var drawn []Point
	for _, q := range series.Points {
		if p.drawable(q) {
			drawn = append(drawn, q)
		}
	}
	if len(drawn) == 0 {
		return
	}
	class := "series"
	if series.Faint {
		class += " faint"
	}
	values := "" // a hull's vertices are points of other series
	if !series.Hull {
		values = ` data-v="` + html.EscapeString(dataValues(drawn)) + `"`
	}
	fmt.Fprintf(svg, `<g class="%s" data-n="%s" data-k="%s"%s style="--l:%s;--d:%s"><title>%s</title>`, class,
		html.EscapeString(series.Name), html.EscapeString(strings.Join(series.Keys, "\t")), values,
		html.EscapeString(series.Style.Light), html.EscapeString(series.Style.Dark), html.EscapeString(series.Name))
	if series.Line || series.Hull {
		p.drawLine(svg, series)
	}
	if series.Dots {
		for _, q := range drawn {
			note := q.Note
			if note != "" {
				note = "\n" + note
			}
			svg.WriteString(shape(series.Style.Marker, p.x(q.X), p.y(q.Y), series.Style.radius()))
			fmt.Fprintf(svg, `><title>%s</title></%s>`, html.EscapeString(fmt.Sprintf("%s\n%s: %s\n%s: %s%s", series.Name,
				p.X.Label, Format(q.X), p.Y.Label, Format(q.Y), note)), element(series.Style.Marker))
		}
	}
	svg.WriteString("</g>")
}

func (p plot) drawLine(svg *strings.Builder, series Series) {
	var path strings.Builder
	var alone []Point
	run := 0
	for i, q := range series.Points {
		if !p.drawable(q) {
			run = 0
			continue
		}
		command := "L"
		if run == 0 {
			command = "M"
			if last := i+1 == len(series.Points) || !p.drawable(series.Points[i+1]); last && !series.Dots {
				alone = append(alone, q)
			}
		}
		path.WriteString(command + coordinate(p.x(q.X)) + " " + coordinate(p.y(q.Y)))
		run++
	}
	class := "line"
	if series.Hull {
		class = "line hull"
	}
	fmt.Fprintf(svg, `<path class="%s"%s d="%s"/>`, class, dashAttribute(series.Style.Dash), path.String())
	for _, q := range alone {
		svg.WriteString(shape(series.Style.Marker, p.x(q.X), p.y(q.Y), series.Style.radius()) + "/>")
	}
}

func (s Style) radius() float64 {
	if s.Size == 0 {
		return dotRadius
	}
	return dotRadius * s.Size
}

func element(m Marker) string {
	if int(m)%NumMarkers == int(Circle) {
		return "circle"
	}
	return "path"
}

// dataValues lists points as "x y" with their notes, one a line, for the page's script.
func dataValues(points []Point) string {
	var list strings.Builder
	for i, q := range points {
		if i > 0 {
			list.WriteByte('\n')
		}
		list.WriteString(exact(q.X) + " " + exact(q.Y))
		if q.Note != "" {
			list.WriteString(" " + strings.ReplaceAll(q.Note, "\n", " "))
		}
	}
	return list.String()
}

// Swatch draws the legend's sample of a style: a piece of line, with its marker when dots is set.
func Swatch(style Style, line, dots bool) template.HTML {
	var svg strings.Builder
	fmt.Fprintf(&svg, `<svg class="swatch series" viewBox="0 0 26 12" aria-hidden="true" style="--l:%s;--d:%s">`,
		html.EscapeString(style.Light), html.EscapeString(style.Dark))
	if line {
		fmt.Fprintf(&svg, `<path class="line"%s d="M1 6H25"/>`, dashAttribute(style.Dash))
	}
	if dots {
		svg.WriteString(shape(style.Marker, 13, 6, style.radius()*1.15) + "/>")
	}
	svg.WriteString("</svg>")
	return template.HTML(svg.String())
}

// coordinate writes a position with one decimal.
func coordinate(x float64) string {
	text := strconv.FormatFloat(x, 'f', 1, 64)
	text = strings.TrimSuffix(text, ".0")
	if text == "-0" {
		return "0"
	}
	return text
}

// exact writes a data value with six significant digits.
func exact(x float64) string { return strconv.FormatFloat(x, 'g', 6, 64) }
