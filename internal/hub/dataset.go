package hub

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gomlx/go-huggingface/hub"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// cardName is the file whose header says which files are which split.
const cardName = "README.md"

// Dataset returns the data files (.jsonl, .jsonl.gz, .json, .parquet) that name stands for: name itself where it is a file,
// those in it where it is a folder, and otherwise files of the data set repository of that hub id, "org/name" or
// "org/name@revision", after downloading those that the cache lacks. The files are sorted and all of one split: the
// training split, unless the id goes on with ":" and
//
//   - a file or folder of the repository, "org/name:data/test.jsonl" (of a folder, again the training split first);
//   - a pattern, "org/name:*/test-*.parquet", where * stands for anything but / and ** for anything;
//   - a split, "org/name:test", or one of the data set's configurations, "org/name:full".
//
// Which files are which split is what the repository's card says, and otherwise what their names say. Where several splits
// or formats remain, Dataset asks for one instead of mixing them.
//
// A folder may go on in the same way: "folder:test".
//
// The hub is asked which files there are, except for a single file that the cache holds; if it cannot be reached, or with
// Offline, the files in the cache are taken. Once ctx ends, so does the download; the next one continues it.
func Dataset(ctx context.Context, name string, o Options) (files []string, err error) {
	switch info, err := os.Stat(name); {
	case err == nil && info.IsDir():
		return localFiles(name, "")
	case err == nil:
		return []string{name}, nil
	case !errors.Is(err, fs.ErrNotExist):
		return nil, usage.Wrap(err)
	}
	if i := strings.LastIndexByte(name, ':'); i > 0 {
		if info, err := os.Stat(name[:i]); err == nil && info.IsDir() {
			return localFiles(name[:i], name[i+1:])
		}
	}
	ref, ok := parse(name)
	if !ok {
		return nil, unknownName(name, "file or folder")
	}
	if o, err = o.resolved(); err != nil {
		return nil, err
	}
	return newRepository(hub.RepoTypeDataset, ref, o).dataset(ctx)
}

// localFiles selects data files in a folder; pick is what follows the ":" of a hub id.
func localFiles(folder, pick string) ([]string, error) {
	names, err := walk(folder)
	if err != nil {
		return nil, usage.Wrap(err)
	}
	selected, err := choose(names, readCard(folder), pick)
	if err != nil {
		return nil, usage.Errorf("%s: %w", folder, err)
	}
	return within(folder, selected), nil
}

func (r *repository) dataset(ctx context.Context) ([]string, error) {
	folder, found := r.cached()
	if found && isData(r.path) && isFile(folder, r.path) {
		return within(folder, []string{r.path}), nil
	}
	if r.Offline {
		return r.cachedFiles(folder, found)
	}
	l, err := r.list(ctx)
	if found && errors.Is(err, errUnavailable) {
		fmt.Fprintf(r.Log, "%v; using what the cache has\n", err)
		return r.cachedFiles(folder, found)
	}
	if err != nil {
		return nil, err
	}
	return r.fetchFiles(ctx, l)
}

// fetchFiles downloads the card, and what it and the names select.
func (r *repository) fetchFiles(ctx context.Context, l listing) ([]string, error) {
	if err := r.fetch(ctx, l, []string{cardName}); err != nil {
		return nil, err
	}
	folder := r.snapshot(l.commit)
	selected, err := r.choose(l.names(func(string) bool { return true }), readCard(folder))
	if err != nil {
		return nil, err
	}
	if err := r.fetch(ctx, l, selected); err != nil {
		return nil, err
	}
	if err := r.remember(l.commit); err != nil {
		return nil, fmt.Errorf("%s: remember the commit: %w", r, err)
	}
	return within(folder, selected), nil
}

// cachedFiles selects among the files that the cache holds, and refuses where it can see that some are missing.
func (r *repository) cachedFiles(folder string, found bool) ([]string, error) {
	if !found {
		return nil, r.notCached(found, folder)
	}
	names, err := walk(folder)
	if err != nil {
		return nil, err
	}
	selected, err := r.choose(names, readCard(folder))
	if err != nil {
		return nil, usage.Hint(err, "only what lies in the cache was looked at ("+folder+"); without HF_HUB_OFFLINE, the hub is asked")
	}
	if missing := missingShard(selected); missing != "" {
		return nil, usage.Hint(r.notCached(true, folder), missing+" is missing")
	}
	return within(folder, selected), nil
}

func (r *repository) choose(names []string, card card) ([]string, error) {
	if r.revision == convertedRevision && card == nil {
		card = convertedCard(names)
	}
	selected, err := choose(names, card, r.path)
	if err != nil {
		err = usage.Errorf("%s: %w", r, err)
		if slices.ContainsFunc(names, isData) {
			return nil, usage.Hint(err, "give a file, a folder, a pattern or a split, as in "+r.String()+":PATH")
		}
		return nil, usage.Hint(err, "the hub converts many data sets: try "+r.id+"@"+convertedRevision)
	}
	return selected, nil
}

// walk returns the slash-separated names of the files under folder, links to files included.
func walk(folder string) ([]string, error) {
	var names []string
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(folder, path)
		if err == nil && isFile(folder, name) {
			names = append(names, filepath.ToSlash(name))
		}
		return err
	})
	return names, err
}

// within returns the paths of names in folder, sorted.
func within(folder string, names []string) []string {
	paths := make([]string, len(names))
	for i, name := range names {
		paths[i] = filepath.Join(folder, filepath.FromSlash(name))
	}
	slices.Sort(paths)
	return paths
}
