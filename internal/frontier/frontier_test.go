package frontier

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestHull(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	tests := []struct {
		name   string
		points []Point
		want   []Point
	}{
		{"none", nil, nil},
		{"one", []Point{{3, 1}}, []Point{{3, 1}}},
		{"square: the corner of least KL and most reward dominates", []Point{{0, 0}, {1, 0}, {1, 1}, {0, 1}}, []Point{{0, 1}}},
		{"rising line: inner points are no vertices", []Point{{2, 2}, {0, 0}, {1, 1}}, []Point{{0, 0}, {2, 2}}},
		{"concave: every point is a vertex", []Point{{0, 0}, {1, 2}, {3, 3}}, []Point{{0, 0}, {1, 2}, {3, 3}}},
		{"convex: the middle lies below the chord", []Point{{0, 0}, {2, 1}, {3, 3}}, []Point{{0, 0}, {3, 3}}},
		{"falling: reward bought with more KL is not worth it", []Point{{0, 3}, {1, 2}, {2, 1}}, []Point{{0, 3}}},
		{"over-optimised tail is cut at the highest reward", []Point{{0, 0}, {1, 4}, {2, 5}, {3, 3}}, []Point{{0, 0}, {1, 4}, {2, 5}}},
		{"equal KL keeps the best reward", []Point{{0, 1}, {0, 2}, {1, 3}, {1, 2}}, []Point{{0, 2}, {1, 3}}},
		{"equal reward keeps the least KL", []Point{{0, 1}, {2, 3}, {5, 3}}, []Point{{0, 1}, {2, 3}}},
		{"repeated points count once", []Point{{0, 1}, {0, 1}, {1, 2}, {1, 2}}, []Point{{0, 1}, {1, 2}}},
		{"values that are not finite are left out", []Point{{nan, 9}, {1, nan}, {inf, 9}, {0, inf}, {0, 1}}, []Point{{0, 1}}},
		{"negative rewards", []Point{{0, -4}, {1, -1}, {4, -0.5}}, []Point{{0, -4}, {1, -1}, {4, -0.5}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, Hull(test.points)); diff != "" {
				t.Errorf("Hull (-want +got):\n%s", diff)
			}
		})
	}
}

func TestHullCoversEveryPoint(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		points := make([]Point, 1+random.IntN(40))
		for i := range points {
			points[i] = Point{KL: random.Float64() * 10, Reward: random.NormFloat64()}
		}
		before := append([]Point(nil), points...)
		hull := Hull(points)
		if diff := cmp.Diff(before, points); diff != "" {
			t.Fatalf("Hull changed its argument:\n%s", diff)
		}
		for _, p := range points {
			if h := At(hull, p.KL); h < p.Reward-1e-12 {
				t.Fatalf("hull %v is %g at KL %g, below the point's reward %g", hull, h, p.KL, p.Reward)
			}
		}
		for i := 1; i < len(hull); i++ {
			if hull[i].KL <= hull[i-1].KL || hull[i].Reward <= hull[i-1].Reward {
				t.Fatalf("hull %v does not rise at vertex %d", hull, i)
			}
		}
		for i := 2; i < len(hull); i++ {
			if !turnsRight(hull[i-2], hull[i-1], hull[i]) {
				t.Fatalf("hull %v is not concave at vertex %d", hull, i-1)
			}
		}
	}
}

func TestAt(t *testing.T) {
	hull := []Point{{1, 0}, {3, 4}, {5, 6}}
	tests := []struct {
		kl, want float64
	}{
		{0.5, math.NaN()}, {1, 0}, {2, 2}, {3, 4}, {4, 5}, {5, 6}, {100, 6}, {math.NaN(), math.NaN()},
	}
	for _, test := range tests {
		if got := At(hull, test.kl); got != test.want && !(math.IsNaN(got) && math.IsNaN(test.want)) {
			t.Errorf("At(%g) = %g, want %g", test.kl, got, test.want)
		}
	}
	if got := At(nil, 1); !math.IsNaN(got) {
		t.Errorf("At of an empty hull = %g, want NaN", got)
	}
}

func TestArea(t *testing.T) {
	tests := []struct {
		name   string
		points []Point
		maxKL  float64
		want   float64
	}{
		{"none", nil, 10, 0},
		{"constant reward is a rectangle", []Point{{0, 0.5}}, 10, 5},
		{"triangle", []Point{{0, 0}, {2, 3}}, 2, 3},
		{"triangle cut at half its base", []Point{{0, 0}, {2, 3}}, 1, 0.75},
		{"triangle, then flat", []Point{{0, 0}, {2, 3}}, 4, 9},
		{"two trapezoids", []Point{{0, 1}, {1, 3}, {3, 4}}, 3, 2 + 7},
		{"the dominated point changes nothing", []Point{{0, 1}, {1, 3}, {3, 4}, {2, 1}}, 3, 9},
		{"nothing counts below the least KL", []Point{{1, 2}}, 3, 4},
		{"no point below the limit", []Point{{5, 2}}, 3, 0},
		{"limit at the first point", []Point{{3, 2}}, 3, 0},
		{"negative reward is a negative area", []Point{{0, -1}}, 2, -2},
		{"a sampled KL may be below 0; the integral starts at 0", []Point{{-1, 0}, {1, 2}}, 1, 1.5},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := Area(test.points, test.maxKL); math.Abs(got-test.want) > 1e-12 {
				t.Errorf("Area = %g, want %g", got, test.want)
			}
		})
	}
}
