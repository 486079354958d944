package reward

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// ReadExamples reads labelled texts from a JSONL file, gzipped if its name ends in .gz. Each line is an object with the text
// under textField, a non-empty string, and the class under labelField: 1, true or "positive"; 0, false or "negative".
func ReadExamples(path, textField, labelField string) ([]Example, error) {
	file, err := OpenRecords(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return parseExamples(file, path, textField, labelField)
}

func parseExamples(r io.Reader, name, textField, labelField string) ([]Example, error) {
	var examples []Example
	err := eachLine(r, name, func(line []byte) error {
		o, err := parseObject(line)
		if err != nil {
			return err
		}
		text, err := o.text(textField)
		if err != nil {
			return err
		}
		if strings.TrimSpace(text) == "" {
			return fmt.Errorf("field %q: empty; every record needs a text", textField)
		}
		positive, err := o.label(labelField)
		if err != nil {
			return err
		}
		examples = append(examples, Example{text, positive})
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(examples) == 0 {
		return nil, usage.Errorf("%s: no records", name)
	}
	return examples, nil
}

// Fields names the fields of records to score. A record with the completion field has the prompt field too; every other one
// has the text field, which is scored with an empty prompt.
type Fields struct{ Text, Prompt, Completion string }

// DefaultFields are "text", "prompt" and "completion".
func DefaultFields() Fields { return Fields{Text: "text", Prompt: "prompt", Completion: "completion"} }

// scoreBatch is how many records are scored by one call of a Scorer.
const scoreBatch = 256

// ScoreRecords reads JSON objects from r, one a line, and writes each to w with its score as the last field, "reward", in
// place of any such field it had. It returns how many it wrote, and tells progress, which may be nil, on the way. name stands
// for r in errors, which are usage errors and name the line.
func ScoreRecords(ctx context.Context, s Scorer, fields Fields, r io.Reader, name string, w io.Writer, progress func(written int)) (int, error) {
	b := recordBatch{scorer: s, out: bufio.NewWriter(w), progress: progress}
	err := eachLine(r, name, func(line []byte) error {
		o, err := parseObject(line)
		if err != nil {
			return err
		}
		prompt, completion, err := fields.of(o)
		if err != nil {
			return err
		}
		b.objects = append(b.objects, o)
		b.prompts = append(b.prompts, prompt)
		b.completions = append(b.completions, completion)
		if len(b.objects) == scoreBatch {
			return b.flush(ctx)
		}
		return nil
	})
	var work *workError
	if errors.As(err, &work) {
		return b.written, work.error
	}
	// The records before a faulty line are scored all the same: of a stream, they may be all there will ever be.
	if flushErr := b.flush(ctx); errors.As(flushErr, &work) {
		return b.written, errors.Join(err, work.error)
	}
	return b.written, err
}

func (f Fields) of(o object) (prompt, completion string, err error) {
	_, hasCompletion := o.get(f.Completion)
	_, hasText := o.get(f.Text)
	switch {
	case hasCompletion:
		if prompt, err = o.text(f.Prompt); err == nil {
			completion, err = o.text(f.Completion)
		}
	case hasText:
		completion, err = o.text(f.Text)
	default:
		err = fmt.Errorf("neither field %q nor %q; every record needs %q, or %q and %q", f.Text, f.Completion, f.Text, f.Prompt, f.Completion)
	}
	return prompt, completion, err
}

type recordBatch struct {
	scorer               Scorer
	out                  *bufio.Writer
	objects              []object
	prompts, completions []string
	written              int
	progress             func(written int)
}

func (b *recordBatch) flush(ctx context.Context) error {
	scores, err := b.scorer.Score(ctx, b.prompts, b.completions)
	if err != nil {
		return &workError{err}
	}
	for i, o := range b.objects {
		encoded, err := json.Marshal(scores[i])
		if err != nil {
			return &workError{fmt.Errorf("reward of record %d: %w", b.written+1, err)}
		}
		if _, err := b.out.Write(o.with("reward", encoded)); err != nil {
			return &workError{err}
		}
		b.written++
	}
	b.objects, b.prompts, b.completions = b.objects[:0], b.prompts[:0], b.completions[:0]
	if err := b.out.Flush(); err != nil {
		return &workError{err}
	}
	if b.progress != nil {
		b.progress(b.written)
	}
	return nil
}

// workError is an error met while handling a line that is no fault of the line.
type workError struct{ error }

func (w *workError) Unwrap() error { return w.error }

// eachLine calls use with each line of r that is not blank. An error of use ends it and becomes a usage error that names the
// line, unless it is a workError.
func eachLine(r io.Reader, name string, use func(line []byte) error) error {
	lines := bufio.NewReaderSize(r, 1<<16)
	for number := 1; ; number++ {
		line, err := lines.ReadBytes('\n')
		if err != nil && err != io.EOF {
			return readError(name, number, err)
		}
		if len(bytes.TrimSpace(line)) > 0 {
			var work *workError
			if fault := use(line); errors.As(fault, &work) {
				return fault
			} else if fault != nil {
				return usage.Errorf("%s:%d: %w", name, number, fault)
			}
		}
		if err == io.EOF {
			return nil
		}
	}
}

// readError says where reading ended; a damaged gzip file is the user's to replace.
func readError(name string, line int, err error) error {
	var flateErr flate.CorruptInputError
	if errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &flateErr) {
		return usage.Errorf("%s:%d: damaged gzip file: %w", name, line, err)
	}
	return fmt.Errorf("read %s: line %d: %w", name, line, err)
}

// OpenRecords opens a JSONL file, unpacking it if its name ends in .gz. A missing file is a usage error.
func OpenRecords(path string) (io.ReadCloser, error) {
	file, err := os.Open(path)
	if os.IsNotExist(err) {
		return nil, usage.Errorf("%s: no such file", path)
	}
	if err != nil {
		return nil, err
	}
	if !strings.HasSuffix(path, ".gz") {
		return file, nil
	}
	unpacked, err := gzip.NewReader(file)
	if err != nil {
		file.Close()
		return nil, usage.Errorf("%s: not a gzip file: %w", path, err)
	}
	return struct {
		io.Reader
		io.Closer
	}{unpacked, file}, nil
}
