package beginning

import (
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	gomodel "github.com/gomlx/gomlx/ml/model"

	"github.com/sparsepo/sparsepo/internal/device"
	"github.com/sparsepo/sparsepo/model"
)

// Reader reads beginnings, and keeps the keys and values of the last one. It is not safe for concurrent use.
type Reader struct {
	network *model.Network
	exec    *gomodel.Exec
	ids     []int32
	cache   []*tensors.Tensor
}

// NewReader prepares reading with a network whose variables are in the store.
func NewReader(backend compute.Backend, store *gomodel.Store, network *model.Network) (*Reader, error) {
	r := &Reader{network: network}
	var err error
	if r.exec, err = device.Prepare(backend, store, "beginning", r.graph); err != nil {
		return nil, err
	}
	return r, nil
}

// Release forgets what was read, as it must be when the network's weights change.
func (r *Reader) Release() {
	for _, t := range r.cache {
		_ = t.FinalizeAll()
	}
	r.ids, r.cache = nil, nil
}

// Close releases everything.
func (r *Reader) Close() {
	r.Release()
	r.exec.Finalize()
}

// Tokens are those that were read last.
func (r *Reader) Tokens() []int32 { return r.ids }

// Cache has their keys and values: per layer keys, then per layer values [1, kvHeads, length, headDim], where the length may
// be more than the number of tokens. They belong to the reader.
func (r *Reader) Cache() []*tensors.Tensor { return r.cache }

// Read reads the beginning of a section of texts, or shortens it to the one that was read last, where the tokens that the texts
// then read themselves are fewer than those of reading it anew.
func (r *Reader) Read(s *Section, texts [][]int32) error {
	n := len(r.ids)
	if n > 0 && common(r.ids, s.Beginning) == n && (len(s.Beginning)-n)*s.different(texts) <= len(s.Beginning) {
		s.Beginning = s.Beginning[:n]
		return nil
	}
	r.Release()
	length := Length(len(s.Beginning), least)
	tokens, positions := make([]int64, length), make([]int64, length)
	for i, id := range s.Beginning {
		tokens[i], positions[i] = int64(id), int64(i)
	}
	inputs := []*tensors.Tensor{tensors.FromFlatDataAndDimensions(tokens, 1, length), tensors.FromFlatDataAndDimensions(positions, 1, length)}
	out, err := device.Call(r.exec, inputs)
	if err != nil {
		return err
	}
	last := len(out) - 1
	_ = out[last].FinalizeAll()
	r.ids, r.cache = slices.Clone(s.Beginning), out[:last]
	return nil
}

// graph reads a beginning, padded at its end.
//
//	tokens, positions  int64 [1, length]
//	returns per layer keys, then per layer values [1, kvHeads, length, headDim]; and a number without meaning, since graphs
//	whose last operation is in no result fail on the Go engine
func (r *Reader) graph(_ *gomodel.Scope, nodes []*Node) []*Node {
	g, length := nodes[0].Graph(), nodes[0].Shape().Dim(1)
	square := shapes.Make(dtypes.Int64, 1, length, length)
	out := r.network.Forward(model.Inputs{
		Tokens: nodes[0], Positions: nodes[1], Visible: GreaterOrEqual(Iota(g, square, 1), Iota(g, square, 2)),
	})
	return slices.Concat(out.Keys, out.Values, []*Node{ReduceAllSum(out.Final)})
}
