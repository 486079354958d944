package pairs

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/sparsepo/sparsepo/data"
	"github.com/sparsepo/sparsepo/internal/prompts"
	"github.com/sparsepo/sparsepo/internal/sample"
	"github.com/sparsepo/sparsepo/reward"
)

// Sampler draws the same number of completions for every prompt; package sample has one.
type Sampler interface {
	Sample(ctx context.Context, prompts [][]int32, progress func(done, total int)) ([][]sample.Completion, error)
}

// Decoder gives the text by which ids go on from a prompt's.
type Decoder interface {
	DecodeAfter(before, ids []int32) string
}

// Maker makes pairs of prompts.
type Maker struct {
	Sampler   Sampler
	Decoder   Decoder
	Scorer    reward.Scorer
	EOS       int32   // appended to completions that ended by themselves; -1 where the model has none
	MinMargin float64 // a pair's rewards must differ by at least so much; equal rewards never make a pair

	// Scoring, which may be nil, is told how many completions are scored, 0 at the beginning.
	Scoring func(done, total int)
}

// completion is a sampled response with its score.
type completion struct {
	ids    []int32 // the end-of-sequence token included
	text   string
	score  float64
	prompt int // place of its prompt
}

// Make samples and scores completions and pairs them, in the order of the prompts. progress, which may be nil, is told how
// far sampling has come.
func (m *Maker) Make(ctx context.Context, list []prompts.Prompt, progress func(done, total int)) ([]data.SampledRecord, *Report, error) {
	ids := make([][]int32, len(list))
	for i, p := range list {
		ids[i] = p.IDs
	}
	drawn, err := m.Sampler.Sample(ctx, ids, progress)
	if err != nil {
		return nil, nil, fmt.Errorf("sample completions: %w", err)
	}
	report := &Report{Prompts: len(list)}
	kept := m.completions(ids, drawn, report)
	if err := m.score(ctx, list, kept); err != nil {
		return nil, report, err
	}
	report.measureAll(kept)
	byPrompt := make([][]completion, len(list))
	for _, c := range kept {
		byPrompt[c.prompt] = append(byPrompt[c.prompt], c)
	}
	var records []data.SampledRecord
	for i, candidates := range byPrompt {
		worst, best, reason := m.choose(candidates)
		if reason != "" {
			report.drop(reason)
			continue
		}
		records = append(records, record(list[i], best, worst))
	}
	report.measurePairs(records)
	return records, report, nil
}

// completions collects what can be scored: completions with text.
func (m *Maker) completions(prompts [][]int32, drawn [][]sample.Completion, report *Report) []completion {
	var kept []completion
	for i, some := range drawn {
		for _, d := range some {
			c := completion{ids: d.IDs, text: m.Decoder.DecodeAfter(prompts[i], d.IDs), prompt: i}
			report.Completions++
			if !d.Finished {
				report.Cut++
			} else if m.EOS >= 0 {
				c.ids = append(slices.Clone(d.IDs), m.EOS)
			}
			if strings.TrimSpace(c.text) == "" {
				report.Empty++
				continue
			}
			kept = append(kept, c)
		}
	}
	return kept
}

// scoreBatch is how many completions are scored between two reports of progress.
const scoreBatch = 512

func (m *Maker) score(ctx context.Context, list []prompts.Prompt, kept []completion) error {
	done := 0
	for part := range slices.Chunk(kept, scoreBatch) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if m.Scoring != nil {
			m.Scoring(done, len(kept))
		}
		heads, tails := make([]string, len(part)), make([]string, len(part))
		for i, c := range part {
			heads[i], tails[i] = list[c.prompt].Text, c.text
		}
		scores, err := m.Scorer.Score(ctx, heads, tails)
		if err != nil {
			return fmt.Errorf("score completions: %w", err)
		}
		for i, s := range scores {
			if math.IsNaN(s) || math.IsInf(s, 0) {
				return fmt.Errorf("score completions: %s: the reward of a completion is %g, not a finite number", list[part[i].prompt].Source, s)
			}
			part[i].score = s
		}
		done += len(part)
	}
	if m.Scoring != nil && done > 0 {
		m.Scoring(done, len(kept))
	}
	return nil
}

// choose takes the completions of lowest and highest score, the first of equals.
func (m *Maker) choose(candidates []completion) (worst, best completion, reason Reason) {
	if len(candidates) < 2 {
		return worst, best, TooFew
	}
	worst, best = candidates[0], candidates[0]
	for _, c := range candidates[1:] {
		if c.score < worst.score {
			worst = c
		}
		if c.score > best.score {
			best = c
		}
	}
	switch margin := best.score - worst.score; {
	case margin == 0:
		return worst, best, Tie
	case margin < m.MinMargin:
		return worst, best, SmallMargin
	}
	return worst, best, ""
}

func record(p prompts.Prompt, best, worst completion) data.SampledRecord {
	return data.SampledRecord{
		ScoredRecord: data.ScoredRecord{
			Record: data.Record{
				Source: p.Source, Prompt: data.IDContent(p.IDs), Chosen: data.IDContent(best.ids), Rejected: data.IDContent(worst.ids),
			},
			ChosenScore: best.score, RejectedScore: worst.score,
		},
		PromptText: p.Text, ChosenText: best.text, RejectedText: worst.text,
	}
}
