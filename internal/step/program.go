package step

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	gomodel "github.com/gomlx/gomlx/ml/model"

	"github.com/sparsepo/sparsepo/data"
	"github.com/sparsepo/sparsepo/internal/device"
	"github.com/sparsepo/sparsepo/internal/maskfile"
	"github.com/sparsepo/sparsepo/internal/reference"
	"github.com/sparsepo/sparsepo/loss"
	"github.com/sparsepo/sparsepo/model"
)

// Names of the two learned masks, as in mask.safetensors.
const (
	rewardMask = "reward"
	klMask     = "kl"
)

// Program is an objective bound to its networks and masks on one engine. It is not safe for concurrent use.
type Program struct {
	Policy    *model.Network
	Reference *model.Network // nil where the objective needs none and none was given

	settings Settings
	fields   []reference.Field // of Settings.Given; nil where the reference runs
	backend  compute.Backend
	store    *gomodel.Store
	masks    map[string]*gomodel.Variable // "reward.layer.weight", …
	dropout  bool                         // whether the policy's adapter drops a share of its inputs in training
	trained  []trained
	inPlace  bool // AdamW runs on the host, see updateInPlace

	evaluate                     *gomodel.Exec
	gradient                     *gomodel.Exec // where the engine shares its memory with the program, see updateInPlace
	update, accumulate, applySum *gomodel.Exec // elsewhere

	graphs map[string]int // built so far, by the name of their executable
}

// New binds an objective to networks of the store. Learned masks start from masks, tensors under the names of
// mask.safetensors, or from seed where masks is nil. With Settings.Given the reference may be bound with HeadOnly, or be nil
// where [HeadNeeded] says so.
func New(backend compute.Backend, store *gomodel.Store, policy, network *model.Network, s Settings, masks map[string][]float32, seed uint64) (*Program, error) {
	var fields []reference.Field
	if s.Given != nil {
		fields = s.Fields(policy.Config)
		if network != nil {
			fields = s.Fields(network.Config)
		}
	}
	if s.Objective.Reference && network == nil && (fields == nil || HeadNeeded(fields)) {
		return nil, fmt.Errorf("objective %s needs a reference model", s.Objective.Name)
	}
	s.Groups = s.groups()
	p := &Program{Policy: policy, Reference: network, settings: s, fields: fields, backend: backend, store: store, masks: map[string]*gomodel.Variable{}, dropout: policy.Dropout() > 0, inPlace: backend.HasSharedBuffers(), graphs: map[string]int{}}
	for _, v := range policy.Trained() {
		t := trained{name: v.Param.Name, variable: v.Variable}
		if v.Decays() {
			t.decay = s.Optimiser.WeightDecay
		}
		p.trained = append(p.trained, t)
	}
	if err := p.addMaskVariables(masks, seed); err != nil {
		return nil, err
	}
	for _, e := range []struct {
		into  **gomodel.Exec
		graph func(*gomodel.Scope, []*Node) []*Node
		name  string
	}{
		{&p.evaluate, p.evaluateGraph, "evaluate"},
		{&p.gradient, p.gradientsGraph, "gradient"},
		{&p.update, p.updateGraph, "update"},
		{&p.accumulate, p.accumulateGraph, "accumulate"},
		{&p.applySum, p.applySumGraph, "apply"},
	} {
		exec, err := gomodel.NewExec(backend, store, func(scope *gomodel.Scope, nodes []*Node) []*Node {
			p.graphs[e.name]++
			return e.graph(scope, nodes)
		})
		if err != nil {
			return nil, fmt.Errorf("prepare graph %s: %w", e.name, err)
		}
		exec.SetMaxCache(-1)
		*e.into = exec
	}
	return p, nil
}

// Graphs counts the graphs that were built for each executable: one for every shape of its inputs.
func (p *Program) Graphs() map[string]int { return maps.Clone(p.graphs) }

