package reward

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/sparsepo/sparsepo/internal/jsonl"
	"github.com/sparsepo/sparsepo/internal/usage"
)

// ReadExamples reads labelled texts from a JSONL file, gzipped if its name ends in .gz. Each line is an object with the text
// under textField, a non-empty string, and the class under labelField: 1, true or "positive"; 0, false or "negative".
func ReadExamples(path, textField, labelField string) ([]Example, error) {
	file, err := jsonl.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return parseExamples(file, path, textField, labelField)
}

func parseExamples(r io.Reader, name, textField, labelField string) ([]Example, error) {
	var examples []Example
	err := jsonl.Each(r, name, func(o jsonl.Object, _ int) error {
		e, err := exampleOf(o, textField, labelField)
		examples = append(examples, e)
		return usage.Wrap(err)
	})
	if err != nil {
		return nil, err
	}
	if len(examples) == 0 {
		return nil, usage.Errorf("%s: no records", name)
	}
	return examples, nil
}

func exampleOf(o jsonl.Object, textField, labelField string) (Example, error) {
	text, err := textOf(o, textField)
	if err != nil {
		return Example{}, err
	}
	if strings.TrimSpace(text) == "" {
		return Example{}, fmt.Errorf("field %q: empty; every record needs a text", textField)
	}
	var positive class
	err = o.Decode(labelField, &positive, "1 (positive) or 0 (negative)")
	return Example{text, bool(positive)}, err
}

func textOf(o jsonl.Object, field string) (text string, err error) {
	err = o.Decode(field, &text, "a string")
	return text, err
}

// class is the value of a label: the positive class or the negative one.
type class bool

// UnmarshalJSON reads the ways in which labels are written.
func (c *class) UnmarshalJSON(text []byte) error {
	switch string(text) {
	case "1", "1.0", "true", `"1"`, `"positive"`, `"pos"`:
		*c = true
	case "0", "0.0", "false", `"0"`, `"negative"`, `"neg"`:
		*c = false
	default:
		return errors.New("neither class")
	}
	return nil
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
	err := jsonl.Each(r, name, func(o jsonl.Object, _ int) error {
		prompt, completion, err := fields.of(o)
		if err != nil {
			return usage.Wrap(err)
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

func (f Fields) of(o jsonl.Object) (prompt, completion string, err error) {
	switch {
	case o.Has(f.Completion):
		if prompt, err = textOf(o, f.Prompt); err == nil {
			completion, err = textOf(o, f.Completion)
		}
	case o.Has(f.Text):
		completion, err = textOf(o, f.Text)
	default:
		err = fmt.Errorf("neither field %q nor %q; every record needs %q, or %q and %q", f.Text, f.Completion, f.Text, f.Prompt, f.Completion)
	}
	return prompt, completion, err
}

type recordBatch struct {
	scorer               Scorer
	out                  *bufio.Writer
	objects              []jsonl.Object
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
		line, err := scored(o, scores[i])
		if err != nil {
			return &workError{fmt.Errorf("reward of record %d: %w", b.written+1, err)}
		}
		if _, err := b.out.Write(line); err != nil {
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

// scored is a record's line with its score.
func scored(o jsonl.Object, score float64) ([]byte, error) {
	with, err := o.With("reward", score)
	if err != nil {
		return nil, err
	}
	return with.Line()
}

// workError is an error met while handling a line that is no fault of the line.
type workError struct{ error }

func (w *workError) Unwrap() error { return w.error }
