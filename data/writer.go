package data

import (
	"fmt"
	"io"

	"github.com/sparsepo/sparsepo/internal/jsonl"
	"github.com/sparsepo/sparsepo/internal/usage"
)

// ScoredRecord is a preference record with the scores that ordered its sides.
type ScoredRecord struct {
	Record
	ChosenScore   float64 `json:"chosen_score"`
	RejectedScore float64 `json:"rejected_score"`
}

// SampledRecord is a scored record of token ids, with their texts for people to read. The texts are not read back.
type SampledRecord struct {
	ScoredRecord
	PromptText   string `json:"prompt_text"`
	ChosenText   string `json:"chosen_text"`
	RejectedText string `json:"rejected_text"`
}

// Writer writes preference records, one JSON object a line. It refuses what [Open] would refuse to read.
type Writer struct{ output io.Writer }

// NewWriter writes to w.
func NewWriter(w io.Writer) *Writer { return &Writer{w} }

// WriteFile writes a .jsonl or .jsonl.gz file with what fill writes. The file appears under its name only when it is whole.
func WriteFile(path string, fill func(*Writer) error) error {
	if kindOfFile(path) != ".jsonl" {
		return usage.Errorf("%s: records are written as JSON lines; name the file .jsonl or .jsonl.gz", path)
	}
	return jsonl.SaveWith(path, func(output io.Writer) error { return fill(NewWriter(output)) })
}

// Write adds a record. One with many answers becomes a question with its answers' votes or, with ratings, a line an answer.
func (w *Writer) Write(rec Record) error {
	switch {
	case rec.Voted:
		return w.write(rec.question(), rec.Source)
	case len(rec.Answers) > 0:
		for _, a := range rec.Answers {
			line := struct {
				Prompt string  `json:"prompt"`
				Text   string  `json:"text"`
				Reward float64 `json:"reward"`
			}{rec.Prompt.Text, a.Text, a.Score}
			if err := w.write(line, rec.Source); err != nil {
				return err
			}
		}
		return nil
	}
	return w.write(rec, rec.Source)
}

// question is a record of answers with votes as it stands in a file; an answer that failed has null.
func (r Record) question() any {
	type answer struct {
		Text  string   `json:"text"`
		Votes *float64 `json:"votes"`
	}
	answers := make([]answer, len(r.Answers))
	for i, a := range r.Answers {
		answers[i].Text = a.Text
		if a.Score > 0 {
			answers[i].Votes = &a.Score
		}
	}
	return struct {
		Question string   `json:"question"`
		Answers  []answer `json:"answers"`
	}{r.Prompt.Text, answers}
}

// WriteScored adds a record with its scores, as the fields chosen_score and rejected_score.
func (w *Writer) WriteScored(rec ScoredRecord) error { return w.write(rec, rec.Source) }

// WriteSampled adds a record with its scores and texts.
func (w *Writer) WriteSampled(rec SampledRecord) error { return w.write(rec, rec.Source) }

func (w *Writer) write(rec any, source string) error {
	line, err := jsonl.Marshal(rec)
	if err != nil {
		return fmt.Errorf("write record %s: %w", source, err)
	}
	if _, err := ParseRecord(line, source, Preference); err != nil {
		return fmt.Errorf("write record: %w", err)
	}
	if _, err := w.output.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("write record %s: %w", source, err)
	}
	return nil
}
