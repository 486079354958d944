package tokenizer

import (
	"os"
	"path/filepath"
)

// Exists reports whether a folder holds a tokenizer that Load can try to read.
func Exists(dir string) bool {
	if pieceFile(dir) != "" {
		return true
	}
	for _, name := range []string{"tokenizer.json", "vocab.json", "encoder.json", "vocab.txt"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return true
		}
	}
	return false
}
