package report

import (
	"slices"
	"sync"

	"github.com/sparsepo/sparsepo/internal/bootstrap"
	"github.com/sparsepo/sparsepo/internal/evaluation"
	"github.com/sparsepo/sparsepo/internal/leaderboard"
)

// comparison sets a model against the first one, item by item.
type comparison struct {
	A, B    string
	Open    bool
	Rows    []comparisonRow // of families, and of tasks that are alone in theirs
	Tasks   []comparisonRow // of the families' tasks
	OnlyA   int
	OnlyB   int
	Missing string // why there is nothing, or nothing of texts
}

type comparisonRow struct {
	evaluation.Row
	ValueA, ValueB, Difference, Interval, WinRate string
}

// compareModels compares each model with the first.
func compareModels(models []*evaluated, o bootstrap.Options) []comparison {
	list := make([]comparison, len(models)-1)
	var wait sync.WaitGroup
	for i, m := range models[1:] {
		wait.Go(func() {
			list[i] = compareTwo(models[0], m, o)
			list[i].Open = i == 0
		})
	}
	wait.Wait()
	return list
}

func compareTwo(a, b *evaluated, o bootstrap.Options) comparison {
	c := comparison{A: a.Name, B: b.Name}
	recordsA, recordsB := a.Records, b.Records
	if err := checkTexts(a, b); err != nil {
		c.Missing = err.Error()
		recordsA, recordsB = withoutTexts(recordsA), withoutTexts(recordsB)
	}
	result, err := evaluation.Compare(recordsA, recordsB, o)
	if err != nil {
		if c.Missing == "" {
			c.Missing = err.Error()
		}
		return c
	}
	c.OnlyA, c.OnlyB = result.OnlyA, result.OnlyB
	for _, row := range result.Rows {
		r := newComparisonRow(row)
		if familyOf(row.Task) != "" {
			c.Tasks = append(c.Tasks, r)
			continue
		}
		if title := columnTitles[row.Task]; title != "" && slices.Contains(leaderboard.Families, leaderboard.Family(row.Task)) {
			r.Task = title + ", mean of tasks"
		}
		c.Rows = append(c.Rows, r)
	}
	return c
}

// checkTexts refuses texts whose metrics were computed in different ways.
func checkTexts(a, b *evaluated) error {
	for _, x := range a.Files {
		for _, y := range b.Files {
			if err := evaluation.CheckTextSettings(x.File, y.File); err != nil {
				return err
			}
		}
	}
	return nil
}

func withoutTexts(records []evaluation.Record) []evaluation.Record {
	return slices.DeleteFunc(slices.Clone(records), func(r evaluation.Record) bool { return r.Task == evaluation.TextTask })
}

func newComparisonRow(row evaluation.Row) comparisonRow {
	decimals := scoreDecimals(row.A, row.B)
	r := comparisonRow{
		Row: row, ValueA: fixed(row.A, decimals, false), ValueB: fixed(row.B, decimals, false), Difference: fixed(row.Difference, decimals, true),
		Interval: fixedRange(&bootstrap.Interval{Low: row.Low, High: row.High}, decimals, true),
	}
	r.Task = taskTitle(row.Task)
	if !row.Corpus {
		r.WinRate = fixed(row.WinRate, 3, false)
	}
	return r
}
