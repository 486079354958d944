package textmetric

import (
	"context"
	"fmt"

	"github.com/sparsepo/sparsepo/internal/usage"
)

func addRouge(_ context.Context, s *Suite, groups []Group, e *Evaluation) error {
	for i := range e.Responses {
		item := &e.Responses[i]
		scores, err := RougeBest(groups[item.Index].References, *item.Completion, s.Stem)
		if err != nil {
			return err
		}
		for kind, o := range scores {
			item.addOverlap(kind, o)
		}
	}
	e.overResponses(RougeKinds()...)
	return nil
}

func addBLEU(_ context.Context, _ *Suite, groups []Group, e *Evaluation) error {
	var hypotheses []string
	var references [][]string
	for i := range e.Responses {
		item := &e.Responses[i]
		b, err := SentenceBLEU(*item.Completion, groups[item.Index].References, true)
		if err != nil {
			return err
		}
		item.Metrics["bleu_sentence"] = b.Score
		hypotheses = append(hypotheses, *item.Completion)
		references = append(references, groups[item.Index].References)
	}
	b, err := CorpusBLEU(hypotheses, references)
	if err != nil {
		return err
	}
	e.Scores = append(e.Scores, Score{Name: "bleu", Value: b.Score, Over: "corpus", Items: len(hypotheses)})
	e.overResponses("bleu_sentence")
	return nil
}

func addSelfBLEU(_ context.Context, _ *Suite, groups []Group, e *Evaluation) error {
	if err := several(groups, "self-bleu"); err != nil {
		return err
	}
	for i, group := range groups {
		if len(group.Samples) < 2 {
			continue
		}
		scores, err := SelfBLEU(group.Samples, true)
		if err != nil {
			return err
		}
		sum := 0.0
		for _, b := range scores {
			sum += b.Score
		}
		e.Prompts[i].Metrics["self_bleu"] = sum / float64(len(scores))
	}
	e.overPrompts("self_bleu")
	return nil
}

// longestDistinct is the number of words of the longest n-grams that are counted.
const longestDistinct = 3

func addDistinct(_ context.Context, _ *Suite, groups []Group, e *Evaluation) error {
	var all []string
	for _, group := range groups {
		all = append(all, group.Samples...)
	}
	for n := 1; n <= longestDistinct; n++ {
		name := fmt.Sprintf("distinct%d", n)
		for i, group := range groups {
			e.Prompts[i].Metrics[name] = DistinctN(group.Samples, n).Share
		}
		e.overPrompts(name)
		e.Scores = append(e.Scores, Score{Name: name + "_corpus", Value: DistinctN(all, n).Share, Over: "corpus", Items: len(all)})
	}
	return nil
}

func addBERTScore(ctx context.Context, s *Suite, groups []Group, e *Evaluation) error {
	if s.BERT == nil {
		return usage.Errorf("bertscore needs an encoder")
	}
	var candidates []string
	var references [][]string
	for _, item := range e.Responses {
		candidates = append(candidates, *item.Completion)
		references = append(references, groups[item.Index].References)
	}
	scores, numCut, err := s.BERT.Score(ctx, candidates, references)
	if err != nil {
		return err
	}
	e.NumCut = numCut
	for i, o := range scores {
		e.Responses[i].addOverlap("bertscore", o)
	}
	e.overResponses("bertscore", "bertscore_precision", "bertscore_recall")
	return nil
}

func addSummaC(ctx context.Context, s *Suite, groups []Group, e *Evaluation) error {
	if s.SummaC == nil {
		return usage.Errorf("summac needs a classifier of sentence pairs")
	}
	at := 0
	for _, group := range groups {
		var pairs []Pair
		for _, sample := range group.Samples {
			pairs = append(pairs, Pair{group.Prompt, sample})
		}
		scores, err := s.SummaC.Scores(ctx, pairs)
		if err != nil {
			return err
		}
		for _, score := range scores {
			e.Responses[at].Metrics["summac"] = score
			at++
		}
	}
	e.overResponses("summac")
	return nil
}

func addEDNA(ctx context.Context, s *Suite, groups []Group, e *Evaluation) error {
	if s.SummaC == nil {
		return usage.Errorf("edna needs a classifier of sentence pairs")
	}
	if err := several(groups, "edna"); err != nil {
		return err
	}
	for i, group := range groups {
		if len(group.Samples) < 2 {
			continue
		}
		found, err := s.SummaC.EDNA(ctx, group.Prompt, group.Samples)
		if err != nil {
			return err
		}
		m := e.Prompts[i].Metrics
		m["edna"], m["entailment"], m["self_entailment"] = found.EDNA, found.Entailment, found.SelfEntailment
	}
	e.overPrompts("edna", "entailment", "self_entailment")
	return nil
}