// maskNames lists the learned masks of the objective.
func maskNames(kind loss.MaskKind) []string {
	switch {
	case kind == loss.IndependentMask:
		return []string{rewardMask, klMask}
	case kind.Learned():
		return []string{rewardMask}
	}
	return nil
}

func (p *Program) addMaskVariables(values map[string][]float32, seed uint64) error {
	scope := p.store.Scope("/mask")
	for i, name := range maskNames(p.settings.Objective.Mask) {
		initial := p.settings.Learned.Initial(seed + uint64(i))
		for _, param := range p.settings.Learned.Params() {
			full := name + "." + param.Name
			v := initial[param.Name]
			if values != nil {
				v = values[full]
			}
			placed, err := device.Float32(p.backend, v, param.Dims...)
			if err != nil {
				return fmt.Errorf("mask %s: %w", full, err)
			}
			variable := scope.VariableWithValue(full, placed)
			p.masks[full] = variable
			t := trained{name: "mask." + full, variable: variable, mask: true}
			if param.Decays {
				t.decay = p.settings.Optimiser.MaskWeightDecay
			}
			p.trained = append(p.trained, t)
		}
	}
	return nil
}

// addMoments creates the optimiser's state, zero at first. A program that only evaluates has none.
func (p *Program) addMoments() error {
	for i := range p.trained {
		t := &p.trained[i]
		if t.first != nil {
			return nil
		}
		var err error
		if t.first, err = p.zero("/adamw/first", t); err != nil {
			return err
		}
		if t.second, err = p.zero("/adamw/second", t); err != nil {
			return err
		}
	}
	return nil
}

// addGradientSums creates the variables that micro-batches add their gradients to.
func (p *Program) addGradientSums() error {
	for i := range p.trained {
		t := &p.trained[i]
		if t.gradient != nil {
			return nil
		}
		var err error
		if t.gradient, err = p.zero("/gradient", t); err != nil {
			return err
		}
	}
	return nil
}

// zero creates a variable of zeros in the shape of a trained one.
func (p *Program) zero(scope string, t *trained) (*gomodel.Variable, error) {
	placed, err := device.Place(p.backend, tensors.FromShape(t.variable.Shape()))
	if err != nil {
		return nil, fmt.Errorf("optimiser state of %s: %w", t.name, err)
	}
	return p.store.Scope(scope).VariableWithValue(t.name, placed).SetTrainable(false), nil
}

// noiseRows lists the matrices of uniform numbers that training feeds for each batch, by their number of rows: one row for
// a random mask; with dropout, for each learned mask, its layers and one row for the mixed mask.
func (p *Program) noiseRows() []int {
	if p.settings.Objective.Mask == loss.RandomMask {
		return []int{1}
	}
	var rows []int
	if p.settings.Learned.Dropout > 0 {
		for range maskNames(p.settings.Objective.Mask) {
			rows = append(rows, p.settings.Learned.Used(), 1)
		}
	}
	return rows
}

// feed turns a batch into the graph's inputs. Noise is drawn from the stream the caller seeded for this batch.
func (p *Program) feed(b *data.Batch, noise func() float32) ([]any, error) {
	given, err := p.giveFields(b)
	if err != nil {
		return nil, err
	}
	matrix := func(x []int64) any { return tensors.FromFlatDataAndDimensions(x, b.Rows, b.Seq) }
	list := func(x []int64) any { return tensors.FromFlatDataAndDimensions(x, b.Responses) }
	args := []any{
		matrix(b.Tokens), matrix(b.Positions), matrix(b.Pair), matrix(b.Side),
		list(b.Predict), list(b.Target), list(b.Owner), tensors.FromFlatDataAndDimensions(b.Weight, b.Pairs),
	}
	if p.settings.Objective.Mask == loss.FileMask {
		if b.Mask == nil {
			return nil, errors.New("the mask is to come from the records, and the batch has none; load the data with masks")
		}
		args = append(args, tensors.FromFlatDataAndDimensions(b.Mask, 1, b.Responses))
	}
	for _, rows := range p.noiseRows() {
		uniform := make([]float32, rows*b.Responses)
		for i := range uniform {
			uniform[i] = noise()
		}
		args = append(args, tensors.FromFlatDataAndDimensions(uniform, rows, b.Responses))
	}
	args = append(args, given...)
	if p.dropout {
		seed := 0.0
		if noise != nil {
			seed = float64(noise())
		}
		args = append(args, tensors.FromScalar(int64(seed*model.NoiseRange)))
	}
	return args, nil
}

