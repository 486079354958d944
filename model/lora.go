package model

import (
	"fmt"
	"math"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	gomodel "github.com/gomlx/gomlx/ml/model"

	"github.com/sparsepo/sparsepo/internal/device"
	"github.com/sparsepo/sparsepo/internal/usage"
)

// LoRA holds the settings of a low-rank adapter (Hu et al. 2021): beside a linear layer's x·W it adds s·(x·Aᵀ)·Bᵀ, where
// A [Rank, in] and B [out, Rank] are trained and W is not; s is Alpha/Rank, or Alpha/√Rank where RankStabilised
// (Kalajdzievski 2023).
type LoRA struct {
	Rank           int
	Alpha          float64
	Dropout        float64 // share of x's elements that training drops before A
	RankStabilised bool
	// Targets choose the linear layers: names, ends of names ("c_attn"), regular expressions of whole names, or the one word
	// "all-linear". Empty: the family's default.
	Targets []string
}

// AllLinear as the only target means every linear layer but the LM head.
const AllLinear = "all-linear"

func (l LoRA) scale() float64 {
	if l.RankStabilised {
		return l.Alpha / math.Sqrt(float64(l.Rank))
	}
	return l.Alpha / float64(l.Rank)
}

// attached is an adapter whose matrices are variables.
type attached struct {
	source    *Adapter
	scope     *gomodel.Scope
	modules   map[string]int // its layers, numbered
	variables []Variable
	trainable bool
}

func (a *attached) on(module string) bool {
	_, ok := a.modules[module]
	return ok
}

// Adapt returns a network of the same weights with an adapter on; n itself stays as it is, the network with the adapter off.
// The adapter's matrices become variables under path of the store.
func (n *Network) Adapt(backend compute.Backend, store *gomodel.Store, path string, a *Adapter, trainable bool) (*Network, error) {
	layers, err := a.layers(n.checkpoint)
	if err != nil {
		return nil, err
	}
	on := &attached{source: a, scope: store.Scope(path), modules: map[string]int{}, trainable: trainable}
	for i, l := range layers {
		on.modules[l.Module] = i
	}
	for _, p := range a.params(n.checkpoint, layers) {
		values, err := a.values(p)
		if err != nil {
			return nil, err
		}
		placed, err := device.Float32(backend, values, p.Dims...)
		if err != nil {
			return nil, fmt.Errorf("adapter: %s: %w", p.Name, err)
		}
		v := on.scope.VariableWithValue(p.Name, placed).SetTrainable(trainable)
		on.variables = append(on.variables, Variable{p, v})
	}
	adapted := *n
	adapted.adapter = on
	return &adapted, nil
}

// Check reports whether an adapter fits the model.
func (c *Checkpoint) Check(a *Adapter) error {
	_, err := a.layers(c)
	return err
}

// targeted are the linear layers of the model that the targets choose, in the model's order.
func (a *Adapter) targeted(c *Checkpoint) ([]*Linear, error) {
	all := c.linears()
	targets := a.Targets
	if len(targets) == 0 {
		targets = c.family.adapts()
	}
	if slices.Equal(targets, []string{AllLinear}) {
		return all, nil
	}
	var chosen []*Linear
	hit := make([]bool, len(targets))
	for _, l := range all {
		matched := false
		for i, target := range targets {
			match, err := matches(target, l.Module)
			if err != nil {
				return nil, err
			}
			hit[i] = hit[i] || match
			matched = matched || match
		}
		if matched {
			chosen = append(chosen, l)
		}
	}
	for i, ok := range hit {
		if !ok {
			return nil, usage.Errorf("lora_target_modules: %q is no linear layer of this %s model; it has %s, and %q stands for all", targets[i], c.Config.Type, strings.Join(layerNames(all), ", "), AllLinear)
		}
	}
	return chosen, nil
}

// matches reports whether a target means a module: its name, the end of it, or a pattern of all of it.
func matches(target, module string) (bool, error) {
	if module == target || strings.HasSuffix(module, "."+target) {
		return true, nil
	}
	if regexp.QuoteMeta(target) == target {
		return false, nil
	}
	pattern, err := regexp.Compile("^(?:" + target + ")$")
	if err != nil {
		return false, usage.Errorf("lora_target_modules: %q is not a regular expression: %w", target, err)
	}
	return pattern.MatchString(module), nil
}

