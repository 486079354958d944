package model

import (
	"fmt"
	"strings"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/dtypes/bfloat16"
	"github.com/gomlx/gomlx/core/tensors"
	gomodel "github.com/gomlx/gomlx/ml/model"

	"github.com/sparsepo/sparsepo/engine"
	"github.com/sparsepo/sparsepo/internal/device"
	"github.com/sparsepo/sparsepo/internal/nf4"
	"github.com/sparsepo/sparsepo/internal/usage"
)

// Binding says how a checkpoint's parameters are held.
type Binding struct {
	Trainable bool         // updated by training, and therefore kept in float32
	DType     dtypes.DType // of the forward pass and of frozen parameters; the zero value stands for float32
	Quantise  bool         // linear layers in four bits (package nf4); not with Trainable
	HeadOnly  bool         // the LM head alone: the network has Logits and no Forward; not with Trainable
}

// Bind reads the parameters into variables under path ("/policy") of the store, in the engine's memory, one after the other.
func (c *Checkpoint) Bind(backend compute.Backend, store *gomodel.Store, path string, b Binding) (*Network, error) {
	if b.DType == dtypes.InvalidDType {
		b.DType = dtypes.Float32
	}
	if b.DType == dtypes.BFloat16 && !engine.BFloat16(backend) {
		return nil, usage.Errorf("dtype bfloat16: engine %s computes it as float32; use dtype float32, or --engine go or xla:PATH", backend.Name())
	}
	switch {
	case b.Quantise && b.Trainable:
		return nil, fmt.Errorf("model %s: four-bit weights cannot be trained", c.name())
	case b.HeadOnly && b.Trainable:
		return nil, fmt.Errorf("model %s: a head alone cannot be trained", c.name())
	}
	n := &Network{
		Config: c.Config, backend: backend, family: c.family, scope: store.Scope(path), dtype: b.DType,
		linears: map[string]Param{}, quantised: map[string][][]int{}, trainable: b.Trainable, checkpoint: c,
	}
	for i, p := range c.params {
		if b.HeadOnly && !c.inHead(p) {
			continue
		}
		if p.Linear != nil {
			n.linears[p.Name] = p
		}
		if err := n.bind(backend, p, b); err != nil {
			return nil, fmt.Errorf("model %s: %s: %w", c.name(), p.Name, err)
		}
		if last := i+1 == len(c.params) || c.params[i+1].Tensor != p.Tensor; last && c.files != nil {
			t, _ := c.files.Tensor(p.Tensor)
			t.Release()
		}
	}
	return n, nil
}

// inHead reports whether the LM head reads a parameter: its own ones, or the token embedding, which comes first, where they are
// tied.
func (c *Checkpoint) inHead(p Param) bool {
	return strings.HasPrefix(p.Name, "lm_head.") || strings.HasPrefix(p.Name, "embed_out.") || c.Config.TieHead && p.Name == c.params[0].Name
}

// HeadParameters counts the weights that a network bound with HeadOnly has.
func (c *Checkpoint) HeadParameters() int {
	n := 0
	for _, p := range c.params {
		if c.inHead(p) {
			n += p.size()
		}
	}
	return n
}

// bind places one parameter.
func (n *Network) bind(backend compute.Backend, p Param, b Binding) error {
	if b.Quantise && p.Linear != nil {
		return n.bindQuantised(backend, p)
	}
	var placed *tensors.Tensor
	var err error
	if b.DType == dtypes.BFloat16 && !b.Trainable {
		placed, err = device.Fill(backend, func(flat []bfloat16.BFloat16) error {
			return n.checkpoint.pieces(p, 0, p.size(), func(at int, values []float32) error {
				for i, v := range values {
					flat[at+i] = bfloat16.FromFloat32(v)
				}
				return nil
			})
		}, p.Dims...)
	} else {
		placed, err = device.Fill(backend, func(flat []float32) error { return n.checkpoint.read(p, flat, 0) }, p.Dims...)
	}
	if err != nil {
		return err
	}
	v := n.scope.VariableWithValue(p.Name, placed)
	n.base = append(n.base, Variable{p, v.SetTrainable(b.Trainable)})
	return nil
}

