package safetensors

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// content builds a file from a header's text and a number of data bytes.
func content(head string, data int) []byte {
	file := binary.LittleEndian.AppendUint64(nil, uint64(len(head)))
	file = append(file, head...)
	return append(file, make([]byte, data)...)
}

func one(dtype, shape, offsets string) string {
	return fmt.Sprintf(`{"w":{"dtype":%s,"shape":%s,"data_offsets":%s}}`, dtype, shape, offsets)
}

func TestMalformed(t *testing.T) {
	const good = `"dtype":"F32","shape":[2],"data_offsets":`
	claim := func(length uint64, rest string) []byte {
		return append(binary.LittleEndian.AppendUint64(nil, length), rest...)
	}
	tests := []struct {
		name string
		file []byte
		want string
	}{
		{"empty", nil, "0 bytes long"},
		{"seven bytes", []byte("1234567"), "7 bytes long"},
		{"header too long", claim(maxHeader+1, "{}"), "a header of 100000001 bytes, more than the 100000000 allowed"},
		{"largest length", claim(1<<64-1, "{}"), "more than the 100000000 allowed"},
		{"header cut short", claim(10, "{}"), "the header should be 10 bytes long, but only 2 follow"},
		{"no header", claim(0, ""), "header: does not start with {"},
		{"pointer to a file not fetched", []byte("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n"), "a Git LFS pointer, not the file itself; fetch it with: git lfs pull"},
		{"leading space", content(" {}", 0), "header: does not start with {"},
		{"a list", content("[]", 0), "header: does not start with {"},
		{"not UTF-8", content("{\"\xff\":1}", 0), "header: not valid UTF-8"},
		{"not JSON", content(`{"w":}`, 0), "not JSON"},
		{"JSON breaks off", content(`{"w":{"dtype":"F32"`, 0), "the JSON breaks off at byte 19"},
		{"more after the JSON", content(`{} {}`, 0), "more follows after the JSON object"},
		{"zero bytes as padding", content("{}\x00", 0), "more follows after the JSON object"},
		{"same name twice", content(`{"w":{`+good+`[0,8]},"w":{`+good+`[8,16]}}`, 16), `"w" stands there twice`},
		{"same field twice", content(`{"w":{"dtype":"F32",`+good+`[0,8]}}`, 8), `tensor "w": "dtype" stands there twice`},
		{"tensor is no object", content(`{"w":3}`, 0), `tensor "w": found 3, expected an object`},
		{"unknown field", content(`{"w":{"size":3}}`, 0), `tensor "w": unknown field "size"`},
		{"field missing", content(`{"w":{"dtype":"F32","shape":[]}}`, 0), `tensor "w": dtype, shape and data_offsets must all be given`},
		{"dtype is a number", content(one(`32`, `[2]`, `[0,8]`), 8), `tensor "w": dtype: found 32, expected a string`},
		{"dtype unknown", content(one(`"F31"`, `[2]`, `[0,8]`), 8), `tensor "w": dtype: unknown "F31"; known: BF16, BOOL`},
		{"shape is null", content(one(`"F32"`, `null`, `[0,8]`), 8), `tensor "w": shape: found null, expected a list`},
		{"shape is negative", content(one(`"F32"`, `[-2]`, `[0,8]`), 8), `tensor "w": shape: found -2, expected a whole number`},
		{"shape is a fraction", content(one(`"F32"`, `[2.0]`, `[0,8]`), 8), `tensor "w": shape: found 2.0, expected a whole number`},
		{"shape in letters", content(one(`"F32"`, `["2"]`, `[0,8]`), 8), `tensor "w": shape: found "2", expected a whole number`},
		{"shape nested", content(one(`"F32"`, `[[2]]`, `[0,8]`), 8), `tensor "w": shape: found a list, expected a whole number`},
		{"shape beyond int64", content(one(`"F32"`, `[9223372036854775808]`, `[0,8]`), 8), `found 9223372036854775808, expected a whole number`},
		{"shape overflows to the right size", content(one(`"F32"`, `[4611686018427387904,4,2]`, `[0,8]`), 8), `takes more than 2^63 bytes`},
		{"shape and place disagree", content(one(`"F32"`, `[4,3]`, `[0,40]`), 40), `tensor "w": shape [4 3] of F32 takes 48 bytes, the file gives it 40`},
		{"one offset", content(one(`"F32"`, `[2]`, `[8]`), 8), `tensor "w": data_offsets: found 1 numbers, expected 2`},
		{"offsets swapped", content(one(`"F32"`, `[2]`, `[8,0]`), 8), `tensor "w": data_offsets: 8 comes after 0`},
		{"data cut short", content(one(`"F32"`, `[2]`, `[0,8]`), 7), `tensor "w": data_offsets: ends at byte 8, but the file has only 7 bytes of data`},
		{"bytes left over", content(one(`"F32"`, `[2]`, `[0,8]`), 9), `1 bytes follow the last tensor, which ends at byte 8`},
		{"gap", content(one(`"F32"`, `[2]`, `[4,12]`), 12), `tensor "w": begins at byte 4 of the data, leaving a gap after byte 0`},
		{"overlap", content(`{"v":{`+good+`[0,8]},"w":{`+good+`[4,12]}}`, 12), `tensor "w": begins at byte 4 of the data, inside the tensor before it, which ends at 8`},
		{"same place", content(`{"v":{`+good+`[0,8]},"w":{`+good+`[0,8]}}`, 8), `tensor "w": begins at byte 0 of the data, inside`},
		{"metadata is no object", content(`{"__metadata__":[]}`, 0), `__metadata__: found a list, expected an object`},
		{"metadata holds a number", content(`{"__metadata__":{"a":1}}`, 0), `__metadata__: "a": found 1, expected a string`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "m.safetensors")
			if err := os.WriteFile(path, test.file, 0o600); err != nil {
				t.Fatal(err)
			}
			file, err := Open(path)
			if err == nil {
				t.Fatal("opened without an error")
			}
			if file != nil {
				t.Error("a file came with the error")
			}
			if !strings.HasPrefix(err.Error(), path+": ") || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got  %v\nwant %s: … %s", err, path, test.want)
			}
			if !usage.Is(err) {
				t.Errorf("not marked as the user's mistake: %v", err)
			}
		})
	}
}

