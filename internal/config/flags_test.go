package config

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// execute runs a command with the trainers' flags, below a root that has --engine.
func execute(t *testing.T, extra []Source, args ...string) (run *Run, err error) {
	t.Helper()
	root := &cobra.Command{Use: "sparsepo", SilenceErrors: true, SilenceUsage: true}
	root.PersistentFlags().String("engine", "auto", "")
	train := &cobra.Command{Use: "train", RunE: func(cmd *cobra.Command, _ []string) (err error) {
		run, err = FromFlags(cmd, extra...)
		return err
	}}
	Flags(train)
	root.AddCommand(train)
	root.SetArgs(append([]string{"train"}, args...))
	return run, root.Execute()
}

func TestFromFlags(t *testing.T) {
	file := yamlFile(t, "beta: 0.3\nmodel: from-file\nseed: 3\nout: run\n")
	run, err := execute(t, nil, "--preset", "hh", "--config", file, "--set", "seed=4", "--set", "mask.groups=mlp,attn", "--method", "mapo",
		"--model", "m", "--reference", "r", "--data", "d", "--eval-data", "e", "--max-steps", "7", "--engine", "go", "--resume")
	if err != nil {
		t.Fatal(err)
	}
	got := values(run)
	for key, want := range map[string]string{
		"num_train_epochs": "3", "beta": "0.3", "seed": "4", "mask.groups": "[mlp, attn]", "method": "mapo", "model": "m",
		"reference": "r", "data": "d", "eval_data": "e", "out": "run", "max_steps": "7", "engine": "go",
	} {
		if got[key] != want {
			t.Errorf("%s: got %s want %s", key, got[key], want)
		}
	}
	if !run.Resume {
		t.Error("Resume is not set")
	}
	run, err = execute(t, []Source{Fixed("method", "sft", "always sft")}, "--model", "m")
	if err != nil || run.Method != "sft" || run.Seed != 42 || run.Engine != "auto" || run.Resume {
		t.Errorf("got %+v, %v; want sft and defaults", run, err)
	}
}

// A resumed run takes the settings it was started with; flags still win.
func TestResume(t *testing.T) {
	out := filepath.Join(t.TempDir(), "run")
	if err := os.Mkdir(out, 0o700); err != nil {
		t.Fatal(err)
	}
	first := resolve(t, needed, Set("method=dpo"), Set("beta=0.7"), Set("out="+out))
	if err := first.WriteYAML(filepath.Join(out, "config.yaml")); err != nil {
		t.Fatal(err)
	}
	run, err := execute(t, nil, "--resume", "--out", out, "--max-steps", "9")
	if err != nil {
		t.Fatal(err)
	}
	if run.Beta != 0.7 || run.Model != "m" || run.MaxSteps != 9 || !run.Resume {
		t.Errorf("got beta %g, model %s, max_steps %d, resume %v", run.Beta, run.Model, run.MaxSteps, run.Resume)
	}
}

func TestFromFlagsErrors(t *testing.T) {
	dir := t.TempDir()
	tests := []struct {
		name string
		args []string
		want string
	}{
		{"flag's value", []string{"--max-steps", "many"}, `--max-steps: found "many", expected a whole number of 1 or more, or -1`},
		{"assignment", []string{"--set", "beta"}, `--set "beta": expected KEY=VALUE`},
		{"config", []string{"--config", "none.yaml"}, "none.yaml: no such file"},
		{"resume what", []string{"--resume"}, "--resume: which run? give --out RUN or --config RUN/config.yaml"},
		{"resume nothing", []string{"--resume", "--out", dir}, "--resume: no run to continue in " + dir},
	}
	for _, test := range tests {
		if _, err := execute(t, nil, test.args...); err == nil || !strings.Contains(err.Error(), test.want) || !usage.Is(err) {
			t.Errorf("%s: got %v, want the user's mistake %q", test.name, err, test.want)
		}
	}
}

func TestFlagsHelp(t *testing.T) {
	cmd := &cobra.Command{Use: "sft", Run: func(*cobra.Command, []string) {}}
	Flags(cmd, "method", "beta")
	var help bytes.Buffer
	cmd.SetOut(&help)
	cmd.SetArgs([]string{"--help"})
	if err := cmd.Execute(); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"--config string", "--set stringArray", "--preset string", "--resume", "--model string", "--reference string",
		"--data string", "--eval-data string", "--out string", "--max-steps int", "--seed int", "--learning-rate float", "(default that of model)",
	} {
		if !strings.Contains(help.String(), want) {
			t.Errorf("help lacks %q:\n%s", want, help.String())
		}
	}
	for _, unwanted := range []string{"--method", "--beta"} {
		if strings.Contains(help.String(), unwanted+" ") {
			t.Errorf("help shows %s, which the command decides itself", unwanted)
		}
	}
}
