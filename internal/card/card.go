// Package card writes the model card of a trained model: the README.md with a YAML header that the Hugging Face hub and its
// libraries read, and a page for people that says what the model was made of, how, with which settings and with what
// result. A [Card] is plain text and numbers; [ReadBase] takes over from the base model's own card what a model made of it
// has to repeat, its license above all.
//
// A card gives no hint of the machine it was written on: of absolute paths it keeps the last name (see [Card]).
package card

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// FileName is the name that the hub gives a model card.
const FileName = "README.md"

// Card describes a trained model, or one merged of a base model and a trained adapter. Names of models and data are hub ids, or paths as the user gave them; relative paths
// appear as they are, of absolute ones the last name, and of ".../RUN/final" and its like the last two.
type Card struct {
	Name   string // of the model: the title
	Method string // objective it was trained with, as `--method` takes it

	Formula string // loss of a pair or example, in plain text
	Source  string // of the method: paper and equation; "arXiv 2410.05102" becomes a link

	BaseModel string // what was trained, or what an adapter is for
	HubModel  bool   // BaseModel is a hub id
	Base      Base   // what BaseModel's card says
	Start     string // adapter on BaseModel that training began with; "" for none
	Merged    string // adapter in BaseModel's weights, of a model that was merged and not trained; "" for none
	Reference string // frozen reference model; "" where the method has none

	Data        string // training data
	HubData     bool   // Data is a hub id
	Records     int    // used of Data; 0 if not known
	EvalData    string // held-out data; "" for none
	HubEvalData bool   // EvalData is a hub id
	EvalRecords int    // used of EvalData; 0 if not known

	Adapter bool // the weights are an adapter in PEFT's format, not a whole model
	Masks   bool // mask.safetensors lies beside the weights
	// FileMasks says that the records brought the masks, in place of the method's own.
	FileMasks bool

	// Settings are those the run read, in the order to show them. The card has those that differ from their default, and
	// the ones without which no run can be judged (batch size, learning rate, …).
	Settings []Setting

	Steps int // optimiser steps after which the weights were taken; 0 if not known
	// Metrics are the last values of training and, with "eval_" in front of the same names, of the evaluation.
	Metrics map[string]float64
}

// Setting is one setting of the run, as text.
type Setting struct {
	Key, Value string
	Default    string // "" for none
}

// important are the settings that a card shows although they have their default.
var important = []string{
	"beta", "learning_rate", "num_train_epochs", "per_device_train_batch_size", "gradient_accumulation_steps", "max_length",
	"lora_r", "lora_alpha", "seed",
}

// elsewhere are the settings that a card tells outside its table.
var elsewhere = []string{"model", "reference", "data", "eval_data", "out", "method"}

// Write writes the card. The same card gives the same bytes.
func (c Card) Write(w io.Writer) error {
	header, err := c.header()
	if err != nil {
		return fmt.Errorf("write model card: %w", err)
	}
	parts := []string{
		"---\n" + header + "---\n",
		"# " + inline(shorten(c.Name)) + "\n",
		c.introduction(), c.method(), c.training(), c.settings(), c.results(), c.use(), c.repeat(),
	}
	parts = slices.DeleteFunc(parts, func(part string) bool { return part == "" })
	if _, err := io.WriteString(w, strings.Join(parts, "\n")); err != nil {
		return fmt.Errorf("write model card: %w", err)
	}
	return nil
}

// supervised reports whether the model was fine-tuned on single responses instead of pairs.
func (c Card) supervised() bool { return c.Method == "sft" }

// title is the method's name in words.
func (c Card) title() string {
	if title, ok := titles[c.Method]; ok {
		return title
	}
	return c.Method
}

// titles are the names of the methods in words.
var titles = map[string]string{
	"sft":                "supervised fine-tuning",
	"dpo":                "direct preference optimisation (DPO)",
	"simpo":              "simple preference optimisation (SimPO)",
	"dpop":               "DPO-Positive (DPOP)",
	"tdpo1":              "token-level DPO (TDPO1)",
	"tdpo2":              "token-level DPO (TDPO2)",
	"mapo":               "MaPO, SparsePO's objective with masks read off the reference model's activations",
	"sparse-common":      "SparsePO with one learned mask for rewards and KL divergence",
	"sparse-independent": "SparsePO with two learned masks, for rewards and for KL divergence",
	"sparse-binary":      "SparsePO with one learned mask of zeros and ones",
	"sparse-random":      "SparsePO's objective with random masks, an ablation",
	"ipo":                "identity preference optimisation (IPO)",
	"robust":             "DPO for pairs with exchanged sides among them (robust DPO)",
	"hinge":              "DPO with a hinge loss (SLiC, RSO)",
	"kto-pair":           "Kahneman-Tversky optimisation on pairs (KTO)",
	"orpo":               "odds ratio preference optimisation (ORPO)",
	"sparse-dpop":        "DPO-Positive with SparsePO's two learned masks",
	"sparse-simpo":       "SimPO with a learned mask of log-probabilities",
}
