package report

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"regexp"
	"slices"

	"github.com/sparsepo/sparsepo/internal/report/chart"
)

// metrics are the measured values of a run by name, each sorted by step. X is the step; Y is NaN where the file has null.
type metrics map[string][]chart.Point

// measured is a value that may be missing from the run's files.
type measured struct {
	X     float64
	Step  float64
	Known bool
}

// String writes the value, or says that there is none.
func (m measured) String() string {
	if !m.Known {
		return "not measured"
	}
	return chart.Format(m.X)
}

// orNaN is the value, NaN where there is none.
func (m measured) orNaN() float64 {
	if !m.Known {
		return math.NaN()
	}
	return m.X
}

// last returns the latest value of a metric.
func (m metrics) last(name string) measured {
	points := m[name]
	if len(points) == 0 {
		return measured{}
	}
	p := points[len(points)-1]
	return measured{X: p.Y, Step: p.X, Known: true}
}

// at returns the value of a metric at one step.
func (m metrics) at(name string, step float64) measured {
	i, found := slices.BinarySearchFunc(m[name], step, func(p chart.Point, step float64) int { return cmp.Compare(p.X, step) })
	if !found {
		return measured{}
	}
	return measured{X: m[name][i].Y, Step: step, Known: true}
}

// steps is the highest step of any record.
func (m metrics) steps() measured {
	var highest measured
	for _, points := range m {
		if p := points[len(points)-1]; !highest.Known || p.X > highest.X {
			highest = measured{X: p.X, Step: p.X, Known: true}
		}
	}
	return highest
}

// readMetrics reads a metrics file. Where a step was logged twice, as after a resumed run, the later record counts. Lines
// that cannot be read, such as one cut by a crash, are left out and told of in the notes.
func readMetrics(path string) (metrics, []string, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, nil, fmt.Errorf("read metrics: %w", err)
	}
	defer file.Close()
	m, bad, err := parseMetrics(file)
	if err != nil {
		return nil, nil, fmt.Errorf("read metrics %s: %w", path, err)
	}
	return m, lineNotes(metricsFile, bad), nil
}

// parseMetrics returns the metrics and the numbers of the lines that are no records.
func parseMetrics(r io.Reader) (metrics, []int, error) {
	latest := map[string]map[float64]float64{}
	var bad []int
	err := eachLine(r, func(number int, line []byte) {
		record, err := parseRecord(line)
		step, known := record["step"]
		if err != nil || !known || math.IsNaN(step) {
			bad = append(bad, number)
			return
		}
		for name, value := range record {
			if name == "step" {
				continue
			}
			if latest[name] == nil {
				latest[name] = map[float64]float64{}
			}
			latest[name][step] = value
		}
	})
	if err != nil {
		return nil, nil, err
	}
	m := metrics{}
	for name, values := range latest {
		for step, value := range values {
			m[name] = append(m[name], chart.Point{X: step, Y: value})
		}
		slices.SortFunc(m[name], func(a, b chart.Point) int { return cmp.Compare(a.X, b.X) })
	}
	return m, bad, nil
}

// bareNumber finds the words that some writers put where JSON has no number. It also matches inside strings, so it is
// tried only on lines that are not JSON.
var bareNumber = regexp.MustCompile(`([:\[,]\s*)(-?Infinity|NaN|-?inf|nan)(\s*[,}\]])`)

// parseRecord reads the numbers of one record; null is NaN, and fields that are no numbers are left out.
func parseRecord(line []byte) (map[string]float64, error) {
	var fields map[string]any
	if err := json.Unmarshal(line, &fields); err != nil {
		repaired := bareNumber.ReplaceAll(bareNumber.ReplaceAll(line, []byte("${1}null${3}")), []byte("${1}null${3}"))
		if err := json.Unmarshal(repaired, &fields); err != nil {
			return nil, err
		}
	}
	record := make(map[string]float64, len(fields))
	for name, field := range fields {
		switch value := field.(type) {
		case float64:
			record[name] = value
		case nil:
			record[name] = math.NaN()
		}
	}
	return record, nil
}

// eachLine calls do for every line that is not blank, with its number from 1.
func eachLine(r io.Reader, do func(number int, line []byte)) error {
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	for i, line := range bytes.Split(text, []byte("\n")) {
		if line = bytes.TrimSpace(line); len(line) > 0 {
			do(i+1, line)
		}
	}
	return nil
}

// lineNotes tells of lines that were left out.
func lineNotes(file string, lines []int) []string {
	switch len(lines) {
	case 0:
		return nil
	case 1:
		return []string{fmt.Sprintf("%s:%d is not a whole record and was left out", file, lines[0])}
	}
	return []string{fmt.Sprintf("%s: %d lines are not whole records and were left out, the first is line %d", file, len(lines), lines[0])}
}
