package train

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/gomlx/compute"

	"github.com/sparsepo/sparsepo/data"
	"github.com/sparsepo/sparsepo/internal/jsonl"
	"github.com/sparsepo/sparsepo/internal/prompts"
	"github.com/sparsepo/sparsepo/internal/sample"
	"github.com/sparsepo/sparsepo/internal/source"
	"github.com/sparsepo/sparsepo/internal/step"
	"github.com/sparsepo/sparsepo/internal/usage"
	"github.com/sparsepo/sparsepo/loss"
	"github.com/sparsepo/sparsepo/reward"
)

// frontierProbe measures where the policy stands between reward and KL (spec §5): it samples one response per test prompt,
// scores it, and compares policy and reference at the sampled positions.
type frontierProbe struct {
	prompts []prompts.Prompt
	scorer  reward.Scorer
	sampler *sample.Sampler
	compare *step.Program // evaluates the policy's and the reference's values on responses
	shape   data.Shape    // of every batch it evaluates
}

// sampled is one line of RUN/samples/step-000100.jsonl.
type sampled struct {
	Prompt     string  `json:"prompt"`
	Completion string  `json:"completion"`
	Reward     float64 `json:"reward"`
	KL         float64 `json:"kl"`         // Σ_t KL(pi ‖ pi_ref) over the vocabulary, nats
	KLSampled  float64 `json:"kl_sampled"` // Σ_t log pi(y_t) - log pi_ref(y_t), nats: the one-sample estimate of the same
}

func newFrontierProbe(ctx context.Context, s *session, console io.Writer, log func(format string, args ...any)) (*frontierProbe, error) {
	f := &frontierProbe{}
	if err := f.open(ctx, s, console, log); err != nil {
		f.close()
		return nil, err
	}
	return f, nil
}

func (f *frontierProbe) open(ctx context.Context, s *session, console io.Writer, log func(format string, args ...any)) error {
	c := s.config.Frontier
	if s.tokenizer == nil {
		return usage.Errorf("frontier.every: the reward model reads text, and %s has no tokenizer", s.config.Model)
	}
	var err error
	if f.prompts, _, err = prompts.Read(c.Prompts, s.tokenizer, prompts.Options{Template: s.template}); err != nil {
		return err
	}
	if c.Limit > 0 && c.Limit < len(f.prompts) {
		f.prompts = f.prompts[:c.Limit]
	}
	options := reward.Options{
		Backend: func() (compute.Backend, error) { return s.backend, nil },
		Label:   c.RewardLabel, Notice: func(message string) { log("%s", message) },
	}
	if f.scorer, err = source.Reward(ctx, c.Reward, options, console); err != nil {
		return err
	}
	if what, ok := f.scorer.(fmt.Stringer); ok {
		log("frontier: the reward is the %s", what)
	}
	eos, ok := s.tokenizer.EOS()
	if !ok {
		eos = -1
	}
	sampling := sample.Options{N: 1, Temperature: c.Temperature, TopP: 1, MaxNewTokens: c.MaxNewTokens, Seed: uint64(c.Seed), EOS: eos}
	if f.sampler, err = sample.New(s.backend, s.store, s.program.Policy, sampling); err != nil {
		return err
	}
	sft, _ := loss.Lookup("sft")
	settings := step.Settings{Objective: sft}
	if f.compare, err = step.New(s.backend, s.store, s.program.Policy, s.program.Reference, settings, nil, 0); err != nil {
		return err
	}
	longest := 0
	for _, p := range f.prompts {
		longest = max(longest, len(p.IDs))
	}
	slots := s.config.PerDeviceEvalBatchSize
	response := c.MaxNewTokens + 1 // the token that ends it
	f.shape = data.Shape{Slots: slots, Rows: slots, Seq: longest + response, Responses: slots * response}
	return nil
}

func (f *frontierProbe) close() {
	if f.sampler != nil {
		f.sampler.Close()
	}
	if f.compare != nil {
		f.compare.Close()
	}
	if f.scorer != nil {
		reward.Close(f.scorer)
	}
}

// measureFrontier records reward and KL of the policy as it is, and the sampled texts.
func (r *runner) measureFrontier(ctx context.Context) error {
	start := time.Now()
	list, err := r.frontier.sample(ctx, r.session)
	if err != nil {
		return fmt.Errorf("measure the frontier at step %d: %w", r.progress.Step, err)
	}
	if err := r.writeSamples(list); err != nil {
		return err
	}
	var reward, kl, klSampled float64
	for _, s := range list {
		reward, kl, klSampled = reward+s.Reward, kl+s.KL, klSampled+s.KLSampled
	}
	n := float64(len(list))
	r.log("step %d: reward %.3f, KL %.2f over %d sampled responses", r.progress.Step, reward/n, kl/n, len(list))
	r.windowStart = r.windowStart.Add(time.Since(start)) // tokens_per_second is the training's alone
	return r.write(map[string]float64{
		"eval_frontier/reward": reward / n, "eval_frontier/kl": kl / n, "eval_frontier/kl_sampled": klSampled / n, "eval_frontier/samples": n,
	})
}

// sample draws, scores and compares one response per prompt.
func (f *frontierProbe) sample(ctx context.Context, s *session) ([]sampled, error) {
	ids := make([][]int32, len(f.prompts))
	for i, p := range f.prompts {
		ids[i] = p.IDs
	}
	drawn, err := f.sampler.Sample(ctx, ids, nil)
	if err != nil {
		return nil, err
	}
	list := make([]sampled, len(ids))
	texts, completions := make([]string, len(ids)), make([]string, len(ids))
	pairs := make([]data.TokenPair, len(ids))
	for i, p := range f.prompts {
		c := drawn[i][0]
		texts[i], completions[i] = p.Text, s.tokenizer.DecodeAfter(p.IDs, c.IDs)
		pairs[i] = data.TokenPair{Source: p.Source, Prompt: p.IDs, Chosen: c.IDs}
		if eos, ok := s.tokenizer.EOS(); ok && c.Finished {
			pairs[i].Chosen = append(append([]int32{}, c.IDs...), eos)
		}
		list[i] = sampled{Prompt: texts[i], Completion: completions[i]}
	}
	scores, err := f.scorer.Score(ctx, texts, completions)
	if err != nil {
		return nil, err
	}
	for i := range list {
		list[i].Reward = scores[i]
	}
	return list, f.addKL(ctx, list, pairs)
}

// addKL fills both KL estimates, batch by batch.
func (f *frontierProbe) addKL(ctx context.Context, list []sampled, pairs []data.TokenPair) error {
	for first := 0; first < len(pairs); first += f.shape.Slots {
		if err := ctx.Err(); err != nil {
			return err
		}
		last := min(first+f.shape.Slots, len(pairs))
		b, err := data.Collate(pairs[first:last], f.shape)
		if err != nil {
			return err
		}
		v, err := f.compare.Evaluate(&b, nil)
		if err != nil {
			return err
		}
		for i, owner := range b.Owner {
			if owner < int64(last-first) {
				at := &list[first+int(owner)]
				at.KL += float64(v.ReverseKL[i])
				at.KLSampled += float64(v.LogProb[i]) - float64(v.Reference[i])
			}
		}
	}
	return nil
}

// writeSamples writes the step's texts to RUN/samples.
func (r *runner) writeSamples(list []sampled) error {
	folder := filepath.Join(r.config.Out, "samples")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("make the samples' folder: %w", err)
	}
	return jsonl.Save(filepath.Join(folder, fmt.Sprintf("step-%06d.jsonl", r.progress.Step)), list)
}
