package frontier

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sparsepo/sparsepo/internal/bootstrap"
	"github.com/sparsepo/sparsepo/internal/usage"
)

var options = Options{Bootstrap: bootstrap.Options{Resamples: 2000, Level: 0.95, Seed: 7}}

// sampled is a checkpoint of these samples; the rewards and KLs of a prompt are at its place.
func sampled(step int, rewards, kls []float64) Checkpoint {
	c := Checkpoint{Step: step}
	n := float64(len(rewards))
	for i := range rewards {
		c.Samples = append(c.Samples, Sample{Prompt: fmt.Sprint("p", i), Reward: rewards[i], KL: kls[i], KLSampled: 2 * kls[i]})
		c.Reward, c.KL, c.KLSampled = c.Reward+rewards[i]/n, c.KL+kls[i]/n, c.KLSampled+2*kls[i]/n
	}
	return c
}

func constant(x float64, n int) []float64 {
	list := make([]float64, n)
	for i := range list {
		list[i] = x
	}
	return list
}

func measure(t *testing.T, o Options, runs ...Run) *Result {
	t.Helper()
	result, err := Measure(runs, o)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s = %g, want %g (within %g)", what, got, want, tolerance)
	}
}

// by is the frontier by an estimator, nil where there is none.
func by(r *Result, e Estimator) *Frontier {
	if i := slices.IndexFunc(r.Frontiers, func(f *Frontier) bool { return f.Estimator == e }); i >= 0 {
		return r.Frontiers[i]
	}
	return nil
}

// All prompts alike: nothing varies between resamples. The hull is (0, 0.5), (2, 0.9); its area to KL 2 is 1.4. KLSampled is
// twice KL, so that the hull by it ends at KL 4 with twice the area. The other method gets (0, 0.5), (1, 0.6): 0.55 + 0.6.
func TestMeasureOfConstantSamples(t *testing.T) {
	still := sampled(0, constant(0.5, 8), constant(0, 8))
	result := measure(
		t, options,
		Run{Name: "a", Method: "dpo", Beta: "0.1", Checkpoints: []Checkpoint{still, sampled(10, constant(0.9, 8), constant(2, 8))}},
		Run{Name: "b", Method: "mapo", Checkpoints: []Checkpoint{still, sampled(10, constant(0.6, 8), constant(1, 8)), sampled(20, constant(0.55, 8), constant(3, 8))}},
	)
	for i, test := range []struct {
		estimator   Estimator
		scale, area float64
	}{{Exact, 1, 1.4}, {Sampled, 2, 2.8}} {
		f := result.Frontiers[i]
		if f.Estimator != test.estimator || f.Against != "dpo" || by(result, test.estimator) != f {
			t.Errorf("frontier %d is by %s against %s", i, f.Estimator, f.Against)
		}
		near(t, "limit", f.MaxKL, 2*test.scale, 1e-12)
		dpo, mapo := f.Find("dpo"), f.Find("mapo")
		near(t, "area", dpo.Area, test.area, 1e-12)
		near(t, "interval's low end", dpo.AreaInterval.Low, test.area, 1e-12)
		near(t, "interval's high end", dpo.AreaInterval.High, test.area, 1e-12)
		near(t, "difference", *mapo.Difference, (0.55+0.6)*test.scale-test.area, 1e-12)
		near(t, "difference's low end", mapo.DifferenceInterval.Low, *mapo.Difference, 1e-12)
		near(t, "difference's high end", mapo.DifferenceInterval.High, *mapo.Difference, 1e-12)
		if dpo.Difference != nil || dpo.DifferenceInterval != nil {
			t.Error("a method differs from itself")
		}
		want := []Vertex{{"b", 0, 0, 0.5}, {"b", 10, test.scale, 0.6}}
		want[1].Reward = mapo.Hull[1].Reward
		near(t, "hull's reward", mapo.Hull[1].Reward, 0.6, 1e-12)
		if diff := cmp.Diff(want, mapo.Hull); diff != "" {
			t.Errorf("hull by %s (-want +got):\n%s", f.Estimator, diff)
		}
	}
	if p := result.Points[1]; p.Run != "a" || p.Beta != "0.1" || p.Step != 10 || p.Samples != 8 || *p.KLSampled != 4 {
		t.Errorf("second point: %+v", p)
	}
	if len(result.Points) != 5 || result.Bootstrap.Prompts != 8 || len(result.Notes) != 0 {
		t.Errorf("%d points over %d prompts, notes %q; want 5 over 8, none", len(result.Points), result.Bootstrap.Prompts, result.Notes)
	}
	if _, err := json.Marshal(result); err != nil {
		t.Error(err)
	}
}

