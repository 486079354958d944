package sweep

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/gomlx/compute"

	"github.com/sparsepo/sparsepo/internal/config"
	"github.com/sparsepo/sparsepo/internal/train"
)

// Options of a sweep.
type Options struct {
	Axes    []Axis
	Shared  []config.Source // settings of every run
	Out     string          // folder of the runs
	Backend compute.Backend
	Log     io.Writer
}

// Run trains every point of the grid, one after the other. Finished runs are left as they are and interrupted ones go on
// from their newest checkpoint, so that the same call continues an interrupted sweep. All settings are checked before the
// first run starts. It returns the folders of the runs.
func Run(ctx context.Context, o Options) ([]string, error) {
	points, err := Points(o.Axes)
	if err != nil {
		return nil, err
	}
	runs := make([]*config.Run, len(points))
	var problems []error
	for i, p := range points {
		if runs[i], err = p.settings(o.Shared, o.Out); err != nil {
			problems = append(problems, err)
			continue
		}
		if err := train.Validate(runs[i]); err != nil {
			problems = append(problems, fmt.Errorf("run %s: %w", p.Name, err))
		}
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	if err := os.MkdirAll(o.Out, 0o755); err != nil {
		return nil, fmt.Errorf("make the sweep's folder: %w", err)
	}
	folders := make([]string, len(points))
	for i, p := range points {
		folders[i] = runs[i].Out
		state := "starts"
		switch {
		case exists(filepath.Join(runs[i].Out, "final")):
			fmt.Fprintf(o.Log, "run %d of %d, %s: finished before\n", i+1, len(points), p.Name)
			continue
		case exists(filepath.Join(runs[i].Out, "metrics.jsonl")):
			runs[i].Resume, state = true, "goes on"
		}
		fmt.Fprintf(o.Log, "run %d of %d, %s: %s\n", i+1, len(points), p.Name, state)
		if _, err := train.Run(ctx, runs[i], train.Options{Backend: o.Backend, Log: o.Log}); err != nil {
			return nil, fmt.Errorf("run %s: %w", p.Name, err)
		}
	}
	return folders, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