// A file cut short anywhere does not open, and neither does one that goes on.
func TestCutShort(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.safetensors")
	write(t, path, []TensorData{
		{Name: "w", DType: F32, Shape: []int{2, 3}, Float32: make([]float32, 6)},
		{Name: "b", DType: BF16, Shape: []int{3}, Float32: make([]float32, 3)},
	}, map[string]string{"note": "x"})
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for length := range len(whole) + 3 {
		text := append(whole[:min(length, len(whole)):len(whole)], make([]byte, max(0, length-len(whole)))...)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		file, err := Open(path)
		switch {
		case length == len(whole) && err == nil:
			file.Close()
		case length == len(whole):
			t.Errorf("the whole file: %v", err)
		case err == nil || !usage.Is(err) || !strings.HasPrefix(err.Error(), path+": "):
			t.Errorf("%d of %d bytes: got %v, want the user's mistake", length, len(whole), err)
		}
	}
}

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	for path, want := range map[string]string{
		dir:                      "is a folder, expected a .safetensors file",
		filepath.Join(dir, "no"): "no such file or directory",
	} {
		if _, err := Open(path); err == nil || !strings.Contains(err.Error(), want) || !usage.Is(err) {
			t.Errorf("Open(%s): got %v, want the user's mistake %q", path, err, want)
		}
	}
}

// Whatever the bytes: no panic; a file that passes has all of its bytes in exactly one place, and writing its tensors
// anew and parsing that gives the same tensors.
func FuzzParse(f *testing.F) {
	f.Add(content(`{}`, 0))
	f.Add(content(one(`"F32"`, `[2]`, `[0,8]`), 8))
	f.Add(content(one(`"BF16"`, `[]`, `[0,2]`), 2))
	f.Add(content(`{"__metadata__":{"format":"pt"},"a":{"dtype":"I8","shape":[0,5],"data_offsets":[0,0]},"b":{"data_offsets":[0,3],"dtype":"U8","shape":[3]}}   `, 3))
	f.Add(content(one(`"F32"`, `[4611686018427387904,4,2]`, `[0,8]`), 8))
	f.Add([]byte("\xff\xff\xff\xff\xff\xff\xff\xff{}"))
	f.Fuzz(func(t *testing.T, file []byte) {
		h, err := parse(file)
		if err != nil {
			return
		}
		at := h.data
		var tensors []TensorData
		for _, e := range h.entries {
			if h.data+e.begin != at {
				t.Fatalf("tensor %q begins at %d, want %d", e.name, h.data+e.begin, at)
			}
			at = h.data + e.end
			tensors = append(tensors, TensorData{Name: e.name, DType: e.dtype, Shape: e.shape, Bytes: file[h.data+e.begin : at]})
		}
		if at != int64(len(file)) {
			t.Fatalf("tensors end at byte %d of %d", at, len(file))
		}
		head, err := encodeHeader(tensors, h.metadata)
		if err != nil {
			t.Fatalf("encode what was parsed: %v", err)
		}
		again, err := parse(append(head, file[h.data:]...))
		if err != nil {
			t.Fatalf("parse what was encoded: %v", err)
		}
		if _, ok := h.metadata["format"]; !ok {
			h.metadata["format"] = "pt"
		}
		was, is := fmt.Sprintf("%+v %q", h.entries, h.metadata), fmt.Sprintf("%+v %q", again.entries, again.metadata)
		if was != is {
			t.Fatalf("parse → encode → parse changed\n%s\nto\n%s", was, is)
		}
	})
}
