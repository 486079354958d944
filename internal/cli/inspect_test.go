package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sparsepo/sparsepo/internal/golden"
	"github.com/sparsepo/sparsepo/internal/inspection"
)

// Errors that a float32 PyTorch run keeps to, from the cases' README; an engine's slack multiplies them.
const (
	lossBound  = 1e-5
	tokenBound = 2e-5
	maskBound  = 1e-5
)

// TestInspectGolden runs the command on the reference cases and compares all it prints: on every case of GPT-2, and on those
// of the other families that read a model's activations and hidden states.
func TestInspectGolden(t *testing.T) {
	for _, family := range golden.Families(t) {
		t.Run(family, func(t *testing.T) {
			folder := golden.Shared(t, "golden", family)
			expected := golden.Read(t, folder)
			if len(expected.Cases) < 17 {
				t.Fatalf("%d cases, want at least 17", len(expected.Cases))
			}
			golden.Engines(t, func(t *testing.T, e golden.Engine) {
				for name, c := range expected.Cases {
					if family != "gpt2" && name != "mapo" && (e.Name != "go" || name != "sparse-independent") {
						continue // preparing a graph takes long
					}
					t.Run(name, func(t *testing.T) { inspectCase(t, e, folder, expected, name, c) })
				}
			})
		})
	}
}

func inspectCase(t *testing.T, e golden.Engine, folder string, expected golden.Expected, name string, c golden.Case) {
	t.Helper()
	s := expected.Settings
	args := []string{
		"inspect", "--json", "--engine", e.Name, "--policy", filepath.Join(folder, "policy"), "--reference", filepath.Join(folder, "reference"),
		"--data", filepath.Join(folder, "pairs.jsonl"), "--method", c.Method, "--beta", fmt.Sprint(s.Beta), "--alpha", fmt.Sprint(s.Alpha),
		"--gamma", fmt.Sprint(s.Gamma), "--lambda", fmt.Sprint(s.Lambda),
	}
	if c.Mask != "" {
		args = append(args, "--mask", filepath.Join(folder, c.Mask))
	}
	if c.KL != "" {
		args = append(args, "--kl", c.KL)
	}
	if c.Map != "" {
		args = append(args, "--mapo-map", c.Map)
	}
	if c.L1 {
		args = append(args, "--l1-u", fmt.Sprint(s.L1U), "--l1-d", fmt.Sprint(s.L1D))
	}
	var stdout, stderr bytes.Buffer
	if code := Main(t.Context(), args, nil, &stdout, &stderr); code != 0 {
		t.Fatalf("exit code %d: %s", code, &stderr)
	}
	var got inspection.Inspect
	if err := json.Unmarshal(stdout.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	compareInspection(t, e, expected, name, got)
}

func compareInspection(t *testing.T, e golden.Engine, expected golden.Expected, name string, got inspection.Inspect) {
	t.Helper()
	want := expected.Loss[name]
	if got.Method != expected.Cases[name].Method || float64(got.Beta) != expected.Settings.Beta || len(got.Pairs) != len(want.PerPair) {
		t.Fatalf("method %s, beta %g, %d pairs", got.Method, got.Beta, len(got.Pairs))
	}
	golden.Close(t, "mean loss", float64(got.Loss), want.Mean, lossBound*e.Slack)
	for i, pair := range got.Pairs {
		golden.Close(t, "loss", float64(pair.Loss), want.PerPair[i], lossBound*e.Slack)
		golden.Close(t, "reward chosen", float64(pair.RewardChosen), expected.Rewards[name]["chosen"][i], lossBound*e.Slack)
		golden.Close(t, "reward rejected", float64(pair.RewardRejected), expected.Rewards[name]["rejected"][i], lossBound*e.Slack)
		for sideName, side := range map[string]inspection.Side{"chosen": pair.Chosen, "rejected": pair.Rejected} {
			for quantity, values := range map[string]inspection.Values{
				"policy": side.LogpPolicy, "ref": side.LogpRef, "logratio": side.LogRatio, "kl_fwd": side.KLForward, "kl_rev": side.KLReverse,
			} {
				golden.CloseAll(t, sideName+" "+quantity, values, expected.Tokens[sideName][quantity][i], tokenBound*e.Slack)
			}
			ones := make([]float64, side.Len())
			for k := range ones {
				ones[k] = 1
			}
			reward, kl := ones, ones
			if masks, ok := expected.Masks[name]; ok {
				reward, kl = masks[sideName].Reward[i], masks[sideName].KL[i]
			}
			golden.CloseAll(t, sideName+" reward mask", side.MaskReward, reward, maskBound*e.Slack)
			golden.CloseAll(t, sideName+" KL mask", side.MaskKL, kl, maskBound*e.Slack)
			var texts []string
			for _, id := range side.IDs {
				texts = append(texts, fmt.Sprint(id))
			}
			if diff := cmp.Diff(texts, side.Tokens); diff != "" {
				t.Errorf("tokens without a tokenizer (-want +got):\n%s", diff)
			}
		}
	}
}
