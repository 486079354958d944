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
	turns            []string  // the chosen text in pieces, by turns learned and not, where it is of messages that are learned from
	ratings          []float64 // of the responses in chosen, where they are to be paired by them
	ended            bool      // the texts end as the model is to end them: no end-of-sequence token is added
}

// written renders messages and sorts answers.
func (t *tokeniser) written(rec Record) (written, Outcome, error) {
	switch {
	case len(rec.Answers) > 0:
		w, reason := t.answers(rec)
		return w, Outcome{Dropped: reason}, nil
	case rec.Chosen.Form == Messages && rec.Rejected.IsZero():
		return t.dialogue(rec)
	case rec.Chosen.Form == Messages:
		return t.sides(rec)
	}
	w := written{prompt: rec.Prompt.Text, chosen: []string{rec.Chosen.Text}}
	if !rec.Rejected.IsZero() {
		w.rejected = []string{rec.Rejected.Text}
	}
	return w, Outcome{}, nil
}

// sides renders a pair's messages.
func (t *tokeniser) sides(rec Record) (written, Outcome, error) {
	template, plain := t.template()
	r, err := render(template, rec.Prompt.Messages, [][]Message{rec.Chosen.Messages, rec.Rejected.Messages})
	if err != nil {
		return written{}, Outcome{}, refused(rec, err)
	}
	w := written{prompt: r.prompt, chosen: r.responses[:1], rejected: r.responses[1:], ended: !plain}
	return w, Outcome{PlainDialogue: plain, TemplateCut: r.cut}, nil
}

// dialogue renders a conversation that is learned from.
func (t *tokeniser) dialogue(rec Record) (written, Outcome, error) {
	template, plain := t.template()
	marked := t.MarkedTemplate
	if plain {
		marked = nil
	}
	d, err := renderTurns(template, marked, rec.Prompt.Messages, rec.Chosen.Messages)
	if err != nil {
		return written{}, Outcome{}, refused(rec, err)
	}
	w := written{prompt: d.prompt, chosen: []string{strings.Join(d.pieces, "")}, turns: d.pieces, ended: !plain}
	return w, Outcome{PlainDialogue: plain, TemplateCut: d.cut, TurnsMissed: d.missing}, nil
}

// template is the model's, or that of plain dialogues where it has none.
func (t *tokeniser) template() (template Template, plain bool) {
	if t.Template == nil {
		return PlainTemplate, true
	}
	return t.Template, false
}

func refused(rec Record, err error) error {
	return badRecord(rec.Source, "", ReasonTemplate, "the model's chat template refuses the conversation: %v", err)
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
	if w.turns != nil {
		for i := 0; i < len(w.turns); i += 2 {
			if long(w.turns[i]) {
				return DropTooManyWords
			}
		}
		return ""
	}
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
