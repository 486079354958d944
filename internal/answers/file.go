package answers

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"github.com/sparsepo/sparsepo/internal/atomicfile"
)

// Write writes records to a .jsonl or .jsonl.gz file, which appears when it is whole.
func Write(path string, records []Record) error {
	return atomicfile.Write(path, func(w io.Writer) error {
		if !strings.HasSuffix(path, ".gz") {
			return writeLines(w, records)
		}
		packed := gzip.NewWriter(w)
		return errors.Join(writeLines(packed, records), packed.Close())
	})
}

func writeLines(w io.Writer, records []Record) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	for _, r := range records {
		if err := encoder.Encode(r); err != nil {
			return err
		}
	}
	return nil
}
