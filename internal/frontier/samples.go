package frontier

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"

	"github.com/sparsepo/sparsepo/internal/jsonl"
	"github.com/sparsepo/sparsepo/internal/usage"
)

// Sample is what was measured of one sampled response.
type Sample struct {
	Prompt    string
	Reward    float64
	KL        float64 // by Exact, nats
	KLSampled float64 // by Sampled, nats; NaN where the file has none
}

// SamplesFile is the place of a step's samples in a run folder.
func SamplesFile(step int) string {
	return filepath.Join("samples", fmt.Sprintf("step-%06d.jsonl", step))
}

// ReadSamples reads the samples of a step. A faulty line is a usage error that names it; a missing file is fs.ErrNotExist.
func ReadSamples(path string) ([]Sample, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read samples: %w", err)
	}
	return parseSamples(content, path)
}

func parseSamples(content []byte, name string) ([]Sample, error) {
	var samples []Sample
	err := jsonl.Each(bytes.NewReader(content), name, func(o jsonl.Object, _ int) error {
		s := Sample{KLSampled: math.NaN()}
		if err := o.Decode("prompt", &s.Prompt, "a string"); err != nil {
			return usage.Wrap(err)
		}
		if err := o.Decode("reward", &s.Reward, "a number"); err != nil {
			return usage.Wrap(err)
		}
		if err := o.Decode(string(Exact), &s.KL, "a number"); err != nil {
			return usage.Wrap(err)
		}
		for _, field := range o {
			if field.Name == string(Sampled) {
				if err := o.Decode(string(Sampled), &s.KLSampled, "a number"); err != nil {
					return usage.Wrap(err)
				}
			}
		}
		samples = append(samples, s)
		return nil
	})
	return samples, err
}

// LoadSamples gives the run's checkpoints the samples of their steps, from the run's folder. A checkpoint whose samples are
// missing, or have other means than it, stays without, and a note says why. A faulty file is a usage error.
func (r *Run) LoadSamples(folder string) error {
	var missing, disagreeing []string
	for i := range r.Checkpoints {
		c := &r.Checkpoints[i]
		file := SamplesFile(c.Step)
		samples, err := ReadSamples(filepath.Join(folder, file))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			missing = append(missing, file+" is missing")
			continue
		case err != nil:
			return err
		case len(samples) == 0:
			missing = append(missing, file+" is empty")
			continue
		}
		if other := c.disagreement(samples); other != "" {
			disagreeing = append(disagreeing, file+other)
			continue
		}
		c.Samples = samples
	}
	for _, list := range [][]string{missing, disagreeing} {
		switch len(list) {
		case 0:
		case 1:
			r.Notes = append(r.Notes, list[0]+"; its point has no interval")
		default:
			r.Notes = append(r.Notes, fmt.Sprintf("%s, and %d more; their points have no interval", list[0], len(list)-1))
		}
	}
	return nil
}

// tolerance is how far a mean of samples may be from the recorded one, relative to it; both are sums of the same numbers.
const tolerance = 1e-6

// disagreement says in which mean the samples differ from the checkpoint; "" in none.
func (c *Checkpoint) disagreement(samples []Sample) string {
	n := float64(len(samples))
	var reward, kl, klSampled float64
	for _, s := range samples {
		reward, kl, klSampled = reward+s.Reward/n, kl+s.KL/n, klSampled+s.KLSampled/n
	}
	for _, m := range []struct {
		name            string
		found, want     float64
		mayBeUnrecorded bool
	}{{"reward", reward, c.Reward, false}, {string(Exact), kl, c.KL, false}, {string(Sampled), klSampled, c.KLSampled, true}} {
		if m.mayBeUnrecorded && math.IsNaN(m.want) {
			continue
		}
		if !(math.Abs(m.found-m.want) <= tolerance*max(1, math.Abs(m.want))) {
			return fmt.Sprintf(" disagrees with %s: the mean %s of its %d samples is %.6g, the record has %.6g", metricsFile, m.name, len(samples), m.found, m.want)
		}
	}
	return ""
}
