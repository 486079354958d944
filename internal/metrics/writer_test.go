package metrics

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// run writes the records of a run from step first to last, two at every tenth step, as a training loop does.
func run(t *testing.T, path string, resumeStep, last int) {
	t.Helper()
	w, err := Open(path, resumeStep)
	if err != nil {
		t.Fatal(err)
	}
	for step := max(0, resumeStep) + 1; step <= last; step++ {
		write(t, w, Record{"step": float64(step), "loss": 1 / float64(step), "epoch": float64(step) / 7})
		if step%10 == 0 {
			write(t, w, Record{"step": float64(step), "eval_loss": 2 / float64(step)})
		}
	}
	if err := w.Sync(); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, w *Writer, r Record) {
	t.Helper()
	if err := w.Write(r); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// A run that stops after step 25 and goes on from a checkpoint has the file of a run that never stopped.
func TestResumedFileEqualsUninterrupted(t *testing.T) {
	folder := t.TempDir()
	whole := filepath.Join(folder, "whole.jsonl")
	run(t, whole, Afresh, 40)
	want := read(t, whole)
	if lines := strings.Count(want, "\n"); lines != 44 {
		t.Fatalf("%d lines, want 44", lines)
	}
	for _, c := range []struct {
		name       string
		resumeStep int
		tail       string // what the interruption left at the end
	}{
		{"at the last step", 25, ""},
		{"at an earlier step", 20, ""},
		{"before the first step", 0, ""},
		{"with a cut line", 20, `{"step": 26, "lo`},
		{"with a line that lacks its end only", 20, `{"step": 26}`},
		{"afresh", Afresh, ""},
	} {
		path := filepath.Join(folder, "resumed.jsonl")
		run(t, path, Afresh, 25)
		if err := os.WriteFile(path, []byte(read(t, path)+c.tail), 0o644); err != nil {
			t.Fatal(err)
		}
		run(t, path, c.resumeStep, 40)
		if got := read(t, path); got != want {
			t.Errorf("%s: the file differs from the uninterrupted one:\n%s", c.name, got)
		}
	}
}

func TestOpenKeepsAWholeLastLineWithoutItsEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.jsonl")
	if err := os.WriteFile(path, []byte("{\"step\": 1}\n\n{\"step\": 2}"), 0o644); err != nil {
		t.Fatal(err)
	}
	w, err := Open(path, 2)
	if err != nil {
		t.Fatal(err)
	}
	write(t, w, Record{"step": 3})
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if got, want := read(t, path), "{\"step\": 1}\n{\"step\": 2}\n{\"step\": 3}\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if err := w.Write(Record{"step": 4}); err == nil {
		t.Error("writing after Close: no error")
	}
}

func TestOpenLeavesAFaultyFileAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.jsonl")
	const content = "{\"step\": 1}\nhello\n{\"step\": 3}\n"
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path, 1); !usage.Is(err) || !strings.Contains(err.Error(), "m.jsonl:2: not a JSON object") {
		t.Errorf("got %v, want a usage error at line 2", err)
	}
	if got := read(t, path); got != content {
		t.Errorf("the file was changed to %q", got)
	}
}

func TestWriterNotesEachNameOnce(t *testing.T) {
	w, err := Open(filepath.Join(t.TempDir(), "m.jsonl"), Afresh)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	var notes []string
	w.Note = func(message string) { notes = append(notes, message) }
	write(t, w, Record{"step": 1, "loss": 1})
	write(t, w, Record{"step": 2, "loss": math.NaN()})
	write(t, w, Record{"step": 3, "loss": math.NaN(), "grad_norm": math.Inf(1)})
	want := []string{"step 2: loss is NaN; metrics.jsonl holds null for it", "step 3: grad_norm is +Inf; metrics.jsonl holds null for it"}
	if !slices.Equal(notes, want) {
		t.Errorf("notes: got %q, want %q", notes, want)
	}
	if err := w.Write(Record{"loss": 1}); err == nil || !strings.Contains(err.Error(), `field "step": missing`) {
		t.Errorf("no step: got %v", err)
	}
}

func TestRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.jsonl")
	for _, c := range []struct {
		name, content string
		want          []Record
		err           string
	}{
		{"empty", "", nil, ""},
		{"two", "{\"step\": 1, \"loss\": null}\n{\"step\": 2, \"a/b\": -1e-3}\n", []Record{{"step": 1, "loss": math.NaN()}, {"step": 2, "a/b": -1e-3}}, ""},
		{"blank line", "{\"step\": 1}\n\n", []Record{{"step": 1}}, ""},
		{"cut", "{\"step\": 1}\n{\"step\": 2, \"lo", []Record{{"step": 1}}, ""},
		{"no line feed", "{\"step\": 1}", []Record{{"step": 1}}, ""},
		{"faulty middle", "{\"step\": 1}\n{\"st\n{\"step\": 3}\n", nil, "m.jsonl:2: not a JSON object of numbers"},
		{"faulty whole last line", "{\"step\": 1}\n{\"step\": true}\n", nil, "m.jsonl:2: not a JSON object of numbers"},
		{"no step", "{\"loss\": 1}\n", nil, `m.jsonl:1: field "step": missing`},
	} {
		if err := os.WriteFile(path, []byte(c.content), 0o644); err != nil {
			t.Fatal(err)
		}
		got, err := Read(path)
		if c.err != "" {
			if got != nil || !usage.Is(err) || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: got %v, %v; want a usage error with %q", c.name, got, err, c.err)
			}
			continue
		}
		if err != nil || !slices.EqualFunc(got, c.want, same) {
			t.Errorf("%s: got %v, %v; want %v", c.name, got, err, c.want)
		}
	}
	if _, err := Read(filepath.Join(t.TempDir(), "none")); !usage.Is(err) {
		t.Errorf("missing file: got %v, want a usage error", err)
	}
}
