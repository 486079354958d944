package metrics

import (
	"math"
	"slices"
	"strings"
	"testing"
)

func TestRecordLine(t *testing.T) {
	for _, c := range []struct {
		name      string
		record    Record
		want      string
		notFinite []string
	}{
		{"step alone", Record{"step": 0}, `{"step": 0}`, nil},
		{
			"order",
			Record{"rewards/margins": 0.5, "loss": 0.25, "kl/chosen": 1e-9, "epoch": 1.5, "step": 100, "learning_rate": 5e-7},
			`{"step": 100, "epoch": 1.5, "loss": 0.25, "kl/chosen": 1e-9, "learning_rate": 5e-7, "rewards/margins": 0.5}`, nil,
		},
		{
			"not finite",
			Record{"step": 1, "loss": math.NaN(), "grad_norm": math.Inf(1), "a": math.Inf(-1)},
			`{"step": 1, "loss": null, "a": null, "grad_norm": null}`,
			[]string{"loss", "a", "grad_norm"},
		},
		{"great step", Record{"step": 3e15}, `{"step": 3000000000000000}`, nil},
		{"name to quote", Record{"step": 1, "a\"\n": 1}, `{"step": 1, "a\"\n": 1}`, nil},
	} {
		line, notFinite, err := c.record.line()
		if err != nil || string(line) != c.want+"\n" || !slices.Equal(notFinite, c.notFinite) {
			t.Errorf("%s: got %s, %q, %v; want %s, %q", c.name, line, notFinite, err, c.want, c.notFinite)
		}
	}
}

func TestRecordNeedsStep(t *testing.T) {
	for _, c := range []struct {
		name   string
		record Record
		want   string
	}{
		{"none", Record{"loss": 1}, `field "step": missing`},
		{"fraction", Record{"step": 1.5}, `field "step": 1.5; want a whole number`},
		{"negative", Record{"step": -1}, `field "step": -1`},
		{"NaN", Record{"step": math.NaN()}, `field "step": NaN`},
		{"too great", Record{"step": 1e300}, `field "step": 1e+300`},
	} {
		if _, _, err := c.record.line(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
}

func FuzzParseRecord(f *testing.F) {
	for _, seed := range []string{`{"step": 1, "loss": null}`, `{"step": 1e2}`, `{"step": 1, "a": "b"}`, `[]`, `null`, `{"step":0,"\u00e9":1e308}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		r, err := parseRecord(line)
		if err != nil {
			return
		}
		printed, _, err := r.line()
		if err != nil {
			t.Fatalf("%q was read but cannot be written: %v", line, err)
		}
		again, err := parseRecord(printed)
		if err != nil || !same(r, again) {
			t.Fatalf("%q: got %v, printed and read again %v, %v", line, r, again, err)
		}
	})
}

// same reports whether two records agree, NaN being equal to itself.
func same(a, b Record) bool {
	if len(a) != len(b) {
		return false
	}
	for name, x := range a {
		y, ok := b[name]
		if !ok || x != y && !(math.IsNaN(x) && math.IsNaN(y)) {
			return false
		}
	}
	return true
}
