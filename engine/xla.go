//go:build cgo && ((linux && (amd64 || arm64)) || (darwin && arm64))

package engine

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/gomlx/go-xla/compute/xla"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// openXLA opens the PJRT plugin whose absolute path, with GoMLX's options after commas, stands in options. A bare plugin
// name is refused: GoMLX would search for it, and install one from the network. Products of float32 are computed as such,
// unless options has tf32.
func openXLA(options string) (*Engine, error) {
	path, _, _ := strings.Cut(options, ",")
	switch {
	case path == "":
		return nil, usage.Errorf("engine xla: the plugin's path is missing; write xla:/path/to/pjrt_plugin.so")
	case !filepath.IsAbs(path):
		return nil, usage.Errorf("engine xla: %q is not an absolute path; write xla:/path/to/pjrt_plugin.so", path)
	case !isFile(path):
		return nil, usage.Errorf("engine xla: %s is no file", path)
	}
	xla.EnableAutoInstall(false)
	backend, err := xla.New(fullPrecision(options))
	if err != nil {
		return nil, fmt.Errorf("engine xla: open %s: %w", path, err)
	}
	return &Engine{kind: XLA, version: filepath.Base(path), found: "named by its path", library: path, backend: backend}, nil
}