// gradients adds the loss and its gradients to the graph, in the order of p.trained.
func (p *Program) gradients(in inputs) (computed, []*Node) {
	c := p.compute(in, true)
	nodes := make([]*Node, len(p.trained))
	for i, t := range p.trained {
		nodes[i] = t.variable.NodeValue(in.tokens.Graph())
	}
	return c, Gradient(c.mean, nodes...)
}

func (p *Program) evaluateGraph(_ *gomodel.Scope, nodes []*Node) []*Node {
	return p.outputs(p.compute(p.newInputs(nodes), false))
}

func (p *Program) updateGraph(_ *gomodel.Scope, nodes []*Node) []*Node {
	c, gradients := p.gradients(p.newInputs(nodes[numRateInputs:]))
	norm := p.settings.Optimiser.apply(p.trained, gradients, newRates(nodes))
	return append([]*Node{norm}, p.outputs(c)...)
}

func (p *Program) accumulateGraph(_ *gomodel.Scope, nodes []*Node) []*Node {
	c, gradients := p.gradients(p.newInputs(nodes))
	for i, t := range p.trained {
		t.gradient.SetNodeValue(Add(t.gradient.NodeValue(nodes[0]), gradients[i]))
	}
	return p.outputs(c)
}

func (p *Program) applySumGraph(_ *gomodel.Scope, nodes []*Node) []*Node {
	sums := make([]*Node, len(p.trained))
	for i, t := range p.trained {
		sums[i] = t.gradient.NodeValue(nodes[0])
	}
	norm := p.settings.Optimiser.apply(p.trained, sums, newRates(nodes))
	for i, t := range p.trained {
		t.gradient.SetNodeValue(ZerosLike(sums[i]))
	}
	return []*Node{norm}
}

// outputs lists the nodes of Values, in its order, those that exist.
func (p *Program) outputs(c computed) []*Node {
	var list []*Node
	for _, x := range c.nodes() {
		if x != nil {
			list = append(list, x)
		}
	}
	return list
}

func (c computed) nodes() []*Node {
	return []*Node{
		c.output.Loss, c.output.Chosen, c.output.Rejected,
		c.terms.LogProb, c.terms.Reference, c.terms.ForwardKL, c.terms.ReverseKL, c.terms.RewardMask, c.terms.KLMask,
	}
}

// present says which of Values' fields exist, in the order of computed.nodes.
func (p *Program) present(training bool) []bool {
	reference, o := p.Reference != nil || p.fields != nil, p.settings.Objective
	rewards := reference || o.Pairs
	kl := reference && (p.fields == nil || HeadNeeded(p.fields))
	reverse := kl && p.needsReverseKL(training)
	masked := reference && o.Mask != loss.NoMask
	return []bool{true, rewards, rewards, true, reference, kl, reverse, masked, masked}
}

// needsReverseKL: training computes the reverse KL only for a loss that reads it.
func (p *Program) needsReverseKL(training bool) bool {
	return !training || p.settings.Options.ReverseKL
}

// values copies outputs to Values.
func (p *Program) values(out []*tensors.Tensor, training bool) (Values, error) {
	var v Values
	present := p.present(training)
	for i, into := range []*[]float32{
		&v.Loss, &v.Chosen, &v.Rejected, &v.LogProb, &v.Reference, &v.ForwardKL, &v.ReverseKL, &v.RewardMask, &v.KLMask,
	} {
		if !present[i] {
			continue
		}
		flat, err := tensors.CopyFlatData[float32](out[0])
		if err != nil {
			return Values{}, err
		}
		*into = flat
		out = out[1:]
	}
	return v, nil
}

