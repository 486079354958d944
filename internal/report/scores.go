package report

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/sparsepo/sparsepo/internal/bootstrap"
	"github.com/sparsepo/sparsepo/internal/evaluation"
	"github.com/sparsepo/sparsepo/internal/leaderboard"
)

// evaluationSection is what the page says of results of "eval".
type evaluationSection struct {
	Models      []string
	Columns     []string // names of the leaderboard's, where there are any
	Leaderboard []leaderboardRow
	Scores      scoreTable   // of tasks that are alone in their family
	Families    []scoreTable // of the others
	Comparisons []comparison
	Items       []item
	Files       []fileRow
	Resampling  string
}

// columnTitles are those of evaluation.ColumnNames.
var columnTitles = map[string]string{
	"bbh": "BBH", "math": "MATH", "gpqa": "GPQA", "musr": "MuSR", "mmlu_pro": "MMLU-Pro", "ifeval_inst": "IFEval, instructions", "ifeval_prompt": "IFEval, prompts",
}

// leaderboardRow has a model's normalised scores.
type leaderboardRow struct {
	Model       string
	Cells       []string
	Average     string // of the paper's seven columns
	Leaderboard string // of the leaderboard's six
}

// scoreTable has scores of several tasks, a column a model.
type scoreTable struct {
	Title  string // of a family, with its number of tasks
	Models []string
	Rows   []scoreRow
}

type scoreRow struct {
	Task, Metric string
	Cells        []scoreCell // one a model
}

type scoreCell struct {
	Known           bool
	Value, Interval string
	Items           int
}

// fileRow describes a file of results, in which the records of all items are.
type fileRow struct {
	Name, Model, Settings string
	Records, Cut          int
}

func newEvaluation(models []*evaluated) *evaluationSection {
	if len(models) == 0 {
		return nil
	}
	o := bootstrap.Default()
	s := &evaluationSection{Resampling: fmt.Sprintf("%d bootstrap resamples of items", o.Resamples)}
	for _, m := range models {
		s.Models = append(s.Models, m.Name)
		for _, f := range m.Files {
			s.Files = append(s.Files, newFileRow(m, f))
		}
	}
	s.addLeaderboard(models)
	s.addScores(models, o)
	s.Comparisons = compareModels(models, o)
	s.Items = chooseItems(models)
	return s
}

func newFileRow(m *evaluated, f resultFile) fileRow {
	row := fileRow{Name: f.Name, Model: m.Name, Records: len(f.Records)}
	var settings []string
	for _, key := range slices.Sorted(maps.Keys(f.Header.Settings)) {
		settings = append(settings, key+" "+shorten(f.Header.Settings[key], 40))
	}
	row.Settings = strings.Join(settings, ", ")
	for _, r := range f.Records {
		if r.Cut {
			row.Cut++
		}
	}
	return row
}

// addLeaderboard makes the table of normalised scores, if any model has one.
func (s *evaluationSection) addLeaderboard(models []*evaluated) {
	known := false
	for _, m := range models {
		summary := evaluation.Summarise(m.Records)
		row := leaderboardRow{Model: m.Name, Average: percentOf(summary.Average), Leaderboard: percentOf(summary.LeaderboardAverage)}
		for _, name := range evaluation.ColumnNames {
			value, ok := summary.Columns[name]
			known = known || ok
			text := "–"
			if ok {
				text = percentOf(&value)
			}
			row.Cells = append(row.Cells, text)
		}
		s.Leaderboard = append(s.Leaderboard, row)
	}
	if !known {
		s.Leaderboard = nil
		return
	}
	for _, name := range evaluation.ColumnNames {
		s.Columns = append(s.Columns, columnTitles[name])
	}
}

func percentOf(x *float64) string {
	if x == nil {
		return "–"
	}
	return fmt.Sprintf("%.2f", *x)
}

// addScores makes the tables of raw scores.
func (s *evaluationSection) addScores(models []*evaluated, o bootstrap.Options) {
	scores := make([][]evaluation.Score, len(models))
	var wait sync.WaitGroup
	for i, m := range models {
		wait.Go(func() { scores[i] = evaluation.Scores(m.Records, o) })
	}
	wait.Wait()
	s.Scores.Models = s.Models
	for _, family := range leaderboard.Families {
		table := scoreTable{Models: s.Models, Rows: scoreRows(scores, func(task string) bool { return familyOf(task) == string(family) })}
		if len(table.Rows) > 0 {
			table.Title = fmt.Sprintf("%s, %s", columnTitles[string(family)], count(table.numTasks(), "task", "tasks"))
			s.Families = append(s.Families, table)
		}
	}
	s.Scores.Rows = scoreRows(scores, func(task string) bool { return familyOf(task) == "" })
}

// familyOf is the leaderboard's family of a task that is not alone in it; "" of any other.
func familyOf(task string) string {
	if f, _, ok := leaderboard.Find(task); ok && len(f.Tasks()) > 1 {
		return string(f)
	}
	return ""
}

// taskTitle is a task's name without what all of the leaderboard's have in front.
func taskTitle(task string) string { return strings.TrimPrefix(task, "leaderboard_") }

// scoreRows has a row for each metric that any model has of a task; tasks and metrics come in the order in which they turn up.
func scoreRows(scores [][]evaluation.Score, include func(task string) bool) []scoreRow {
	var tasks []string
	rows := map[string][]scoreRow{}
	for model, list := range scores {
		for _, score := range list {
			if !include(score.Task) {
				continue
			}
			own := rows[score.Task]
			if own == nil {
				tasks = append(tasks, score.Task)
			}
			at := slices.IndexFunc(own, func(r scoreRow) bool { return r.Metric == score.Metric })
			if at < 0 {
				at = len(own)
				own = append(own, scoreRow{Task: taskTitle(score.Task), Metric: score.Metric, Cells: make([]scoreCell, len(scores))})
				rows[score.Task] = own
			}
			own[at].Cells[model] = newScoreCell(score)
		}
	}
	var all []scoreRow
	for _, task := range tasks {
		all = append(all, rows[task]...)
	}
	return all
}

func newScoreCell(s evaluation.Score) scoreCell {
	decimals := scoreDecimals(s.Value)
	c := scoreCell{Known: true, Value: fixed(s.Value, decimals, false), Items: s.Items}
	if s.Interval != nil {
		c.Interval = fixedRange(s.Interval, decimals, false)
	}
	return c
}

// scoreDecimals are those of scores of one metric: four of shares, two where any is above 1.
func scoreDecimals(scores ...float64) int {
	for _, x := range scores {
		if math.Abs(x) > 1 {
			return 2
		}
	}
	return 4
}

func (t scoreTable) numTasks() int {
	tasks := map[string]bool{}
	for _, row := range t.Rows {
		tasks[row.Task] = true
	}
	return len(tasks)
}
