package data

import (
	"encoding/json"
	"iter"
)

// Objects yields the objects of the file as they are, for callers with a format of their own; a table's rows are objects
// with its columns. Errors are those of Records. An object is valid until the next one.
func (r *Reader) Objects() iter.Seq2[json.RawMessage, error] {
	return func(yield func(json.RawMessage, error) bool) {
		for it, err := range r.items() {
			if !yield(it.raw, err) {
				return
			}
		}
	}
}
