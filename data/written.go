package data

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// written is a record as the texts that are tokenised. A record of ids has none.
type written struct {
	prompt           string
	chosen, rejected []string
	ratings          []float64 // of the responses in chosen, where they are to be paired by them
	ended            bool      // the texts end as the model is to end them: no end-of-sequence token is added
}

// written renders messages and sorts answers.
func (t *tokeniser) written(rec Record) (written, Outcome, error) {
	switch {
	case len(rec.Answers) > 0:
		w, reason := t.answers(rec)
		return w, Outcome{Dropped: reason}, nil
	case rec.Chosen.Form == Messages:
		return t.conversation(rec)
	}
	w := written{prompt: rec.Prompt.Text, chosen: []string{rec.Chosen.Text}}
	if !rec.Rejected.IsZero() {
		w.rejected = []string{rec.Rejected.Text}
	}
	return w, Outcome{}, nil
}

func (t *tokeniser) conversation(rec Record) (written, Outcome, error) {
	template, out := t.Template, Outcome{}
	if template == nil {
		template, out.PlainDialogue = PlainTemplate, true
	}
	responses := [][]Message{rec.Chosen.Messages}
	if !rec.Rejected.IsZero() {
		responses = append(responses, rec.Rejected.Messages)
	}
	r, err := render(template, rec.Prompt.Messages, responses)
	if err != nil {
		return written{}, out, badRecord(rec.Source, "", ReasonTemplate, "the model's chat template refuses the conversation: %v", err)
	}
	out.TemplateCut = r.cut
	return written{prompt: r.prompt, chosen: r.responses[:1], rejected: r.responses[1:], ended: !out.PlainDialogue}, out, nil
}

func (t *tokeniser) answers(rec Record) (written, Reason) {
	w := written{prompt: rec.Prompt.Text}
	if !rec.Voted {
		for _, a := range rec.Answers {
			w.chosen, w.ratings = append(w.chosen, a.Text), append(w.ratings, a.Score)
		}
		return w, ""
	}
	for _, a := range rec.Answers {
		if a.Score > 0 {
			w.chosen = append(w.chosen, a.Text)
		} else if t.Task == Preference {
			w.rejected = append(w.rejected, a.Text)
		}
	}
	if len(w.chosen) == 0 || t.Task == Preference && len(w.rejected) == 0 {
		return written{}, DropNoPair
	}
	return w, ""
}

// dropLong takes out responses of more words than are allowed.
func (t *tokeniser) dropLong(w *written) Reason {
	if t.MaxResponseWords == 0 {
		return ""
	}
	long := func(text string) bool { return len(strings.Fields(text)) > t.MaxResponseWords }
	sides := len(w.rejected) > 0
	if w.ratings != nil {
		for i, text := range slices.Backward(w.chosen) {
			if long(text) {
				w.chosen, w.ratings = slices.Delete(w.chosen, i, i+1), slices.Delete(w.ratings, i, i+1)
			}
		}
	} else {
		w.chosen, w.rejected = slices.DeleteFunc(w.chosen, long), slices.DeleteFunc(w.rejected, long)
	}
	if len(w.chosen) == 0 || sides && len(w.rejected) == 0 {
		return DropTooManyWords
	}
	return ""
}

// joinsWords reports whether a word of the prompt runs into one of a response.
func (w written) joinsWords() bool {
	inWord := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
	last, _ := utf8.DecodeLastRuneInString(w.prompt)
	begins := func(text string) bool { first, _ := utf8.DecodeRuneInString(text); return inWord(first) }
	return inWord(last) && (slices.ContainsFunc(w.chosen, begins) || slices.ContainsFunc(w.rejected, begins))
}
