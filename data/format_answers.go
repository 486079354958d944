package data

import "encoding/json"

// answersFormat is {"question": text, "answers": [{"text": …, "votes": number or null}]}: many answers a prompt, of which
// those with votes passed. Every epoch draws another pair of one that passed and one that did not.
var answersFormat = format{
	name: "question and answers with votes",
	fits: func(f fields, _ Task) bool { return f.has("answers") && (f.has("question") || f.has("prompt")) },
	read: func(r *Record, f fields, task Task) error {
		field := "question"
		if !f.has(field) {
			field = "prompt"
		}
		question, err := r.text(f, field)
		if err != nil {
			return err
		}
		r.Prompt, r.Voted = TextContent(question), true
		if r.Answers, err = r.answers(f["answers"]); err != nil {
			return err
		}
		if len(r.Answers) == 0 {
			return oddRecord(r.Source, "answers", ReasonEmpty, "no answer has a text; a record needs one that passed and one that did not")
		}
		return nil
	},
}

func (r *Record) answers(raw []byte) ([]Answer, error) {
	var list []struct {
		Text  *string  `json:"text"`
		Votes *float64 `json:"votes"`
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, badRecord(r.Source, "answers", ReasonType, `found %s (%v); give a list of {"text": "...", "votes": 1.0 or null}`, kindOf(raw), err)
	}
	var answers []Answer
	for i, a := range list {
		switch {
		case a.Text == nil:
			return nil, badRecord(r.Source, "answers", ReasonMissing, `answer %d has no "text"; give a list of {"text": "...", "votes": 1.0 or null}`, i)
		case *a.Text == "":
		case a.Votes == nil:
			answers = append(answers, Answer{Text: *a.Text})
		default:
			answers = append(answers, Answer{Text: *a.Text, Score: *a.Votes})
		}
	}
	return answers, nil
}
