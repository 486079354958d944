package leaderboard

import (
	"encoding/json"
	"fmt"
)

// ifeval is IFEval (Zhou et al. 2023, arXiv 2311.07911): prompts whose instructions a program can check.
var ifeval = definition{
	family:     IFEval,
	tasks:      []part{{stems: []string{"input_data", "ifeval_input_data", "train"}, split: "train"}},
	hub:        "wis-k/instruction-following-eval",
	read:       readIFEval,
	generation: &Generation{MaxTokens: 1280},
}

func readIFEval(_ string, document json.RawMessage) (Item, bool, error) {
	var record struct {
		Prompt       *string          `json:"prompt"`
		Instructions []string         `json:"instruction_id_list"`
		Arguments    []map[string]any `json:"kwargs"`
	}
	if err := decode(document, &record); err != nil {
		return Item{}, false, err
	}
	if record.Prompt == nil || len(record.Instructions) == 0 || record.Arguments == nil {
		return Item{}, false, missing(document, "prompt", "instruction_id_list", "kwargs")
	}
	if len(record.Arguments) != len(record.Instructions) {
		return Item{}, false, fmt.Errorf("field \"kwargs\": %d objects, expected one for each of %d instructions", len(record.Arguments), len(record.Instructions))
	}
	for _, arguments := range record.Arguments {
		for name, value := range arguments {
			if value == nil { // tables have every column in every row
				delete(arguments, name)
			}
		}
	}
	return Item{Question: *record.Prompt, Gold: -1, Instructions: record.Instructions, Arguments: record.Arguments}, true, nil
}
