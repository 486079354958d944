package model

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
)

// rope are the settings of rotary positions (Su et al. 2021): pairs of a head's first dimensions are turned by an angle that
// grows with the position, a pair's own frequency at a time.
type rope struct {
	kind        string // "" where a family has no rotary positions
	dim         int    // of a head's dimensions turn; the others pass
	theta       float64
	interleaved bool // a pair are neighbours (GPT-J), not the same places of the first and the second half

	factor      float64 // how many times longer than the original the sequences are
	original    float64 // llama3, yarn: longest sequence before the extension
	low, high   float64 // llama3: turns within original below which a frequency is divided by the factor, above which not
	slow, fast  float64 // yarn: the same
	whole       bool    // yarn: the bounds made of slow and fast are rounded to whole pairs
	temperature float64 // factor of cosines and sines, other than 1 in yarn
}

// Kinds of rope, Hugging Face's names.
const (
	ropeDefault = "default"
	ropeLinear  = "linear" // Chen et al. 2023
	ropeLlama3  = "llama3" // Grattafiori et al. 2024
	ropeYarn    = "yarn"   // Peng et al. 2023
)

var ropeKinds = []string{ropeDefault, ropeLinear, ropeLlama3, ropeYarn}

// plainRope is the kind that extends nothing.
func plainRope(theta float64) rope {
	return rope{kind: ropeDefault, theta: theta, factor: 1, temperature: 1}
}

// rotary reads the settings from rope_parameters, as newer libraries write them, or from the older keys (thetaKey, shareKey
// and rope_scaling). share is the part of a head that turns where nothing says so.
func (c *Config) rotary(f *fields, thetaKey, shareKey string, share float64) error {
	if f.has("rope_parameters") && f.has("rope_scaling") {
		return fmt.Errorf("rope_parameters and rope_scaling: found both, expected one of them")
	}
	r := plainRope(f.positive(thetaKey, 10000))
	share = f.positive(shareKey, share)
	settings := f.object("rope_parameters")
	if settings == nil {
		settings = f.object("rope_scaling")
	}
	if settings != nil {
		r.theta = settings.positive("rope_theta", r.theta)
		share = settings.positive("partial_rotary_factor", share)
		if err := r.scale(c, settings); err != nil {
			return err
		}
		if settings.err != nil {
			return settings.err
		}
	}
	if f.err == nil && (r.theta <= 1 || r.factor < 1) {
		return fmt.Errorf("rotary positions: found theta %g and factor %g, expected more than 1 and at least 1", r.theta, r.factor)
	}
	if r.dim = int(float64(c.HeadDim) * share); r.dim < 2 || r.dim%2 != 0 || r.dim > c.HeadDim {
		return fmt.Errorf("%s: %g of a head of width %d are %d rotary dimensions, expected an even number from 2 to %d", shareKey, share, c.HeadDim, r.dim, c.HeadDim)
	}
	c.rope = r
	return nil
}

// scale reads the kind and its settings.
func (r *rope) scale(c *Config, f *fields) error {
	if f.has("full_attention") || f.has("sliding_attention") {
		return fmt.Errorf("%s: settings by layer type are not supported; known are the same for all layers", strings.TrimSuffix(f.path, "."))
	}
	r.kind = f.text("rope_type", f.text("type", ropeDefault)) // the older name
	if !slices.Contains(ropeKinds, r.kind) {
		return fmt.Errorf("%srope_type %q is not supported; known: %s", f.path, r.kind, strings.Join(ropeKinds, ", "))
	}
	switch r.kind {
	case ropeLinear:
		r.factor = f.positive("factor", 0)
	case ropeLlama3:
		r.factor = f.positive("factor", 0)
		r.low, r.high = f.positive("low_freq_factor", 0), f.positive("high_freq_factor", 0)
		r.original = f.positive("original_max_position_embeddings", 0)
		if f.err == nil && r.high <= r.low {
			return fmt.Errorf("%shigh_freq_factor: found %g, expected more than low_freq_factor %g", f.path, r.high, r.low)
		}
	case ropeYarn:
		r.original = f.positive("original_max_position_embeddings", float64(c.MaxPositions))
		r.factor = f.positive("factor", float64(c.MaxPositions)/r.original)
		r.fast, r.slow = f.positive("beta_fast", 32), f.positive("beta_slow", 1)
		r.whole = f.flag("truncate", true)
		r.temperature = f.positive("attention_factor", yarnTemperature(r.factor, f.number("mscale", 0), f.number("mscale_all_dim", 0)))
		if f.err == nil && r.fast <= r.slow {
			return fmt.Errorf("%sbeta_fast: found %g, expected more than beta_slow %g", f.path, r.fast, r.slow)
		}
	}
	return nil
}

