package sweep

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sparsepo/sparsepo/internal/usage"
)

func TestPoints(t *testing.T) {
	points, err := Points([]Axis{
		{Key: "method", Values: []string{"dpo", "mapo"}}, {Key: "beta", Values: []string{"0.1", "1"}}, {Key: "mask.map", Values: []string{"zscore"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, p := range points {
		names = append(names, p.Name)
	}
	want := []string{"dpo_beta-0.1_mask.map-zscore", "dpo_beta-1_mask.map-zscore", "mapo_beta-0.1_mask.map-zscore", "mapo_beta-1_mask.map-zscore"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("names of the runs (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"method": "dpo", "beta": "1", "mask.map": "zscore"}, points[1].Values); diff != "" {
		t.Errorf("settings of the second run (-want +got):\n%s", diff)
	}
}

func TestParseAxisRefuses(t *testing.T) {
	for _, text := range []string{"", "beta", "=1", "beta=", "beta=1,,2", "beta=1,1"} {
		if _, err := ParseAxis(text); !usage.Is(err) {
			t.Errorf("ParseAxis(%q) = %v, want a usage error", text, err)
		}
	}
}

// Two runs of one method and one of another; the hull of the first is (0, 0.5), (2, 0.9): the point (1, 0.6) lies below
// its edge. Up to the largest KL of any hull, 2, its area is (0.5+0.9)/2·2; the second method's, level after KL 1, is (0.5+0.6)/2·1 + 0.6·1.
func TestGather(t *testing.T) {
	out := t.TempDir()
	for name, lines := range map[string]string{
		"dpo_beta-0.1": `{"step": 0, "eval_frontier/kl": 0, "eval_frontier/reward": 0.5}
{"step": 5, "loss": 0.6}
{"step": 10, "eval_frontier/kl": 2, "eval_frontier/reward": 0.9}
`,
		"dpo_beta-1": `{"step": 10, "eval_frontier/kl": 1, "eval_frontier/reward": 0.6}
{"step": 20, "eval_frontier/kl": 3, "eval_frontier/reward": null}
`,
		"mapo_beta-0.1": `{"step": 0, "eval_frontier/kl": 0, "eval_frontier/reward": 0.5}
{"step": 10, "eval_frontier/kl": 1, "eval_frontier/reward": 0.6}
`,
		"mapo_beta-1": "",
	} {
		if err := os.MkdirAll(filepath.Join(out, name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(out, name, "metrics.jsonl"), []byte(lines), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	f, err := Gather([]Axis{{Key: "method", Values: []string{"dpo", "mapo"}}, {Key: "beta", Values: []string{"0.1", "1"}}}, out)
	if err != nil {
		t.Fatal(err)
	}
	if f.MaxKL != 2 || len(f.Methods) != 2 {
		t.Fatalf("max KL %g over %d methods, want 2 over 2", f.MaxKL, len(f.Methods))
	}
	wantHull := []FrontierPoint{{Run: "dpo_beta-0.1", Step: 0, Reward: 0.5}, {Run: "dpo_beta-0.1", Step: 10, KL: 2, Reward: 0.9}}
	if diff := cmp.Diff(wantHull, f.Methods[0].Hull); diff != "" {
		t.Errorf("dpo's hull (-want +got):\n%s", diff)
	}
	for i, want := range []float64{(0.5 + 0.9) / 2 * 2, (0.5+0.6)/2*1 + 0.6*1} {
		if got := f.Methods[i].Area; got < want-1e-12 || got > want+1e-12 {
			t.Errorf("area of %s = %g, want %g", f.Methods[i].Method, got, want)
		}
	}
	if len(f.Methods[0].Points) != 3 {
		t.Errorf("%d points of dpo, want 3: a missing reward is no point", len(f.Methods[0].Points))
	}
}
