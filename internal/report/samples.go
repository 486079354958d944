package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"

	"github.com/sparsepo/sparsepo/internal/inspection"
)

// sample is one sampled response with its measurements; NaN where the file has none.
type sample struct {
	Prompt, Completion string
	Reward, KL         float64
}

var sampleFile = regexp.MustCompile(`^step-(\d+)\.jsonl$`)

// sampled are the responses of one step of a run.
type sampled struct {
	Step    int // -1 when there are none
	Samples []sample
}

// readSamples reads the samples of the latest step, and those of step 0, the untouched model, where there are more steps.
func readSamples(folder string) (latest, untouched sampled, notes []string, err error) {
	latest, untouched = sampled{Step: -1}, sampled{Step: -1}
	entries, err := os.ReadDir(folder)
	if os.IsNotExist(err) {
		return latest, untouched, nil, nil
	}
	if err != nil {
		return latest, untouched, nil, fmt.Errorf("read samples: %w", err)
	}
	names := map[int]string{}
	for _, entry := range entries {
		match := sampleFile.FindStringSubmatch(entry.Name())
		if match == nil || entry.IsDir() {
			continue
		}
		if step, err := strconv.Atoi(match[1]); err == nil {
			names[step] = entry.Name()
			latest.Step = max(latest.Step, step)
		}
	}
	if latest.Step > 0 && names[0] != "" {
		untouched.Step = 0
	}
	for _, s := range []*sampled{&latest, &untouched} {
		if s.Step < 0 {
			continue
		}
		text, err := os.ReadFile(filepath.Join(folder, names[s.Step]))
		if err != nil {
			return latest, untouched, nil, fmt.Errorf("read samples: %w", err)
		}
		var bad []int
		s.Samples, bad = parseSamples(text)
		notes = append(notes, lineNotes("samples/"+names[s.Step], bad)...)
	}
	return latest, untouched, notes, nil
}

// parseSamples returns the samples and the numbers of the lines that are none.
func parseSamples(text []byte) (samples []sample, bad []int) {
	// Reading from memory does not fail.
	_ = eachLine(bytes.NewReader(text), func(number int, line []byte) {
		var record struct {
			Prompt, Completion *string
			Reward, KL         *inspection.Number
		}
		if err := json.Unmarshal(line, &record); err != nil || record.Prompt == nil || record.Completion == nil {
			bad = append(bad, number)
			return
		}
		samples = append(samples, sample{
			Prompt: *record.Prompt, Completion: *record.Completion,
			Reward: orNaN(record.Reward), KL: orNaN(record.KL),
		})
	})
	return samples, bad
}

func orNaN(x *inspection.Number) float64 {
	if x == nil {
		return math.NaN()
	}
	return float64(*x)
}
