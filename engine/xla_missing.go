//go:build !cgo || !((linux && (amd64 || arm64)) || (darwin && arm64))

package engine

import (
	"errors"

	"github.com/sparsepo/sparsepo/internal/usage"
)

func openXLA(string) (*Engine, error) {
	return nil, usage.Hint(errors.New("engine xla: this binary was built without it"),
		"build with a C compiler and CGO_ENABLED=1, on Linux or macOS")
}
