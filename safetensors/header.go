package safetensors

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"
)

// maxHeader is the longest header read or written, in bytes; the same limit as in the format's own library.
const maxHeader = 100_000_000

// metadataKey is the header's one entry that is no tensor.
const metadataKey = "__metadata__"

// pointerStart begins the small text that Git leaves in the place of a large file it has not fetched.
const pointerStart = "version https://git-lfs.github.com/spec/"

var errPointer = errors.New("a Git LFS pointer, not the file itself; fetch it with: git lfs pull")

// entry is what the header says of one tensor; the data starts at byte begin and ends before byte end of the data part.
type entry struct {
	name       string
	dtype      string
	shape      []int
	begin, end int64
}

// header is a header checked against the length of the data it describes.
type header struct {
	entries  []entry // by place in the data
	metadata map[string]string
	data     int64 // where the data part begins, in bytes from the start of the file
}

// parse reads and checks the header of a whole file's content.
func parse(content []byte) (*header, error) {
	if len(content) < 8 {
		return nil, fmt.Errorf("%d bytes long; a safetensors file starts with 8 bytes that give its header's length", len(content))
	}
	length := binary.LittleEndian.Uint64(content)
	switch {
	case bytes.HasPrefix(content, []byte(pointerStart)):
		return nil, errPointer
	case length > maxHeader:
		return nil, fmt.Errorf("the first 8 bytes give a header of %d bytes, more than the %d allowed; not a safetensors file?", length, maxHeader)
	case length > uint64(len(content)-8):
		return nil, fmt.Errorf("the header should be %d bytes long, but only %d follow; the file is cut short or not a safetensors file", length, len(content)-8)
	}
	h, err := parseJSON(content[8 : 8+length])
	if err != nil {
		return nil, err
	}
	h.data = 8 + int64(length)
	return h, h.checkPlaces(int64(len(content)) - h.data)
}

func parseJSON(text []byte) (*header, error) {
	if !utf8.Valid(text) {
		return nil, errors.New("header: not valid UTF-8")
	}
	if len(text) == 0 || text[0] != '{' {
		return nil, errors.New("header: does not start with {; not a safetensors file?")
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	h := &header{metadata: map[string]string{}}
	err := readObject(decoder, func(key string) error {
		if key == metadataKey {
			return readMetadata(decoder, h.metadata)
		}
		e, err := readEntry(decoder, key)
		if err != nil {
			return fmt.Errorf("tensor %q: %w", key, err)
		}
		h.entries = append(h.entries, e)
		return nil
	})
	if err != nil {
		if message, found := bareSyntax(err); found {
			return nil, fmt.Errorf("header: %s at byte %d", message, decoder.InputOffset())
		}
		return nil, fmt.Errorf("header: %w", err)
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, fmt.Errorf("header: more follows after the JSON object, at byte %d", decoder.InputOffset())
	}
	return h, nil
}

// bareSyntax words the JSON decoder's errors for a header, which ends where its length says.
func bareSyntax(err error) (message string, found bool) {
	var syntax *json.SyntaxError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the JSON breaks off", true
	case errors.As(err, &syntax):
		return "not JSON: " + syntax.Error(), true
	}
	return "", false
}

// readObject reads one JSON object and calls field after each key, to read its value. A repeated key is an error.
func readObject(decoder *json.Decoder, field func(key string) error) error {
	if err := expect(decoder, '{', "an object"); err != nil {
		return err
	}
	seen := map[string]bool{}
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return err
		}
		key, ok := token.(string)
		if !ok {
			return fmt.Errorf("found %v where a name belongs", token)
		}
		if seen[key] {
			return fmt.Errorf("%q stands there twice", key)
		}
		seen[key] = true
		if err := field(key); err != nil {
			return err
		}
	}
	_, err := decoder.Token()
	return err
}

func expect(decoder *json.Decoder, want json.Delim, what string) error {
	token, err := decoder.Token()
	if err != nil {
		return err
	}
	if token != want {
		return fmt.Errorf("found %s, expected %s", describe(token), what)
	}
	return nil
}

func describe(token json.Token) string {
	switch token := token.(type) {
	case nil:
		return "null"
	case string:
		return strconv.Quote(token)
	case json.Delim:
		if token == '[' {
			return "a list"
		}
		return "an object"
	}
	return fmt.Sprint(token)
}

func readMetadata(decoder *json.Decoder, metadata map[string]string) error {
	err := readObject(decoder, func(key string) error {
		text, err := readString(decoder)
		if err != nil {
			return fmt.Errorf("%q: %w", key, err)
		}
		metadata[key] = text
		return nil
	})
	if err != nil {
		return fmt.Errorf("%s: %w", metadataKey, err)
	}
	return nil
}

