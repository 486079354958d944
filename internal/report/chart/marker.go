package chart

import (
	"fmt"
	"math"
	"strings"
)

// Marker is the shape drawn at a point.
type Marker int

// The shapes, most distinct first.
const (
	Circle Marker = iota
	Square
	Triangle
	Diamond
	Cross
	TriangleDown
	Plus
	Star
	Pentagon
	TriangleLeft
	Hexagon
	TriangleRight
	numMarkers
)

// NumMarkers is the number of shapes; a Marker is taken modulo it.
const NumMarkers = int(numMarkers)

// dashes are the stroke patterns of lines, solid first; a Style's Dash is taken modulo their number.
var dashes = []string{"", "6 3", "1.5 2.5", "9 3 2 3", "12 4", "4 2 1.5 2 1.5 2"}

// dashAttribute is the SVG attribute of a stroke pattern, empty for the solid one.
func dashAttribute(dash int) string {
	pattern := dashes[(dash%len(dashes)+len(dashes))%len(dashes)]
	if pattern == "" {
		return ""
	}
	return ` stroke-dasharray="` + pattern + `"`
}

// outline gives the corners of a closed shape as a polygon: their number, the angle of the first, and the scale that makes
// shapes look equally large.
var outline = map[Marker]struct {
	corners int
	angle   float64 // degrees, clockwise from the right
	scale   float64
}{
	Square: {4, 45, 1.2}, Triangle: {3, -90, 1.3}, Diamond: {4, 0, 1.3}, TriangleDown: {3, 90, 1.3},
	Pentagon: {5, -90, 1.15}, TriangleLeft: {3, 180, 1.3}, Hexagon: {6, 0, 1.12}, TriangleRight: {3, 0, 1.3},
}

// shape returns the SVG element of a marker without its end, so that a title can follow: "<path d=…".
func shape(m Marker, x, y, radius float64) string {
	m = Marker((int(m)%NumMarkers + NumMarkers) % NumMarkers)
	if polygon, closed := outline[m]; closed {
		return "<path d=\"" + polygonPath(x, y, radius*polygon.scale, polygon.corners, polygon.angle) + "\""
	}
	switch m {
	case Cross:
		return strokes(x, y, radius, 45, 2)
	case Plus:
		return strokes(x, y, radius*1.15, 0, 2)
	case Star:
		return strokes(x, y, radius*1.15, -90, 3)
	}
	return fmt.Sprintf(`<circle cx="%s" cy="%s" r="%s"`, coordinate(x), coordinate(y), coordinate(radius))
}

func polygonPath(x, y, radius float64, corners int, angle float64) string {
	var path strings.Builder
	for i := range corners {
		phi := (angle + 360*float64(i)/float64(corners)) * math.Pi / 180
		command := "L"
		if i == 0 {
			command = "M"
		}
		path.WriteString(command + coordinate(x+radius*math.Cos(phi)) + " " + coordinate(y+radius*math.Sin(phi)))
	}
	return path.String() + "z"
}

// strokes draws n lines through the centre, evenly turned.
func strokes(x, y, radius, angle float64, n int) string {
	var path strings.Builder
	for i := range n {
		phi := (angle + 180*float64(i)/float64(n)) * math.Pi / 180
		dx, dy := radius*math.Cos(phi), radius*math.Sin(phi)
		path.WriteString("M" + coordinate(x-dx) + " " + coordinate(y-dy) + "L" + coordinate(x+dx) + " " + coordinate(y+dy))
	}
	return `<path class="open" d="` + path.String() + `"`
}
