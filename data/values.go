package data

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// values yields the records of a .json file: the elements of one array, objects one after the other, or the members of one
// object of posts with rated responses.
func (r *Reader) values(yield func(item, error) bool) {
	if r.holdsPosts() {
		r.members(yield)
		return
	}
	input := &lineCounter{input: r.input, line: 1}
	decoder := json.NewDecoder(input)
	found, array := false, false
	if first, err := r.peekValue(); err == nil && first == '[' {
		if _, err := decoder.Token(); err != nil {
			yield(item{}, r.valueError(input, decoder, err))
			return
		}
		array = true
	}
	for !array || decoder.More() {
		var raw json.RawMessage
		err := decoder.Decode(&raw)
		if errors.Is(err, io.EOF) && !array && input.err == nil {
			break
		}
		if err != nil {
			yield(item{}, r.valueError(input, decoder, err))
			return
		}
		found = true
		line := input.lineAt(decoder.InputOffset() - int64(len(raw)))
		if !yield(item{source: r.source(line), raw: raw}, nil) {
			return
		}
		input.budget = 0
	}
	if array {
		if err := closeValue(decoder); err != nil {
			yield(item{}, r.valueError(input, decoder, err))
			return
		}
	}
	if !found {
		yield(item{}, r.noRecords())
	}
}

// holdsPosts reports whether the file begins as one object of posts: {"post": {"responses": … or {"post": {"rewards": …
func (r *Reader) holdsPosts() bool {
	ahead, _ := r.input.Peek(r.input.Size())
	decoder := json.NewDecoder(bytes.NewReader(ahead))
	var tokens [4]json.Token
	for i := range tokens {
		token, err := decoder.Token()
		if err != nil {
			return false
		}
		tokens[i] = token
	}
	open := json.Delim('{')
	return tokens[0] == open && tokens[2] == open && (tokens[3] == "responses" || tokens[3] == "rewards")
}

// members yields the members of one object. Their sources count members, since such files are often one line.
func (r *Reader) members(yield func(item, error) bool) {
	input := &lineCounter{input: r.input, line: 1}
	decoder := json.NewDecoder(input)
	_, err := decoder.Token() // the object's brace
	for number := 1; err == nil && decoder.More(); number++ {
		var key json.Token
		var raw json.RawMessage
		if key, err = decoder.Token(); err == nil {
			err = decoder.Decode(&raw)
		}
		if err != nil {
			break
		}
		post, _ := key.(string)
		if !yield(item{source: r.source(number), raw: raw, entry: true, key: post}, nil) {
			return
		}
		input.budget = 0
	}
	if err == nil {
		err = closeValue(decoder)
	}
	if err != nil {
		yield(item{}, r.valueError(input, decoder, err))
	}
}

// peekValue looks at the first byte that is no white space, without reading it.
func (r *Reader) peekValue() (byte, error) {
	for n := 1; ; n++ {
		ahead, err := r.input.Peek(n)
		if err != nil {
			return 0, err
		}
		if c := ahead[n-1]; !bytes.ContainsRune([]byte(jsonSpace), rune(c)) {
			return c, nil
		}
	}
}

var errAfterValue = errors.New("something follows the array")

func closeValue(decoder *json.Decoder) error {
	if _, err := decoder.Token(); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errAfterValue
	}
	return nil
}

// valueError says why the values end before the file does. Nothing after such a place can be read.
func (r *Reader) valueError(input *lineCounter, decoder *json.Decoder, err error) error {
	offset := decoder.InputOffset()
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		offset = max(offset, syntax.Offset-1)
	}
	line := input.lineAt(offset)
	switch {
	case errors.Is(input.err, errOverlong):
		return usage.Errorf("%s: the record after this place is longer than %d MiB; is this one array of records?", r.source(line), MaxRecordBytes>>20)
	case input.err != nil:
		return r.readError(line, input.err)
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return usage.Errorf("%s: the JSON ends early, the file is incomplete; copy or download it again", r.source(input.lineAt(input.read)))
	}
	return usage.Errorf("%s: invalid JSON: %w; a .json file holds one array of records (name a file with one record a line .jsonl)", r.source(line), err)
}

var errOverlong = errors.New("record too long")

// lineCounter remembers where lines end in what a decoder has read ahead, so that offsets can be told as lines.
type lineCounter struct {
	input  io.Reader
	err    error // what ended the input, io.EOF excepted
	read   int64
	budget int     // bytes read since the last record
	line   int     // line of the first byte after passed ends
	ends   []int64 // offsets of line ends that lineAt has not passed
}

// Read reads ahead for the decoder, at most MaxRecordBytes for one record.
func (l *lineCounter) Read(p []byte) (int, error) {
	if l.budget > MaxRecordBytes {
		l.err = errOverlong
		return 0, errOverlong
	}
	n, err := l.input.Read(p)
	for i, c := range p[:n] {
		if c == '\n' {
			l.ends = append(l.ends, l.read+int64(i))
		}
	}
	l.read += int64(n)
	l.budget += n
	if err != nil && !errors.Is(err, io.EOF) {
		l.err = err
	}
	return n, err
}

// lineAt tells the line of an offset. Offsets never go back from call to call.
func (l *lineCounter) lineAt(offset int64) int {
	for len(l.ends) > 0 && l.ends[0] < offset {
		l.ends = l.ends[1:]
		l.line++
	}
	return l.line
}
