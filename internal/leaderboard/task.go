package leaderboard

import "strings"

// Family is a group of tasks that count as one column of the leaderboard.
type Family string

// The families.
const (
	BBH     Family = "bbh"      // BIG-Bench Hard, 24 tasks
	MATH    Family = "math"     // MATH, level 5, a task for each of seven subjects
	GPQA    Family = "gpqa"     // graduate questions, three sets of different severity
	MuSR    Family = "musr"     // reasoning over stories, three kinds
	MMLUPro Family = "mmlu_pro" // MMLU-Pro
	IFEval  Family = "ifeval"   // instructions that can be checked
)

// Families are all of them, in the order of the paper's columns.
var Families = []Family{BBH, MATH, GPQA, MuSR, MMLUPro, IFEval}

// Metric is the name of a score as the harness has it.
type Metric string

// The metrics that tasks count.
const (
	Acc          Metric = "acc"      // the likeliest choice is the right one
	AccNorm      Metric = "acc_norm" // the same for the log-probability a character
	ExactMatch   Metric = "exact_match"
	ExactMinerva Metric = "exact_match_original" // Minerva's rule

	PromptStrict Metric = "prompt_level_strict_acc" // share of prompts all of whose instructions were followed
	InstStrict   Metric = "inst_level_strict_acc"   // share of instructions that were followed
	PromptLoose  Metric = "prompt_level_loose_acc"  // the same after small changes to the response
	InstLoose    Metric = "inst_level_loose_acc"
)

// Metrics are the scores of a family's items, the one that counts first.
func (f Family) Metrics() []Metric {
	switch f {
	case MATH:
		return []Metric{ExactMatch, ExactMinerva}
	case MMLUPro:
		return []Metric{Acc}
	case IFEval:
		return []Metric{InstStrict, PromptStrict, InstLoose, PromptLoose}
	default:
		return []Metric{AccNorm}
	}
}

// Task is a list of questions of one kind.
type Task struct {
	Name        string // as the harness has it, "leaderboard_bbh_navigate"
	Family      Family
	Description string // what stands before everything else; mostly ""
	Shots       []Shot // the examples that every prompt shows
	Items       []Item
	// Generation is what the answers are made with; nil where a choice is made between given answers.
	Generation *Generation
	// Unanswerable is how many documents were left out because none of the choices is their answer.
	Unanswerable int
	// Note says where the task departs from the published one, for instance for want of a file; "" where it does not.
	Note string
}

// Generation says how a response is drawn: the likeliest token at each place.
type Generation struct {
	Stop      []string // what ends a response
	MaxTokens int      // and how long it may be
}

// Shot is an example of a question with its answer.
type Shot struct {
	Question, Answer string
}

// Item is a question of a task.
type Item struct {
	Index    int      // of the document in the task's file, from 0, after the task's own selection
	Question string   // as prompts show it
	Choices  []string // what may be answered; nil where the answer is generated
	Gold     int      // the right one of Choices; -1 where there is none, or no choices
	Target   string   // the right answer: that choice, or MATH's solution

	// Instructions are the ids of what IFEval's prompt asks for, and Arguments what goes with each: a JSON object or null.
	Instructions []string
	Arguments    []map[string]any
}

// delimiter stands between a question and its answer.
const delimiter = " "

// Prompt is the text that a model without chat template goes on from.
func (t *Task) Prompt(item Item) string {
	return t.Description + t.body(item)
}

// body is the prompt without the description: the examples, then the question.
func (t *Task) body(item Item) string {
	var text strings.Builder
	for _, shot := range t.Shots {
		text.WriteString(shot.Question + delimiter + shot.Answer + "\n\n")
	}
	text.WriteString(item.Question)
	return text.String()
}

// Continuations are what may follow the prompt: the choices, after the space that separates them from it. In a chat they
// begin the assistant's turn, without the space.
func (t *Task) Continuations(item Item, chat bool) []string {
	list := make([]string, len(item.Choices))
	for i, choice := range item.Choices {
		if list[i] = choice; !chat {
			list[i] = delimiter + choice
		}
	}
	return list
}

// Message is a turn of a conversation.
type Message struct {
	Role    string `json:"role"` // system, user or assistant
	Content string `json:"content"`
}

// Messages are the conversation that a chat template gets. The system turn holds the instruction, which may be "", and the
// description. With turns, each example is a turn of the user and one of the assistant; otherwise all stand in one turn.
func (t *Task) Messages(item Item, instruction string, turns bool) []Message {
	var list []Message
	system := instruction
	if instruction != "" && t.Description != "" {
		system += "\n\n"
	}
	if system += t.Description; system != "" {
		list = append(list, Message{"system", system})
	}
	if !turns {
		return append(list, Message{"user", t.body(item)})
	}
	for _, shot := range t.Shots {
		list = append(list, Message{"user", shot.Question}, Message{"assistant", shot.Answer})
	}
	return append(list, Message{"user", item.Question})
}
