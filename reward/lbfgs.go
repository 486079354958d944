package reward

import (
	"context"
	"math"
)

// minimise finds the minimum of a smooth convex function from the point x, which it overwrites with the result, by L-BFGS
// with a backtracking line search (Nocedal and Wright, Numerical Optimization, 2nd edition, algorithm 7.4). evaluate returns
// the value at a point and writes the gradient there. The search ends when the gradient's norm has fallen below tolerance
// times its first value, when no step makes the value smaller, or after maxSteps steps. It depends on nothing random.
func minimise(ctx context.Context, x []float64, evaluate func(x, gradient []float64) float64, maxSteps int, tolerance float64) error {
	gradient, next, nextGradient, direction := vec(x), vec(x), vec(x), vec(x)
	var history curvature
	value := evaluate(x, gradient)
	first := norm(gradient)
	for range maxSteps {
		if err := ctx.Err(); err != nil {
			return err
		}
		if norm(gradient) <= tolerance*first {
			return nil
		}
		history.descent(direction, gradient)
		step := 1.0
		if len(history.pairs) == 0 {
			step = 1 / norm(gradient)
		}
		nextValue, ok := backtrack(x, value, dot(gradient, direction), step, direction, next, nextGradient, evaluate)
		if !ok {
			return nil
		}
		history.add(x, next, gradient, nextGradient)
		copy(x, next)
		copy(gradient, nextGradient)
		value = nextValue
	}
	return nil
}

// backtrack halves the step along direction until the value falls by a share of what the slope promises (Armijo's rule).
// It writes the point and gradient reached to next and nextGradient.
func backtrack(x []float64, value, slope, step float64, direction, next, nextGradient []float64,
	evaluate func(x, gradient []float64) float64,
) (nextValue float64, ok bool) {
	const (
		sufficient = 1e-4 // the customary constant of Armijo's rule
		halvings   = 30
	)
	for range halvings {
		for i := range next {
			next[i] = x[i] + step*direction[i]
		}
		nextValue = evaluate(next, nextGradient)
		if nextValue <= value+sufficient*step*slope {
			return nextValue, nextValue < value
		}
		step /= 2
	}
	return value, false
}

// historySize is how many steps L-BFGS remembers; more hardly helps on problems of this kind.
const historySize = 8

type curvaturePair struct {
	s, y []float64 // change of the point, change of the gradient
	rho  float64   // 1 / s·y
}

type curvature struct{ pairs []curvaturePair }

func (c *curvature) add(x, next, gradient, nextGradient []float64) {
	var p curvaturePair
	if len(c.pairs) == historySize {
		p = c.pairs[0]
		c.pairs = append(c.pairs[:0], c.pairs[1:]...)
	} else {
		p = curvaturePair{s: vec(x), y: vec(x)}
	}
	for i := range x {
		p.s[i] = next[i] - x[i]
		p.y[i] = nextGradient[i] - gradient[i]
	}
	curve := dot(p.s, p.y)
	if curve <= 0 { // only rounding can do this to a convex function; the pair carries no information
		return
	}
	p.rho = 1 / curve
	c.pairs = append(c.pairs, p)
}

// descent writes -H·gradient, H being the inverse Hessian's approximation from the remembered steps.
func (c *curvature) descent(direction, gradient []float64) {
	for i, g := range gradient {
		direction[i] = -g
	}
	if len(c.pairs) == 0 {
		return
	}
	var alpha [historySize]float64
	for k := len(c.pairs) - 1; k >= 0; k-- {
		p := c.pairs[k]
		alpha[k] = p.rho * dot(p.s, direction)
		axpy(direction, -alpha[k], p.y)
	}
	last := c.pairs[len(c.pairs)-1]
	scale := 1 / (last.rho * dot(last.y, last.y))
	for i := range direction {
		direction[i] *= scale
	}
	for k, p := range c.pairs {
		axpy(direction, alpha[k]-p.rho*dot(p.y, direction), p.s)
	}
}

func vec(like []float64) []float64 { return make([]float64, len(like)) }

func dot(a, b []float64) float64 {
	sum := 0.0
	for i, x := range a {
		sum += x * b[i]
	}
	return sum
}

func norm(a []float64) float64 { return math.Sqrt(dot(a, a)) }

// axpy adds scale·x to a.
func axpy(a []float64, scale float64, x []float64) {
	for i, v := range x {
		a[i] += scale * v
	}
}
