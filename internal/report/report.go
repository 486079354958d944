// Package report turns run folders into one self-contained HTML page: a summary, the frontier of reward against KL, the
// training curves, the masks' sparsity, token heat maps, sampled texts, results of evaluations and settings. It reads run files
// only (config.yaml, metrics.jsonl, samples/, inspect.json, eval/) and shows what they hold; what they lack is shown as not
// measured.
//
// The page needs no network and no other file. Its charts are inline SVG and complete without scripts; a small inline
// script adds tooltips and switches series on and off.
package report

import (
	"fmt"
	"io"

	"github.com/sparsepo/sparsepo/internal/atomicfile"
	"github.com/sparsepo/sparsepo/internal/inspection"
)

// Write reads runs and files of results, and replaces the file out with their report. Each of runs is a run folder or a folder
// of them, as for Find; each of results is a file that "eval TASK --out" wrote, or a folder of such files, beside those in the
// runs' own folders eval. Either list may be empty, not both.
func Write(out string, runs, results []string) error {
	p, err := read(runs, results)
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return atomicfile.Write(out, func(w io.Writer) error { return pageTemplate.Execute(w, p) })
}

func read(runs, results []string) (page, error) {
	named, err := readResults(results)
	if err != nil {
		return page{}, err
	}
	var folders []string
	if len(runs) > 0 || len(results) == 0 {
		if folders, err = Find(runs); err != nil {
			return page{}, err
		}
	}
	loaded, err := loadRuns(folders)
	if err != nil {
		return page{}, err
	}
	result, err := measureFrontier(loaded)
	if err != nil {
		return page{}, err
	}
	return newPage(loaded, result, evaluatedModels(named, loaded)), nil
}

// WriteHeatmap writes a self-contained HTML page with the heat map of every pair: log-ratio, KL, masks and their products
// for each token. The inspection must be valid (inspection.Inspect.Validate).
func WriteHeatmap(w io.Writer, inspect inspection.Inspect, title string) error {
	if err := inspect.Validate(); err != nil {
		return fmt.Errorf("heat map: %w", err)
	}
	return heatmapTemplate.Execute(w, newHeatmapPage(inspect, title))
}
