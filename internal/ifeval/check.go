// Package ifeval decides whether a response follows the verifiable instructions of IFEval (Zhou et al., "Instruction-Following
// Evaluation for Large Language Models", arXiv:2311.07911), as the task leaderboard_ifeval of lm-evaluation-harness does.
//
// There are 25 kinds of instruction, each a [checker] under its id in [IDs]. A strict verdict looks at the response as it is; a
// loose one also accepts it without its first line, its last line or its asterisks (section 4.1 of the paper).
// docs/evaluation-checks.md lists what differs from the reference.
package ifeval

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// A checker reports whether a response, which is never blank, follows an instruction with these arguments.
type checker func(args arguments, response string) (bool, error)

var checkers = map[string]checker{
	"change_case:capital_word_frequency":            capitalWords,
	"change_case:english_capital":                   englishCapital,
	"change_case:english_lowercase":                 englishLowercase,
	"combination:repeat_prompt":                     repeatPrompt,
	"combination:two_responses":                     twoResponses,
	"detectable_content:number_placeholders":        placeholders,
	"detectable_content:postscript":                 postscript,
	"detectable_format:constrained_response":        constrainedResponse,
	"detectable_format:json_format":                 jsonFormat,
	"detectable_format:multiple_sections":           sections,
	"detectable_format:number_bullet_lists":         bullets,
	"detectable_format:number_highlighted_sections": highlights,
	"detectable_format:title":                       title,
	"keywords:existence":                            keywords,
	"keywords:forbidden_words":                      forbiddenWords,
	"keywords:frequency":                            keywordFrequency,
	"keywords:letter_frequency":                     letterFrequency,
	"language:response_language":                    responseLanguage,
	"length_constraints:nth_paragraph_first_word":   paragraphFirstWord,
	"length_constraints:number_paragraphs":          paragraphs,
	"length_constraints:number_sentences":           sentences,
	"length_constraints:number_words":               words,
	"punctuation:no_comma":                          noComma,
	"startend:end_checker":                          endPhrase,
	"startend:quotation":                            quotation,
}

// IDs returns the ids of all instructions, in alphabetical order.
func IDs() []string { return slices.Sorted(maps.Keys(checkers)) }

// Check returns a strict and a loose verdict for every instruction of a record: instructionIDs and kwargs are as long as each
// other, and kwargs hold the instructions' arguments as decoded from JSON; null is the same as absent. The prompt is what
// combination:repeat_prompt wants repeated where its arguments do not say. A blank response follows nothing. An unknown
// instruction and a missing or wrong argument are the user's mistake (package usage).
func Check(instructionIDs []string, kwargs []map[string]any, prompt, response string) (strict, loose []bool, err error) {
	if len(instructionIDs) != len(kwargs) {
		return nil, nil, usage.Errorf("%d instructions with arguments for %d; every instruction needs an object of arguments, which may be empty",
			len(instructionIDs), len(kwargs))
	}
	versions := looseVersions(response)
	for i, id := range instructionIDs {
		check, ok := checkers[id]
		if !ok {
			return nil, nil, unknownInstruction(id)
		}
		args := arguments{values: kwargs[i], prompt: prompt}
		kept := false // by the version tried last
		for n, version := range versions {
			if kept, err = follows(check, args, version); err != nil {
				return nil, nil, fmt.Errorf("instruction %s: %w", id, err)
			}
			if n == 0 {
				strict = append(strict, kept)
			}
			if kept {
				break
			}
		}
		loose = append(loose, kept)
	}
	return strict, loose, nil
}

func follows(check checker, args arguments, response string) (bool, error) {
	if strip(response) == "" {
		return false, nil
	}
	return check(args, response)
}

// looseVersions returns the response itself and then its versions for the loose verdict.
func looseVersions(response string) []string {
	lines := strings.Split(response, "\n")
	withoutFirst := strip(strings.Join(lines[1:], "\n"))
	withoutLast := strip(strings.Join(lines[:len(lines)-1], "\n"))
	withoutBoth := ""
	if len(lines) > 2 {
		withoutBoth = strip(strings.Join(lines[1:len(lines)-1], "\n"))
	}
	versions := []string{response, withoutFirst, withoutLast, withoutBoth}
	for _, version := range versions[:4] {
		versions = append(versions, strings.ReplaceAll(version, "*", ""))
	}
	return versions
}

func unknownInstruction(id string) error {
	err := usage.Errorf("instruction %q is not one of IFEval's %d", id, len(checkers))
	if near := usage.Nearest(id, IDs()); near != "" {
		err = usage.Hint(err, fmt.Sprintf("did you mean %s?", near))
	}
	return err
}

// A Tally counts verdicts over records. Its zero value is empty.
type Tally struct {
	Prompts, Instructions                                              int
	StrictPrompts, LoosePrompts, StrictInstructions, LooseInstructions int // of them followed
}

// Add counts the verdicts of one record. A prompt counts as followed where all of its instructions are.
func (t *Tally) Add(strict, loose []bool) {
	t.Prompts++
	t.Instructions += len(strict)
	t.StrictPrompts += count(!slices.Contains(strict, false))
	t.LoosePrompts += count(!slices.Contains(loose, false))
	t.StrictInstructions += count(strict...)
	t.LooseInstructions += count(loose...)
}

func count(verdicts ...bool) int {
	n := 0
	for _, kept := range verdicts {
		if kept {
			n++
		}
	}
	return n
}

// Accuracies returns the four shares, 0 to 1, under the harness's names; 0 while nothing was counted.
func (t *Tally) Accuracies() map[string]float64 {
	prompts, instructions := float64(max(t.Prompts, 1)), float64(max(t.Instructions, 1))
	return map[string]float64{
		"prompt_level_strict_acc": float64(t.StrictPrompts) / prompts,
		"prompt_level_loose_acc":  float64(t.LoosePrompts) / prompts,
		"inst_level_strict_acc":   float64(t.StrictInstructions) / instructions,
		"inst_level_loose_acc":    float64(t.LooseInstructions) / instructions,
	}
}
