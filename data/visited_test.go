package data

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The pairs that a plan says its first steps see are those that they see, whatever the epochs have in common.
func TestPlanPairs(t *testing.T) {
	var plain strings.Builder
	for i := range 7 {
		fmt.Fprintf(&plain, "{\"prompt\": [%d], \"chosen\": [1, 2], \"rejected\": [3]}\n", i)
	}
	pairs := []TokenPair{{Prompt: []int32{1}, Chosen: []int32{2}, Rejected: []int32{3}}}
	for i := range 6 {
		pairs = append(pairs, TokenPair{Prompt: []int32{1}, Chosen: []int32{int32(i)}, Rejected: []int32{9, int32(i)}})
	}
	b, err := newSetBuilder("several", Preference)
	if err != nil {
		t.Fatal(err)
	}
	for i := range int32(5) {
		b.add(example{source: "x", prompt: []int32{i}, chosen: [][]int32{{1}, {2, 3}, {4}}, rejected: [][]int32{{5}, {6}}})
	}
	b.endPart(0)
	candidates, err := b.finish()
	if err != nil {
		t.Fatal(err)
	}
	if b, err = newSetBuilder("mixture", Preference); err != nil {
		t.Fatal(err)
	}
	for i, p := range append(pairs, pairs...) {
		b.add(exampleOf(TokenPair{Prompt: []int32{int32(100 + i)}, Chosen: p.Chosen, Rejected: p.Rejected}))
		if i == len(pairs)-1 {
			b.endPart(1)
		}
	}
	b.endPart(3)
	mixture, err := b.finish()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "pairs.jsonl")
	if err := os.WriteFile(path, []byte(plain.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	file, _, err := Load(t.Context(), path, LoadOptions{VocabSize: 20})
	if err != nil {
		t.Fatal(err)
	}
	for name, set := range map[string]*Set{"a file": file, "several responses": candidates, "a mixture": mixture} {
		for _, anyOrder := range []bool{false, true} {
			plan, err := NewPlan(set, PlanOptions{BatchSize: 2, Accumulation: 1, Seed: 4, AnyOrder: anyOrder})
			if err != nil {
				t.Fatal(err)
			}
			for _, steps := range []int{1, plan.StepsPerEpoch(), 3*plan.StepsPerEpoch() + 1} {
				text := func(p TokenPair) string { return fmt.Sprint(p.Prompt, p.Chosen, p.Rejected) }
				want, got := map[string]bool{}, map[string]bool{}
				for s, err := range plan.Steps(0) {
					if err != nil {
						t.Fatal(err)
					}
					if s.Number == steps {
						break
					}
					for _, b := range s.Batches {
						for _, p := range b.Unpack() {
							want[text(p)] = true
						}
					}
				}
				for p, err := range plan.Pairs(steps) {
					if err != nil {
						t.Fatal(err)
					}
					got[text(p)] = true
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s, any order %v, %d steps (-seen +said):\n%s", name, anyOrder, steps, diff)
				}
			}
		}
	}
}
