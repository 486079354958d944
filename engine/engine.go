// Package engine opens the compute backend that all graphs run on, and says which one and why.
//
// Three engines are known:
//
//   - onnx: ONNX Runtime on the CPU, the fastest here. Needs its shared library (`make engine` fetches it) and a build with
//     cgo.
//   - go: GoMLX's own backend in pure Go, always there.
//   - xla:PATH: a PJRT plugin (CPU, CUDA, ...) named by the absolute path of its shared library; GoMLX's options may follow,
//     each behind a comma. On GPUs products of float32 keep all their bits, unless the option tf32 is among them.
//
// "auto" takes onnx when its library is found and works, else go. Nothing is ever downloaded.
//
// Limits of the onnx engine that callers must know: one graph.Exec must not be called from two goroutines at once; a
// graph that does not compile leaves the file failed_model.onnx in the working directory; bfloat16 and float16 are computed
// and stored as float32; some graph operations are missing or wrong (the table in this package's parity test lists those
// the project uses, and its guard those that it must not).
package engine

import (
	"os"
	"strings"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// Variable is the environment variable that chooses the engine when the name given to Open is "auto" or empty. It takes
// what Open takes, and GoMLX's own configurations such as "go:ops_sequential".
const Variable = compute.ConfigEnvVar

// Engine is an opened compute backend.
type Engine struct {
	// Why says in a few words how this engine came to be chosen.
	Why string

	kind    Kind
	version string // of the library, or the plugin's file name
	found   string // how its library was found
	notice  string
	library string // path of its shared library
	backend compute.Backend
}

// Kind names a family of engines as the command line does.
type Kind string

// The kinds of engines.
const (
	ONNX Kind = "onnx"
	Go   Kind = "go"
	XLA  Kind = "xla"
)

// Kind returns the family of the engine.
func (e *Engine) Kind() Kind { return e.kind }

// Name says what the engine is, with its version where it has one: "onnx 1.30.0", "go".
func (e *Engine) Name() string {
	if e.version == "" {
		return string(e.kind)
	}
	return string(e.kind) + " " + e.version
}

// Version is ONNX Runtime's version or the file name of the XLA plugin, empty for the pure Go engine.
func (e *Engine) Version() string { return e.version }

// Backend returns the GoMLX backend to build graphs with.
func (e *Engine) Backend() compute.Backend { return e.backend }

// Notice is a line for the user when a faster engine could be had, or an empty string.
func (e *Engine) Notice() string { return e.notice }

// Library is the path of the engine's shared library, empty for the pure Go engine.
func (e *Engine) Library() string { return e.library }

// Found says how the shared library was found, empty for the pure Go engine.
func (e *Engine) Found() string { return e.found }

// BFloat16 reports whether a backend computes bfloat16 as such. ONNX Runtime's takes it, and computes and stores float32.
func BFloat16(backend compute.Backend) bool {
	if own, ok := backend.(*adapted); ok {
		return own.bfloat16
	}
	return backend.Capabilities().DTypes[dtypes.BFloat16]
}

// Open opens the engine called name: "auto" (or empty), "onnx", "go" or "xla:PATH". An unknown name is a usage error; an
// engine that cannot be opened here is an error that says what is missing.
func Open(name string) (*Engine, error) {
	why := "chosen by name"
	if name == "" || name == "auto" {
		configured := os.Getenv(Variable)
		if configured == "" || configured == "auto" {
			return openAuto()
		}
		name, why = configured, "chosen by the environment variable "+Variable
	}
	opened, err := openNamed(name)
	if err != nil {
		return nil, err
	}
	opened.Why = why
	return opened, nil
}

// fullPrecision adds to the options of an XLA engine that products of float32 keep all their bits, where the options say
// nothing about it. GoMLX's default on GPUs, TF32, rounds their factors to 11 bits: those of the models, but those of the
// sums over a response too.
func fullPrecision(options string) string {
	for _, option := range strings.Split(options, ",")[1:] {
		if name, _, _ := strings.Cut(option, "="); name == "tf32" || name == "notf32" {
			return options
		}
	}
	return options + ",tf32=false"
}

func openNamed(name string) (*Engine, error) {
	kind, options, _ := strings.Cut(name, ":")
	switch kind {
	case "go":
		return openGo(options)
	case "onnx", "onnxruntime":
		return openONNX(options)
	case "xla":
		return openXLA(options)
	}
	known := []string{"auto", "onnx", "go", "xla:PATH"}
	if nearest := usage.Nearest(kind, []string{"auto", "onnx", "go", "xla"}); nearest != "" {
		return nil, usage.Errorf("unknown engine %q; known: %s (did you mean %q?)", name, strings.Join(known, ", "), nearest)
	}
	return nil, usage.Errorf("unknown engine %q; known: %s", name, strings.Join(known, ", "))
}