// The variables of a quantised matrix are called after the parameter, the number of the band and these.
const (
	quantisedCodes       = ":codes"
	quantisedScales      = ":scales"
	quantisedScaleScales = ":scale_scales"
	quantisedOffset      = ":offset"
)

// bandSize is the number of weights above which a matrix is quantised in bands of rows, each a tensor of its own, so that no
// more than a band is unpacked at a time: that takes up to 16 bytes a weight for a moment.
const bandSize = 1 << 24

// bands are the dimensions of a matrix's bands. A matrix stored [in, out] is one band: its rows are inputs, and taking some of
// them would need a slice, which has no gradient on every engine.
func bands(p Param) [][]int {
	rows, columns := p.Dims[0], p.Dims[1]
	most := max(1, bandSize/columns)
	if p.Linear.InOut {
		most = rows
	}
	var list [][]int
	for done := 0; done < rows; done += most {
		list = append(list, []int{min(most, rows-done), columns})
	}
	return list
}

func bandName(p Param, band int, of string) string { return fmt.Sprintf("%s:%d%s", p.Name, band, of) }

// bindQuantised quantises a matrix as it is read.
func (n *Network) bindQuantised(backend compute.Backend, p Param) error {
	n.quantised[p.Name] = bands(p)
	first := 0
	for band, dims := range n.quantised[p.Name] {
		q, err := nf4.NewQuantiser(dims...)
		if err != nil {
			return err
		}
		if err := n.checkpoint.pieces(p, first, product(dims), func(_ int, values []float32) error { return q.Add(values) }); err != nil {
			return err
		}
		t, err := q.Finish()
		if err != nil {
			return err
		}
		if err := n.placeQuantised(backend, p, band, t); err != nil {
			return err
		}
		first += product(dims)
	}
	return nil
}

func (n *Network) placeQuantised(backend compute.Backend, p Param, band int, t nf4.Tensor) error {
	codes := t.Words()
	for name, place := range map[string]func() (*tensors.Tensor, error){
		quantisedCodes: func() (*tensors.Tensor, error) {
			return device.Fill(backend, func(flat []uint16) error { copy(flat, codes); return nil }, len(codes))
		},
		quantisedScales: func() (*tensors.Tensor, error) {
			return device.Fill(backend, func(flat []uint8) error { copy(flat, t.Scales); return nil }, len(t.Scales))
		},
		quantisedScaleScales: func() (*tensors.Tensor, error) { return device.Float32(backend, t.ScaleScales, len(t.ScaleScales)) },
		quantisedOffset:      func() (*tensors.Tensor, error) { return device.Float32(backend, []float32{t.Offset}) },
	} {
		placed, err := place()
		if err != nil {
			return err
		}
		n.scope.VariableWithValue(bandName(p, band, name), placed).SetTrainable(false)
	}
	return nil
}

// pieceSize is how many values pieces reads at once: a multiple of nf4.BlockSize.
const pieceSize = 1 << 20

// pieces reads n values of a parameter from element first on in pieces, each beginning at element at of them. The values are
// valid until take returns.
func (c *Checkpoint) pieces(p Param, first, n int, take func(at int, values []float32) error) error {
	buffer := make([]float32, min(pieceSize, n))
	for at := 0; at < n; at += len(buffer) {
		values := buffer[:min(len(buffer), n-at)]
		if err := c.read(p, values, first+at); err != nil {
			return err
		}
		if err := take(at, values); err != nil {
			return err
		}
	}
	return nil
}

// read fills into with a parameter's values from element first on.
func (c *Checkpoint) read(p Param, into []float32, first int) error {
	if c.files == nil {
		c.initial(p, into, first)
		return nil
	}
	t, _ := c.files.Tensor(p.Tensor)
	if p.Part == nil {
		return t.DecodeFloat32(into, first)
	}
	return p.Part.runs(first, len(into), func(at, whole, n int) error {
		return t.DecodeFloat32(into[at:at+n], whole)
	})
}
