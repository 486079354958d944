package engine

import (
	"errors"
	"os"
	"path/filepath"
	"slices"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// Candidate is an engine that this program knows and this machine may have.
type Candidate struct {
	Name   string  // what Open takes: "onnx", "go", "xla:PATH"; "xla" when no plugin was found
	Engine *Engine // the opened engine, nil when it cannot be used
	Err    error   // why it cannot be used; its hints say what to do
}

// Available opens every engine it can find, the fastest on a CPU first. PJRT plugins are looked for where GoMLX keeps
// them: in $PJRT_PLUGIN_LIBRARY_PATH when it is set, else in the user's and the system's go-xla folders.
func Available() []Candidate {
	names := []string{string(ONNX), string(Go)}
	plugins := findPlugins()
	for _, path := range plugins {
		names = append(names, "xla:"+path)
	}
	var candidates []Candidate
	for _, name := range names {
		opened, err := openNamed(name)
		candidates = append(candidates, Candidate{Name: name, Engine: opened, Err: err})
	}
	if len(plugins) == 0 {
		err := usage.Hint(errors.New("engine xla: no PJRT plugin found"),
			"for a GPU, get the PJRT plugin of the jax-cuda package and name it: --engine xla:/path/to/xla_cuda_plugin.so")
		candidates = append(candidates, Candidate{Name: string(XLA), Err: err})
	}
	return candidates
}

// findPlugins lists the PJRT plugins of this machine, by absolute path.
func findPlugins() []string {
	folders := filepath.SplitList(os.Getenv("PJRT_PLUGIN_LIBRARY_PATH"))
	if len(folders) == 0 {
		roots := []string{"/usr/local/lib/go-xla"}
		if home, err := os.UserHomeDir(); err == nil {
			roots = append([]string{filepath.Join(home, ".local/lib/go-xla"), filepath.Join(home, "Library/Application Support/go-xla")}, roots...)
		}
		for _, root := range roots {
			folders = append(folders, root, filepath.Join(root, "nvidia"))
		}
	}
	var plugins []string
	for _, folder := range folders {
		for _, pattern := range []string{"pjrt_c_api_*_plugin.*", "pjrt[-_]plugin[-_]*.*", "xla_*_plugin.*"} {
			matches, _ := filepath.Glob(filepath.Join(folder, pattern)) // the patterns are well-formed
			for _, path := range matches {
				extension := filepath.Ext(path)
				if absolute, err := filepath.Abs(path); err == nil && (extension == ".so" || extension == ".dylib") && isFile(absolute) {
					plugins = append(plugins, absolute)
				}
			}
		}
	}
	slices.Sort(plugins)
	return slices.Compact(plugins)
}
