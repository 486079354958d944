package pairs

import (
	"encoding/binary"
	"hash/fnv"
	"os"
	"path/filepath"
	"strings"

	"github.com/sparsepo/sparsepo/data"
	"github.com/sparsepo/sparsepo/internal/usage"
)

// Split takes about the given share of the pairs aside for evaluation. All pairs of a prompt go to the same side, and which
// one depends on the prompt and the seed alone.
func Split(records []data.SampledRecord, share float64, seed uint64) (train, eval []data.SampledRecord) {
	for _, rec := range records {
		if place(rec.Prompt.IDs, seed) < share {
			eval = append(eval, rec)
		} else {
			train = append(train, rec)
		}
	}
	return train, eval
}

// place maps a prompt to a number in [0, 1), evenly over prompts.
func place(ids []int32, seed uint64) float64 {
	h := fnv.New64a()
	text := binary.LittleEndian.AppendUint64(nil, seed)
	for _, id := range ids {
		text = binary.LittleEndian.AppendUint32(text, uint32(id))
	}
	h.Write(text) // a hash takes any bytes
	// The upper bits of FNV depend little on the last bytes; this mixes them (the finaliser of splitmix64).
	x := h.Sum64()
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	x ^= x >> 31
	return float64(x>>11) / (1 << 53)
}

// CheckPath refuses a path that Write could not write to, before the work is done.
func CheckPath(path string) error {
	if filepath.Ext(strings.TrimSuffix(path, ".gz")) != ".jsonl" {
		return usage.Errorf("%s: pairs are written as JSON lines; name the file .jsonl or .jsonl.gz", path)
	}
	folder, err := os.Stat(filepath.Dir(path))
	if err != nil || !folder.IsDir() {
		return usage.Errorf("%s: no folder %s", path, filepath.Dir(path))
	}
	return nil
}

// Write writes pairs to a .jsonl or .jsonl.gz file, which appears when it is whole.
func Write(path string, records []data.SampledRecord) error {
	return data.WriteFile(path, func(w *data.Writer) error {
		for _, rec := range records {
			if err := w.WriteSampled(rec); err != nil {
				return err
			}
		}
		return nil
	})
}
