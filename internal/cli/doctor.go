package cli

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/sparsepo/sparsepo/engine"
	"github.com/sparsepo/sparsepo/internal/sandbox"
	"github.com/sparsepo/sparsepo/internal/usage"
)

const doctorLong = `Show which compute engine is used and why, which other engines this machine has and what the missing ones lack. Every
engine that is there runs a small computation whose result is checked; the engine in use must pass it. The line "sandbox" says
whether Python programs can be judged in isolation here.

Exit codes: 0 the engine in use works, 1 it does not, 2 wrong usage.`

func newDoctorCommand(app *App) *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Show which compute engine is used and why, and what is missing",
		Long:  doctorLong,
		Example: `  sparsepo doctor
  sparsepo doctor --engine go --json`,
		RunE: func(cmd *cobra.Command, _ []string) error { return runDoctor(cmd.Context(), app) },
	}
}

// diagnosis is what doctor finds; its JSON form is printed by --json.
type diagnosis struct {
	Engine  engine.Kind    `json:"engine"` // the one in use
	Version string         `json:"engine_version,omitempty"`
	Why     string         `json:"why"`
	Library string         `json:"library,omitempty"`
	Engines []engineReport `json:"engines"` // all that are known
	Sandbox sandboxReport  `json:"sandbox"`
	Build   build          `json:"build"`
	Machine machine        `json:"machine"`
}

// engineReport is one engine that is known; State is "works", "broken" (it opens, but computes nothing or wrong numbers)
// or
// "unavailable".
type engineReport struct {
	Name    string   `json:"name"`
	State   string   `json:"state"`
	Version string   `json:"version,omitempty"`
	Library string   `json:"library,omitempty"`
	Found   string   `json:"found,omitempty"`
	Seconds float64  `json:"seconds,omitempty"` // for compiling and running the small computation
	Problem string   `json:"problem,omitempty"`
	Hints   []string `json:"hints,omitempty"`
}

// sandboxReport says whether programs that nobody has read can be judged here; State is "works" or "unavailable".
type sandboxReport struct {
	State   string   `json:"state"`
	Python  string   `json:"python,omitempty"`
	Problem string   `json:"problem,omitempty"`
	Hints   []string `json:"hints,omitempty"`
}

func examineSandbox(ctx context.Context) sandboxReport {
	found := sandbox.Probe(ctx)
	if found.Problem != nil {
		return sandboxReport{State: "unavailable", Python: found.Python, Problem: found.Problem.Error(), Hints: usage.Hints(found.Problem)}
	}
	return sandboxReport{State: "works", Python: found.Python}
}

func (r sandboxReport) summary() string {
	if r.Problem != "" {
		return r.State + ": " + r.Problem
	}
	return r.State + ": " + r.Python
}

func runDoctor(ctx context.Context, app *App) error {
	used, err := app.OpenEngine()
	if err != nil {
		return err
	}
	found := diagnosis{
		Engine:  used.Kind(),
		Version: used.Version(),
		Why:     used.Why,
		Library: used.Library(),
		Sandbox: examineSandbox(ctx),
		Build:   thisBuild(),
		Machine: thisMachine(),
	}
	for _, candidate := range engine.Available() {
		found.Engines = append(found.Engines, examine(candidate))
	}
	if app.JSON {
		err = app.PrintJSON(found)
	} else {
		err = found.print(app.Stdout)
	}
	if err != nil {
		return fmt.Errorf("print the diagnosis: %w", err)
	}
	return used.Prove()
}

// examine opens nothing itself: it proves the candidate that was opened, or tells why it was not.
func examine(candidate engine.Candidate) engineReport {
	report := engineReport{Name: candidate.Name}
	if candidate.Err != nil {
		report.State, report.Problem, report.Hints = "unavailable", candidate.Err.Error(), usage.Hints(candidate.Err)
		return report
	}
	report.Version, report.Library, report.Found = candidate.Engine.Version(), candidate.Engine.Library(), candidate.Engine.Found()
	start := time.Now()
	if err := candidate.Engine.Prove(); err != nil {
		report.State, report.Problem = "broken", err.Error()
		return report
	}
	report.State, report.Seconds = "works", time.Since(start).Seconds()
	return report
}

// print writes the diagnosis for people.
func (d diagnosis) print(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "engine\t%s\n", strings.TrimSpace(string(d.Engine)+" "+d.Version))
	fmt.Fprintf(table, "why\t%s\n", d.Why)
	if d.Library != "" {
		fmt.Fprintf(table, "library\t%s\n", d.Library)
	}
	for _, report := range d.Engines {
		fmt.Fprintf(table, "%s\t%s\n", report.Name, report.summary())
		for _, hint := range report.Hints {
			fmt.Fprintf(table, "\thint: %s\n", hint)
		}
	}
	fmt.Fprintf(table, "sandbox\t%s\n", d.Sandbox.summary())
	for _, hint := range d.Sandbox.Hints {
		fmt.Fprintf(table, "\thint: %s\n", hint)
	}
	fmt.Fprintf(table, "build\tsparsepo %s, %s, %s\n", d.Build.Version, d.Build.Go, strings.Join(d.Build.traits(), ", "))
	fmt.Fprintf(table, "machine\t%s\n", d.Machine)
	return table.Flush()
}

func (r engineReport) summary() string {
	if r.State != "works" {
		return r.State + ": " + r.Problem
	}
	text := fmt.Sprintf("works (checked in %.2f s)", r.Seconds)
	if r.Library != "" {
		text += fmt.Sprintf(": %s, %s", r.Library, r.Found)
	}
	return text
}

// build is how this program was compiled.
type build struct {
	Version string `json:"version"`
	Go      string `json:"go"`
	SIMD    bool   `json:"simd"` // GOEXPERIMENT=simd: vector instructions in the Go engine
	Cgo     bool   `json:"cgo"`  // without it neither onnx nor xla can be opened
}

func thisBuild() build {
	return build{Version: version(), Go: runtime.Version(), SIMD: engine.SIMD, Cgo: engine.Cgo}
}

func (b build) traits() []string {
	simd, cgo := "with SIMD", "with cgo"
	if !b.SIMD {
		simd = "without SIMD (GOEXPERIMENT=simd makes the Go engine about three times faster)"
	}
	if !b.Cgo {
		cgo = "without cgo (no ONNX Runtime, no XLA)"
	}
	return []string{simd, cgo}
}
