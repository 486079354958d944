package cli

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/gomlx/compute"

	"github.com/sparsepo/sparsepo/engine"
)

// App is what all commands share: the standard streams, the persistent flags and the compute engine.
type App struct {
	Stdin  io.Reader
	Stdout io.Writer // results
	Stderr io.Writer // logs, progress and errors
	JSON   bool      // --json: results as JSON on Stdout
	Engine string    // --engine: auto, onnx, go or xla:PATH
	Debug  bool      // --debug: stacks of errors

	engine  *engine.Engine
	started bool // the command's own work has begun: errors are no longer about its arguments
}

// OpenEngine opens the compute engine that --engine names, prints its notice on Stderr, and returns the same engine on
// every later call. It is for one goroutine.
func (a *App) OpenEngine() (*engine.Engine, error) {
	if a.engine != nil {
		return a.engine, nil
	}
	opened, err := engine.Open(a.Engine)
	if err != nil {
		return nil, err
	}
	if notice := opened.Notice(); notice != "" {
		fmt.Fprintln(a.Stderr, notice)
	}
	a.engine = opened
	return opened, nil
}

// Backend is OpenEngine for callers who only build graphs.
func (a *App) Backend() (compute.Backend, error) {
	opened, err := a.OpenEngine()
	if err != nil {
		return nil, err
	}
	return opened.Backend(), nil
}

// PrintJSON writes v as one indented JSON document on Stdout.
func (a *App) PrintJSON(v any) error {
	encoder := json.NewEncoder(a.Stdout)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}
