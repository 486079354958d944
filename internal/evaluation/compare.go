package evaluation

import (
	"slices"

	"github.com/sparsepo/sparsepo/internal/bootstrap"
	"github.com/sparsepo/sparsepo/internal/leaderboard"
	"github.com/sparsepo/sparsepo/internal/usage"
)

// Comparison is what two files of results say about the items that both have.
type Comparison struct {
	Rows  []Row `json:"rows"`
	OnlyA int   `json:"only_a"` // items that the other file does not have
	OnlyB int   `json:"only_b"`
}

// Row compares a metric of a task, or the mean of a family's tasks.
type Row struct {
	Task       string  `json:"task"`
	Metric     string  `json:"metric"`
	Items      int     `json:"items"`
	A          float64 `json:"a"`
	B          float64 `json:"b"`
	Difference float64 `json:"difference"` // B - A
	Low        float64 `json:"low"`        // of the difference's interval
	High       float64 `json:"high"`
	Wins       int     `json:"wins"` // items at which B is better
	Ties       int     `json:"ties"`
	Losses     int     `json:"losses"`
	WinRate    float64 `json:"win_rate"` // of B, a tie counts half
	// Corpus says that the score is one of all items as one text, so that none of them wins.
	Corpus bool `json:"corpus,omitempty"`
}

func (r *Row) setInterval(i bootstrap.Interval) { r.Low, r.High = i.Low, i.High }

// pairs are the records of one task that both files have.
type pairs struct {
	task string
	a, b []Record
}

// Compare compares B with A, with intervals of the differences by a bootstrap: items are drawn with replacement, the same
// ones for both models. Files that share no item are a usage error.
func Compare(a, b []Record, o bootstrap.Options) (*Comparison, error) {
	list, c := match(a, b)
	if len(list) == 0 {
		return nil, usage.Errorf("the results share no item: they are of other tasks, other documents, other examples or other references")
	}
	type family struct {
		name   leaderboard.Family
		metric string
	}
	draws, members := map[family][][]float64{}, map[family][]Row{}
	var order []family
	for _, p := range list {
		rows, differences := p.compare(o)
		c.Rows = append(c.Rows, rows...)
		f, short, ok := leaderboard.Find(p.task)
		if !ok || short == "" {
			continue
		}
		for i, row := range rows {
			key := family{f, row.Metric}
			if members[key] == nil {
				order = append(order, key)
			}
			draws[key], members[key] = append(draws[key], differences[i]), append(members[key], row)
		}
	}
	for _, key := range order {
		if len(members[key]) > 1 {
			c.Rows = append(c.Rows, combine(string(key.name), members[key], draws[key], o))
		}
	}
	return c, nil
}

// match pairs the records of the same items, task by task.
func match(a, b []Record) ([]pairs, *Comparison) {
	others := map[key]Record{}
	for _, r := range b {
		others[r.key()] = r
	}
	c := &Comparison{}
	place := map[string]int{}
	var list []pairs
	for _, r := range a {
		other, ok := others[r.key()]
		if !ok {
			c.OnlyA++
			continue
		}
		at, ok := place[r.Task]
		if !ok {
			at = len(list)
			place[r.Task] = at
			list = append(list, pairs{task: r.Task})
		}
		list[at].a, list[at].b = append(list[at].a, r), append(list[at].b, other)
		delete(others, r.key())
	}
	c.OnlyB = len(others)
	return list, c
}

// fewerIsBetter are the metrics of which a smaller value wins.
var fewerIsBetter = map[string]bool{"self_bleu": true, "self_entailment": true}

// shared are the statistics that both files have, and of each the items that take part in it on both sides.
func (p pairs) shared() (list []statistic, items [][]int) {
	others := statistics(p.b)
	for _, s := range statistics(p.a) {
		var some []int
		for i := range p.a {
			if s.has(&p.a[i]) && s.has(&p.b[i]) {
				some = append(some, i)
			}
		}
		if slices.Contains(others, s) && len(some) > 0 {
			list, items = append(list, s), append(items, some)
		}
	}
	return list, items
}

// compare gives a task's rows, and for each the difference in every one of the bootstrap's samples.
func (p pairs) compare(o bootstrap.Options) ([]Row, [][]float64) {
	list, items := p.shared()
	if len(list) == 0 {
		return nil, nil
	}
	rows, differences := make([]Row, len(list)), make([][]float64, len(list))
	terms, ends := make([][]float64, len(p.a)), make([]int, len(list))
	for k, s := range list {
		rows[k] = p.row(s, items[k])
		differences[k] = make([]float64, o.Resamples)
		width := len(s.terms(&p.a[items[k][0]]))
		for i := range terms {
			terms[i] = append(terms[i], make([]float64, 2*width)...)
		}
		for _, i := range items[k] {
			at := terms[i][ends[max(0, k-1)]:]
			copy(at, s.terms(&p.a[i]))
			copy(at[width:], s.terms(&p.b[i]))
		}
		ends[k] = len(terms[0])
	}
	draw(p.task, terms, o, func(sample int, sums []float64) {
		from := 0
		for k, s := range list {
			middle := (from + ends[k]) / 2
			differences[k][sample] = s.value(sums[middle:ends[k]]) - s.value(sums[from:middle])
			from = ends[k]
		}
	})
	for k := range rows {
		rows[k].setInterval(around(rows[k].Difference, differences[k], o))
	}
	return rows, differences
}

// row compares a statistic without its interval.
func (p pairs) row(s statistic, items []int) Row {
	a, b := make([]Record, len(items)), make([]Record, len(items))
	for k, i := range items {
		a[k], b[k] = p.a[i], p.b[i]
	}
	row := Row{Task: p.task, Metric: s.name, Items: len(items), A: s.estimate(a).Value, B: s.estimate(b).Value, Corpus: s.corpus}
	row.Difference = row.B - row.A
	if s.corpus {
		return row
	}
	for k := range items {
		d := b[k].Metrics[s.name] - a[k].Metrics[s.name]
		if fewerIsBetter[s.name] {
			d = -d
		}
		switch {
		case d > 0:
			row.Wins++
		case d < 0:
			row.Losses++
		default:
			row.Ties++
		}
	}
	row.WinRate = (float64(row.Wins) + float64(row.Ties)/2) / float64(row.Items)
	return row
}

// combine is the row of a family: means over its tasks, each of which is drawn from by itself.
func combine(name string, rows []Row, draws [][]float64, o bootstrap.Options) Row {
	total := Row{Task: name, Metric: rows[0].Metric}
	n := float64(len(rows))
	differences := make([]float64, len(draws[0]))
	for t, row := range rows {
		total.Items += row.Items
		total.A += row.A / n
		total.B += row.B / n
		total.Wins += row.Wins
		total.Ties += row.Ties
		total.Losses += row.Losses
		for s, d := range draws[t] {
			differences[s] += d / n
		}
	}
	total.Difference = total.B - total.A
	total.WinRate = (float64(total.Wins) + float64(total.Ties)/2) / float64(total.Items)
	total.setInterval(around(total.Difference, differences, o))
	return total
}
