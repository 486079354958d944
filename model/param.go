package model

// Kind says how a parameter is initialised and whether it decays.
type Kind int

// The kinds of parameters.
const (
	KindWeight Kind = iota // a matrix or an embedding: normal initialisation, decays
	KindBias               // zero, does not decay
	KindGain               // a norm's weight: one, does not decay
	KindShift              // a norm's bias: zero, does not decay
)

// Param is one parameter of a network: a whole tensor of the checkpoint, or a part of one. Checkpoints that store several
// projections in one tensor (GPT-2's c_attn) are taken apart on reading and joined on writing, because a slice inside the
// graph has no gradient on every engine.
type Param struct {
	Name   string // name of the variable; unique in the network
	Dims   []int
	Tensor string // name of the checkpoint's tensor
	Part   *Part  // nil: the whole tensor
	Kind   Kind
	Std    float64 // of the initial values, for KindWeight
	Linear *Linear // the linear layer this is the weight of; nil for all other parameters, the LM head among them
}

// Linear is a linear layer: what an adapter can be put on, and what is quantised.
type Linear struct {
	Module  string // name of the layer: the tensors are Module.weight and Module.bias
	In, Out int    // width of its input and, all parts together, of its output
	InOut   bool   // stored [in, out] (GPT-2's Conv1D), not [out, in]
}

// Decays reports whether weight decay applies: to everything that is neither a bias nor a norm's.
func (p Param) Decays() bool { return p.Kind == KindWeight }

// size counts the parameter's values.
func (p Param) size() int { return product(p.Dims) }

// whole are the dimensions of the checkpoint's tensor.
func (p Param) whole() []int {
	if p.Part == nil {
		return p.Dims
	}
	return p.Part.joined()
}

func product(dims []int) int {
	n := 1
	for _, d := range dims {
		n *= d
	}
	return n
}

// Part is a range along one axis of a tensor that is seen with dimensions View (the tensor's own, or with its output axis
// split in two or three).
type Part struct {
	View     []int
	Axis     int
	From, To int

	out   int // the first axis of View that the output was split into
	split int // how many
}

// joined are the dimensions of the whole tensor: the view with the split axes merged.
func (p *Part) joined() []int {
	dims := append([]int{}, p.View[:p.out]...)
	dims = append(dims, product(p.View[p.out:p.out+p.split]))
	return append(dims, p.View[p.out+p.split:]...)
}

// runs calls do for every stretch of the part's values from first to first+n that lies together in the whole tensor: at is
// where it begins counted from first, whole where it begins in the tensor.
func (p *Part) runs(first, n int, do func(at, whole, n int) error) error {
	inner := product(p.View[p.Axis+1:])
	axis := p.View[p.Axis]
	run := (p.To - p.From) * inner
	for done := 0; done < n; {
		outer, skip := (first+done)/run, (first+done)%run
		length := min(run-skip, n-done)
		if err := do(done, (outer*axis+p.From)*inner+skip, length); err != nil {
			return err
		}
		done += length
	}
	return nil
}

// into copies the part's values to their places in the whole tensor.
func (p *Part) into(whole, part []float32) {
	_ = p.runs(0, len(part), func(at, place, n int) error {
		copy(whole[place:place+n], part[at:at+n])
		return nil
	})
}

// of copies the part's values out of the whole tensor.
func (p *Part) of(whole, part []float32) {
	_ = p.runs(0, len(part), func(at, place, n int) error {
		copy(part[at:at+n], whole[place:place+n])
		return nil
	})
}

// layout collects the parameters of a family in the order in which a new checkpoint stores them.
type layout struct {
	params []Param
	std    float64 // of initial weights, where a method is not told another
	inOut  bool    // linear layers are stored [in, out]
}

// table is an embedding or an LM head, named by its tensor.
func (l *layout) table(name string, dims ...int) {
	l.params = append(l.params, Param{Name: name, Tensor: name, Kind: KindWeight, Std: l.std, Dims: dims})
}

// vector is a bias, named by its tensor.
func (l *layout) vector(name string, width int) {
	l.params = append(l.params, Param{Name: name, Tensor: name, Kind: KindBias, Dims: []int{width}})
}

// norm is a LayerNorm.
func (l *layout) norm(module string, width int) {
	l.gain(module, width)
	name := module + ".bias"
	l.params = append(l.params, Param{Name: name, Tensor: name, Kind: KindShift, Dims: []int{width}})
}

// gain is an RMSNorm, or a LayerNorm's weight.
func (l *layout) gain(module string, width int) {
	name := module + ".weight"
	l.params = append(l.params, Param{Name: name, Tensor: name, Kind: KindGain, Dims: []int{width}})
}

// linear is a linear layer of one part; std 0 stands for the layout's.
func (l *layout) linear(module string, in, out int, bias bool, std float64) {
	l.fused(module, in, out, bias, std, nil, 0, nil)
}

// section is a named range of a fused layer's output.
type section struct {
	name     string
	from, to int
}

// fused is a linear layer that computes several things at once: its output is seen with dimensions view, in which the
// sections are ranges of one axis. No sections: a layer of one part.
func (l *layout) fused(module string, in, out int, bias bool, std float64, view []int, axis int, sections []section) {
	if std == 0 {
		std = l.std
	}
	linear := &Linear{Module: module, In: in, Out: out, InOut: l.inOut}
	weight, shift := module+".weight", module+".bias"
	matrix := func(out int) []int {
		if l.inOut {
			return []int{in, out}
		}
		return []int{out, in}
	}
	if sections == nil {
		l.params = append(l.params, Param{Name: weight, Tensor: weight, Kind: KindWeight, Std: std, Dims: matrix(out), Linear: linear})
		if bias {
			l.vector(shift, out)
		}
		return
	}
	for _, s := range sections {
		part := linear.part(view, axis, s, l.inOut, in)
		l.params = append(l.params, Param{
			Name: weight + ":" + s.name, Tensor: weight, Kind: KindWeight, Std: std, Linear: linear,
			Dims: matrix(out / view[axis] * (s.to - s.from)), Part: part,
		})
	}
	if !bias {
		return
	}
	for _, s := range sections {
		l.params = append(l.params, Param{
			Name: shift + ":" + s.name, Tensor: shift, Kind: KindBias, Dims: []int{out / view[axis] * (s.to - s.from)},
			Part: &Part{View: view, Axis: axis, From: s.from, To: s.to, split: len(view)},
		})
	}
}

// part is a section of a matrix whose other axis has width columns: the output's axes before it, or after where inOut.
func (l *Linear) part(view []int, axis int, s section, inOut bool, width int) *Part {
	if inOut {
		return &Part{View: append([]int{width}, view...), Axis: axis + 1, From: s.from, To: s.to, out: 1, split: len(view)}
	}
	return &Part{View: append(append([]int{}, view...), width), Axis: axis, From: s.from, To: s.to, split: len(view)}
}
