package jinja

import (
	"math"
	"math/big"
	"strconv"
)

// Dict is Python's dict: it keeps the order in which keys came.
type Dict struct {
	keys   []any
	values []any
	index  map[any]int
}

// NewDict gives an empty dict.
func NewDict() *Dict { return &Dict{index: map[any]int{}} }

// Len is the number of keys.
func (d *Dict) Len() int { return len(d.keys) }

// Keys lists the keys in order. The slice is the dict's own.
func (d *Dict) Keys() []any { return d.keys }

// Get finds the value of a key.
func (d *Dict) Get(key any) (any, bool) {
	i, ok := d.index[hashKey(key)]
	if !ok {
		return nil, false
	}
	return d.values[i], true
}

// Set sets the value of a key, which must be hashable: None, a bool, a number, a text, or a tuple of these.
func (d *Dict) Set(key, value any) {
	hash := hashKey(key)
	if i, ok := d.index[hash]; ok {
		d.values[i] = value
		return
	}
	d.index[hash] = len(d.keys)
	d.keys = append(d.keys, key)
	d.values = append(d.values, value)
}

// pairs lists (key, value) tuples.
func (d *Dict) pairs() []any {
	pairs := make([]any, len(d.keys))
	for i, key := range d.keys {
		pairs[i] = Tuple{key, d.values[i]}
	}
	return pairs
}

func (d *Dict) copy() *Dict {
	c := NewDict()
	for i, key := range d.keys {
		c.Set(key, d.values[i])
	}
	return c
}

type noneKey struct{}

type compoundKey string

const maxKey = 1 << 20 // bytes of a key made of many values

// hashKey makes equal values equal in Go: 1, 1.0 and True are one key.
func hashKey(value any) any {
	switch v := value.(type) {
	case nil:
		return noneKey{}
	case bool, int64:
		n, _ := asInt(v)
		return n
	case *big.Int:
		return compoundKey("i" + v.String())
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<62 {
			return int64(v)
		}
		return v
	case Markup:
		return string(v)
	case *Undefined:
		return compoundKey("undefined")
	case Tuple:
		key := "("
		for _, item := range v {
			if len(key) > maxKey {
				throw(limitError, "a key of a dict is longer than %d bytes", maxKey)
			}
			part := hashKey(item)
			switch p := part.(type) {
			case int64:
				key += "n" + strconv.FormatInt(p, 10) + ","
			case string:
				key += strconv.Quote(p) + ","
			case compoundKey:
				key += string(p) + ","
			default:
				key += str(item) + ","
			}
		}
		return compoundKey(key)
	case *List, *Dict:
		throw(typeError, "unhashable type: %s", repr(typeName(value)))
	}
	return value
}
