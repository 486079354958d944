package reward

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// format is one layout of a reward model's folder. Each is registered by the file that implements it.
type format struct {
	name      string
	recognise func(folder string) bool
	load      func(folder string) (Scorer, error)
}

var formats []format

func register(f format) {
	if slices.ContainsFunc(formats, func(g format) bool { return g.name == f.name }) {
		panic("reward: format registered twice: " + f.name)
	}
	formats = append(formats, f)
}

// Load opens the reward model in folder, whatever its format. A folder that is missing or holds none is a usage error.
func Load(folder string) (Scorer, error) {
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
			return f.load(folder)
		}
	}
	return nil, unknownFormat(folder)
}

func unknownFormat(folder string) error {
	names := make([]string, len(formats))
	for i, f := range formats {
		names[i] = f.name
	}
	found := "there is no " + FileName
	if _, err := os.Stat(filepath.Join(folder, FileName)); err == nil {
		found = fmt.Sprintf("%s states the kind %q", FileName, statedKind(folder))
	}
	return usage.Errorf("reward model %s: not a known format: %s; known: %s", folder, found, strings.Join(names, ", "))
}
