package safetensors

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// Folder is the weights of a model folder in Hugging Face layout, in one file or in shards, seen as one set of tensors.
type Folder struct {
	files []*File
	owner map[string]*File
	names []string
}

// OpenFolder opens dir/model.safetensors or, where that is absent, the shards named by
// dir/model.safetensors.index.json; where both are there the single file holds the weights, as other libraries have it.
// It checks every header, and that every tensor the index names is in its shard. Where two shards have a tensor of the
// same name, the index says which counts, and it is an error where it does not name the tensor at all; a tensor that one
// shard has and the index does not name belongs to the folder like the others. The caller must close the folder.
//
// Weights in other formats, and a folder that holds an adapter instead of a model, are the user's mistakes; the error's
// hint says what to do.
func OpenFolder(dir string) (*Folder, error) {
	single := filepath.Join(dir, singleName)
	if _, err := os.Stat(single); err == nil {
		return openSingle(single)
	}
	index := filepath.Join(dir, indexName)
	if _, err := os.Stat(index); errors.Is(err, fs.ErrNotExist) {
		return nil, noWeights(dir)
	}
	shardOf, err := readIndex(index)
	if err != nil {
		return nil, err
	}
	shards := slices.Compact(slices.Sorted(maps.Values(shardOf)))
	if err := missingShards(dir, index, shards); err != nil {
		return nil, err
	}
	folder := &Folder{owner: map[string]*File{}}
	if err := folder.openShards(dir, index, shards, shardOf); err != nil {
		return nil, errors.Join(err, folder.Close())
	}
	return folder, nil
}

func openSingle(path string) (*Folder, error) {
	file, err := Open(path)
	if err != nil {
		return nil, err
	}
	folder := &Folder{files: []*File{file}, owner: map[string]*File{}, names: file.Names()}
	for _, name := range file.Names() {
		folder.owner[name] = file
	}
	return folder, nil
}

// openShards adds the shards' tensors to the folder, each from the shard that the index gives it.
func (f *Folder) openShards(dir, index string, shards []string, shardOf map[string]string) error {
	for _, shard := range shards {
		file, err := Open(filepath.Join(dir, shard))
		if err != nil {
			return err
		}
		f.files = append(f.files, file)
		for _, name := range file.Names() {
			switch wanted, named := shardOf[name]; {
			case named && wanted != shard:
				continue
			case f.owner[name] != nil:
				return usage.Errorf("%s: tensor %q: in %s and in %s, and the index does not say which counts; name its shard in weight_map",
					index, name, filepath.Base(f.owner[name].Path()), shard)
			}
			f.owner[name] = file
			f.names = append(f.names, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(shardOf)) {
		if f.owner[name] == nil {
			return usage.Errorf("%s: tensor %q: not in its shard %s; the shards belong to another index or are incomplete", index, name, shardOf[name])
		}
	}
	return nil
}

func missingShards(dir, index string, shards []string) error {
	var missing []string
	for _, shard := range shards {
		if _, err := os.Stat(filepath.Join(dir, shard)); errors.Is(err, fs.ErrNotExist) {
			missing = append(missing, shard)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	const shown = 5
	count := len(missing)
	if count > shown {
		missing = append(missing[:shown], "…")
	}
	return usage.Errorf("%s: %d of %d shards are missing (%s); download them again", index, count, len(shards), strings.Join(missing, ", "))
}

// Names returns the tensors' names, shard by shard in the order of their file names, each in file order. The caller
// must not change the slice.
func (f *Folder) Names() []string { return f.names }

// Tensor returns the tensor of that name; ok is false where the folder has none.
func (f *Folder) Tensor(name string) (t Tensor, ok bool) {
	file, ok := f.owner[name]
	if !ok {
		return Tensor{}, false
	}
	return file.Tensor(name)
}

// Files returns the files that hold the weights, sorted by name. The caller must not close them.
func (f *Folder) Files() []*File { return f.files }

// Close closes every file; no tensor's Bytes may be touched afterwards.
func (f *Folder) Close() error {
	var errs []error
	for _, file := range f.files {
		errs = append(errs, file.Close())
	}
	return errors.Join(errs...)
}
