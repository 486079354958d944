package tokenizer

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/sparsepo/sparsepo/internal/atomicfile"
)

// savedFile is one file of a tokenizer: a copy of the file at path, or content where path is empty.
type savedFile struct {
	name    string
	path    string
	content []byte
}

// Files returns the names of the files that Save writes.
func (t *Tokenizer) Files() []string {
	names := make([]string, len(t.files))
	for i, file := range t.files {
		names[i] = file.name
	}
	return names
}

// Save writes the tokenizer into a folder, which it creates if need be: copies of the files that Load read, or the
// tokenizer.json and tokenizer_config.json of a trained one. Each file is replaced in one step.
func (t *Tokenizer) Save(dir string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("save tokenizer: %w", err)
	}
	for _, file := range t.files {
		content := file.content
		if file.path != "" {
			var err error
			if content, err = os.ReadFile(file.path); err != nil {
				return fmt.Errorf("save tokenizer: %w", err)
			}
		}
		if err := atomicfile.WriteFile(filepath.Join(dir, file.name), content); err != nil {
			return fmt.Errorf("save tokenizer: %w", err)
		}
	}
	return nil
}
