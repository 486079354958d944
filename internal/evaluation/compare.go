package evaluation

import (
	"hash/fnv"
	"maps"
	"math/rand/v2"
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
		return nil, usage.Errorf("the results share no item: they are of other tasks, other documents or other examples")
	}
	type family struct {
		name   leaderboard.Family
		metric string
	}
	draws, members := map[family][][]float64{}, map[family][]Row{}
	var order []family
	for _, p := range list {
		for _, metric := range slices.Sorted(maps.Keys(p.a[0].Metrics)) {
			if _, ok := p.b[0].Metrics[metric]; !ok {
				continue
			}
			row, differences := p.compare(metric, o)
			c.Rows = append(c.Rows, row)
			f, short, ok := leaderboard.Find(p.task)
			if !ok || short == "" {
				continue
			}
			key := family{f, metric}
			if members[key] == nil {
				order = append(order, key)
			}
			draws[key], members[key] = append(draws[key], differences), append(members[key], row)
		}
	}
	for _, key := range order {
		if len(members[key]) > 1 {
			c.Rows = append(c.Rows, combine(string(key.name), members[key], draws[key], o.Level))
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

// compare gives a task's row, and the difference in each of the bootstrap's samples.
func (p pairs) compare(metric string, o bootstrap.Options) (Row, []float64) {
	row := Row{Task: p.task, Metric: metric, Items: len(p.a), A: estimate(p.a, metric).Value, B: estimate(p.b, metric).Value}
	row.Difference = row.B - row.A
	products, weights := make([]float64, len(p.a)), make([]float64, len(p.a))
	for i := range p.a {
		d := p.b[i].Metrics[metric] - p.a[i].Metrics[metric]
		weights[i] = p.a[i].weight(metric)
		products[i] = weights[i] * d
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
	differences := draw(products, weights, p.task, o)
	row.setInterval(bootstrap.Of(differences, o.Level))
	return row, differences
}

// draw gives the weighted mean difference of each sample of items, the same items for every metric of a task.
func draw(products, weights []float64, task string, o bootstrap.Options) []float64 {
	hash := fnv.New64a()
	hash.Write([]byte(task))
	random := rand.New(rand.NewPCG(o.Seed, hash.Sum64()))
	differences := make([]float64, o.Resamples)
	for s := range differences {
		sum, total := 0.0, 0.0
		for range products {
			i := random.IntN(len(products))
			sum += products[i]
			total += weights[i]
		}
		if total > 0 {
			differences[s] = sum / total
		}
	}
	return differences
}

// combine is the row of a family: means over its tasks, each of which is drawn from by itself.
func combine(name string, rows []Row, draws [][]float64, level float64) Row {
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
	total.setInterval(bootstrap.Of(differences, level))
	return total
}
