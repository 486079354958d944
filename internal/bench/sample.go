package bench

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/gomlx/compute"
	gomodel "github.com/gomlx/gomlx/ml/model"

	"github.com/sparsepo/sparsepo/internal/sample"
	"github.com/sparsepo/sparsepo/internal/usage"
	"github.com/sparsepo/sparsepo/model"
)

// SampleOptions says what is measured.
type SampleOptions struct {
	Shape
	Batch  int // prompts decoded at once
	Prompt int // tokens of each
	New    int // tokens sampled for each
	Steps  int // counted batches
}

// SampleResult of a measurement. The first batch, which builds the graphs, is not in it.
type SampleResult struct {
	Params          int     `json:"params"`
	NewTokensPerSec float64 `json:"new_tokens_per_s"`
	MedianBatch     float64 `json:"median_batch_s"`
	PeakRSS         int     `json:"peak_rss_mb"` // of the process, MiB; 0 where the system does not tell
	Batch           int     `json:"batch"`
	Steps           int     `json:"steps"`
	FirstBatch      float64 `json:"first_batch_s"` // with building the graphs
}

// Sample measures sampling at temperature 1, from the prompt to the last token. No response ends early.
func Sample(ctx context.Context, backend compute.Backend, o SampleOptions) (*SampleResult, error) {
	for _, size := range []struct {
		name  string
		value int
	}{{"batch", o.Batch}, {"prompt", o.Prompt}, {"new", o.New}, {"steps", o.Steps}} {
		if size.value < 1 {
			return nil, usage.Errorf("%s: found %d, expected a positive whole number", size.name, size.value)
		}
	}
	checkpoint, err := o.checkpoint()
	if err != nil {
		return nil, err
	}
	store := gomodel.NewStore()
	network, err := checkpoint.Bind(backend, store, "/policy", model.Binding{})
	if err != nil {
		return nil, err
	}
	sampler, err := sample.New(backend, store, network, sample.Options{
		N: 1, Temperature: 1, TopP: 1, MaxNewTokens: o.New, EOS: -1, BatchRows: o.Batch, Seed: 1,
	})
	if err != nil {
		return nil, err
	}
	defer sampler.Close()
	prompts := o.prompts()
	result := &SampleResult{Params: checkpoint.NumParameters(), Batch: o.Batch, Steps: o.Steps}
	var times []float64
	for i := range o.Steps + 1 {
		start := time.Now()
		if _, err := sampler.Sample(ctx, prompts, nil); err != nil {
			return nil, err
		}
		if seconds := time.Since(start).Seconds(); i == 0 {
			result.FirstBatch = seconds
		} else {
			times = append(times, seconds)
		}
	}
	result.MedianBatch = median(times)
	result.NewTokensPerSec = float64(o.Batch*o.New) / result.MedianBatch
	result.PeakRSS = peakRSS()
	return result, nil
}

func (o SampleOptions) prompts() [][]int32 {
	random := rand.New(rand.NewPCG(1, 0))
	prompts := make([][]int32, o.Batch)
	for i := range prompts {
		for range o.Prompt {
			prompts[i] = append(prompts[i], int32(random.IntN(o.Vocab)))
		}
	}
	return prompts
}
