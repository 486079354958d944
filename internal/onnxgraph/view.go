package onnxgraph

// layout says where the elements of a kernel's space lie in a value: the element of the space's index (i…, c) is the value's
// element Σ i·leading + c·last, counted in the value's own row-major order.
type layout struct {
	leading []int
	last    int
}

// identity is the layout of a value that has the space's own shape. Along axes of length one nothing moves, as in what through
// returns, so that layouts can be compared.
func (s space) identity() layout {
	l := layout{leading: make([]int, len(s.leading)), last: 1}
	stride := s.columns
	for axis := len(s.leading) - 1; axis >= 0; axis-- {
		if s.leading[axis] != 1 {
			l.leading[axis] = stride
		}
		stride *= s.leading[axis]
	}
	return l
}

// perRow is the layout of a value with one element for each row of the space.
func (s space) perRow() layout {
	l := s.identity()
	for i := range l.leading {
		l.leading[i] /= s.columns
	}
	l.last = 0
	return l
}

// varies says whether a layout's elements differ between the columns of a row.
func (l layout) varies() bool { return l.last != 0 }

// through is the layout in the input of an operation that only moves or repeats elements, false where such a layout does not
// exist.
//
//	dims     the operation's dimensions
//	strides  the distances in its input's elements along them
func (s space) through(l layout, dims, strides []int) (layout, bool) {
	dims, strides = merged(dims, strides)
	own := contiguous(dims)
	used := make([]int, len(dims)) // the largest index along each axis
	move := func(extent, distance int) (int, bool) {
		if distance == 0 || extent == 1 {
			return 0, true
		}
		for axis, d := range own {
			if dims[axis] == 1 || distance < d {
				continue
			}
			steps := distance / d
			used[axis] += (extent - 1) * steps
			if distance%d != 0 || used[axis] >= dims[axis] {
				return 0, false
			}
			return steps * strides[axis], true
		}
		return 0, false
	}
	moved := layout{leading: make([]int, len(l.leading))}
	ok := true
	for i, distance := range l.leading {
		if moved.leading[i], ok = move(s.leading[i], distance); !ok {
			return layout{}, false
		}
	}
	if moved.last, ok = move(s.columns, l.last); !ok {
		return layout{}, false
	}
	return moved, moved.last == 0 || moved.last == 1
}

// merged joins neighbouring axes that an input is gone through as if they were one.
func merged(dims, strides []int) (d, s []int) {
	for i := range dims {
		if n := len(d); n > 0 && s[n-1] == strides[i]*dims[i] {
			d[n-1] *= dims[i]
			s[n-1] = strides[i]
			continue
		}
		d, s = append(d, dims[i]), append(s, strides[i])
	}
	return d, s
}

// contiguous are the distances between elements along the axes of a value.
func contiguous(dims []int) []int {
	strides := make([]int, len(dims))
	stride := 1
	for axis := len(dims) - 1; axis >= 0; axis-- {
		strides[axis] = stride
		stride *= dims[axis]
	}
	return strides
}

// moves returns how a Transpose or Expand reads its input: the distances in the input's elements along its own axes.
func (n *node) moves() ([]int, bool) {
	from := n.inputs[0]
	strides := contiguous(from.dims)
	switch n.op {
	case "Transpose":
		perm := n.ints("perm")
		if len(perm) != len(n.dims) {
			return nil, false
		}
		moved := make([]int, len(perm))
		for i, p := range perm {
			moved[i] = strides[p]
		}
		return moved, true
	case "Expand":
		if len(from.dims) != len(n.dims) {
			return nil, false
		}
		for i, d := range from.dims {
			if d == 1 {
				strides[i] = 0
			} else if d != n.dims[i] {
				return nil, false
			}
		}
		return strides, true
	}
	return nil, false
}
