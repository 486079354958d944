package data

import (
	"encoding/json"
	"math"
	"testing"
)

// FuzzParseMask: any valid JSON gives a problem or finite numbers, which written and read again are the same.
func FuzzParseMask(f *testing.F) {
	for _, seed := range []string{`[]`, `[1, 0.5, -2e3]`, `null`, `[null]`, `[1e39]`, `{"a":1}`, `"1"`, `[[1]]`, `[true]`, `[1e-50]`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if !json.Valid(raw) {
			t.Skip()
		}
		raw = json.RawMessage(raw)
		weights, problem := parseMask(raw)
		if (weights == nil) == (problem == "") {
			t.Fatalf("%d weights, problem %q", len(weights), problem)
		}
		for i, x := range numbersOf(bitsOf(weights)) {
			if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) || x != weights[i] {
				t.Errorf("number %d: %g, stored %g", i, weights[i], x)
			}
		}
	})
}
