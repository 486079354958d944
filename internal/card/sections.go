package card

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

const sparsePO = "Christopoulou et al. 2024, arXiv 2410.05102"

func (c Card) introduction() string {
	what := "A language model"
	switch base := code(shorten(c.BaseModel)); {
	case c.Adapter && base != "":
		what = "A LoRA adapter for " + base
	case c.Adapter:
		what = "A LoRA adapter"
	case base != "":
		what = "The model " + base
	}
	if c.Merged != "" {
		what += " with the adapter " + code(shorten(c.Merged)) + " in its weights"
	}
	if title := c.title(); title != "" {
		what += ", trained by " + inline(title)
	}
	if c.Data != "" {
		what += " on " + code(shorten(c.Data))
	}
	return what + ".\nMade with sparsepo, an implementation of SparsePO (" + cite(sparsePO) + ").\n"
}

// symbols explains what formulas are made of: the explanation of each that a formula contains is shown.
var symbols = []struct{ symbol, meaning string }{
	{"logratio", "`logratio` is log π − log π_ref of a token, π this model and π_ref the reference"},
	{"klf", "`klf` is KL(π_ref ‖ π) over the vocabulary at a token"},
	{"m_u", "`m_u` and `m_d` are the values of the token's masks for reward and KL divergence"},
	{"_r", "`c` stands for the chosen response, `r` for the rejected one"},
}

func (c Card) method() string {
	if c.Method == "" {
		return ""
	}
	text := fmt.Sprintf("## Method\n\n%s: %s", code(c.Method), inline(c.title()))
	if c.Source != "" {
		text += " (" + cite(c.Source) + ")"
	}
	text += ".\n" + c.formula()
	if c.Masks {
		text += "\nThe parameters of the learned masks are in `mask.safetensors`. They weight tokens in training; generating text does not need them.\n"
	}
	if c.FileMasks {
		text += "\nThe masks came from the records of the data, in place of the method's own; reward and KL divergence have the same.\n"
	}
	return text
}

func (c Card) formula() string {
	if c.Formula == "" {
		return ""
	}
	of := "a pair"
	if c.supervised() {
		of = "a response of T tokens"
	}
	text := fmt.Sprintf("The loss of %s is\n\n```\n%s\n```\n", of, c.Formula)
	var used []string
	for _, s := range symbols {
		if strings.Contains(c.Formula, s.symbol) {
			used = append(used, s.meaning)
		}
	}
	if len(used) == 0 {
		return text
	}
	return text + "\nHere " + strings.Join(used, "; ") + ".\n"
}

func (c Card) training() string {
	if c.Merged != "" {
		return ""
	}
	var rows [][]string
	row := func(name, value string) {
		if value != "" {
			rows = append(rows, []string{name, value})
		}
	}
	row("base model", code(shorten(c.BaseModel)))
	row("adapter at the start", code(shorten(c.Start)))
	row("reference model", code(shorten(c.Reference)))
	row("training data", data(c.Data, c.Records))
	row("evaluation data", data(c.EvalData, c.EvalRecords))
	if c.Steps > 0 {
		row("optimiser steps", strconv.Itoa(c.Steps))
	}
	if len(rows) == 0 {
		return ""
	}
	return "## Training\n\n" + table([]string{"", ""}, rows)
}

func data(name string, records int) string {
	if name == "" || records == 0 {
		return code(shorten(name))
	}
	return fmt.Sprintf("%s, %d records", code(shorten(name)), records)
}

func (c Card) settings() string {
	var rows [][]string
	for _, s := range c.Settings {
		if slices.Contains(elsewhere, s.Key) || s.Value == s.Default && !slices.Contains(important, s.Key) {
			continue
		}
		rows = append(rows, []string{code(s.Key), code(shorten(s.Value)), code(shorten(s.Default))})
	}
	if len(rows) == 0 {
		return ""
	}
	return "## Settings\n\n" + table([]string{"setting", "value", "default"}, rows) +
		"\nEvery other setting has its default.\n"
}

