// Package frontier measures how much reward a method gets for the KL divergence that it spends (Figure 2 of the paper,
// arXiv 2410.05102): the Pareto upper hull of its (KL, reward) points, and the dominated area below the hull as one number.
//
// Read takes what was measured from a run's files; Measure makes a Result of any set of runs, for both estimators of KL, with
// bootstrap intervals.
package frontier

import (
	"cmp"
	"math"
	"slices"
)

// Point is one measured policy: a checkpoint of a run, evaluated on sampled responses.
type Point struct {
	// KL is the mean response-level divergence from the reference, in nats.
	KL float64
	// Reward is the mean reward of the responses, in the reward model's own unit.
	Reward float64
}

// Hull returns the vertices of the Pareto upper hull, by rising KL: the least concave, non-decreasing function that lies
// on or above every point. It starts at the point of least KL (the best reward among equals) and ends at the point of
// highest reward (the least KL among equals). Points with a value that is not finite are left out, points inside an edge
// too; the result is nil when no point is left. The argument is not changed.
func Hull(points []Point) []Point {
	sorted := finite(points)
	slices.SortFunc(sorted, func(a, b Point) int {
		return cmp.Or(cmp.Compare(a.KL, b.KL), cmp.Compare(b.Reward, a.Reward))
	})
	var hull []Point
	for _, p := range sorted {
		if len(hull) > 0 && p.Reward <= hull[len(hull)-1].Reward {
			continue // less or equal reward for more KL
		}
		for len(hull) >= 2 && !turnsRight(hull[len(hull)-2], hull[len(hull)-1], p) {
			hull = hull[:len(hull)-1]
		}
		hull = append(hull, p)
	}
	return hull
}

// turnsRight reports whether the way a → b → c bends clockwise, so that b stands above the line from a to c.
func turnsRight(a, b, c Point) bool {
	return (b.KL-a.KL)*(c.Reward-a.Reward) < (c.KL-a.KL)*(b.Reward-a.Reward)
}

func finite(points []Point) []Point {
	kept := make([]Point, 0, len(points))
	for _, p := range points {
		if !math.IsNaN(p.KL+p.Reward) && !math.IsInf(p.KL, 0) && !math.IsInf(p.Reward, 0) {
			kept = append(kept, p)
		}
	}
	return kept
}

// At returns the reward of a hull at a KL budget: interpolated between vertices, the last vertex's reward beyond them.
// It is NaN below the first vertex, where nothing was measured, and for an empty hull. The argument is what Hull returns.
func At(hull []Point, kl float64) float64 {
	if len(hull) == 0 || kl < hull[0].KL || math.IsNaN(kl) {
		return math.NaN()
	}
	for i := 1; i < len(hull); i++ {
		a, b := hull[i-1], hull[i]
		if kl < b.KL {
			return a.Reward + (b.Reward-a.Reward)*(kl-a.KL)/(b.KL-a.KL)
		}
	}
	return hull[len(hull)-1].Reward
}

// Area returns the dominated area: the integral of the points' upper hull over KL from 0 to maxKL, in reward times nats.
// Divided by maxKL it is the mean, over KL budgets up to there, of the best reward within a budget. Behind its last vertex the
// hull stays level. Below the least KL measured it counts nothing, so points should include the untouched model (KL 0). The
// area is 0 when no point has a KL below maxKL.
func Area(points []Point, maxKL float64) float64 {
	hull := Hull(points)
	if len(hull) == 0 || hull[0].KL >= maxKL {
		return 0
	}
	var area float64
	from := Point{KL: max(0, hull[0].KL), Reward: At(hull, max(0, hull[0].KL))}
	for _, v := range hull {
		if v.KL <= from.KL {
			continue
		}
		if v.KL >= maxKL {
			break
		}
		area += trapezoid(from, v)
		from = v
	}
	return area + trapezoid(from, Point{KL: maxKL, Reward: At(hull, maxKL)})
}

func trapezoid(a, b Point) float64 { return (b.KL - a.KL) * (a.Reward + b.Reward) / 2 }
