package evaluation

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sparsepo/sparsepo/internal/bootstrap"
	"github.com/sparsepo/sparsepo/internal/usage"
)

// results are records of a task with one metric.
func results(task string, values ...float64) []Record {
	var list []Record
	for i, v := range values {
		list = append(list, Record{Task: task, Index: i, Item: "x", Metrics: map[string]float64{"acc_norm": v}})
	}
	return list
}

var resampling = bootstrap.Options{Resamples: 4000, Level: 0.95, Seed: 1}

func near(t *testing.T, what string, got, want, bound float64) {
	t.Helper()
	if math.Abs(got-want) > bound {
		t.Errorf("%s: got %g, want %g ± %g", what, got, want, bound)
	}
}

// TestCompareInterval: with n differences of -1, 0 and 1 the interval is about the mean ± 1.96 standard errors.
func TestCompareInterval(t *testing.T) {
	var a, b []float64
	const n = 400
	for i := range n { // B wins 100, loses 40
		x, y := 0.0, 0.0
		switch {
		case i < 100:
			y = 1
		case i < 140:
			x = 1
		}
		a, b = append(a, x), append(b, y)
	}
	c, err := Compare(results("humaneval", a...), results("humaneval", b...), resampling)
	if err != nil {
		t.Fatal(err)
	}
	row := c.Rows[0]
	mean := (100. - 40) / n
	half := 1.96 * math.Sqrt((140./n-mean*mean)/n)
	near(t, "difference", row.Difference, mean, 1e-12)
	near(t, "low", row.Low, mean-half, 0.1*half)
	near(t, "high", row.High, mean+half, 0.1*half)
	near(t, "win rate", row.WinRate, (100+260/2.)/n, 1e-12)
	if row.Wins != 100 || row.Ties != 260 || row.Losses != 40 || len(c.Rows) != 1 {
		t.Errorf("%+v", c.Rows)
	}
	same, err := Compare(results("t", a...), results("t", a...), resampling)
	if err != nil || same.Rows[0].Low != 0 || same.Rows[0].High != 0 || same.Rows[0].WinRate != 0.5 {
		t.Errorf("a file with itself: %+v, %v", same, err)
	}
}

// TestCompareFamily: a family's row is the mean of its tasks, whatever their sizes; the interval is narrower than theirs.
func TestCompareFamily(t *testing.T) {
	const one, two = "leaderboard_bbh_navigate", "leaderboard_bbh_snarks"
	a := append(results(one, 0, 0, 0, 0), results(two, 1, 0)...)
	b := append(results(two, 1, 1, 1), results(one, 1, 0, 0, 0)...)
	c, err := Compare(a, b, resampling)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Rows) != 3 || c.OnlyA != 0 || c.OnlyB != 1 {
		t.Fatalf("%+v", c)
	}
	row := c.Rows[2]
	if row.Task != "bbh" || row.Items != 6 || row.Wins != 2 || row.A != 1./4 || row.B != (1./4+1)/2 || row.Difference != (1./4+1./2)/2 {
		t.Errorf("%+v", row)
	}
	if _, err := Compare(a, results("other", 1), resampling); !usage.Is(err) {
		t.Errorf("nothing in common: %v", err)
	}
}

// TestWeights: metrics of items that count differently are ratios of sums.
func TestWeights(t *testing.T) {
	records := func(values ...float64) []Record {
		list := results("t", values...)
		for i := range list {
			list[i].Weights = map[string]float64{"acc_norm": float64(i + 1)}
		}
		return list
	}
	c, err := Compare(records(0, 0, 1), records(1, 0.5, 1), resampling)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "A", c.Rows[0].A, 3./6, 1e-12)
	near(t, "B", c.Rows[0].B, (1+2*0.5+3)/6, 1e-12)
	// One of weight 3 at 1, others at 0: the mean 1/2, squared distances Σ w²·¼ = 14/4, times n/(n-1) = 3/2.
	near(t, "standard error", statistic{name: "acc_norm"}.estimate(records(0, 0, 1)).StdErr, math.Sqrt(14./4*3/2)/6, 1e-12)
}

func TestSamples(t *testing.T) {
	path := filepath.Join(t.TempDir(), "samples.jsonl")
	text := `{"prompt":"p","completion":"a"}` + "\n" + `{"prompt":"q","completion":"b"}` + "\n" + `{"prompt":"p","completion":"c"}` + "\n"
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	records, prompts, err := ReadSamples(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"p", "q", "p"}, prompts); diff != "" || records[2].Index != 1 || records[0].Item != records[2].Item || records[1].Item == records[0].Item {
		t.Errorf("%+v %s", records, diff)
	}
	if err := os.WriteFile(path, []byte(`{"prompt":["p"],"completion":"a"}`), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := ReadSamples(path); !usage.Is(err) {
		t.Errorf("prompt that is no text: %v", err)
	}
}
