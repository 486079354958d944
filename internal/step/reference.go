package step

import (
	"fmt"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	gomodel "github.com/gomlx/gomlx/ml/model"

	"github.com/sparsepo/sparsepo/data"
	"github.com/sparsepo/sparsepo/internal/reference"
	"github.com/sparsepo/sparsepo/loss"
	"github.com/sparsepo/sparsepo/mask"
	"github.com/sparsepo/sparsepo/model"
)

// Given supplies what the reference finds at the response tokens of a pair, in place of its pass: the fields that
// [Settings.Fields] lists, each as the numbers of the chosen response's tokens and then the rejected one's, without tokens
// that nothing predicts. [reference.Cache] is one.
type Given interface {
	Values(p data.TokenPair) ([][]float32, error)
}

// Names of fields.
const (
	logProbField = "log_prob"
	maskField    = "mask"
)

// Fields lists what the objective needs of a reference of the given configuration, at each response token:
//
//   - the log-probability of the token, where the loss has nothing else of the reference;
//   - else the last hidden state, which the LM head makes the distribution of, for a learned mask of all layers those of the
//     other layers before it, and for an activation-based mask the mask itself.
func (s Settings) Fields(c *model.Config) []reference.Field {
	o := s.Objective
	if !o.TokenKL && (o.Mask == loss.NoMask || o.Mask == loss.FileMask) {
		return []reference.Field{{Name: logProbField, Width: 1}}
	}
	first := c.Layers - 1
	if o.Mask.Learned() && s.Learned.AllLayers {
		first = 0
	}
	var list []reference.Field
	for layer := first; layer < c.Layers; layer++ {
		list = append(list, reference.Field{Name: fmt.Sprintf("hidden.%d", layer), Width: c.Hidden})
	}
	if o.Mask == loss.ActivationMask {
		list = append(list, reference.Field{Name: maskField, Width: 1})
	}
	return list
}

// HeadNeeded reports whether a program with given values computes the reference's LM head.
func HeadNeeded(fields []reference.Field) bool {
	return len(fields) > 0 && fields[0].Name != logProbField
}

// FieldSettings names the settings that the values of the fields depend on; "" for none.
func (s Settings) FieldSettings() string {
	if s.Objective.Mask != loss.ActivationMask {
		return ""
	}
	return fmt.Sprintf("mask %s of %v", s.Map, s.groups())
}

// groups are the activation groups of an activation-based mask.
func (s Settings) groups() []string {
	if s.Groups == nil {
		return mask.Groups
	}
	return s.Groups
}

// compared is what a graph has of the reference at the response tokens. No gradient reaches it.
type compared struct {
	logProb    *Node   // [responses]; nil where logits are there
	logits     *Node   // [responses, vocab]; nil where the log-probabilities alone are given
	hidden     []*Node // per layer [responses, hidden], for a learned mask
	activation *Node   // [responses] the activation-based mask; nil for other masks
}

// reference adds the reference's pass to the graph, or reads what is given in its place; nil without a reference.
func (p *Program) reference(in inputs, sides loss.Sides) *compared {
	switch {
	case p.fields != nil:
		return p.given(in)
	case p.Reference == nil:
		return nil
	}
	return p.runReference(in, sides)
}

func (p *Program) runReference(in inputs, sides loss.Sides) *compared {
	kind := p.settings.Objective.Mask
	logits, out := in.logits(p.Reference, model.Inputs{Trace: kind == loss.ActivationMask})
	c := &compared{logits: StopGradient(logits)}
	switch {
	case kind.Learned():
		for _, h := range out.Hidden {
			c.hidden = append(c.hidden, StopGradient(in.atPredictions(h)))
		}
	case kind == loss.ActivationMask:
		member := Concatenate([]*Node{sides.Chosen, sides.Rejected}, 0)
		c.activation = StopGradient(mask.FromActivations(p.activationMeans(in, c.logits, out), member, p.settings.Map))
	}
	return c
}

// given reads the fields.
func (p *Program) given(in inputs) *compared {
	c := &compared{}
	for i, f := range p.fields {
		x := StopGradient(in.given[i]) // [responses, width]
		switch f.Name {
		case logProbField:
			c.logProb = Reshape(x, -1)
		case maskField:
			c.activation = Reshape(x, -1)
		default:
			c.hidden = append(c.hidden, x)
		}
	}
	if c.logProb != nil {
		return c
	}
	last := c.hidden[len(c.hidden)-1]
	c.logits = StopGradient(p.Reference.Logits(last))
	if n := p.settings.Learned.Layers; len(c.hidden) < n { // the mask reads the last layer alone
		c.hidden = slices.Repeat([]*Node{last}, n)
	}
	return c
}

