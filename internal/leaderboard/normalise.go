package leaderboard

import "slices"

// Normalise maps a score between a lower bound, what guessing gives, and an upper one to 0 to 100; what is below is 0.
func Normalise(raw, lower, upper float64) float64 {
	if raw < lower {
		return 0
	}
	return (raw - lower) / (upper - lower) * 100
}

// musrChance are the choices of MuSR's tasks as the leaderboard counts them; object placements have two to five.
var musrChance = map[string]int{"murder_mysteries": 2, "object_placements": 5, "team_allocation": 3}

// Choices is the number of choices that a task's lower bound is one of, 0 where answers are generated: what the
// leaderboard's documentation says, also for tasks with fewer choices at some questions.
func (f Family) Choices(task string) int {
	switch f {
	case BBH:
		return len(bbhAnswers(task))
	case GPQA:
		return 4
	case MuSR:
		return musrChance[task]
	case MMLUPro:
		return 10
	}
	return 0
}

// Chance is the lower bound of a task's score, between 0 and 1.
func (f Family) Chance(task string) float64 {
	if n := f.Choices(task); n > 0 {
		return 1 / float64(n)
	}
	return 0
}

// Result is the score of a task: the mean of a metric over so many items.
type Result struct {
	Score float64 // 0 to 1
	Items int
}

// Normalised is a family's score between 0 (guessing) and 100, from those of its tasks by short name: the mean of the
// tasks' normalised scores in BBH and MuSR, the normalised mean over all items in the others. Of IFEval it is one metric's
// score in percent.
func (f Family) Normalised(results map[string]Result) float64 {
	if f != BBH && f != MuSR {
		return Normalise(f.Raw(results), f.Chance(f.Tasks()[0]), 1)
	}
	sum := 0.0
	for _, task := range sorted(results) {
		sum += Normalise(results[task].Score, f.Chance(task), 1)
	}
	return sum / float64(len(results))
}

// Raw is the mean over all items of a family's tasks.
func (f Family) Raw(results map[string]Result) float64 {
	sum, items := 0.0, 0
	for _, task := range sorted(results) {
		sum += results[task].Score * float64(results[task].Items)
		items += results[task].Items
	}
	return sum / float64(items)
}

func sorted(results map[string]Result) []string {
	var names []string
	for name := range results {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Columns are normalised scores, 0 to 100, as the paper's tables have them.
type Columns struct {
	BBH          float64 `json:"bbh"`
	MATH         float64 `json:"math"`
	GPQA         float64 `json:"gpqa"`
	MuSR         float64 `json:"musr"`
	MMLUPro      float64 `json:"mmlu_pro"`
	IFEvalInst   float64 `json:"ifeval_inst"`   // strict, of instructions
	IFEvalPrompt float64 `json:"ifeval_prompt"` // strict, of prompts
}

// Average is the paper's: the mean of the seven columns, so that IFEval counts twice.
func (c Columns) Average() float64 {
	return mean(c.BBH, c.MATH, c.GPQA, c.MuSR, c.MMLUPro, c.IFEvalInst, c.IFEvalPrompt)
}

// LeaderboardAverage is the leaderboard's own: the mean of six columns, where IFEval is the mean of its two.
func (c Columns) LeaderboardAverage() float64 {
	return mean(c.BBH, c.MATH, c.GPQA, c.MuSR, c.MMLUPro, mean(c.IFEvalInst, c.IFEvalPrompt))
}

func mean(values ...float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}
