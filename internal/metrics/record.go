// Package metrics keeps the numbers of a run: [Writer] appends them to the run's metrics.jsonl, [Read] gives them back, and
// [Progress] shows the latest of them while the run goes on.
package metrics

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
)

// Record is what was measured at one step, by name. Every record has "step", a whole number of 0 or more. A value that is
// not finite has no place in JSON: it is written as null, and null is read as NaN.
type Record map[string]float64

// leading are the names that a line starts with, where the record has them; the others follow in alphabetical order.
var leading = []string{"step", "epoch", "loss"}

// Step returns the record's step.
func (r Record) Step() int { return int(r["step"]) }

// maxStep is the greatest whole number up to which every one is a float64.
const maxStep = 1 << 53

func (r Record) check() error {
	step, ok := r["step"]
	if !ok {
		return fmt.Errorf("field \"step\": missing; every record needs one")
	}
	if !(step >= 0 && step <= maxStep && step == math.Trunc(step)) {
		return fmt.Errorf("field \"step\": %g; want a whole number of 0 or more", step)
	}
	return nil
}

// names returns the record's names in the order they are written.
func (r Record) names() []string {
	names := make([]string, 0, len(r))
	for _, name := range leading {
		if _, ok := r[name]; ok {
			names = append(names, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r)) {
		if !slices.Contains(leading, name) {
			names = append(names, name)
		}
	}
	return names
}

// line returns the record as a line of JSON, and the names of the values that are not finite.
func (r Record) line() (line []byte, notFinite []string, err error) {
	if err := r.check(); err != nil {
		return nil, nil, err
	}
	line = append(line, '{')
	for i, name := range r.names() {
		if i > 0 {
			line = append(line, ", "...)
		}
		quoted, err := json.Marshal(name)
		if err != nil {
			return nil, nil, err
		}
		line = append(append(line, quoted...), ": "...)
		switch value := r[name]; {
		case math.IsNaN(value) || math.IsInf(value, 0):
			notFinite = append(notFinite, name)
			line = append(line, "null"...)
		case name == "step":
			line = strconv.AppendInt(line, int64(value), 10)
		default:
			number, err := json.Marshal(value)
			if err != nil {
				return nil, nil, err
			}
			line = append(line, number...)
		}
	}
	return append(line, "}\n"...), notFinite, nil
}

// parseRecord reads one line.
func parseRecord(line []byte) (Record, error) {
	if !bytes.HasPrefix(bytes.TrimSpace(line), []byte("{")) {
		return nil, fmt.Errorf("not a JSON object")
	}
	var values map[string]*float64
	if err := json.Unmarshal(line, &values); err != nil {
		return nil, fmt.Errorf("not a JSON object of numbers: %w", err)
	}
	r := make(Record, len(values))
	for name, value := range values {
		r[name] = math.NaN()
		if value != nil {
			r[name] = *value
		}
	}
	return r, r.check()
}
