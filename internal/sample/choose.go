package sample

import (
	"math"
	"math/rand/v2"
	"slices"
)

// chooser picks tokens. It keeps scratch memory, so each goroutine needs its own.
type chooser struct {
	temperature float64
	topK        int
	topP        float64

	weights []float64 // of every token, proportional to its probability
	ranked  []ranked
}

// ranked is a token that takes part in a ranking by falling weight, and what it adds to the ranking's running sum.
type ranked struct {
	weight, mass float64
	id           int32
}

// before orders tokens by falling weight, equal ones by id.
func (a ranked) before(b ranked) bool {
	return a.weight > b.weight || a.weight == b.weight && a.id < b.id
}

// stream is the random stream of one sample, its own whatever else is drawn.
func stream(seed uint64, number, sample int) *rand.PCG {
	return rand.NewPCG(scramble(seed+scramble(uint64(number))), scramble(uint64(sample)))
}

// scramble spreads close numbers over all bits (SplitMix64's step, Steele, Lea and Flood 2014).
func scramble(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// choose picks a token and returns its log-probability, in nats, under the softmax of the logits as they are. It is false
// where the logits are no distribution: a NaN, +Inf, or all of them -Inf.
func (c *chooser) choose(logits []float32, random *rand.PCG) (id int32, logProb float32, ok bool) {
	best := largest(logits)
	total := c.weigh(logits, best, 1)
	if !(total >= 1) || math.IsInf(total, 0) { // the best token alone weighs 1
		return 0, 0, false
	}
	logTotal := math.Log(total)
	var chosen int
	if c.temperature == 0 {
		chosen = slices.Index(logits, best)
	} else {
		if c.temperature != 1 {
			total = c.weigh(logits, best, c.temperature)
		}
		if c.topK > 0 && c.topK < len(logits) {
			total = c.keepMostLikely()
		}
		if c.topP < 1 {
			total = c.keepNucleus(total)
		}
		chosen = c.draw(total, random)
	}
	return int32(chosen), float32(float64(logits[chosen]-best) - logTotal), true
}

// weigh sets the weights to exp((logit - best)/temperature) and returns their sum.
func (c *chooser) weigh(logits []float32, best float32, temperature float64) float64 {
	if cap(c.weights) < len(logits) {
		c.weights = make([]float64, len(logits))
	}
	c.weights = c.weights[:len(logits)]
	return exponentials(c.weights, logits, best, 1/temperature)
}

// keepMostLikely drops all but the K most likely tokens, and those as likely as the last of them, and returns the sum of
// the weights left.
func (c *chooser) keepMostLikely() (total float64) {
	c.rank(func(float64) float64 { return 1 })
	last := boundary(c.ranked, float64(c.topK))
	for i, w := range c.weights {
		if w < last.weight {
			c.weights[i] = 0
		}
		total += c.weights[i]
	}
	return total
}

// keepNucleus drops all but the fewest most likely tokens that make up TopP of the total, and returns the sum of the
// weights left (Holtzman et al. 2020). Of equally likely tokens those with lower ids stay.
func (c *chooser) keepNucleus(total float64) (left float64) {
	c.rank(func(weight float64) float64 { return weight })
	last := boundary(c.ranked, c.topP*total)
	for i, w := range c.weights {
		if last.before(ranked{weight: w, id: int32(i)}) {
			c.weights[i] = 0
		}
		left += c.weights[i]
	}
	return left
}

// rank collects the tokens that have any weight.
func (c *chooser) rank(mass func(weight float64) float64) {
	c.ranked = c.ranked[:0]
	for i, w := range c.weights {
		if w > 0 {
			c.ranked = append(c.ranked, ranked{w, mass(w), int32(i)})
		}
	}
}

// boundary returns the last of the first tokens in rank whose masses add up to at least need. It reorders the list, in time
// proportional to its length on average: only the parts that hold the boundary are ordered further (Hoare's selection).
func boundary(list []ranked, need float64) ranked {
	for {
		last := len(list) - 1
		pivot := medianOfThree(list)
		list[pivot], list[last] = list[last], list[pivot]
		front, sum := 0, 0.0
		for i := range last {
			if list[i].before(list[last]) {
				list[i], list[front] = list[front], list[i]
				sum += list[front].mass
				front++
			}
		}
		list[front], list[last] = list[last], list[front]
		switch {
		case sum >= need && front > 0:
			list = list[:front]
		case sum+list[front].mass >= need || front == last:
			return list[front]
		default:
			need -= sum + list[front].mass
			list = list[front+1:]
		}
	}
}

// medianOfThree is the place of the middle one of the first, middle and last token.
func medianOfThree(list []ranked) int {
	a, b, c := 0, len(list)/2, len(list)-1
	if list[b].before(list[a]) {
		a, b = b, a
	}
	switch {
	case list[c].before(list[a]):
		return a
	case list[b].before(list[c]):
		return b
	}
	return c
}

// stretch is the number of weights that draw adds up before it looks at each.
const stretch = 64

// draw picks a token in proportion to the weights.
func (c *chooser) draw(total float64, random *rand.PCG) int {
	rest := float64(random.Uint64()>>11) / (1 << 53) * total
	last := 0
	for from := 0; from < len(c.weights); from += stretch {
		part := c.weights[from:min(from+stretch, len(c.weights))]
		mass := sum(part)
		if mass == 0 {
			continue
		}
		if rest >= mass {
			rest -= mass
			last = from
			continue
		}
		for i, w := range part {
			if w == 0 {
				continue
			}
			last = from + i
			if rest -= w; rest < 0 {
				return last
			}
		}
	}
	// Sums rounded down may end before total: the last token that has any weight.
	end := min(last/stretch*stretch+stretch, len(c.weights)) - 1
	for c.weights[end] == 0 {
		end--
	}
	return end
}

// sum adds up a list in four parts, which a processor does at the same time.
func sum(list []float64) float64 {
	var a, b, c, d float64
	for ; len(list) >= 4; list = list[4:] {
		a += list[0]
		b += list[1]
		c += list[2]
		d += list[3]
	}
	for _, x := range list {
		a += x
	}
	return (a + b) + (c + d)
}
