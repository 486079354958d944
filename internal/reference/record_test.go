package reference

import (
	"bytes"
	"testing"
)

// FuzzScan: whatever a file holds, scan neither fails in another way than by an error nor finds a record whose checksum is wrong.
func FuzzScan(f *testing.F) {
	key := Key{Model: "m", Fields: []Field{{"a", 2}}}
	head, err := header(key)
	if err != nil {
		f.Fatal(err)
	}
	one := appendRecord(bytes.Clone(head), pairID{1}, 1, [][]float32{{1, 2}})
	two := appendRecord(bytes.Clone(one), pairID{2}, 0, [][]float32{nil})
	for _, text := range [][]byte{nil, head, one, two, one[:len(one)-1], append(bytes.Clone(one), 0)} {
		f.Add(text, false)
		f.Add(bytes.TrimPrefix(text, head), true)
	}
	f.Fuzz(func(t *testing.T, text []byte, headed bool) {
		if headed {
			text = append(bytes.Clone(head), text...)
		}
		places, err := scan(bytes.NewReader(text), key)
		end := int64(len(head))
		for _, p := range places {
			if p.at != end {
				t.Fatalf("a record at %d, want %d", p.at, end)
			}
			end += recordSize(p.tokens, key.width())
			values, err := parseRecord(text[p.at:end], p.id)
			if err != nil || len(values) != 2*p.tokens {
				t.Fatalf("record at %d of %d tokens: %d values, %v", p.at, p.tokens, len(values), err)
			}
		}
		if err == nil && end != int64(len(text)) {
			t.Fatalf("no error, and %d of %d bytes are read", end, len(text))
		}
	})
}
