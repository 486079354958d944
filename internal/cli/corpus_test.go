package cli

import (
	"encoding/json"
	"io/fs"
	"math"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sparsepo/sparsepo/internal/fixture"
	"github.com/sparsepo/sparsepo/internal/golden"
)

// otherFiles are the shared data files that hold no pairs, answers or texts to train on, with the reason.
var otherFiles = map[*regexp.Regexp]string{
	regexp.MustCompile(`^README\.md$`):                      "describes the files",
	regexp.MustCompile(`^(ifeval|bbh|musr|math|mmlu_pro)/`): "benchmark: questions to be scored, not learned",
	regexp.MustCompile(`^tokenizers/[^/]+/(tokenizer|vocab|encoder|special_tokens)\.json$|^tokenizers/[^/]+/(vocab\.bpe|merges\.txt)$`): "tokenizer",
}

// checked is what the test reads of a report.
type checked struct {
	Task string `json:"task"`
	Read int    `json:"read"`
	Kept int    `json:"kept"`
}

// TestEveryDataFile checks every shared file of pairs, answers or texts and trains a few steps on it. A file that
// is neither one of them nor known to be something else fails the test.
func TestEveryDataFile(t *testing.T) {
	folder := golden.Shared(t, "data")
	model := filepath.Join(t.TempDir(), "model")
	if err := fixture.Model(model, "gpt2", "F32"); err != nil {
		t.Fatal(err)
	}
	var covered, others int
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		for pattern := range otherFiles {
			if pattern.MatchString(filepath.ToSlash(name)) {
				others++
				return nil
			}
		}
		covered++
		t.Run(name, func(t *testing.T) { trainOnFile(t, path, model) })
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d files checked and trained on; %d left out:", covered, others)
	for pattern, reason := range otherFiles {
		t.Logf("  %s: %s", pattern, reason)
	}
	if covered < 25 {
		t.Errorf("%d files covered, want at least 25", covered)
	}
}

func trainOnFile(t *testing.T, path, model string) {
	var reports []checked
	output := command(t, "data", "check", "--json", "--model", model, "--max-length", "64", "--max-prompt-length", "40", path)
	if err := json.Unmarshal(output, &reports); err != nil {
		t.Fatalf("%v in %s", err, output)
	}
	if len(reports) != 1 || reports[0].Kept == 0 {
		t.Fatalf("data check: %+v", reports)
	}
	out := filepath.Join(t.TempDir(), "run")
	args := []string{"sft"}
	if reports[0].Task == "preference" {
		args = []string{"train", "--method", "dpo"}
	}
	command(t, append(append(args, "--model", model, "--data", path, "--out", out), small...)...)
	losses := records(t, out, "loss")
	uniform := math.Ln2 // of two responses that are as likely as with the reference
	if args[0] == "sft" {
		uniform = math.Log(280) // of the model's tokens
	}
	if math.Abs(losses[0]-uniform) > 0.1*uniform {
		t.Errorf("loss %g at the start, want about %g", losses[0], uniform)
	}
	t.Logf("%s: %d records, %d kept; %s, loss %.3f, %.3f", reports[0].Task, reports[0].Read, reports[0].Kept, strings.Join(args[:1], " "), losses[0], losses[1])
}
