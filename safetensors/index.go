package safetensors

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/sparsepo/sparsepo/internal/usage"
)

const (
	singleName = "model.safetensors"
	indexName  = "model.safetensors.index.json"
)

// readIndex returns the shard's file name of every tensor, from the index at path.
func readIndex(path string) (shardOf map[string]string, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open model folder: %w", usage.Wrap(err))
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxHeader+1))
	if err != nil {
		return nil, fmt.Errorf("open model folder: %w", usage.Wrap(err))
	}
	if len(text) > maxHeader {
		return nil, usage.Errorf("%s: longer than the %d bytes allowed; not an index?", path, maxHeader)
	}
	if shardOf, err = parseIndex(text); err != nil {
		return nil, usage.Errorf("%s: %w", path, err)
	}
	return shardOf, nil
}

// parseIndex returns the shard's file name of every tensor.
func parseIndex(text []byte) (shardOf map[string]string, err error) {
	switch {
	case bytes.HasPrefix(text, []byte(pointerStart)):
		return nil, errPointer
	case !utf8.Valid(text):
		return nil, errors.New("not valid UTF-8")
	}
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
			if err == nil {
				err = checkShardName(shard)
			}
			if err != nil {
				return fmt.Errorf("weight_map: %q: %w", name, err)
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
	if _, err := decoder.Token(); err != io.EOF {
		return nil, fmt.Errorf("more follows after the JSON object, at byte %d", decoder.InputOffset())
	}
	if !found || len(shardOf) == 0 {
		return nil, errors.New("weight_map is missing or empty; it must name the shard of every tensor")
	}
	return shardOf, nil
}

// checkShardName refuses everything but a plain file name, so that an index reaches no file outside its folder.
func checkShardName(shard string) error {
	if shard != filepath.Base(shard) || strings.ContainsAny(shard, "/\\\x00") || shard == ".." || shard == "." {
		return fmt.Errorf("%q is not a file name; shards lie beside the index", shard)
	}
	return nil
}

// encodeIndex writes an index: the bytes of all tensors and the shard of each.
func encodeIndex(shardOf map[string]string, totalSize int64) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(struct {
		Metadata  map[string]int64  `json:"metadata"`
		WeightMap map[string]string `json:"weight_map"`
	}{map[string]int64{"total_size": totalSize}, shardOf})
	return text.Bytes(), err
}
