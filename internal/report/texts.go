package report

import (
	"cmp"
	"html/template"
	"math"
	"slices"

	"github.com/sparsepo/sparsepo/internal/report/chart"
)

// maxPrompts is how many prompts of the samples are shown.
const maxPrompts = 6

// prompt is one prompt with what the runs answered.
type prompt struct {
	Text    string
	Open    bool
	Answers []answer
}

// answer is one run's response.
type answer struct {
	Run, Step  string
	Swatch     template.HTML
	Completion string
	Reward, KL string
}

// prompts picks those that most runs answered, in the order of the files.
func prompts(runs []*run, s scheme) []prompt {
	var order []string
	answered := map[string]int{}
	for _, r := range runs {
		seen := map[string]bool{}
		for _, sample := range r.Latest.Samples {
			if seen[sample.Prompt] {
				continue
			}
			seen[sample.Prompt] = true
			if answered[sample.Prompt] == 0 {
				order = append(order, sample.Prompt)
			}
			answered[sample.Prompt]++
		}
	}
	slices.SortStableFunc(order, func(a, b string) int { return cmp.Compare(answered[b], answered[a]) })
	var shown []prompt
	for _, text := range order[:min(maxPrompts, len(order))] {
		p := prompt{Text: text, Open: len(shown) == 0, Answers: untouchedAnswer(runs, text)}
		for _, r := range runs {
			style := s.run(r)
			if a, ok := r.Latest.answer(text); ok {
				a.Run, a.Swatch = r.label(), chart.Swatch(style, true, true)
				p.Answers = append(p.Answers, a)
			}
		}
		shown = append(shown, p)
	}
	return shown
}

// untouchedAnswer is the response of the untouched model from the first run that has it.
func untouchedAnswer(runs []*run, prompt string) []answer {
	for _, r := range runs {
		if a, ok := r.Untouched.answer(prompt); ok {
			a.Run, a.Swatch = "untouched model", chart.Swatch(chart.Style{Light: "currentColor", Dark: "currentColor", Dash: 1}, true, false)
			return []answer{a}
		}
	}
	return nil
}

// answer is the first response to a prompt.
func (s sampled) answer(prompt string) (answer, bool) {
	for _, sample := range s.Samples {
		if sample.Prompt == prompt {
			return answer{
				Step: chartStep(float64(s.Step)), Completion: sample.Completion,
				Reward: numberOrMissing(sample.Reward), KL: numberOrMissing(sample.KL),
			}, true
		}
	}
	return answer{}, false
}

func numberOrMissing(x float64) string {
	return measured{X: x, Known: !math.IsNaN(x)}.String()
}
