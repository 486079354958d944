package report

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sparsepo/sparsepo/internal/evaluation"
	"github.com/sparsepo/sparsepo/internal/usage"
)

// evalFolder is the folder of a run that holds files of results.
const evalFolder = "eval"

// resultFile is a file of results, as "eval TASK --out" writes it.
type resultFile struct {
	Name string // as it was given, or from the run's name on
	*evaluation.File
}

// evaluated is a model with all of its results.
type evaluated struct {
	Name    string
	Files   []resultFile
	Records []evaluation.Record
}

// readResults reads files of results that were named, and those in folders that were named.
func readResults(names []string) ([]resultFile, error) {
	var files []resultFile
	for _, name := range names {
		paths := []string{name}
		if info, err := os.Stat(name); err == nil && info.IsDir() {
			if paths, err = resultsIn(name); err != nil {
				return nil, err
			}
			if len(paths) == 0 {
				return nil, usage.Errorf("%s: no files of results (.jsonl), as eval TASK --out writes them", name)
			}
		}
		for _, path := range paths {
			file, err := evaluation.Open(path)
			if err != nil {
				return nil, err
			}
			files = append(files, resultFile{filepath.ToSlash(path), file})
		}
	}
	return files, nil
}

// resultsIn are the paths of the files of results in a folder, by name.
func resultsIn(folder string) ([]string, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, fmt.Errorf("read results: %w", err)
	}
	var paths []string
	for _, entry := range entries {
		if !entry.IsDir() && strings.HasSuffix(entry.Name(), ".jsonl") {
			paths = append(paths, filepath.Join(folder, entry.Name()))
		}
	}
	slices.SortFunc(paths, compareNatural)
	return paths, nil
}

// loadResults reads the results in a run's folder. A file that is none gives a note.
func (r *run) loadResults(folder string) error {
	paths, err := resultsIn(filepath.Join(folder, evalFolder))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, file := range paths {
		results, err := evaluation.Open(file)
		switch {
		case usage.Is(err):
			r.Notes = append(r.Notes, path.Join(evalFolder, filepath.Base(file))+" was left out: "+strings.TrimPrefix(err.Error(), file+":"))
		case err != nil:
			return err
		default:
			r.Results = append(r.Results, resultFile{path.Join(r.Name, evalFolder, filepath.Base(file)), results})
		}
	}
	return nil
}

// evaluatedModels puts files of one model together: those that were named by their model, in the order of its first, then those
// of each run. A file with a task that its model has already is a model of its own.
func evaluatedModels(named []resultFile, runs []*run) []*evaluated {
	var models []*evaluated
	byModel := map[string]*evaluated{}
	add := func(key, name string, f resultFile) {
		m := byModel[key]
		if m == nil || m.sharesTask(f) {
			m = &evaluated{Name: name}
			models = append(models, m)
			byModel[key] = m
		}
		m.Files = append(m.Files, f)
		m.Records = append(m.Records, f.Records...)
	}
	for _, f := range named {
		add("model\x00"+f.Header.Model+"\x00"+f.Header.Digest, f.Header.Model, f)
	}
	for _, r := range runs {
		for _, f := range r.Results {
			add("run\x00"+r.Name, r.Name, f)
		}
	}
	nameApart(models)
	return models
}

func (m *evaluated) sharesTask(f resultFile) bool {
	tasks := map[string]bool{}
	for _, r := range m.Records {
		tasks[r.Task] = true
	}
	return slices.ContainsFunc(f.Records, func(r evaluation.Record) bool { return tasks[r.Task] })
}

// nameApart adds the first file's name to the names that several models have.
func nameApart(models []*evaluated) {
	count := map[string]int{}
	for _, m := range models {
		count[m.Name]++
	}
	for _, m := range models {
		if count[m.Name] > 1 {
			m.Name = fmt.Sprintf("%s (%s)", m.Name, m.Files[0].Name)
		}
	}
}
