package train

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/sparsepo/sparsepo/internal/atomicfile"
	"github.com/sparsepo/sparsepo/internal/metrics"
	"github.com/sparsepo/sparsepo/internal/usage"
)

const (
	checkpointsFolder = "checkpoints"
	stateFile         = "state.safetensors"
	progressFile      = "progress.json"
	metricsFile       = "metrics.jsonl"
	bestFolder        = "best" // weights of the lowest eval_loss, with load_best_model_at_end
	finalFolder       = "final"
)

// progress is what a checkpoint remembers beside the weights and the optimiser's state.
type progress struct {
	Step int `json:"step"` // optimiser steps done
	// What was due after that step is done: the evaluation, and with it the frontier too.
	Evaluated bool `json:"evaluated"`
	Measured  bool `json:"measured"`

	Window   *summary `json:"window"` // metrics since the last logged record
	BestLoss *float64 `json:"best_eval_loss,omitempty"`
	// What the checkpoint belongs to; a resumed run must agree.
	Method string `json:"method"`
	Model  string `json:"model_type"`
	Pairs  int    `json:"pairs"`
}

// saveCheckpoint writes RUN/checkpoints/step-000100 in one step and removes the oldest beyond save_total_limit.
func (r *runner) saveCheckpoint() error {
	parent := filepath.Join(r.config.Out, checkpointsFolder)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return fmt.Errorf("make the checkpoints' folder: %w", err)
	}
	folder := filepath.Join(parent, fmt.Sprintf("step-%06d", r.progress.Step))
	err := atomicfile.WriteFolder(folder, func(dir string) error {
		if err := r.save(dir); err != nil {
			return err
		}
		if err := r.program.SaveState(filepath.Join(dir, stateFile)); err != nil {
			return err
		}
		text, err := json.MarshalIndent(r.progress, "", "  ")
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, progressFile), text, 0o644)
	})
	if err != nil {
		return fmt.Errorf("write checkpoint %s: %w", folder, err)
	}
	r.log("checkpoint %s", folder)
	return r.pruneCheckpoints(parent)
}

func (r *runner) pruneCheckpoints(parent string) error {
	if r.config.SaveTotalLimit == 0 {
		return nil
	}
	list, err := checkpoints(parent)
	if err != nil {
		return err
	}
	for len(list) > r.config.SaveTotalLimit {
		if err := os.RemoveAll(list[0]); err != nil {
			return fmt.Errorf("remove old checkpoint: %w", err)
		}
		list = list[1:]
	}
	return nil
}

// checkpoints lists the checkpoint folders, oldest first.
func checkpoints(parent string) ([]string, error) {
	entries, err := os.ReadDir(parent)
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list checkpoints: %w", err)
	}
	number := func(path string) int {
		n, err := strconv.Atoi(strings.TrimPrefix(filepath.Base(path), "step-"))
		if err != nil {
			return -1
		}
		return n
	}
	var list []string
	for _, e := range entries {
		if path := filepath.Join(parent, e.Name()); e.IsDir() && number(path) >= 0 {
			list = append(list, path)
		}
	}
	slices.SortFunc(list, func(a, b string) int { return number(a) - number(b) })
	return list, nil
}

// resume restores the newest checkpoint of the run folder; without one the run starts from the beginning.
func (r *runner) resume() error {
	list, err := checkpoints(filepath.Join(r.config.Out, checkpointsFolder))
	if err != nil {
		return err
	}
	if len(list) == 0 {
		r.log("nothing to resume in %s: starting from the beginning", r.config.Out)
		return nil
	}
	folder := list[len(list)-1]
	text, err := os.ReadFile(filepath.Join(folder, progressFile))
	if err != nil {
		return usage.Errorf("checkpoint %s: %w", folder, err)
	}
	var p progress
	if err := json.Unmarshal(text, &p); err != nil || p.Window == nil {
		return usage.Errorf("checkpoint %s: %s is malformed; remove the folder to resume from an older checkpoint", folder, progressFile)
	}
	own := r.progress
	for _, c := range []struct {
		what      string
		got, want any
	}{
		{"method", p.Method, own.Method}, {"model type", p.Model, own.Model}, {"number of training records", p.Pairs, own.Pairs},
	} {
		if c.got != c.want {
			return usage.Errorf("checkpoint %s is of another run: its %s is %v, this run's is %v", folder, c.what, c.got, c.want)
		}
	}
	if p.Step > r.total {
		return usage.Errorf("checkpoint %s is at step %d, this run ends at step %d", folder, p.Step, r.total)
	}
	if err := r.program.LoadState(filepath.Join(folder, stateFile)); err != nil {
		return usage.Wrap(fmt.Errorf("checkpoint %s: %w", folder, err))
	}
	r.progress = p
	r.log("resumed %s at step %d", folder, p.Step)
	return nil
}

// recall takes the newest value of every metric over from before the interruption.
func (r *runner) recall() error {
	if r.progress.Step == 0 {
		return nil
	}
	records, err := metrics.Read(filepath.Join(r.config.Out, metricsFile))
	if err != nil {
		return err
	}
	for _, record := range records {
		maps.Copy(r.last, record)
	}
	delete(r.last, "step")
	delete(r.last, "epoch")
	return nil
}
