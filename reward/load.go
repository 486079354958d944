package reward

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gomlx/compute"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// format is one layout of a reward model's folder. Each is registered by the file that implements it.
type format struct {
	name      string
	recognise func(folder string) bool
	load      func(folder string, options Options) (Scorer, error)
}

// Options say how a reward model is loaded. The zero value does for one that needs no compute engine.
type Options struct {
	// Backend opens the compute engine. It is called for the formats that compute graphs.
	Backend func() (compute.Backend, error)
	// Label is the class that is the good one: its label, whatever its case, or its number. The empty one stands for the
	// positive class of two.
	Label string
	// Notice, which may be nil, is told what is worth knowing about the texts scored.
	Notice func(message string)
}

var formats []format

func register(f format) {
	if slices.ContainsFunc(formats, func(g format) bool { return g.name == f.name }) {
		panic("reward: format registered twice: " + f.name)
	}
	formats = append(formats, f)
}

// Load opens the reward model in folder, whatever its format. A folder that is missing or holds none is a usage error. Close
// what it returns.
func Load(folder string, options Options) (Scorer, error) {
	info, err := os.Stat(folder)
	switch {
	case os.IsNotExist(err):
		return nil, usage.Hint(usage.Errorf("reward model %s: no such folder", folder), "fit one with \"sparsepo reward train\"")
	case err != nil:
		return nil, fmt.Errorf("load reward model: %w", err)
	case !info.IsDir():
		return nil, usage.Errorf("reward model %s: a file; give the folder that holds %s", folder, FileName)
	}
	for _, f := range formats {
		if f.recognise(folder) {
			return f.load(folder, options)
		}
	}
	return nil, unknownFormat(folder)
}

// Close releases what a Scorer of Load, in whatever form of [WithOutput], holds of the compute engine's memory.
func Close(s Scorer) {
	if c, ok := s.(io.Closer); ok {
		_ = c.Close() // releasing memory does not fail
	}
}

// hasFile reports whether the folder has a reward.json.
func hasFile(folder string) bool {
	_, err := os.Stat(filepath.Join(folder, FileName))
	return err == nil
}

func unknownFormat(folder string) error {
	names := make([]string, len(formats))
	for i, f := range formats {
		names[i] = f.name
	}
	found := "there is neither " + FileName + " nor config.json"
	if hasFile(folder) {
		found = fmt.Sprintf("%s states the kind %q", FileName, statedKind(folder))
	}
	return usage.Errorf("reward model %s: not a known format: %s; known: %s", folder, found, strings.Join(names, ", "))
}