// yarnTemperature is the default factor of cosines and sines, 0.1 ln(factor) + 1; where a model weighs the logarithm for
// attention and for all dimensions, the quotient of the two.
func yarnTemperature(factor, attention, all float64) float64 {
	log := math.Log(max(factor, 1))
	if attention == 0 || all == 0 {
		return 0.1*log + 1
	}
	return (0.1*attention*log + 1) / (0.1*all*log + 1)
}

// frequencies are the angles, in radians, that the pairs turn by from one position to the next.
func (r rope) frequencies() []float64 {
	list := make([]float64, r.dim/2)
	for i := range list {
		f := math.Pow(r.theta, -2*float64(i)/float64(r.dim))
		list[i] = f/r.factor + (f-f/r.factor)*r.kept(i, f)
	}
	return list
}

// kept says how much of a pair's frequency remains, from 0, where it is divided by the factor, to 1, where it is not.
func (r rope) kept(pair int, frequency float64) float64 {
	ramp := func(x, from, to float64) float64 { return min(max((x-from)/(to-from), 0), 1) }
	switch r.kind {
	case ropeLlama3:
		return ramp(r.original*frequency/(2*math.Pi), r.low, r.high)
	case ropeYarn:
		from, to := r.pairTurning(r.fast), r.pairTurning(r.slow)
		if r.whole {
			from, to = math.Floor(from), math.Ceil(to)
		}
		from, to = max(from, 0), min(to, float64(r.dim-1))
		if from == to {
			to += 0.001
		}
		return 1 - ramp(float64(pair), from, to)
	}
	return 0
}

// pairTurning is the number, not whole, of the pair that makes so many turns within the original length.
func (r rope) pairTurning(turns float64) float64 {
	return float64(r.dim) * math.Log(r.original/(turns*2*math.Pi)) / (2 * math.Log(r.theta))
}

// rotation are the turns of one forward pass, which its layers share.
type rotation struct {
	cos, sin *Node // float32 [rows, 1, seq, headDim]
	// quarter turns every pair by a right angle, float32 [headDim, headDim]: a product with it stands for slices, whose
	// gradient is missing on some engines, and is as exact.
	quarter *Node
}

// rotation computes the turns of positions.
//
//	positions  int64 [rows, seq]
func (r rope) rotation(positions *Node, headDim int) *rotation {
	g := positions.Graph()
	step, scale := make([]float32, headDim), make([]float32, headDim) // zero angle and cosine 1 on dimensions that pass
	quarter := make([][]float32, headDim)
	for i := range headDim {
		scale[i], quarter[i] = 1, make([]float32, headDim)
	}
	for i, f := range r.frequencies() {
		a, b := i, i+r.dim/2
		if r.interleaved {
			a, b = 2*i, 2*i+1
		}
		step[a], step[b] = float32(f), float32(f)
		scale[a], scale[b] = float32(r.temperature), float32(r.temperature)
		quarter[a][b], quarter[b][a] = 1, -1 // (a, b) becomes (-b, a)
	}
	angle := Mul(InsertAxes(ConvertDType(positions, dtypes.Float32), 1, -1), ExpandLeftToRank(Const(g, step), 4))
	wide := ExpandLeftToRank(Const(g, scale), 4)
	return &rotation{cos: Mul(Cos(angle), wide), sin: Mul(Sin(angle), wide), quarter: Const(g, quarter)}
}

// apply turns queries or keys; it computes in float32 and returns x's type.
//
//	x  [rows, heads, seq, headDim]
func (r *rotation) apply(x *Node) *Node {
	wide := ConvertDType(x, dtypes.Float32)
	flat, dims := flatten(wide)
	turned := Reshape(multiply(flat, r.quarter, true), append(dims, -1)...)
	return ConvertDType(Add(Mul(wide, r.cos), Mul(turned, r.sin)), x.DType())
}

// rotaryBuffer reports whether a tensor holds rotary frequencies, which older writers stored.
func rotaryBuffer(tensor string) bool { return strings.HasSuffix(tensor, "rotary_emb.inv_freq") }
