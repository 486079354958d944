package data

import (
	"errors"
	"slices"
	"strings"
)

// dialogue is a conversation as text: a prompt, and what follows it in pieces that the assistant wrote and that others
// wrote, by turns. The first and the last piece are the assistant's.
type dialogue struct {
	prompt  string
	pieces  []string
	cut     bool // the template writes the prompt of the last turn otherwise when the answer follows
	missing int  // earlier turns of the assistant's that are not in the text as the assistant would have written them
}

// renderTurns renders a conversation that is learned from, and finds the assistant's turns after the prompt in the text. An
// earlier turn is learned where the conversation up to it is rendered as it stands in the whole one: what the model reads
// before it and what it writes must be the same. Of the last turn, all that follows what it has in common with its prompt is
// learned. Where the template marks what is the assistant's, that is learned and nothing else.
func renderTurns(template Template, marked MarkedTemplate, prompt, response []Message) (dialogue, error) {
	t := turnSearch{template: template, messages: slices.Concat(prompt, response)}
	for len(t.messages) > len(prompt)+1 && t.messages[len(t.messages)-1].Role != roleAssistant {
		t.messages = t.messages[:len(t.messages)-1]
	}
	var marks []Span
	var err error
	if marked != nil {
		t.whole, marks, err = marked(t.messages)
	} else {
		t.whole, err = template(t.messages, false)
	}
	if err != nil {
		return dialogue{}, err
	}
	var d dialogue
	var turns []Span
	if len(marks) > 0 {
		turns, err = t.marked(len(prompt), marks)
	} else {
		turns, err = d.search(t, len(prompt))
	}
	if err != nil {
		return dialogue{}, err
	}
	d.divide(t.whole, turns)
	return d, nil
}

// search finds all turns after a prompt of so many messages.
func (d *dialogue) search(t turnSearch, prompt int) ([]Span, error) {
	last, cut, err := t.last()
	if err != nil {
		return nil, err
	}
	d.cut = cut
	var turns []Span
	for n := prompt; n < len(t.messages)-1; n++ {
		if m := t.messages[n]; m.Role != roleAssistant || strings.TrimSpace(m.Content) == "" {
			continue
		}
		turn, found := t.turn(n)
		if end := len(turns) - 1; !found || turn.End > last.First || end >= 0 && turn.First < turns[end].End {
			d.missing++
			continue
		}
		turns = append(turns, turn)
	}
	return append(turns, last), nil
}

// divide takes the text apart at the turns.
func (d *dialogue) divide(text string, turns []Span) {
	d.prompt = text[:turns[0].First]
	for i, turn := range turns {
		written := text[turn.First:turn.End]
		switch {
		case i == 0:
		case turns[i-1].End == turn.First:
			d.pieces[len(d.pieces)-1] += written
			continue
		default:
			d.pieces = append(d.pieces, text[turns[i-1].End:turn.First])
		}
		d.pieces = append(d.pieces, written)
	}
}

// turnSearch finds turns in the text of a whole conversation.
type turnSearch struct {
	template Template
	messages []Message
	whole    string
}

// marked takes the marks after a prompt of so many messages.
func (t *turnSearch) marked(prompt int, marks []Span) ([]Span, error) {
	before, err := t.template(t.messages[:prompt], true)
	if err != nil {
		return nil, err
	}
	first := len(commonPrefix(before, t.whole))
	var turns []Span
	for _, mark := range marks {
		if mark.End > max(first, mark.First) {
			turns = append(turns, mark)
		}
	}
	if len(turns) == 0 {
		return nil, errors.New("of its {% generation %} blocks none is the assistant's answer")
	}
	return turns, nil
}

// last finds the last turn, which goes on to the text's end.
func (t *turnSearch) last() (turn Span, cut bool, err error) {
	before, err := t.template(t.messages[:len(t.messages)-1], true)
	if err != nil {
		return Span{}, false, err
	}
	first := len(commonPrefix(before, t.whole))
	return Span{first, len(t.whole)}, first < len(before), nil
}

// turn finds an earlier turn, in bytes of the text. It is not found where the template refuses the conversation up to it, or
// writes it otherwise when more follows. What stands after the words said may be written otherwise; the turn ends where that
// begins.
func (t *turnSearch) turn(n int) (turn Span, found bool) {
	said := strings.TrimSpace(t.messages[n].Content)
	first, found := t.opening(n)
	if !found {
		return Span{}, false
	}
	after, err := t.template(t.messages[:n+1], false)
	if err != nil {
		return Span{}, false
	}
	end := len(commonPrefix(after, t.whole))
	if first >= end {
		return Span{}, false
	}
	if end == len(after) {
		return Span{first, end}, true
	}
	at := strings.Index(t.whole[first:end], said)
	if at < 0 {
		return Span{}, false
	}
	closing := first + at + len(said)
	return Span{first, closing + wholeMarks(t.whole[closing:end])}, true
}

// wholeMarks is the length of a text up to where its last mark ends, such as <|end|> or a line, since two texts may have the
// beginnings of different marks in common.
func wholeMarks(text string) int { return strings.LastIndexAny(text, ">]\n") + 1 }

// opening finds where a turn begins: where what the model reads before it ends, or where the text goes on otherwise than with
// what asks for the turn.
func (t *turnSearch) opening(n int) (first int, found bool) {
	before, err := t.template(t.messages[:n], true)
	if err != nil {
		return 0, false
	}
	first = len(commonPrefix(before, t.whole))
	if first == len(before) {
		return first, true
	}
	earlier, err := t.template(t.messages[:n], false)
	return first, err == nil && len(earlier) <= first && strings.HasPrefix(t.whole, earlier)
}
