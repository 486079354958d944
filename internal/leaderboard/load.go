package leaderboard

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// Source is where the documents of a family are.
type Source struct {
	// Name is a folder with the family's files, or with a folder of the family's name; a file of one task; or a hub id.
	// "" is the family's published data set.
	Name string
	// Examples is the folder of what examples are made of, where it is not in the folder of the data: BIG-Bench Hard's
	// cot-prompts, MMLU-Pro's validation part, the file "minerva" for MATH; or, for one family, a file.
	Examples string
	// Files finds, and downloads, the files of a data set on the hub, "org/name:split"; nil where there is no hub.
	Files func(ctx context.Context, name string) ([]string, error)
}

// Load reads a family's tasks. only names those wanted, by their short names; none means all. Documents that cannot be read
// and names that do not exist are usage errors.
func Load(ctx context.Context, f Family, source Source, only []string) ([]*Task, error) {
	d := definitions[f]
	if d == nil {
		return nil, usage.Errorf("unknown task family %q", f)
	}
	for _, name := range only {
		if !slices.Contains(f.Tasks(), name) || name == "" {
			return nil, unknownTask(f, name)
		}
	}
	if d.check != nil {
		if err := d.check(source); err != nil {
			return nil, err
		}
	}
	l := &loader{ctx: ctx, source: source}
	var tasks []*Task
	for _, p := range d.tasks {
		if len(only) > 0 && !slices.Contains(only, p.task) {
			continue
		}
		task, err := l.task(d, p)
		if err != nil {
			return nil, err
		}
		tasks = append(tasks, task)
	}
	return tasks, nil
}

func unknownTask(f Family, name string) error {
	known := f.Tasks()
	if len(known) == 1 {
		return usage.Errorf("%s has no parts, found %q", f, name)
	}
	err := usage.Errorf("%s has no task %q; it has %s", f, name, strings.Join(known, ", "))
	if nearest := usage.Nearest(name, known); nearest != "" {
		err = usage.Hint(err, fmt.Sprintf("did you mean %q?", nearest))
	}
	return err
}

type loader struct {
	ctx    context.Context
	source Source
}

func (l *loader) task(d *definition, p part) (*Task, error) {
	files, err := l.files(d, p)
	if err != nil {
		return nil, err
	}
	task := &Task{Name: d.name(p), Family: d.family, Generation: d.generation}
	if task.Items, task.Unanswerable, err = l.items(d, p, files); err != nil {
		return nil, err
	}
	if len(task.Items) == 0 && task.Unanswerable > 0 {
		return nil, usage.Errorf("%s: none of the task %s's choices is the answer to any of %d documents; they seem to be another task's", strings.Join(files, ", "), task.Name, task.Unanswerable)
	}
	if d.shots != nil {
		if err := d.shots(task, l, p, files); err != nil {
			return nil, err
		}
	}
	if len(task.Items) == 0 {
		return nil, usage.Errorf("%s: no documents of the task %s", strings.Join(files, ", "), task.Name)
	}
	return task, nil
}

// items reads the items of a task, and counts those that were left out because no choice is their answer.
func (l *loader) items(d *definition, p part, files []string) (list []Item, unanswerable int, err error) {
	index := 0
	for _, path := range files {
		records, err := documents(path)
		if err != nil {
			return nil, 0, err
		}
		for number, record := range records {
			parts := []json.RawMessage{record}
			if d.divide != nil {
				parts = d.divide(record)
			}
			for _, document := range parts {
				item, belongs, err := d.read(p.task, document)
				if err != nil {
					return nil, 0, usage.Errorf("%s: record %d: %w", path, number+1, err)
				}
				if !belongs {
					continue
				}
				if item.Index, index = index, index+1; item.Choices != nil && item.Gold < 0 {
					unanswerable++
					continue
				}
				list = append(list, item)
			}
		}
	}
	return list, unanswerable, nil
}

// files finds those of a task.
func (l *loader) files(d *definition, p part) ([]string, error) {
	name := l.source.Name
	if name == "" {
		name = d.hub
	}
	info, err := os.Stat(name)
	switch {
	case err != nil && l.source.Files != nil:
		if p.split != "" && !strings.Contains(name, ":") {
			name += ":" + p.split
		}
		return l.source.Files(l.ctx, name)
	case err != nil:
		return nil, usage.Wrap(err)
	case !info.IsDir():
		return l.single(d, p, name)
	}
	if path := findFor(d.family, name, p.stems); path != "" {
		return []string{path}, nil
	}
	return nil, usage.Errorf("%s: no file for the task %s; expected %s, each with one of the endings %s, here or in the folder %s",
		name, d.name(p), strings.Join(p.stems, " or "), strings.Join(endings, ", "), d.family)
}

// single accepts a file as that of a task: any, where the family's tasks share one file, else one of the task's name.
func (l *loader) single(d *definition, p part, path string) ([]string, error) {
	shared := !slices.ContainsFunc(d.tasks, func(other part) bool { return other.stems[0] != p.stems[0] })
	for _, ending := range endings {
		if stem, ok := strings.CutSuffix(filepath.Base(path), ending); shared || ok && slices.Contains(p.stems, stem) {
			return []string{path}, nil
		}
	}
	return nil, usage.Hint(usage.Errorf("%s: not a file of the task %s, which is named %s", path, d.name(p), strings.Join(p.stems, " or ")),
		"give the folder of the files, or --only with the task of this one")
}

// examples finds the files that a family's examples are taken from: in the folder of examples, then where the data are. hub is
// the data set that has them, "" for none. found is false where there are none.
func (l *loader) examples(f Family, hub string, p part) (files []string, found bool, err error) {
	if name := l.source.Examples; name != "" {
		info, err := os.Stat(name)
		if err != nil {
			return nil, false, usage.Errorf("--examples: %w", err)
		}
		if !info.IsDir() {
			return []string{name}, true, nil
		}
		if path := findFor(f, name, p.stems); path != "" {
			return []string{path}, true, nil
		}
	}
	name := l.source.Name
	if name == "" {
		name = hub
	}
	info, err := os.Stat(name)
	switch {
	case err != nil && l.source.Files != nil && hub != "":
		name, _, _ = strings.Cut(name, ":")
		files, err = l.source.Files(l.ctx, name+":"+p.split)
		return files, err == nil, err
	case err != nil:
		return nil, false, nil
	case !info.IsDir():
		name = filepath.Dir(name)
	}
	if path := findFor(f, name, p.stems); path != "" {
		return []string{path}, true, nil
	}
	return nil, false, nil
}

// findFor finds a family's file in a folder, or in the folder's own folder for the family.
func findFor(f Family, folder string, stems []string) string {
	if path := find(folder, stems); path != "" {
		return path
	}
	return find(filepath.Join(folder, string(f)), stems)
}

// find returns the file in a folder with the first of the names, "" where there is none.
func find(folder string, stems []string) string {
	for _, stem := range stems {
		for _, ending := range endings {
			path := filepath.Join(folder, stem+ending)
			if info, err := os.Stat(path); err == nil && !info.IsDir() {
				return path
			}
		}
	}
	return ""
}
