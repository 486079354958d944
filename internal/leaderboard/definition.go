package leaderboard

import "encoding/json"

// definition is what a family's file says about its tasks.
type definition struct {
	family Family
	tasks  []part
	// hub is the data set's published id.
	hub string
	// read makes an item of a document; belongs is false where the document is another task's.
	read func(task string, document json.RawMessage) (item Item, belongs bool, err error)
	// divide makes several documents of a record; nil where a record is one.
	divide func(record json.RawMessage) []json.RawMessage
	// check refuses sources that lack something, before anything is read or downloaded; nil where nothing is asked of them.
	check func(source Source) error
	// shots adds description and examples; nil where there are none. files are those of the documents, which it may take out of
	// the task.
	shots func(task *Task, l *loader, p part, files []string) error
	// generation is nil for multiple choice.
	generation *Generation
}

// part is where a task's documents are.
type part struct {
	task  string   // short name: "navigate"; "" for the only task of its family
	stems []string // names of its file in a folder, without endings, the best first
	split string   // what follows the hub id and ":"
}

// name is the task's name as the harness has it.
func (d *definition) name(p part) string {
	switch {
	case p.task == "":
		return "leaderboard_" + string(d.family)
	case d.family == MATH:
		return "leaderboard_math_" + p.task + "_hard"
	}
	return "leaderboard_" + string(d.family) + "_" + p.task
}

var definitions = map[Family]*definition{BBH: &bbh, MATH: &math5, GPQA: &gpqa, MuSR: &musr, MMLUPro: &mmluPro, IFEval: &ifeval}

// Tasks are the short names of a family's tasks, such as "navigate"; one empty name where there is only one task.
func (f Family) Tasks() []string {
	var names []string
	for _, p := range definitions[f].tasks {
		names = append(names, p.task)
	}
	return names
}

// TaskName is the harness's name of a task with a short name.
func (f Family) TaskName(short string) string { return definitions[f].name(part{task: short}) }

// HasExamples reports whether the family's prompts show examples.
func (f Family) HasExamples() bool { return definitions[f].shots != nil }

// Generates reports whether answers are the model's own words, not a choice between given ones.
func (f Family) Generates() bool { return definitions[f].generation != nil }

// Find gives the family and the short name of a task with the harness's name.
func Find(name string) (f Family, short string, ok bool) {
	for _, f := range Families {
		for _, short := range f.Tasks() {
			if f.TaskName(short) == name {
				return f, short, true
			}
		}
	}
	return "", "", false
}
