package config

import (
	"testing"

	"github.com/sparsepo/sparsepo/loss"
)

func lossReads(method string) (keys []string, known bool) {
	objective, known := loss.Lookup(method)
	return objective.Reads, known
}

// The objectives and the settings name the same keys, and every preset suits every objective.
func TestObjectives(t *testing.T) {
	if len(loss.Names()) == 0 {
		t.Fatal("no objectives")
	}
	for _, objective := range loss.All() {
		for _, name := range objective.Reads {
			if _, ok := keyByName[name]; !ok {
				t.Errorf("%s reads %q, which is no setting", objective.Name, name)
			}
		}
		for _, p := range Presets() {
			run := resolve(t, Preset(p.Name), needed, Set("eval_data=e.jsonl"), Set("method="+objective.Name))
			if err := run.Validate(lossReads, loss.Names()); err != nil {
				t.Errorf("preset %s, %s: %v", p.Name, objective.Name, err)
			}
		}
	}
	for _, key := range []string{"alpha", "beta", "gamma", "lambda", "kl", "l1_u", "l1_d", "label_smoothing", "rpo_alpha", "mask.depth", "mask.groups"} {
		if len(readersOf(key, lossReads, loss.Names())) == 0 {
			t.Errorf("no objective reads %s", key)
		}
	}
}