// Evaluate computes the values of a batch without changing anything.
func (p *Program) Evaluate(b *data.Batch, noise func() float32) (Values, error) {
	out, err := p.callOn(p.evaluate, nil, b, noise)
	if err != nil {
		return Values{}, err
	}
	defer finalize(out)
	return p.values(out, false)
}

// Rates of one optimiser step.
type Rates struct {
	Policy, Mask float64 // learning rates
	Step         int     // counted from 1
}

// Update trains on one optimiser step's micro-batches, whose weights add up to one over all of them, and returns their
// values before the update and the gradients' global norm before clipping.
func (p *Program) Update(micro []*data.Batch, r Rates, noise func() float32) ([]Values, float64, error) {
	if err := p.addMoments(); err != nil {
		return nil, 0, err
	}
	if p.inPlace {
		return p.updateInPlace(micro, r, noise)
	}
	rates := p.settings.Optimiser.rateInputs(r.Policy, r.Mask, r.Step)
	if len(micro) == 1 {
		out, err := p.callOn(p.update, rates, micro[0], noise)
		if err != nil {
			return nil, 0, err
		}
		defer finalize(out)
		v, err := p.values(out[1:], true)
		return []Values{v}, float64(tensors.ToScalar[float32](out[0])), err
	}
	if err := p.addGradientSums(); err != nil {
		return nil, 0, err
	}
	list := make([]Values, len(micro))
	for i, b := range micro {
		out, err := p.callOn(p.accumulate, nil, b, noise)
		if err != nil {
			return nil, 0, err
		}
		list[i], err = p.values(out, true)
		finalize(out)
		if err != nil {
			return nil, 0, err
		}
	}
	out, err := p.call(p.applySum, rates)
	if err != nil {
		return nil, 0, err
	}
	defer finalize(out)
	return list, float64(tensors.ToScalar[float32](out[0])), nil
}

// callOn runs a graph on a batch; first are the inputs before the batch's.
func (p *Program) callOn(e *gomodel.Exec, first []any, b *data.Batch, noise func() float32) ([]*tensors.Tensor, error) {
	args, err := p.feed(b, noise)
	if err != nil {
		return nil, err
	}
	return p.call(e, append(first, args...))
}

// call runs a graph and releases its inputs.
func (p *Program) call(e *gomodel.Exec, args []any) ([]*tensors.Tensor, error) {
	out, err := e.Call(args...)
	for _, a := range args {
		if t, ok := a.(*tensors.Tensor); ok {
			_ = t.FinalizeAll()
		}
	}
	if err != nil {
		return nil, fmt.Errorf("run %s on %s: %w", p.settings.Objective.Name, e.Name(), err)
	}
	return out, nil
}

func finalize(list []*tensors.Tensor) {
	for _, t := range list {
		_ = t.FinalizeAll()
	}
}

// MaskTensors returns the learned masks' tensors, sorted by name.
func (p *Program) MaskTensors() ([]maskfile.Tensor, error) {
	var list []maskfile.Tensor
	for name, v := range p.masks {
		value, err := v.Value()
		if err != nil {
			return nil, fmt.Errorf("read mask %s: %w", name, err)
		}
		flat, err := device.Values(p.backend, value)
		if err != nil {
			return nil, fmt.Errorf("read mask %s: %w", name, err)
		}
		list = append(list, maskfile.Tensor{Name: name, Dims: v.Shape().Dimensions, Values: flat})
	}
	slices.SortFunc(list, func(a, b maskfile.Tensor) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

// Close releases the compiled graphs.
func (p *Program) Close() {
	for _, e := range []*gomodel.Exec{p.evaluate, p.gradient, p.update, p.accumulate, p.applySum} {
		e.Finalize()
	}
}