// giveFields lays a batch's values out as the graph's inputs, one [responses, width] a field; padding is zero.
func (p *Program) giveFields(b *data.Batch) ([]any, error) {
	if p.fields == nil {
		return nil, nil
	}
	pairs := b.Unpack()
	values := make([][][]float32, len(pairs))
	for slot, pair := range pairs {
		var err error
		if values[slot], err = p.settings.Given.Values(pair); err != nil {
			return nil, err
		}
	}
	args := make([]any, len(p.fields))
	for i, f := range p.fields {
		flat := make([]float32, b.Responses*f.Width)
		next := make([]int, len(pairs)) // number of each pair's values that have their place
		for at, owner := range b.Owner {
			if owner >= int64(2*b.Pairs) {
				continue
			}
			slot := int(owner) % b.Pairs
			copy(flat[at*f.Width:(at+1)*f.Width], values[slot][i][next[slot]:])
			next[slot] += f.Width
		}
		args[i] = tensors.FromFlatDataAndDimensions(flat, b.Responses, f.Width)
	}
	return args, nil
}

// ReferencePass computes the fields of pairs. It is not safe for concurrent use.
type ReferencePass struct {
	program *Program
	fields  []reference.Field
	exec    *gomodel.Exec
}

// NewReferencePass prepares the pass of a reference for an objective; of the settings those of the objective and its mask count.
func NewReferencePass(backend compute.Backend, store *gomodel.Store, network *model.Network, s Settings) (*ReferencePass, error) {
	s.Groups, s.Given = s.groups(), nil
	r := &ReferencePass{fields: s.Fields(network.Config)}
	if s.Objective.Mask != loss.ActivationMask {
		s.Objective.Mask, s.Learned = loss.NoMask, mask.Learned{} // so that no noise is fed
	}
	r.program = &Program{Reference: network, settings: s, backend: backend}
	var err error
	if r.exec, err = gomodel.NewExec(backend, store, func(_ *gomodel.Scope, nodes []*Node) []*Node { return r.graph(nodes) }); err != nil {
		return nil, fmt.Errorf("prepare the reference's pass: %w", err)
	}
	r.exec.SetMaxCache(-1)
	return r, nil
}

// Close releases the compiled graphs.
func (r *ReferencePass) Close() { r.exec.Finalize() }

// graph gives the fields of a batch, each [responses, width].
func (r *ReferencePass) graph(nodes []*Node) []*Node {
	p := r.program
	in := p.newInputs(nodes)
	pass := model.Inputs{Tokens: in.tokens, Positions: in.positions, Visible: in.visible(), Trace: p.settings.Objective.Mask == loss.ActivationMask}
	out := p.Reference.Forward(pass)
	list := make([]*Node, len(r.fields))
	for i, f := range r.fields {
		switch f.Name {
		case logProbField:
			d := newDistribution(p.Reference.Logits(in.atPredictions(out.Final)))
			list[i] = InsertAxes(d.logProb(in.target), -1)
		case maskField:
			sides := loss.NewSides(in.owner, in.weight.Shape().Dim(0), dtypes.Float32)
			member := Concatenate([]*Node{sides.Chosen, sides.Rejected}, 0)
			logits := p.Reference.Logits(in.atPredictions(out.Final))
			list[i] = InsertAxes(mask.FromActivations(p.activationMeans(in, logits, out), member, p.settings.Map), -1)
		default:
			list[i] = in.atPredictions(out.Hidden[p.Reference.Config.Layers-len(r.hidden())+i])
		}
	}
	return list
}

// hidden are the fields that are hidden states: the first ones.
func (r *ReferencePass) hidden() []reference.Field {
	n := slices.IndexFunc(r.fields, func(f reference.Field) bool { return f.Name == maskField })
	if n < 0 {
		n = len(r.fields)
	}
	return r.fields[:n]
}

// Values computes the fields of a batch's pairs, in the order of their slots.
func (r *ReferencePass) Values(b *data.Batch) ([][][]float32, error) {
	args, err := r.program.feed(b, nil)
	if err != nil {
		return nil, err
	}
	out, err := r.program.call(r.exec, args)
	if err != nil {
		return nil, fmt.Errorf("the reference's pass: %w", err)
	}
	defer finalize(out)
	values := make([][][]float32, len(b.Index))
	for slot := range values {
		values[slot] = make([][]float32, len(r.fields))
	}
	for i, f := range r.fields {
		flat, err := tensors.CopyFlatData[float32](out[i])
		if err != nil {
			return nil, fmt.Errorf("the reference's pass: %w", err)
		}
		for at, owner := range b.Owner {
			if owner < int64(2*b.Pairs) {
				list := &values[int(owner)%b.Pairs][i]
				*list = append(*list, flat[at*f.Width:(at+1)*f.Width]...)
			}
		}
	}
	return values, nil
}
