package mask

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/sparsepo/sparsepo/internal/norm"
)

const boolType = dtypes.Bool

// Learned is the architecture of a learned mask (arXiv 2410.05102 §2.3). Per layer of the reference model
//
//	m^(l) = ReLU(LN(H^(l))·w^(l) + b^(l)),   then   m = ReLU([m^(1) … m^(L)]·w_o).
type Learned struct {
	Hidden    int     // width of the reference model
	Layers    int     // layers of the reference model
	AllLayers bool    // mix all layers; false takes the last layer alone and has no mixer
	Depth     int     // 1, or 2: two linear maps Hidden -> Width -> 1 with no activation between (ablation D.1)
	Width     int     // with Depth 2
	Norm      bool    // one LayerNorm with gain and shift, shared by the layers; false is the paper's plain formula
	Eps       float64 // of that LayerNorm: the model's own
	Dropout   float64 // share of the m^(l) and of m that is dropped in training
	Binary    bool    // round to 0 or 1, gradient straight through
}

// Param is one tensor of a mask.
type Param struct {
	Name   string
	Dims   []int
	Decays bool // weight decay applies: to weights, not to biases and the norm
}

// Used counts the layers that have a linear map: all, or the last one.
func (l Learned) Used() int {
	if l.AllLayers {
		return l.Layers
	}
	return 1
}

// Params lists the tensors under the names of mask.safetensors, without the "reward." or "kl." in front.
func (l Learned) Params() []Param {
	n, d := l.Used(), l.Hidden
	var list []Param
	if l.Depth == 2 {
		list = append(list,
			Param{"layer.0.weight", []int{n, l.Width, d}, true}, Param{"layer.0.bias", []int{n, l.Width}, false},
			Param{"layer.1.weight", []int{n, l.Width}, true}, Param{"layer.1.bias", []int{n}, false})
	} else {
		list = append(list, Param{"layer.weight", []int{n, d}, true}, Param{"layer.bias", []int{n}, false})
	}
	if l.AllLayers {
		list = append(list, Param{"mixer.weight", []int{n}, true})
	}
	if l.Norm {
		list = append(list, Param{"norm.weight", []int{d}, false}, Param{"norm.bias", []int{d}, false})
	}
	return list
}

// Initial returns first values for every tensor. Ours: linear weights with unit-variance outputs over normed states, the
// mixer spread around 1/L, and positive biases, the larger the fewer layers there are. Hidden states have much in common, so
// that a layer's score has the same sign at most tokens: with biases of 0 a mask of one layer would start all zero for every
// fifth seed, which passes no gradient. With these a part of a fresh mask is zero, whatever the number of layers, and hardly
// ever all of it. The authors' normal(0, 0.02) mixer starts dead more often.
func (l Learned) Initial(seed uint64) map[string][]float32 {
	rnd := rand.New(rand.NewPCG(seed, 0x6d61736b))
	values := map[string][]float32{}
	for _, p := range l.Params() {
		size := 1
		for _, d := range p.Dims {
			size *= d
		}
		v := make([]float32, size)
		normal := func(mean, std float64) {
			for i := range v {
				v[i] = float32(mean + std*rnd.NormFloat64())
			}
		}
		switch p.Name {
		case "layer.bias", "layer.1.bias":
			normal(1/math.Sqrt(float64(l.Used())), 0)
		case "layer.weight", "layer.0.weight":
			normal(0, 1/math.Sqrt(float64(l.Hidden)))
		case "layer.1.weight":
			normal(0, 1/math.Sqrt(float64(l.Width)))
		case "mixer.weight":
			normal(0, 1)
			standardise(v, 1/float64(l.Layers), 0.5/math.Sqrt(float64(l.Layers)))
		case "norm.weight":
			normal(1, 0)
		}
		values[p.Name] = v
	}
	return values
}

// standardise moves and scales v so that its mean and standard deviation are exactly these; a single value becomes the mean.
// A mixer of a few layers would otherwise hang on the luck of its seed: with the mean 1/L some of its weights are positive.
func standardise(v []float32, mean, std float64) {
	n := float64(len(v))
	sum, squares := 0.0, 0.0
	for _, x := range v {
		sum += float64(x)
	}
	for _, x := range v {
		squares += (float64(x) - sum/n) * (float64(x) - sum/n)
	}
	scale := 0.0
	if squares > 0 {
		scale = std / math.Sqrt(squares/n)
	}
	for i, x := range v {
		v[i] = float32(mean + scale*(float64(x)-sum/n))
	}
}

// Noise holds uniform numbers on [0, 1) that decide what dropout drops.
type Noise struct {
	Layers *Node // [used layers, tokens]
	Mask   *Node // [tokens]; not read without a mixer
}

// Values adds the mask to the graph.
//
//	param   the node of each tensor of Params
//	hidden  the reference model's hidden states after each layer, at the predicting positions: Layers nodes [tokens, hidden]
//	noise   for dropout in training; nil drops nothing
//	returns [tokens], never negative
//
// Gradients reach the mask's tensors and stop at the hidden states.
func (l Learned) Values(param func(name string) *Node, hidden []*Node, noise *Noise) *Node {
	if len(hidden) != l.Layers {
		panic(fmt.Errorf("mask: %d hidden states, the mask was made for a reference model of %d layers", len(hidden), l.Layers))
	}
	if !l.AllLayers {
		hidden = hidden[len(hidden)-1:]
	}
	h := StopGradient(Stack(hidden, 0)) // [layers, tokens, hidden]
	if l.Norm {
		h = norm.Layer(h, param("norm.weight"), param("norm.bias"), l.Eps)
	}
	var z *Node // [layers, tokens]
	if l.Depth == 2 {
		inner := Add(Einsum("lth,lwh->ltw", h, param("layer.0.weight")), InsertAxes(param("layer.0.bias"), 1))
		z = Add(Einsum("ltw,lw->lt", inner, param("layer.1.weight")), InsertAxes(param("layer.1.bias"), -1))
	} else {
		z = Add(Einsum("lth,lh->lt", h, param("layer.weight")), InsertAxes(param("layer.bias"), -1))
	}
	m := relu(z)
	if noise != nil {
		m = l.drop(m, noise.Layers)
	}
	if l.AllLayers {
		m = relu(Einsum("lt,l->t", m, param("mixer.weight")))
		if noise != nil {
			m = l.drop(m, noise.Mask)
		}
	} else {
		m = Reshape(m, m.Shape().Dim(1))
	}
	if l.Binary {
		step := ConvertDType(GreaterThan(m, ZerosLike(m)), m.DType())
		m = Add(StopGradient(Sub(step, m)), m)
	}
	return m
}

// drop zeroes the values whose uniform number lies below the dropout rate and scales the others up.
func (l Learned) drop(x, uniform *Node) *Node {
	keep := ConvertDType(GreaterOrEqual(uniform, MulScalar(OnesLike(uniform), l.Dropout)), x.DType())
	return MulScalar(Mul(x, keep), 1/(1-l.Dropout))
}

// relu has the gradient 0 at 0, where Max would pass one on.
func relu(x *Node) *Node { return Where(GreaterThan(x, ZerosLike(x)), x, ZerosLike(x)) }
