package report

import (
	"cmp"
	"errors"
	"io/fs"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/sparsepo/sparsepo/internal/frontier"
	"github.com/sparsepo/sparsepo/internal/inspection"
)

// run is everything the report knows of one run folder.
type run struct {
	Name   string // path below the folder that all runs share
	Method string // "unknown" where the settings do not say
	Beta   string // as in the settings; empty where the method has none
	// Variant tells runs of one method apart: β, and the settings that differ among runs of the same method and β.
	Variant string

	Settings  settings
	Config    string // text of config.yaml
	Metrics   metrics
	Latest    sampled             // of the last step with samples
	Untouched sampled             // of step 0
	Inspect   *inspection.Inspect // nil without inspect.json
	Frontier  frontier.Run
	Results   []resultFile // of its folder eval
	Notes     []string     // what was missing or unreadable
}

const unknownMethod = frontier.UnknownMethod

// loadRuns reads all run folders and orders them by method, β and name.
func loadRuns(folders []string) ([]*run, error) {
	names := Names(folders)
	runs := make([]*run, len(folders))
	for i, folder := range folders {
		r, err := loadRun(folder, names[i])
		if err != nil {
			return nil, err
		}
		runs[i] = r
	}
	slices.SortStableFunc(runs, func(a, b *run) int {
		return cmp.Or(compareMethods(a.Method, b.Method), compareNumbers(a.Beta, b.Beta), compareNatural(a.Name, b.Name))
	})
	nameVariants(runs)
	return runs, nil
}

func loadRun(folder, name string) (*run, error) {
	r := &run{Name: name, Method: unknownMethod}
	var notes []string
	r.Config, r.Settings, notes = readSettings(filepath.Join(folder, "config.yaml"))
	r.Notes = append(r.Notes, notes...)
	if method := r.Settings["method"]; method != "" {
		r.Method = method
	}
	if r.Method != "sft" {
		r.Beta = r.Settings["beta"]
	}
	var err error
	if r.Metrics, notes, err = readMetrics(filepath.Join(folder, metricsFile)); err != nil {
		return nil, err
	}
	r.Notes = append(r.Notes, notes...)
	if len(r.Metrics) == 0 {
		r.Notes = append(r.Notes, metricsFile+" has no records")
	}
	if r.Latest, r.Untouched, notes, err = readSamples(filepath.Join(folder, "samples")); err != nil {
		return nil, err
	}
	r.Notes = append(r.Notes, notes...)
	if err := r.loadFrontier(folder); err != nil {
		return nil, err
	}
	if err := r.loadResults(folder); err != nil {
		return nil, err
	}
	return r, r.loadInspection(filepath.Join(folder, "inspect.json"))
}

// loadInspection reads inspect.json; one that is broken gives a note.
func (r *run) loadInspection(path string) error {
	inspect, err := inspection.ReadFile(path)
	switch {
	case err == nil:
		r.Inspect = &inspect
	case errors.Is(err, fs.ErrNotExist):
	case errors.As(err, new(*fs.PathError)):
		return err
	default:
		r.Notes = append(r.Notes, "inspect.json was left out: "+strings.TrimPrefix(err.Error(), path+": "))
	}
	return nil
}

// nameVariants sets the variant of each run. Runs that share method and β are told apart by the settings in which they
// differ, or by name where there is none.
func nameVariants(runs []*run) {
	groups := map[string][]*run{}
	for _, r := range runs {
		if r.Beta != "" {
			r.Variant = "β " + r.Beta
		}
		key := r.Method + "\x00" + r.Beta
		groups[key] = append(groups[key], r)
	}
	for _, group := range groups {
		if len(group) < 2 {
			continue
		}
		keys := differing(group)
		if len(keys) > 2 {
			keys = nil
		}
		for _, r := range group {
			var parts []string
			for _, key := range keys {
				parts = append(parts, key+" "+cmp.Or(r.Settings[key], "unset"))
			}
			if r.Variant != "" {
				parts = append([]string{r.Variant}, parts...)
			}
			if len(keys) == 0 {
				parts = append(parts, r.Name)
			}
			r.Variant = strings.Join(parts, ", ")
		}
	}
}

// label names the run by method and variant.
func (r *run) label() string {
	if r.Variant == "" {
		return r.Method
	}
	return r.Method + ", " + r.Variant
}

// sampleMean is the mean of one measurement over the samples that have it.
func (r *run) sampleMean(value func(sample) float64) measured {
	var sum, count float64
	for _, s := range r.Latest.Samples {
		if x := value(s); !math.IsNaN(x) {
			sum += x
			count++
		}
	}
	if count == 0 {
		return measured{}
	}
	return measured{X: sum / count, Step: float64(r.Latest.Step), Known: true}
}

// The names of frontier records.
const (
	frontierReward    = frontier.MetricPrefix + "reward"
	frontierKL        = frontier.MetricPrefix + string(frontier.Exact)
	frontierKLSampled = frontier.MetricPrefix + string(frontier.Sampled)
)

// reward is the latest mean reward of sampled responses: the last frontier record's, else the mean over the samples file.
func (r *run) reward() measured {
	if last := r.Metrics.last(frontierReward); last.Known {
		return last
	}
	return r.sampleMean(func(s sample) float64 { return s.Reward })
}

// kl is the latest mean response-level KL of sampled responses, from the same place as reward.
func (r *run) kl() measured {
	if last := r.Metrics.last(frontierKL); last.Known {
		return last
	}
	return r.sampleMean(func(s sample) float64 { return s.KL })
}

// accuracy is the latest reward accuracy, on held-out pairs where it was measured there.
func (r *run) accuracy() (value measured, heldOut bool) {
	if last := r.Metrics.last("eval_rewards/accuracies"); last.Known {
		return last, true
	}
	return r.Metrics.last("rewards/accuracies"), false
}

// sparsity is the latest sparsity of one mask ("reward" or "kl"), the mean of chosen and rejected responses.
func (r *run) sparsity(mask string) measured {
	chosen := r.Metrics.last("mask/" + mask + "_sparsity_chosen")
	rejected := r.Metrics.last("mask/" + mask + "_sparsity_rejected")
	if !chosen.Known || !rejected.Known {
		return measured{}
	}
	return measured{X: (chosen.X + rejected.X) / 2, Step: chosen.Step, Known: true}
}

// compareNumbers orders texts by the number they hold; texts that are none come first, by name.
func compareNumbers(a, b string) int {
	x, errX := strconv.ParseFloat(a, 64)
	y, errY := strconv.ParseFloat(b, 64)
	switch {
	case errX != nil && errY != nil:
		return cmp.Compare(a, b)
	case errX != nil:
		return -1
	case errY != nil:
		return 1
	}
	return cmp.Compare(x, y)
}

// compareNatural orders names so that "run 9" comes before "run 10".
func compareNatural(a, b string) int {
	for a != "" && b != "" {
		digitsA, digitsB := leadingDigits(a), leadingDigits(b)
		if digitsA == "" || digitsB == "" {
			if a[0] != b[0] {
				return cmp.Compare(a[0], b[0])
			}
			a, b = a[1:], b[1:]
			continue
		}
		x, y := strings.TrimLeft(digitsA, "0"), strings.TrimLeft(digitsB, "0")
		if c := cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(x, y)); c != 0 {
			return c
		}
		a, b = a[len(digitsA):], b[len(digitsB):]
	}
	return cmp.Compare(len(a), len(b))
}

func leadingDigits(text string) string {
	return text[:len(text)-len(strings.TrimLeft(text, "0123456789"))]
}