// The bootstrap's interval of a mean is ±1.96 s/√n for large n. With one point at KL 0 and the limit L the area is L times
// the mean, and its interval L times that of the mean, mirrored at it. A method whose rewards are those of another plus a constant differs from it by exactly L
// times that in every resample, since both see the same prompts.
func TestMeasureOfNormalSamples(t *testing.T) {
	const n, limit = 400, 3.0
	random := rand.New(rand.NewPCG(1, 1))
	rewards, better := make([]float64, n), make([]float64, n)
	var mean, squares float64
	for i := range rewards {
		rewards[i] = random.NormFloat64()
		better[i] = rewards[i] + 0.25
		mean += rewards[i] / n
	}
	for _, x := range rewards {
		squares += (x - mean) * (x - mean)
	}
	half := 1.96 * math.Sqrt(squares/(n-1)/n)
	o := options
	o.MaxKL = limit
	result := measure(
		t, o,
		Run{Name: "a", Method: "tdpo2", Checkpoints: []Checkpoint{sampled(0, rewards, constant(0, n))}},
		Run{Name: "b", Method: "mapo", Checkpoints: []Checkpoint{sampled(0, better, constant(0, n))}},
	)
	p := result.Points[0]
	near(t, "low end of the reward", p.RewardInterval.Low, mean-half, 0.1*half)
	near(t, "high end of the reward", p.RewardInterval.High, mean+half, 0.1*half)
	a, b := result.Frontiers[0].Methods[0], result.Frontiers[0].Methods[1]
	near(t, "low end of the area", a.AreaInterval.Low, limit*(2*mean-p.RewardInterval.High), 1e-9)
	near(t, "high end of the area", a.AreaInterval.High, limit*(2*mean-p.RewardInterval.Low), 1e-9)
	near(t, "difference", *b.Difference, limit*0.25, 1e-9)
	near(t, "low end of the difference", b.DifferenceInterval.Low, limit*0.25, 1e-9)
	near(t, "high end of the difference", b.DifferenceInterval.High, limit*0.25, 1e-9)

	again := measure(t, o, Run{Name: "a", Method: "tdpo2", Checkpoints: []Checkpoint{sampled(0, rewards, constant(0, n))}})
	if *again.Points[0].RewardInterval != *p.RewardInterval {
		t.Error("the same seed gives another interval")
	}
}

func TestMeasureSaysWhatIsMissing(t *testing.T) {
	still := sampled(0, constant(0.5, 4), constant(0, 4))
	later := sampled(5, constant(0.8, 4), constant(1, 4))
	bare := Checkpoint{Step: 5, Reward: 0.8, KL: 1, KLSampled: math.NaN()}
	fewer := sampled(5, constant(0.8, 2), constant(1, 2))
	tests := []struct {
		name string
		runs []Run
		want string
		see  func(r *Result) bool
	}{
		{
			"the untouched model is another run's",
			[]Run{{Name: "a", Method: "dpo", Start: "m", Checkpoints: []Checkpoint{still}}, {Name: "b", Method: "mapo", Start: "m", Checkpoints: []Checkpoint{later}}},
			"mapo: the untouched model (step 0) is that of a", func(r *Result) bool { return math.Abs(r.Frontiers[0].Find("mapo").Area-0.65) < 1e-12 },
		},
		{
			"not of one with another start",
			[]Run{{Name: "a", Method: "dpo", Start: "m", Checkpoints: []Checkpoint{still}}, {Name: "b", Method: "mapo", Start: "n", Checkpoints: []Checkpoint{later}}},
			"mapo: the untouched model (step 0) was not measured", func(r *Result) bool { return r.Frontiers[0].Find("mapo").Area == 0 },
		},
		{
			"no samples",
			[]Run{{Name: "a", Method: "dpo", Checkpoints: []Checkpoint{still, bare}, Notes: []string{"no file"}}},
			"a: no file",
			func(r *Result) bool {
				m := r.Frontiers[0].Methods[0]
				return r.Points[0].RewardInterval != nil && r.Points[1].RewardInterval == nil && m.AreaInterval == nil && math.Abs(m.Area-0.65) < 1e-12
			},
		},
		{
			"an estimator was not recorded",
			[]Run{{Name: "a", Method: "dpo", Checkpoints: []Checkpoint{{Step: 0, Reward: 0.5, KLSampled: math.NaN()}, bare}}},
			"dpo: eval_frontier/kl_sampled was not recorded", func(r *Result) bool { return len(r.Frontiers) == 1 && by(r, Sampled) == nil },
		},
		{
			"a run without records",
			[]Run{{Name: "a", Method: "sft"}, {Name: "b", Method: "simpo", Checkpoints: []Checkpoint{still}}},
			"a: no frontier records",
			func(r *Result) bool { return r.Frontiers[0].Against == "simpo" },
		},
		{"nothing", []Run{{Name: "a", Method: "sft"}}, "a: no frontier records", func(r *Result) bool { return len(r.Frontiers) == 0 && len(r.Points) == 0 }},
		{
			"other prompts",
			[]Run{{Name: "a", Method: "dpo", Checkpoints: []Checkpoint{still, fewer}}},
			"not all measured on the same prompts: 4 in all, a point has at least 2",
			func(r *Result) bool { return r.Points[1].RewardInterval != nil },
		},
	}
	for _, test := range tests {
		result := measure(t, options, test.runs...)
		if notes := strings.Join(result.Notes, "\n"); !strings.Contains(notes, test.want) {
			t.Errorf("%s: notes %q lack %q", test.name, notes, test.want)
		}
		if !test.see(result) {
			t.Errorf("%s: %+v", test.name, result)
		}
		if _, err := json.Marshal(result); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

func TestMeasureRefuses(t *testing.T) {
	o := options
	o.Against = "tdpo1"
	_, err := Measure([]Run{{Name: "a", Method: "dpo", Checkpoints: []Checkpoint{{}}}}, o)
	if want := `--against: no run of the method "tdpo1" has a measured point; known: dpo`; !usage.Is(err) || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