// layerNames lists the last parts of the modules' names, each once.
func layerNames(layers []*Linear) []string {
	var names []string
	for _, l := range layers {
		if name := strings.TrimPrefix(path.Ext(l.Module), "."); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// linears lists the model's linear layers, each once.
func (c *Checkpoint) linears() []*Linear {
	var list []*Linear
	for _, p := range c.params {
		if p.Linear != nil && (len(list) == 0 || list[len(list)-1] != p.Linear) {
			list = append(list, p.Linear)
		}
	}
	return list
}

const (
	downMatrix = ".lora_A.weight"
	upMatrix   = ".lora_B.weight"
)

// params lists the adapter's matrices. B is taken apart as the weight it is added to.
func (a *Adapter) params(c *Checkpoint, layers []*Linear) []Param {
	var list []Param
	on := map[*Linear]bool{}
	for _, l := range layers {
		on[l] = true
	}
	for _, p := range c.params {
		l := p.Linear
		if l == nil || !on[l] {
			continue
		}
		if p.Part == nil || p.Part.From == 0 {
			name := l.Module + downMatrix
			// PyTorch's default for linear layers: uniform with this deviation.
			std := 1 / math.Sqrt(3*float64(l.In))
			list = append(list, Param{Name: name, Tensor: name, Kind: KindWeight, Std: std, Dims: []int{a.Rank, l.In}})
		}
		up := Param{Name: l.Module + upMatrix, Tensor: l.Module + upMatrix, Kind: KindWeight, Dims: []int{l.Out, a.Rank}}
		if p.Part != nil {
			view := p.Part.View[p.Part.out : p.Part.out+p.Part.split]
			s := section{p.Name[strings.LastIndex(p.Name, ":")+1:], p.Part.From, p.Part.To}
			up.Name += ":" + s.name
			up.Part = l.part(view, p.Part.Axis-p.Part.out, s, false, a.Rank)
			up.Dims = []int{l.Out / view[p.Part.Axis-p.Part.out] * (s.to - s.from), a.Rank}
		}
		list = append(list, up)
	}
	return list
}

// adapted is what the adapter adds to a layer's output.
//
//	x        [n, in]
//	returns  float32 [n, out]
func (w *weights) adapted(x *Node, a *attached, module, section string) *Node {
	value := func(name string) *Node { return ConvertDType(a.scope.GetVariable(name).NodeValue(w.graph), x.DType()) }
	down, ok := w.down[module]
	if !ok {
		if p := a.source.Dropout; p > 0 && w.in.Noise != nil && a.trainable {
			x = dropout(x, p, w.in.Noise, a.modules[module])
		}
		down = multiply(x, value(module+downMatrix), false)
		w.down[module] = down
	}
	return MulScalar(multiply(down, value(module+upMatrix+section), false), a.source.scale())
}

// dropout sets a share p of x's elements to 0 and scales the others by 1/(1-p). Which ones depends on the noise, the stream
// and the element's place alone, the same way on every engine.
//
//	x      [n, width]
//	noise  int64 scalar, from 0 to noiseRange
func dropout(x *Node, p float64, noise *Node, stream int) *Node {
	keep := GreaterOrEqual(scramble(x, noise, stream), Const(x.Graph(), int64(p*noiseRange)))
	return Where(keep, MulScalar(x, 1/(1-p)), ZerosLike(x))
}

// noiseRange is a prime, 2³¹-1, so that products of two remainders fit an int64.
const noiseRange = 1<<31 - 1

// NoiseRange is the number that Inputs.Noise must be below.
const NoiseRange = noiseRange

// scramble gives every element of x a number from 0 to noiseRange, evenly spread: affine maps and squares modulo a prime in
// turns, starting from the element's place.
func scramble(x, noise *Node, stream int) *Node {
	g := x.Graph()
	shape := shapes.Make(dtypes.Int64, x.Shape().Dimensions...)
	width := int64(shape.Dimensions[1])
	modulo := func(z *Node) *Node {
		p := Const(g, int64(noiseRange))
		return Sub(z, Mul(Div(z, p), p))
	}
	z := modulo(Add(Add(MulScalar(Iota(g, shape, 0), width), Iota(g, shape, 1)), AddScalar(noise, int64(stream)*1_000_003)))
	for _, round := range [][2]int64{{48271, 11}, {69621, 1_234_567}, {39373, 987_654_321}} {
		z = modulo(AddScalar(MulScalar(z, round[0]), round[1]))
		z = modulo(Add(Square(z), AddScalar(noise, round[1])))
	}
	return modulo(MulScalar(z, int64(16807)))
}
