package train

import (
	"os"
	"strings"
	"testing"

	"github.com/sparsepo/sparsepo/internal/golden"
	"github.com/sparsepo/sparsepo/internal/usage"
)

// A run with masks of ones from the records is one of TDPO1, with the reference's values computed before or in every step; other masks train
// otherwise, and no mask of the method's own is saved.
func TestMaskFromRecords(t *testing.T) {
	b := onGo(t)
	masked := func(name, weight string) {
		text, err := os.ReadFile(b.path("pairs.jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		var lines strings.Builder
		for line := range strings.Lines(string(text)) {
			list := func(field string) string {
				_, rest, _ := strings.Cut(line, `"`+field+`": [`)
				ids, _, _ := strings.Cut(rest, "]")
				weights := strings.Split(ids, ", ")
				for i := range weights {
					weights[i] = weight
				}
				return strings.Join(weights, ",")
			}
			lines.WriteString(strings.TrimSuffix(line, "}\n") + `, "chosen_mask": [` + list("chosen") + `], "rejected_mask": [` + list("rejected") + "]}\n")
		}
		b.write(name, lines.String())
	}
	masked("ones.jsonl", "1")
	masked("halves.jsonl", "0.5")
	steps := map[string]string{"max_steps": "4"}
	with := func(more ...string) map[string]string {
		values := map[string]string{"max_steps": steps["max_steps"]}
		for i := 0; i < len(more); i += 2 {
			values[more[i]] = more[i+1]
		}
		return values
	}
	b.run("tdpo1", with("method", "tdpo1"))
	fromFile := func(out, file string, more ...string) []float64 {
		b.run(out, with(append(more, "method", "sparse-common", "mask.source", "file", "data", b.path(file))...))
		return column(b.records(out), "loss")
	}
	want := column(b.records("tdpo1"), "loss")
	golden.CloseAll(t, "losses with masks of ones", fromFile("ones", "ones.jsonl"), want, 1e-6)
	t.Setenv("XDG_CACHE_HOME", b.path("cache"))
	golden.CloseAll(t, "losses with the reference's values given", fromFile("given", "ones.jsonl", "precompute_ref_log_probs", "true"), want, 1e-5)
	if halves := fromFile("halves", "halves.jsonl"); halves[3] == want[3] || column(b.records("halves"), "mask/reward_mean_chosen")[0] != 0.5 {
		t.Errorf("masks of one half: losses %v, with ones %v", halves, want)
	}
	if _, err := os.Stat(b.path("ones/final/mask.safetensors")); err == nil {
		t.Error("a mask was saved")
	}
	if card := b.card("ones"); !strings.Contains(card, "The masks came from the records") || !strings.Contains(card, "| `mask.source` | `file` |") {
		t.Errorf("card without where the masks came from:\n%s", card)
	}
	err := b.fails("none", with("method", "mapo", "mask.source", "file"))
	if !usage.Is(err) || !strings.Contains(err.Error(), `field "chosen_mask": missing`) {
		t.Errorf("records without masks: %v", err)
	}
}
