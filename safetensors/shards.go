package safetensors

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"github.com/sparsepo/sparsepo/internal/atomicfile"
)

// DefaultShard is the data above which other libraries divide a model over several files, in bytes.
const DefaultShard = 5_000_000_000

// shardName matches the names of shards as WriteFolder and other libraries give them.
var shardName = regexp.MustCompile(`^model-\d{5}-of-\d{5}\.safetensors$`)

// shard is the tensors of one file and the bytes of their data.
type shard struct {
	name    string
	tensors []TensorData
	size    int64
}

// WriteFolder writes the weights of a model into folder, which must exist, so that [OpenFolder] and other libraries read
// them: as model.safetensors where their data takes no more than maxShard bytes, otherwise as
// model-00001-of-0000N.safetensors and so on with an index. The tensors fill the shards in their order; one that is larger
// than maxShard has a shard for itself. Tensors and metadata are as for [Write], the metadata the same in every shard.
//
// Weights that stood there before, in whatever number of shards, are replaced when the new ones are complete; until then,
// and after an error in writing them, they stay as they were. No other file is touched. New shards are gathered in a hidden
// subfolder; an interruption while they take their places leaves the earlier single file or a folder without an index,
// which does not open, never a mixture.
func WriteFolder(folder string, tensors []TensorData, metadata map[string]string, maxShard int64) error {
	shards, err := divide(tensors, maxShard)
	if err != nil {
		return fmt.Errorf("write weights to %s: %w", folder, err)
	}
	if len(shards) == 1 {
		if err := Write(filepath.Join(folder, singleName), tensors, metadata); err != nil {
			return err
		}
		return removeStale(folder, map[string]bool{singleName: true})
	}
	stage, err := os.MkdirTemp(folder, ".weights.tmp-")
	if err != nil {
		return fmt.Errorf("write weights to %s: %w", folder, err)
	}
	defer os.RemoveAll(stage)
	for _, s := range shards {
		if err := Write(filepath.Join(stage, s.name), s.tensors, metadata); err != nil {
			return err
		}
	}
	return publish(stage, folder, shards)
}

// divide fills shards of at most maxShard bytes with the tensors, in their order, and names them.
func divide(tensors []TensorData, maxShard int64) ([]shard, error) {
	if maxShard <= 0 {
		return nil, fmt.Errorf("the largest shard is to have %d bytes; give a positive number", maxShard)
	}
	shards := []shard{{}}
	seen := map[string]bool{}
	for _, t := range tensors {
		if seen[t.Name] {
			return nil, fmt.Errorf("tensor %q: the name is used twice", t.Name)
		}
		seen[t.Name] = true
		size, err := t.check()
		if err != nil {
			return nil, fmt.Errorf("tensor %q: %w", t.Name, err)
		}
		last := &shards[len(shards)-1]
		if len(last.tensors) > 0 && size > maxShard-last.size {
			shards = append(shards, shard{})
			last = &shards[len(shards)-1]
		}
		last.tensors = append(last.tensors, t)
		last.size += size
	}
	for i := range shards {
		shards[i].name = fmt.Sprintf("model-%05d-of-%05d.safetensors", i+1, len(shards))
	}
	return shards, nil
}

// publish moves finished shards from stage to folder and writes their index.
func publish(stage, folder string, shards []shard) error {
	shardOf, kept, total := map[string]string{}, map[string]bool{indexName: true}, int64(0)
	for _, s := range shards {
		kept[s.name] = true
		total += s.size
		for _, t := range s.tensors {
			shardOf[t.Name] = s.name
		}
	}
	text, err := encodeIndex(shardOf, total)
	if err != nil {
		return fmt.Errorf("write weights to %s: %w", folder, err)
	}
	index := filepath.Join(folder, indexName)
	if err := os.Remove(index); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("write weights: replace the index: %w", err)
	}
	for _, s := range shards {
		if err := os.Rename(filepath.Join(stage, s.name), filepath.Join(folder, s.name)); err != nil {
			return fmt.Errorf("write weights: %w", err)
		}
	}
	if err := atomicfile.WriteFile(index, text); err != nil {
		return err
	}
	return removeStale(folder, kept)
}

// removeStale removes the weights of earlier saves from folder, all but those in kept.
func removeStale(folder string, kept map[string]bool) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return fmt.Errorf("remove earlier weights: %w", err)
	}
	for _, entry := range entries {
		name := entry.Name()
		if kept[name] || name != singleName && name != indexName && !shardName.MatchString(name) {
			continue
		}
		if err := os.Remove(filepath.Join(folder, name)); err != nil {
			return fmt.Errorf("remove earlier weights: %w", err)
		}
	}
	return nil
}
