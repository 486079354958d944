//go:build !cgo || !(linux || darwin)

package engine

import (
	"errors"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// Cgo reports whether this build can open engines in shared libraries.
const Cgo = false

func openONNX(string) (*Engine, error) {
	return nil, usage.Hint(errors.New("engine onnx: this binary was built without cgo, which ONNX Runtime needs"),
		"build with a C compiler and CGO_ENABLED=1, on Linux or macOS")
}
