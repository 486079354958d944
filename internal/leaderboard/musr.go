package leaderboard

import (
	"encoding/json"
	"fmt"
	"strings"
)

// musr is MuSR (Sprague et al. 2023, arXiv 2310.16049). Stories come with all their questions, as in the authors'
// repository, or one question a record, as in the published data set.
var musr = definition{
	family: MuSR,
	tasks: []part{
		{task: "murder_mysteries", stems: []string{"murder_mysteries", "murder_mystery", "small_murder_mystery"}, split: "murder_mysteries"},
		{task: "object_placements", stems: []string{"object_placements", "small_object_placements"}, split: "object_placements"},
		{task: "team_allocation", stems: []string{"team_allocation", "small_team_allocation"}, split: "team_allocation"},
	},
	hub:    "TAUR-Lab/MuSR@refs/convert/parquet",
	read:   readMuSR,
	divide: stories,
}

func readMuSR(_ string, document json.RawMessage) (Item, bool, error) {
	var record struct {
		Narrative *string         `json:"narrative"`
		Question  *string         `json:"question"`
		Choices   json.RawMessage `json:"choices"`
		Answer    *json.Number    `json:"answer_index"`
	}
	if err := decode(document, &record); err != nil {
		return Item{}, false, err
	}
	if record.Narrative == nil || record.Question == nil || record.Answer == nil {
		return Item{}, false, missing(document, "narrative", "question", "choices", "answer_index")
	}
	choices, err := musrChoices(record.Choices)
	if err != nil {
		return Item{}, false, fmt.Errorf("field \"choices\": %w", err)
	}
	gold, err := record.Answer.Int64()
	if err != nil || gold < 0 || int(gold) >= len(choices) {
		return Item{}, false, fmt.Errorf("field \"answer_index\": found %s, expected the place of one of %d choices, counted from 0", *record.Answer, len(choices))
	}
	var list strings.Builder
	for i, choice := range choices {
		fmt.Fprintf(&list, "%d - %s\n", i+1, choice)
	}
	question := *record.Narrative + "\n\n" + *record.Question + "\n\n" + list.String() + "\nAnswer:"
	return Item{Question: question, Choices: choices, Gold: int(gold), Target: choices[gold]}, true, nil
}

// musrChoices reads a JSON list of texts, or a text that holds such a list as Python prints it.
func musrChoices(raw json.RawMessage) ([]string, error) {
	var choices []string
	if json.Unmarshal(raw, &choices) == nil && choices != nil {
		return choices, nil
	}
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return nil, fmt.Errorf("expected a list of texts, or a text with one as Python prints it")
	}
	return pythonList(text)
}

// musrStory is a record with several questions.
type musrStory struct {
	Context   json.RawMessage `json:"context"`
	Questions []struct {
		Question json.RawMessage `json:"question"`
		Choices  json.RawMessage `json:"choices"`
		Answer   json.RawMessage `json:"answer"`
	} `json:"questions"`
}

// stories makes a record of each question of a story. Other records stay as they are: what is wrong with one is said where
// its fields are read.
func stories(record json.RawMessage) []json.RawMessage {
	var story musrStory
	if err := json.Unmarshal(record, &story); err != nil || story.Questions == nil {
		return []json.RawMessage{record}
	}
	var list []json.RawMessage
	for _, q := range story.Questions {
		raw, err := json.Marshal(map[string]json.RawMessage{
			"narrative": story.Context, "question": q.Question, "choices": q.Choices, "answer_index": q.Answer,
		})
		if err != nil {
			return []json.RawMessage{record}
		}
		list = append(list, raw)
	}
	return list
}