// passing are metrics that say how the training went along, not what came of it.
var passing = []string{"step", "epoch", "learning_rate", "grad_norm", "tokens_per_second", "runtime"}

// leading are the metrics that come first, in this order; the others follow by name.
var leading = []string{"loss", "rewards/accuracies", "rewards/margins", "frontier/reward", "frontier/kl"}

func (c Card) results() string {
	const evaluation = "eval_"
	names := map[string]bool{}
	for name := range c.Metrics {
		if plain := strings.TrimPrefix(name, evaluation); !slices.Contains(passing, plain) {
			names[plain] = true
		}
	}
	if len(names) == 0 {
		return ""
	}
	ordered := slices.DeleteFunc(slices.Clone(leading), func(name string) bool { return !names[name] })
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if !slices.Contains(leading, name) {
			ordered = append(ordered, name)
		}
	}
	cell := func(name string) string {
		if value, ok := c.Metrics[name]; ok {
			return number(value)
		}
		return ""
	}
	var rows [][]string
	for _, name := range ordered {
		rows = append(rows, []string{code(name), cell(name), cell(evaluation + name)})
	}
	return "## Results\n\nThe last values measured in training, and on the evaluation data.\n\n" +
		table([]string{"metric", "training", "evaluation"}, rows) + legend(names)
}

// legend explains the metrics that need it.
func legend(names map[string]bool) string {
	var lines []string
	for _, entry := range []struct{ prefix, meaning string }{
		{"rewards/", "`rewards` are what the loss compares; accuracies is the share of pairs whose chosen response has the higher one"},
		{"logps/", "`logps` are log-probabilities of whole responses, in nats"},
		{"kl/", "`kl` is the sum of KL(π_ref ‖ π) over a response's tokens, in nats"},
		{"mask/", "`mask/…_sparsity` is the share of tokens whose mask value is 0"},
		{"frontier/", "`frontier` is measured on responses sampled from this model: their mean score by the reward model, and their KL(π ‖ π_ref), in nats"},
	} {
		for name := range names {
			if strings.HasPrefix(name, entry.prefix) {
				lines = append(lines, entry.meaning)
				break
			}
		}
	}
	if len(lines) == 0 {
		return ""
	}
	return "\n- " + strings.Join(lines, "\n- ") + "\n"
}

const useWhole = `from transformers import AutoModelForCausalLM, AutoTokenizer

path = "."  # this folder
model = AutoModelForCausalLM.from_pretrained(path)
tokenizer = AutoTokenizer.from_pretrained(path)
`

const useAdapter = `from peft import AutoPeftModelForCausalLM
from transformers import AutoTokenizer

path = "."  # this folder
model = AutoPeftModelForCausalLM.from_pretrained(path)
tokenizer = AutoTokenizer.from_pretrained(model.peft_config["default"].base_model_name_or_path)
`

const useGenerate = `inputs = tokenizer("Once upon a time", return_tensors="pt")
output = model.generate(**inputs, do_sample=True, max_new_tokens=64)
print(tokenizer.decode(output[0], skip_special_tokens=True))
`

func (c Card) use() string {
	library, python := "transformers", useWhole
	if c.Adapter {
		library, python = "peft", useAdapter
	}
	return "## Use\n\nWith " + library + ", in Python:\n\n```python\n" + python + useGenerate + "```\n\n" +
		"With sparsepo, in this folder:\n\n```\nsparsepo sample --model . --prompt \"Once upon a time\" --max-new-tokens 64\n```\n"
}

func (c Card) repeat() string {
	if c.Merged != "" {
		return "## Repeat\n\n```\nsparsepo merge --adapter " + shorten(c.Merged) + " --model " + shorten(c.BaseModel) + " --out merged\n```\n"
	}
	command := "train"
	if c.supervised() {
		command = "sft"
	}
	return "## Repeat\n\n`config.yaml` in the run's folder has every setting:\n\n```\nsparsepo " + command +
		" --config config.yaml --out again\n```\n"
}
