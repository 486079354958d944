package chart

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTicks(t *testing.T) {
	tests := []struct {
		name      string
		low, high float64
		n         int
		integers  bool
		want      []float64
	}{
		{"unit", 0, 1, 5, false, []float64{0, 0.2, 0.4, 0.6, 0.8, 1}},
		{"no rounding error in thirds of a tenth", 0, 0.3, 3, false, []float64{0, 0.1, 0.2, 0.3}},
		{"steps of 100", 0, 600, 6, false, []float64{0, 100, 200, 300, 400, 500, 600}},
		{"across zero", -1, 1, 4, false, []float64{-1, -0.5, 0, 0.5, 1}},
		{"ends off the ticks", 0.13, 0.47, 4, false, []float64{0.2, 0.3, 0.4}},
		{"small", 0, 2e-6, 2, false, []float64{0, 1e-6, 2e-6}},
		{"large", 0, 3e6, 3, false, []float64{0, 1e6, 2e6, 3e6}},
		{"integers", 0, 2, 8, true, []float64{0, 1, 2}},
		{"empty", 1, 1, 5, false, nil},
		{"turned round", 2, 1, 5, false, nil},
		{"NaN", math.NaN(), 1, 5, false, nil},
		{"infinite", 0, math.Inf(1), 5, false, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, Ticks(test.low, test.high, test.n, test.integers)); diff != "" {
				t.Errorf("Ticks (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLogTicks(t *testing.T) {
	tests := []struct {
		name      string
		low, high float64
		n         int
		want      []float64
	}{
		{"one decade", 1, 10, 5, []float64{1, 2, 5, 10}},
		{"ends off the ticks", 3, 40, 5, []float64{5, 10, 20}},
		{"many decades: powers of ten", 1e-2, 1e2, 5, []float64{0.01, 0.1, 1, 10, 100}},
		{"very many decades: every other power", 1e-4, 1e4, 5, []float64{1e-4, 1e-2, 1, 1e2, 1e4}},
		{"within a decade: linear", 3, 4, 2, []float64{3, 3.5, 4}},
		{"zero has no logarithm", 0, 10, 5, nil},
		{"empty", 2, 2, 5, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			near := cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) <= 1e-12*max(a, b) })
			if diff := cmp.Diff(test.want, LogTicks(test.low, test.high, test.n), near); diff != "" {
				t.Errorf("LogTicks (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTickLabels(t *testing.T) {
	tests := []struct {
		ticks []float64
		log   bool
		want  []string
	}{
		{[]float64{0, 0.5, 1}, false, []string{"0", "0.5", "1.0"}},
		{[]float64{-0.1, -0.05, 0}, false, []string{"−0.10", "−0.05", "0"}},
		{[]float64{0, 5000, 10000}, false, []string{"0", "5k", "10k"}},
		{[]float64{0, 2.5e6, 5e6}, false, []string{"0", "2.5M", "5.0M"}},
		{[]float64{0, 1e-8, 2e-8}, false, []string{"0", "1·10⁻⁸", "2·10⁻⁸"}},
		{[]float64{0.01, 1, 20000, 5e6}, true, []string{"0.01", "1", "20k", "5M"}},
		{[]float64{1e-6, 1e12}, true, []string{"1·10⁻⁶", "1·10¹²"}},
		{[]float64{3}, false, []string{"3"}},
	}
	for _, test := range tests {
		if diff := cmp.Diff(test.want, tickLabels(test.ticks, test.log)); diff != "" {
			t.Errorf("labels of %v (-want +got):\n%s", test.ticks, diff)
		}
	}
}

func TestFormat(t *testing.T) {
	tests := []struct {
		x    float64
		want string
	}{
		{0, "0"},
		{0.5, "0.5"},
		{1.0 / 3, "0.3333"},
		{-12.5, "−12.5"},
		{123456, "123456"},
		{1234567890, "1.235·10⁹"},
		{0.000012345, "1.234·10⁻⁵"},
		{math.NaN(), "NaN"},
		{math.Inf(1), "∞"},
		{math.Inf(-1), "−∞"},
	}
	for _, test := range tests {
		if got := Format(test.x); got != test.want {
			t.Errorf("Format(%g) = %q, want %q", test.x, got, test.want)
		}
	}
}

func TestPrefersLog(t *testing.T) {
	tests := []struct {
		values []float64
		want   bool
	}{
		{[]float64{1, 1, 1, 31}, true}, {[]float64{1, 1, 1, 30}, false}, {[]float64{0, 1, 1, 100}, false}, {[]float64{1, 100}, false}, {nil, false},
	}
	for _, test := range tests {
		if got := PrefersLog(test.values); got != test.want {
			t.Errorf("PrefersLog(%v) = %t, want %t", test.values, got, test.want)
		}
	}
}
