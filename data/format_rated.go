package data

import (
	"cmp"
	"encoding/json"
	"slices"
)

// ratedFormat is {"prompt": text, "text": text, "reward": number}, one rated response a record. Records of one prompt stand
// together, and pairs are made of them (setting rated_pairs).
var ratedFormat = format{
	name: "prompt, text and reward",
	fits: func(f fields, task Task) bool { return f.hasAll("prompt", "text", "reward") && !f.has("chosen") },
	read: func(r *Record, f fields, task Task) error {
		prompt, err := r.text(f, "prompt")
		if err != nil {
			return err
		}
		text, err := r.text(f, "text")
		if err != nil {
			return err
		}
		var reward float64
		if json.Unmarshal(f["reward"], &reward) != nil {
			return badRecord(r.Source, "reward", ReasonType, "found %s; give a number", f.found("reward"))
		}
		if text == "" {
			return oddRecord(r.Source, "text", ReasonEmpty, "empty; a record needs a response")
		}
		r.Prompt = TextContent(prompt)
		if task == Supervised {
			r.Chosen, r.responseField = TextContent(text), "text"
			return nil
		}
		r.Answers = []Answer{{text, reward}}
		return nil
	},
}

// summaryTag is put after the post where a file is one object of posts, as its source does: the responses are summaries.
const summaryTag = "\n\nTL;DR:"

// parseRatedEntry reads one member of a file that is one object, {"post": {"responses": [texts], "rewards": [numbers]}, …}.
func parseRatedEntry(post string, raw []byte, source string, task Task) (Record, error) {
	r := Record{Source: source, format: "posts with responses and rewards"}
	f, err := parseObject(raw, source)
	if err != nil {
		return Record{}, err
	}
	var responses []string
	var rewards []float64
	switch {
	case !f.has("responses") || json.Unmarshal(f["responses"], &responses) != nil:
		return Record{}, badRecord(source, "responses", ReasonType, "found %s; give a list of texts", f.found("responses"))
	case !f.has("rewards") || json.Unmarshal(f["rewards"], &rewards) != nil:
		return Record{}, badRecord(source, "rewards", ReasonType, "found %s; give a list of numbers", f.found("rewards"))
	case len(rewards) != len(responses):
		return Record{}, badRecord(source, "rewards", ReasonType, "%d numbers for %d responses; give one each", len(rewards), len(responses))
	}
	for i, text := range responses {
		if text != "" {
			r.Answers = append(r.Answers, Answer{text, rewards[i]})
		}
	}
	if len(r.Answers) == 0 {
		return Record{}, oddRecord(source, "responses", ReasonEmpty, "no response has a text; a post needs two of different rewards")
	}
	r.Prompt = TextContent(post + summaryTag)
	if task == Supervised {
		best := slices.MaxFunc(r.Answers, func(a, b Answer) int { return cmp.Compare(a.Score, b.Score) })
		r.Chosen, r.responseField, r.Answers = TextContent(best.Text), "responses", nil
	}
	return r, nil
}
