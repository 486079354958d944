package frontier

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/sparsepo/sparsepo/internal/metrics"
	"github.com/sparsepo/sparsepo/internal/usage"
)

const (
	metricsFile = "metrics.jsonl"
	configFile  = "config.yaml"

	// MetricPrefix stands before the names of the means in metrics records: "reward", and the estimators.
	MetricPrefix = "eval_frontier/"
)

// UnknownMethod stands for the method of a run whose settings do not name it.
const UnknownMethod = "unknown"

// Run is a training run with the policies that were measured on the way.
type Run struct {
	Name   string
	Method string
	Beta   string // as in the settings; "" where it is unknown
	// Start names what the run began with and what KL is measured from. Runs of one Start share their untouched model.
	Start       string
	Checkpoints []Checkpoint // by rising step
	Notes       []string     // what was left out, and why
}

// Checkpoint is a policy measured on sampled responses, one a prompt.
type Checkpoint struct {
	Step                  int
	Reward, KL, KLSampled float64  // means over the prompts; KLSampled is NaN where it was not recorded
	Samples               []Sample // nil where they are not known
}

// kl is the divergence by an estimator.
func (c *Checkpoint) kl(e Estimator) float64 {
	if e == Sampled {
		return c.KLSampled
	}
	return c.KL
}

// Read reads a run folder: method and β of config.yaml, the frontier's records of metrics.jsonl (of those of one step the
// last counts), and the samples they were made of. A run without such records is no error, and has no checkpoints.
func Read(folder, name string) (Run, error) {
	r := Run{Name: name, Method: UnknownMethod}
	if err := r.readSettings(filepath.Join(folder, configFile)); err != nil {
		return Run{}, err
	}
	records, err := metrics.Read(filepath.Join(folder, metricsFile))
	if err != nil {
		return Run{}, err
	}
	for _, record := range records {
		if reward, ok := record[MetricPrefix+"reward"]; ok {
			r.add(Checkpoint{
				Step: record.Step(), Reward: reward,
				KL: orNaN(record, MetricPrefix+string(Exact)), KLSampled: orNaN(record, MetricPrefix+string(Sampled)),
			})
		}
	}
	r.clean()
	return r, r.LoadSamples(folder)
}

func orNaN(record metrics.Record, name string) float64 {
	if x, ok := record[name]; ok {
		return x
	}
	return math.NaN()
}

// readSettings finds method, β and the models in the settings. Where there are none, the method is unknown.
func (r *Run) readSettings(path string) error {
	content, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		r.Notes = append(r.Notes, configFile+" is missing, so the method is unknown")
		return nil
	case err != nil:
		return fmt.Errorf("read settings: %w", err)
	}
	var settings struct {
		Method    string `yaml:"method"`
		Beta      any    `yaml:"beta"`
		Model     string `yaml:"model"`
		Reference string `yaml:"reference"`
	}
	if err := yaml.Unmarshal(content, &settings); err != nil {
		return usage.Errorf("%s: not valid YAML: %s", path, strings.TrimSpace(err.Error()))
	}
	if settings.Method != "" {
		r.Method = settings.Method
	}
	if settings.Beta != nil {
		r.Beta = fmt.Sprint(settings.Beta)
	}
	r.Start = settings.Model + "\x00" + settings.Reference
	return nil
}

// add appends a checkpoint, or puts it in the place of an earlier one of its step, as a resumed run writes it.
func (r *Run) add(c Checkpoint) {
	for i := range r.Checkpoints {
		if r.Checkpoints[i].Step == c.Step {
			r.Checkpoints[i] = c
			return
		}
	}
	r.Checkpoints = append(r.Checkpoints, c)
}

// clean leaves out checkpoints whose reward or KL is not finite, with a note.
func (r *Run) clean() {
	kept := r.Checkpoints[:0]
	for _, c := range r.Checkpoints {
		if sum := c.Reward + c.KL; sum-sum != 0 {
			r.Notes = append(r.Notes, fmt.Sprintf("step %d: reward or KL is missing or not finite; it is no point", c.Step))
			continue
		}
		kept = append(kept, c)
	}
	r.Checkpoints = kept
}
