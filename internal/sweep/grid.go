// Package sweep trains one run for every point of a grid of settings and gathers their frontier.
package sweep

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sparsepo/sparsepo/internal/config"
	"github.com/sparsepo/sparsepo/internal/usage"
)

// Axis is one setting and the values it takes.
type Axis struct {
	Key    string
	Values []string
}

// ParseAxis reads "beta=0.1,1".
func ParseAxis(text string) (Axis, error) {
	key, list, ok := strings.Cut(text, "=")
	values := strings.Split(list, ",")
	if !ok || key == "" || slices.Contains(values, "") {
		return Axis{}, usage.Errorf("--grid: found %q, expected KEY=VALUE,VALUE such as beta=0.1,1", text)
	}
	for i, v := range values {
		values[i] = strings.TrimSpace(v)
	}
	if repeated := firstRepeated(values); repeated != "" {
		return Axis{}, usage.Errorf("--grid: %s has the value %q twice", key, repeated)
	}
	return Axis{strings.TrimSpace(key), values}, nil
}

func firstRepeated(values []string) string {
	for i, v := range values {
		if slices.Contains(values[:i], v) {
			return v
		}
	}
	return ""
}

// Point is one run of a grid.
type Point struct {
	Name   string            // folder of the run under the sweep's
	Values map[string]string // by setting
}

// Points lists the runs of a grid, the first axis varying slowest.
func Points(axes []Axis) ([]Point, error) {
	points := []Point{{Values: map[string]string{}}}
	seen := map[string]bool{}
	for _, a := range axes {
		if seen[a.Key] {
			return nil, usage.Errorf("--grid: the setting %s is given twice", a.Key)
		}
		seen[a.Key] = true
		var next []Point
		for _, p := range points {
			for _, v := range a.Values {
				values := map[string]string{a.Key: v}
				for k, old := range p.Values {
					values[k] = old
				}
				next = append(next, Point{Name: join(p.Name, a.Key, v), Values: values})
			}
		}
		points = next
	}
	return points, nil
}

// join names a run: the method's value alone, other settings as KEY-VALUE.
func join(name, key, value string) string {
	part := value
	if key != "method" {
		part = key + "-" + value
	}
	part = strings.Map(func(r rune) rune {
		if strings.ContainsRune(`/\: `, r) {
			return '-'
		}
		return r
	}, part)
	if name == "" {
		return part
	}
	return name + "_" + part
}

// settings resolves a point's run from the settings that all points share. A shared setting may go unread by some methods.
func (p Point) settings(shared []config.Source, out string) (*config.Run, error) {
	sources := make([]config.Source, 0, len(shared)+2)
	for _, s := range shared {
		sources = append(sources, s.Optional())
	}
	sources = append(sources,
		config.Values("--grid", p.Values).Optional(),
		config.Values("sweep", map[string]string{"out": filepath.Join(out, p.Name)}))
	run, err := config.Resolve(sources...)
	if err != nil {
		return nil, fmt.Errorf("run %s: %w", p.Name, err)
	}
	return run, nil
}
