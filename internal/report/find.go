package report

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sparsepo/sparsepo/internal/usage"
)

const metricsFile = "metrics.jsonl"

// skipped are the folders inside a run that hold no runs.
var skipped = []string{"checkpoints", "final", "samples", "tensorboard"}

// Find returns the run folders among and under the given folders, each once, in the order of the folders and by name
// below each. A run folder holds metrics.jsonl; folders named checkpoints, final, samples and tensorboard, and a run's folder
// eval, are not entered. A folder without any run is the user's mistake (package usage).
func Find(folders []string) ([]string, error) {
	if len(folders) == 0 {
		return nil, usage.Errorf("no run folder given; a run folder holds %s", metricsFile)
	}
	var runs []string
	seen := map[string]bool{}
	for _, folder := range folders {
		found, err := runsUnder(folder)
		if err != nil {
			return nil, err
		}
		for _, run := range found {
			real, err := filepath.EvalSymlinks(run)
			if err != nil {
				return nil, fmt.Errorf("find runs: %w", err)
			}
			if real, err = filepath.Abs(real); err != nil {
				return nil, fmt.Errorf("find runs: %w", err)
			}
			if !seen[real] {
				seen[real] = true
				runs = append(runs, run)
			}
		}
	}
	return runs, nil
}

func runsUnder(folder string) ([]string, error) {
	info, err := os.Stat(folder)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, usage.Errorf("%s: no such folder; expected a run folder (it holds %s) or a folder of runs", folder, metricsFile)
	case err != nil:
		return nil, fmt.Errorf("find runs: %w", err)
	case !info.IsDir():
		return nil, usage.Errorf("%s: a file; expected a run folder (it holds %s) or a folder of runs", folder, metricsFile)
	}
	var runs []string
	// The separator makes WalkDir enter a folder that is given as a symbolic link.
	err = filepath.WalkDir(folder+string(filepath.Separator), func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			inside := filepath.Clean(path) != filepath.Clean(folder)
			if inside && (slices.Contains(skipped, entry.Name()) || strings.HasPrefix(entry.Name(), ".") || holdsResults(path)) {
				return filepath.SkipDir
			}
		case entry.Name() == metricsFile:
			runs = append(runs, filepath.Dir(path))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("find runs in %s: %w", folder, err)
	}
	if len(runs) == 0 {
		return nil, usage.Errorf("%s: no run folder; expected %s in it or in a folder below it, as sft, train and sweep write it", folder, metricsFile)
	}
	slices.SortFunc(runs, compareNatural)
	return runs, nil
}

// holdsResults reports whether a folder is a run's folder of results.
func holdsResults(folder string) bool {
	_, err := os.Stat(filepath.Join(filepath.Dir(folder), metricsFile))
	return err == nil && filepath.Base(folder) == evalFolder
}

// Names returns a short name for each run folder: its path below the folder that all of them share.
func Names(runs []string) []string {
	if len(runs) == 0 {
		return nil
	}
	names := make([]string, len(runs))
	parts := make([][]string, len(runs))
	for i, run := range runs {
		absolute, err := filepath.Abs(run)
		if err != nil {
			absolute = filepath.Clean(run)
		}
		parts[i] = strings.Split(filepath.ToSlash(absolute), "/")
	}
	shared := len(parts[0]) - 1
	for _, p := range parts {
		shared = min(shared, len(p)-1)
		for k := range shared {
			if p[k] != parts[0][k] {
				shared = k
				break
			}
		}
	}
	for i, p := range parts {
		names[i] = strings.Join(p[shared:], "/")
	}
	return names
}
