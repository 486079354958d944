package encoder

import (
	"fmt"
	"math"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	gomodel "github.com/gomlx/gomlx/ml/model"

	"github.com/sparsepo/sparsepo/internal/activation"
	"github.com/sparsepo/sparsepo/internal/device"
	"github.com/sparsepo/sparsepo/internal/norm"
)

// Encoder is an encoder, and the head it was opened with, in an engine's memory.
type Encoder struct {
	Config *Config

	backend compute.Backend
	store   *gomodel.Store
	scope   *gomodel.Scope
}

// Bind reads the parameters into the engine's memory. Close releases them.
func (c *Checkpoint) Bind(backend compute.Backend) (*Encoder, error) {
	store := gomodel.NewStore()
	e := &Encoder{Config: c.Config, backend: backend, store: store, scope: store.Scope("/encoder")}
	for _, t := range append(c.Config.Tensors(), c.head...) {
		values, err := c.values(t)
		if err == nil {
			err = e.hold(t, values)
		}
		if err != nil {
			e.Close()
			return nil, fmt.Errorf("model %s: %s: %w", c.Folder, t.Name, err)
		}
	}
	return e, nil
}

func (e *Encoder) hold(t Tensor, values []float32) error {
	placed, err := device.Float32(e.backend, values, t.Dims...)
	if err != nil {
		return err
	}
	e.scope.VariableWithValue(t.Name, placed).SetTrainable(false)
	return nil
}

// Close releases the parameters. The programs made of the encoder must be closed before.
func (e *Encoder) Close() { e.store.Finalize() }

// Inputs are the nodes of a forward pass, as Program.Run fills them.
type Inputs struct {
	Tokens    *Node // int64 [rows, seq]
	Positions *Node // int64 [rows, seq], rows of the position embedding
	Lengths   *Node // int64 [rows], how many tokens of each row are not padding
	Types     *Node // int64 [rows, seq], rows of the token type embedding; nil where the model has one or none (Config.Typed)
}

// Parameter is a tensor of the encoder, or of its head, in the graph.
func (e *Encoder) Parameter(g *Graph, tensor string) *Node {
	v := e.scope.GetVariable(tensor)
	if v == nil {
		panic(fmt.Errorf("encoder: no tensor %q", tensor))
	}
	return v.NodeValue(g)
}

// Apply is the linear layer of that name.
//
//	x       [n, in]
//	returns [n, out]
func (e *Encoder) Apply(x *Node, module string) *Node {
	weight, bias := e.Parameter(x.Graph(), module+".weight"), e.Parameter(x.Graph(), module+".bias")
	return Add(DotGeneral(x, []int{1}, nil, weight, []int{1}, nil), ExpandLeftToRank(bias, 2))
}

// Forward adds the forward pass through the first layers, at most Config.Layers of them, to the graph.
//
//	returns layers+1 hidden states [rows, seq, hidden]: the embeddings, then the output of each layer
//
// Hidden states at padding are of no meaning.
func (e *Encoder) Forward(in Inputs, layers int) []*Node {
	if layers < 0 || layers > e.Config.Layers {
		panic(fmt.Errorf("encoder: %d layers asked for of %d", layers, e.Config.Layers))
	}
	rows, seq := in.Tokens.Shape().Dim(0), in.Tokens.Shape().Dim(1)
	x := e.embed(in)
	shaped := func(x *Node) *Node { return Reshape(x, rows, seq, e.Config.Hidden) }
	hidden := []*Node{shaped(x)}
	bias, distances := paddingBias(in.Lengths, seq), e.relation(in.Tokens.Graph(), seq)
	for layer := range layers {
		x = e.layer(x, bias, distances, e.Config.family.block(e.Config, layer))
		hidden = append(hidden, shaped(x))
	}
	return hidden
}

// embed adds up the embeddings of the tokens, their positions and their types.
//
//	returns [rows*seq, hidden]
func (e *Encoder) embed(in Inputs) *Node {
	g, rows, seq := in.Tokens.Graph(), in.Tokens.Shape().Dim(0), in.Tokens.Shape().Dim(1)
	lookup := func(table string, ids *Node) *Node { return Gather(e.Parameter(g, table), InsertAxes(ids, -1)) }
	x := lookup(wordTable, in.Tokens)
	switch {
	case in.Types != nil:
		x = Add(x, lookup(typeTable, in.Types))
	case !e.Config.family.untyped:
		x = Add(x, lookup(typeTable, Zeros(g, shapes.Make(dtypes.Int64, 1, 1))))
	}
	if !e.Config.family.relative {
		x = Add(x, lookup(placeTable, in.Positions))
	}
	x = Reshape(e.normalise(x, firstNorm), rows*seq, e.Config.Embedding)
	if e.Config.family.shared {
		x = e.Apply(x, widening)
	}
	return x
}

// layer is one layer: attention and an MLP, each added to its input and normalised afterwards.
//
//	x       [rows*seq, hidden]
//	bias    [rows, 1, 1, seq]
//	returns [rows*seq, hidden]
func (e *Encoder) layer(x, bias *Node, distances *relation, b block) *Node {
	rows, seq := bias.Shape().Dim(0), bias.Shape().Dim(3)
	heads, dim := e.Config.Heads, e.Config.Hidden/e.Config.Heads
	split := func(module string) *Node { // [rows, heads, seq, dim]
		return TransposeAllDims(Reshape(e.Apply(x, module), rows, seq, heads, dim), 0, 2, 1, 3)
	}
	query, key, terms := split(b.query), split(b.key), 1.0
	scores := Einsum("bhqd,bhkd->bhqk", query, key)
	if distances != nil {
		scores, terms = Add(scores, distances.scores(e, query, key, b)), 3
	}
	scores = MulScalar(scores, 1/math.Sqrt(terms*float64(dim)))
	mixed := Einsum("bhqk,bhkd->bhqd", Softmax(Add(scores, bias), -1), split(b.value))
	joined := Reshape(TransposeAllDims(mixed, 0, 2, 1, 3), rows*seq, heads*dim)
	x = e.normalise(Add(x, e.Apply(joined, b.output)), b.outputNorm)
	inner := activation.Functions[e.Config.Activation](e.Apply(x, b.inner))
	return e.normalise(Add(x, e.Apply(inner, b.outer)), b.outerNorm)
}

func (e *Encoder) normalise(x *Node, module string) *Node {
	g := x.Graph()
	return norm.Layer(x, e.Parameter(g, module+".weight"), e.Parameter(g, module+".bias"), e.Config.NormEps)
}

// paddingMask is added to the attention scores of padding; exp of it is exactly 0 in float32.
const paddingMask = -1e9

// paddingBias is what is added to attention scores.
//
//	lengths int64 [rows]
//	returns float32 [rows, 1, 1, seq]: 0 for tokens, paddingMask for padding
func paddingBias(lengths *Node, seq int) *Node {
	g, rows := lengths.Graph(), lengths.Shape().Dim(0)
	places := shapes.Make(dtypes.Int64, rows, seq)
	own := LessThan(Iota(g, places, 1), BroadcastToShape(InsertAxes(lengths, -1), places))
	zero := Zeros(g, shapes.Make(dtypes.Float32, rows, seq))
	return Reshape(Where(own, zero, AddScalar(zero, paddingMask)), rows, 1, 1, seq)
}