func readString(decoder *json.Decoder) (string, error) {
	token, err := decoder.Token()
	if err != nil {
		return "", err
	}
	text, ok := token.(string)
	if !ok {
		return "", fmt.Errorf("found %s, expected a string", describe(token))
	}
	return text, nil
}

func readEntry(decoder *json.Decoder, name string) (entry, error) {
	e := entry{name: name}
	seen := 0
	err := readObject(decoder, func(key string) (err error) {
		seen++
		switch key {
		case "dtype":
			e.dtype, err = readString(decoder)
		case "shape":
			var sizes []int64
			sizes, err = readCounts(decoder)
			e.shape = make([]int, len(sizes))
			for i, size := range sizes {
				if size > math.MaxInt {
					return fmt.Errorf("shape: %d is more than this machine can address", size)
				}
				e.shape[i] = int(size)
			}
		case "data_offsets":
			var places []int64
			places, err = readCounts(decoder)
			if err == nil && len(places) != 2 {
				return fmt.Errorf("data_offsets: found %d numbers, expected 2", len(places))
			}
			if err == nil {
				e.begin, e.end = places[0], places[1]
			}
		default:
			return fmt.Errorf("unknown field %q; dtype, shape and data_offsets belong here", key)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		return nil
	})
	if err == nil && seen < 3 {
		err = errors.New("dtype, shape and data_offsets must all be given")
	}
	return e, err
}

// readCounts reads a JSON list of whole numbers from 0 to 2^63-1.
func readCounts(decoder *json.Decoder) ([]int64, error) {
	if err := expect(decoder, '[', "a list of whole numbers"); err != nil {
		return nil, err
	}
	var counts []int64
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		number, ok := token.(json.Number)
		if !ok {
			return nil, fmt.Errorf("found %s, expected a whole number", describe(token))
		}
		count, err := strconv.ParseInt(number.String(), 10, 64)
		if err != nil || count < 0 {
			return nil, fmt.Errorf("found %s, expected a whole number from 0 to 2^63-1", number)
		}
		counts = append(counts, count)
	}
	_, err := decoder.Token()
	return counts, err
}

// checkPlaces sorts the entries by place and checks that each has the length its shape needs and that together they
// fill size bytes without gap or overlap.
func (h *header) checkPlaces(size int64) error {
	slices.SortStableFunc(h.entries, func(a, b entry) int {
		if a.begin != b.begin {
			return cmp.Compare(a.begin, b.begin)
		}
		return cmp.Compare(a.end, b.end)
	})
	at := int64(0)
	for _, e := range h.entries {
		if err := e.check(size); err != nil {
			return fmt.Errorf("tensor %q: %w", e.name, err)
		}
		switch {
		case e.begin < at:
			return fmt.Errorf("tensor %q: begins at byte %d of the data, inside the tensor before it, which ends at %d", e.name, e.begin, at)
		case e.begin > at:
			return fmt.Errorf("tensor %q: begins at byte %d of the data, leaving a gap after byte %d", e.name, e.begin, at)
		}
		at = e.end
	}
	if at != size {
		return fmt.Errorf("%d bytes follow the last tensor, which ends at byte %d of the data", size-at, at)
	}
	return nil
}

func (e entry) check(size int64) error {
	if _, ok := elementSize[e.dtype]; !ok {
		return fmt.Errorf("dtype: unknown %q; known: %s", e.dtype, knownDTypes())
	}
	if e.begin > e.end {
		return fmt.Errorf("data_offsets: %d comes after %d", e.begin, e.end)
	}
	if e.end > size {
		return fmt.Errorf("data_offsets: ends at byte %d, but the file has only %d bytes of data; it is cut short", e.end, size)
	}
	want, ok := byteCount(e.dtype, e.shape)
	if !ok {
		return fmt.Errorf("shape %v of %s takes more than 2^63 bytes", e.shape, e.dtype)
	}
	if want != e.end-e.begin {
		return fmt.Errorf("shape %v of %s takes %d bytes, the file gives it %d", e.shape, e.dtype, want, e.end-e.begin)
	}
	return nil
}

// byteCount returns the bytes a tensor takes; ok is false where they do not fit an int64. Sizes must not be negative.
func byteCount(dtype string, shape []int) (count int64, ok bool) {
	if slices.Contains(shape, 0) {
		return 0, true
	}
	count = elementSize[dtype]
	for _, size := range shape {
		if int64(size) > math.MaxInt64/count {
			return 0, false
		}
		count *= int64(size)
	}
	return count, true
}
