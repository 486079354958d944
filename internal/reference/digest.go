package reference

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sparsepo/sparsepo/internal/atomicfile"
)

// digestsFile remembers digests of files, so that weights are read once.
const digestsFile = "digests.json"

// remembered is a file's digest and what it was when that was taken.
type remembered struct {
	Size     int64  `json:"size"`
	Modified int64  `json:"modified"` // ns since 1970
	SHA256   string `json:"sha256"`
}

// Digest is a digest of a model: of the configurations and weights in its folders, the one of the whole model and, where it has
// one, that of the adapter on it. Equal files give equal digests, wherever they lie. Digests of files are kept in the cache's
// folder, by path, size and time.
func Digest(cache string, folders ...string) (string, error) {
	memo := map[string]remembered{}
	if text, err := os.ReadFile(filepath.Join(cache, digestsFile)); err == nil && json.Unmarshal(text, &memo) != nil {
		memo = map[string]remembered{} // damaged: take them anew
	}
	known := maps.Clone(memo)
	sum := sha256.New()
	for _, folder := range folders {
		names, err := modelFiles(folder)
		if err != nil {
			return "", fmt.Errorf("digest of the model %s: %w", folder, err)
		}
		for _, name := range names {
			digest, err := digestOf(filepath.Join(folder, name), memo)
			if err != nil {
				return "", fmt.Errorf("digest of the model %s: %w", folder, err)
			}
			fmt.Fprintf(sum, "%s %s\n", name, digest)
		}
		fmt.Fprintln(sum)
	}
	if !maps.Equal(known, memo) {
		if err := remember(cache, memo); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// modelFiles lists what decides on a model's values.
func modelFiles(folder string) ([]string, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		name := e.Name()
		if name == "config.json" || name == "adapter_config.json" || strings.HasSuffix(name, ".safetensors") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// digestOf is the SHA-256 of a file's content.
func digestOf(path string, memo map[string]remembered) (string, error) {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", err
	}
	if path, err = filepath.Abs(path); err != nil {
		return "", err
	}
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return "", err
	}
	now := remembered{Size: info.Size(), Modified: info.ModTime().UnixNano(), SHA256: memo[path].SHA256}
	if memo[path] == now {
		return now.SHA256, nil
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return "", fmt.Errorf("read %s: %w", path, err)
	}
	now.SHA256 = hex.EncodeToString(sum.Sum(nil))
	memo[path] = now
	return now.SHA256, nil
}

func remember(cache string, memo map[string]remembered) error {
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return fmt.Errorf("make the folder of the reference's values: %w", err)
	}
	maps.DeleteFunc(memo, func(path string, _ remembered) bool {
		_, err := os.Stat(path)
		return err != nil
	})
	text, err := json.MarshalIndent(memo, "", "  ")
	if err != nil {
		return fmt.Errorf("remember the digests of models: %w", err)
	}
	return atomicfile.WriteFile(filepath.Join(cache, digestsFile), text)
}
