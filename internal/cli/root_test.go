package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/sparsepo/sparsepo/internal/usage"
)

func TestEveryCommandIsDocumented(t *testing.T) {
	root := newRoot(&App{})
	count := 0
	var visit func(*cobra.Command)
	visit = func(cmd *cobra.Command) {
		count++
		for what, text := range map[string]string{"Short": cmd.Short, "Long": cmd.Long, "Example": cmd.Example} {
			if strings.TrimSpace(text) == "" {
				t.Errorf("%s: no %s", cmd.CommandPath(), what)
			}
		}
		if !strings.Contains(cmd.Example, "sparsepo") {
			t.Errorf("%s: example %q does not call sparsepo", cmd.CommandPath(), cmd.Example)
		}
		for _, child := range cmd.Commands() {
			visit(child)
		}
	}
	visit(root)
	if want := len(commands) + 1; count < want {
		t.Errorf("visited %d commands, want at least %d", count, want)
	}
}

// with replaces the list of commands by one command that ends with the result of run.
func with(t *testing.T, run func(ctx context.Context) error) {
	saved := commands
	t.Cleanup(func() { commands = saved })
	commands = []func(*App) *cobra.Command{func(*App) *cobra.Command {
		cmd := &cobra.Command{Use: "work", RunE: func(cmd *cobra.Command, _ []string) error { return run(cmd.Context()) }}
		cmd.Flags().Int("n", 0, "a required number")
		if err := cmd.MarkFlagRequired("n"); err != nil {
			t.Fatal(err)
		}
		return cmd
	}}
}

func TestMainExitCodesAndMessages(t *testing.T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		name string
		ctx  context.Context
		args string
		err  error
		code int
		want string
	}{
		{"done", t.Context(), "work --n 1", nil, 0, ""},
		{"failed", t.Context(), "work --n 1", errors.New("disk full"), 1, "error: disk full\n"},
		{"user's mistake", t.Context(), "work --n 1", fmt.Errorf("read: %w", usage.Errorf("a.jsonl:3: empty")), 2, "error: read: a.jsonl:3: empty\n"},
		{"hints", t.Context(), "work --n 1", usage.Hint(errors.New("no engine"), "install it"), 1, "error: no engine\nhint: install it\n"},
		{"several problems", t.Context(), "work --n 1", errors.Join(errors.New("first"), errors.New("second")), 1, "error: first\n       second\n"},
		{"interrupted", cancelled, "work --n 1", fmt.Errorf("train: %w", context.Canceled), 130, "interrupted\n"},
		{"failed while stopping", cancelled, "work --n 1", errors.New("save: disk full"), 130, "error: save: disk full\n"},
		{"stopped in time", cancelled, "work --n 1", nil, 0, ""},
		{"required flag", t.Context(), "work", nil, 2, "error: required flag(s) \"n\" not set\n"},
		{"bad number", t.Context(), "work --n x", nil, 2, "error: sparsepo work: --n \"x\": want a whole number: invalid syntax\nhint: see \"sparsepo work --help\"\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			with(t, func(context.Context) error { return c.err })
			var stdout, stderr bytes.Buffer
			code := Main(c.ctx, strings.Fields(c.args), strings.NewReader(""), &stdout, &stderr)
			if code != c.code || stderr.String() != c.want || stdout.Len() != 0 {
				t.Errorf("exit code %d, stderr %q, stdout %q; want %d, %q, nothing", code, &stderr, &stdout, c.code, c.want)
			}
		})
	}
}

func TestMainReportsPanic(t *testing.T) {
	with(t, func(context.Context) error { panic(errors.New("shapes disagree")) })
	var stdout, stderr bytes.Buffer
	code := Main(t.Context(), []string{"work", "--n=1", "--debug"}, strings.NewReader(""), &stdout, &stderr)
	if code != 1 || !strings.HasPrefix(stderr.String(), "error: internal error: shapes disagree\n") {
		t.Errorf("exit code %d, stderr %q; want 1 and an internal error", code, &stderr)
	}
	if !strings.Contains(stderr.String(), "TestMainReportsPanic") {
		t.Errorf("--debug shows no stack: %q", &stderr)
	}
}
