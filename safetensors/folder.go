package safetensors

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sparsepo/sparsepo/internal/usage"
)

const (
	singleName = "model.safetensors"
	indexName  = "model.safetensors.index.json"
)

// Folder is the weights of a model folder in Hugging Face layout, in one file or in shards, seen as one set of tensors.
type Folder struct {
	files []*File
	owner map[string]*File
	names []string
}

// OpenFolder opens dir/model.safetensors or, where that is absent, the shards named by
// dir/model.safetensors.index.json. It checks every header, and that every tensor the index names is in its shard. The
// caller must close the folder.
func OpenFolder(dir string) (*Folder, error) {
	single := filepath.Join(dir, singleName)
	if _, err := os.Stat(single); err == nil {
		return openSingle(single)
	}
	index := filepath.Join(dir, indexName)
	text, err := os.ReadFile(index)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, noWeights(dir)
	case err != nil:
		return nil, fmt.Errorf("open model folder: %w", usage.Wrap(err))
	}
	shardOf, err := parseIndex(text)
	if err != nil {
		return nil, usage.Errorf("%s: %w", index, err)
	}
	return openShards(dir, index, shardOf)
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

// noWeights says why dir cannot be opened and, where its weights have another format, how to convert them.
func noWeights(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("open model folder: %w", usage.Wrap(err))
	}
	for _, entry := range entries {
		switch name := entry.Name(); {
		case strings.HasPrefix(name, "pytorch_model") && (strings.HasSuffix(name, ".bin") || strings.HasSuffix(name, ".bin.index.json")):
			err := usage.Errorf("%s: has %s but no %s; weights are read as safetensors only", dir, name, singleName)
			return usage.Hint(err, `convert it once, in Python: AutoModelForCausalLM.from_pretrained(FOLDER).save_pretrained(FOLDER, safe_serialization=True)`)
		case strings.HasSuffix(name, ".safetensors"):
			err = usage.Errorf("%s: has %s but neither %s nor %s; rename it or write the index", dir, name, singleName, indexName)
		}
	}
	if err != nil {
		return err
	}
	return usage.Errorf("%s: no model weights; expected %s or %s", dir, singleName, indexName)
}

// parseIndex returns the shard's file name of every tensor.
func parseIndex(text []byte) (shardOf map[string]string, err error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	shardOf = map[string]string{}
	found := false
	err = readObject(decoder, func(key string) error {
		if key != "weight_map" {
			var ignored json.RawMessage
			return decoder.Decode(&ignored)
		}
		found = true
		return readObject(decoder, func(name string) error {
			shard, err := readString(decoder)
			if err != nil {
				return fmt.Errorf("weight_map: %q: %w", name, err)
			}
			if shard != filepath.Base(shard) || strings.ContainsAny(shard, `/\`) || shard == ".." || shard == "." {
				return fmt.Errorf("weight_map: %q: %q is not a file name; shards lie beside the index", name, shard)
			}
			shardOf[name] = shard
			return nil
		})
	})
	if err != nil {
		if message, bare := bareSyntax(err); bare {
			return nil, fmt.Errorf("%s at byte %d", message, decoder.InputOffset())
		}
		return nil, err
	}
	if !found || len(shardOf) == 0 {
		return nil, errors.New("weight_map is missing or empty; it must name the shard of every tensor")
	}
	return shardOf, nil
}

func openShards(dir, index string, shardOf map[string]string) (*Folder, error) {
	shards := slices.Compact(slices.Sorted(maps.Values(shardOf)))
	if err := missingShards(dir, index, shards); err != nil {
		return nil, err
	}
	folder := &Folder{owner: map[string]*File{}}
	for _, shard := range shards {
		file, err := Open(filepath.Join(dir, shard))
		if err != nil {
			return nil, errors.Join(err, folder.Close())
		}
		folder.files = append(folder.files, file)
		for _, name := range file.Names() {
			if shardOf[name] == shard {
				folder.owner[name] = file
				folder.names = append(folder.names, name)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(shardOf)) {
		if folder.owner[name] == nil {
			err := usage.Errorf("%s: tensor %q: not in its shard %s; the shards belong to another index or are incomplete", index, name, shardOf[name])
			return nil, errors.Join(err, folder.Close())
		}
	}
	return folder, nil
}

func missingShards(dir, index string, shards []string) error {
	var missing []string
	for _, shard := range shards {
		if _, err := os.Stat(filepath.Join(dir, shard)); errors.Is(err, fs.ErrNotExist) {
			missing = append(missing, shard)
		}
	}
	if len(missing) > 0 {
		return usage.Errorf("%s: %d of %d shards are missing (%s); download them again", index, len(missing), len(shards), strings.Join(missing, ", "))
	}
	return nil
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
