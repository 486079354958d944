package report

import (
	"fmt"
	"html/template"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/sparsepo/sparsepo/internal/frontier"
	"github.com/sparsepo/sparsepo/internal/report/chart"
)

// summaryRow is one run of the summary table.
type summaryRow struct {
	Swatch                template.HTML
	Name, Method, Setting string
	Cells                 []summaryCell
}

// summaryCell is one value; Known is false where it was not measured, Best marks the best of its column.
type summaryCell struct {
	Text, Note  string
	Known, Best bool
}

func summaryRows(runs []*run, s scheme) []summaryRow {
	rows := make([]summaryRow, len(runs))
	for i, r := range runs {
		rows[i] = summaryRow{Swatch: chart.Swatch(s.run(r), true, true), Name: r.Name, Method: r.Method, Setting: settingOf(r)}
	}
	columns := []func(*run) measured{
		func(r *run) measured { return r.Metrics.steps() },
		func(r *run) measured { return r.Metrics.last("loss") },
		func(r *run) measured { value, _ := r.accuracy(); return value },
		(*run).reward,
		(*run).kl,
		func(r *run) measured { return r.sparsity("reward") },
		func(r *run) measured { return r.sparsity("kl") },
	}
	const accuracyColumn, rewardColumn = 2, 3
	for _, column := range columns {
		values := make([]measured, len(runs))
		for i, r := range runs {
			values[i] = column(r)
		}
		for i, text := range columnTexts(values) {
			rows[i].Cells = append(rows[i].Cells, summaryCell{Text: text, Known: values[i].Known})
		}
	}
	highest := highestReward(runs)
	for i, r := range runs {
		if value, heldOut := r.accuracy(); value.Known {
			rows[i].Cells[accuracyColumn].Note = map[bool]string{true: "held-out", false: "training"}[heldOut]
		}
		rows[i].Cells[rewardColumn].Best = len(runs) > 1 && r.reward().Known && r.reward().X == highest
	}
	return rows
}

func highestReward(runs []*run) float64 {
	highest := math.Inf(-1)
	for _, r := range runs {
		if reward := r.reward(); reward.Known && reward.X > highest {
			highest = reward.X
		}
	}
	return highest
}

// columnTexts writes the values of a column with one number of decimals, so that they can be compared down the column:
// four significant digits of the largest. Where that would hide a small value, each is written on its own.
func columnTexts(values []measured) []string {
	texts := make([]string, len(values))
	largest, smallest, whole := 0.0, math.Inf(1), true
	for i, v := range values {
		texts[i] = v.String()
		if magnitude := math.Abs(v.X); v.Known && magnitude > 0 && !math.IsInf(magnitude, 0) {
			largest, smallest = max(largest, magnitude), min(smallest, magnitude)
			whole = whole && v.X == math.Trunc(v.X)
		}
	}
	decimals := 3 - int(math.Floor(math.Log10(largest)))
	if largest == 0 || whole || decimals < 0 || decimals > 6 || smallest < 10*math.Pow(10, -float64(decimals)) {
		return texts
	}
	for i, v := range values {
		if v.Known && v.X-v.X == 0 { // finite
			texts[i] = strings.ReplaceAll(strconv.FormatFloat(v.X, 'f', decimals, 64), "-", "−")
		}
	}
	return texts
}

// settingOf is what the β column shows.
func settingOf(r *run) string {
	switch {
	case r.Method == "sft":
		return "–"
	case r.Beta == "":
		return "unknown"
	}
	return r.Beta
}

// sentences say in plain words what was measured.
func sentences(runs []*run, s scheme, base baseline, p pareto) []string {
	text := []string{fmt.Sprintf("This report covers %s of %s: %s.",
		count(len(runs), "run", "runs"), count(len(s.methods), "method", "methods"), strings.Join(s.methods, ", "))}
	text = append(text, baselineSentence(base))
	text = append(text, rewardSentences(runs, base, p)...)
	if masks := sparsitySentence(runs); masks != "" {
		text = append(text, masks)
	}
	if missing := missingSentence(runs); missing != "" {
		text = append(text, missing)
	}
	return text
}

func baselineSentence(b baseline) string {
	if !b.known() {
		return "The mean reward of the untouched model was not measured (no frontier record at step 0)."
	}
	text := fmt.Sprintf("Samples of the untouched model, before any step, have a mean reward of %s", chart.Format(b.mean()))
	if low, high := slices.Min(b.rewards), slices.Max(b.rewards); low != high {
		text += fmt.Sprintf(" (%s to %s over %d runs)", chart.Format(low), chart.Format(high), len(b.rewards))
	}
	return text + "."
}

func rewardSentences(runs []*run, base baseline, p pareto) []string {
	if len(p.methods) == 0 {
		var best *run
		for _, r := range runs {
			if reward := r.reward(); reward.Known && (best == nil || reward.X > best.reward().X) {
				best = r
			}
		}
		if best == nil {
			return []string{"The reward of sampled responses was not measured."}
		}
		return []string{fmt.Sprintf("The highest mean reward of sampled responses is %s, of %s; how it changed over the steps was not measured.",
			best.reward(), best.label())}
	}
	var best checkpoint
	for i, m := range p.methods {
		if c := p.best(m); i == 0 || c.Reward > best.Reward {
			best = c
		}
	}
	text := fmt.Sprintf("The highest mean reward of any checkpoint is %s: %s, step %s, at a response-level KL of %s nats",
		chart.Format(best.Reward), best.run.label(), chartStep(best.step), chart.Format(best.KL))
	if base.known() {
		text += fmt.Sprintf(", %s against the untouched model", signed(best.Reward-base.mean()))
	}
	return append([]string{text + "."}, p.budgetSentence()...)
}

func signed(x float64) string {
	if x > 0 {
		return "+" + chart.Format(x)
	}
	return chart.Format(x)
}

// budgetSentence compares the hulls at half the KL that all methods reached.
func (p pareto) budgetSentence() []string {
	budget := p.sharedKL() / 2
	if ticks := chart.LogTicks(budget/10, budget, 6); len(ticks) > 0 {
		budget = ticks[len(ticks)-1]
	}
	var names []string
	best := math.Inf(-1)
	for _, m := range p.methods {
		switch reward := frontier.At(p.hulls[m], budget); {
		case reward > best:
			best, names = reward, []string{m}
		case reward == best:
			names = append(names, m)
		}
	}
	if budget <= 0 || len(p.methods) < 2 || len(names) != 1 {
		return nil
	}
	return []string{fmt.Sprintf("At a KL budget of %s nats the highest hull is that of %s, with a mean reward of %s.",
		chart.Format(budget), names[0], chart.Format(best))}
}

func sparsitySentence(runs []*run) string {
	low, high, numRuns := math.Inf(1), math.Inf(-1), 0
	for _, r := range runs {
		if m := r.sparsity("reward"); m.Known && !math.IsNaN(m.X) {
			low, high, numRuns = min(low, m.X), max(high, m.X), numRuns+1
		}
	}
	switch numRuns {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf("The reward mask of the one masked run is exactly 0 at a share of %s of the response tokens, at the last record.", chart.Format(low))
	}
	return fmt.Sprintf("At the last record the reward masks of the %d masked runs are exactly 0 at a share of %s to %s of the response tokens.",
		numRuns, chart.Format(low), chart.Format(high))
}

// missingSentence names the kinds of files that some runs lack.
func missingSentence(runs []*run) string {
	kinds := []struct {
		name  string
		lacks func(*run) bool
	}{
		{"frontier records", func(r *run) bool { return len(r.Metrics[frontierReward]) == 0 }},
		{"samples", func(r *run) bool { return len(r.Latest.Samples) == 0 }},
		{"an inspection", func(r *run) bool { return r.Inspect == nil }},
	}
	var parts []string
	for _, kind := range kinds {
		n := 0
		for _, r := range runs {
			if kind.lacks(r) {
				n++
			}
		}
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d without %s", n, kind.name))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return fmt.Sprintf("Of the %s, %s.", count(len(runs), "run", "runs"), strings.Join(parts, ", "))
}
