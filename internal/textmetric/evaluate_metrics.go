package textmetric

import (
	"context"
	"fmt"
	"slices"
)

// CorpusBLEUName is the name of corpus BLEU's counts.
const CorpusBLEUName = "bleu"

func addRouge(_ context.Context, s *Suite, groups []Group, into []Measurement) error {
	for i, group := range groups {
		for k, sample := range group.Samples {
			scores, err := RougeBest(group.References, sample, s.Stem)
			if err != nil {
				return err
			}
			for kind, o := range scores {
				into[i].addOverlap(k, kind, o)
			}
		}
	}
	return nil
}

func addBLEU(_ context.Context, _ *Suite, groups []Group, into []Measurement) error {
	for i, group := range groups {
		var sum BLEU
		for k, sample := range group.Samples {
			b, err := SentenceBLEU(sample, group.References, true)
			if err != nil {
				return err
			}
			into[i].Samples[k]["bleu_sentence"] = b.Score
			sum.add(b)
		}
		into[i].Counts[CorpusBLEUName] = sum.Counts()
	}
	return nil
}

func addSelfBLEU(_ context.Context, _ *Suite, groups []Group, into []Measurement) error {
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
		into[i].Scores["self_bleu"] = sum / float64(len(scores))
	}
	return nil
}

// longestDistinct is the number of words of the longest n-grams that are counted.
const longestDistinct = 3

// distinctName is the score of n-grams of one length.
func distinctName(n int) string { return fmt.Sprintf("distinct%d", n) }

func addDistinct(_ context.Context, _ *Suite, groups []Group, into []Measurement) error {
	for n := 1; n <= longestDistinct; n++ {
		for i, group := range groups {
			into[i].Scores[distinctName(n)] = DistinctN(group.Samples, n).Share
		}
	}
	return nil
}

// CorpusDistinct is the share of different n-grams in all responses as one text, of the length that a score of that name
// counts in each prompt's samples; false for other scores. It cannot be made of the prompts' shares.
func CorpusDistinct(name string, responses []string) (float64, bool) {
	for n := 1; n <= longestDistinct; n++ {
		if name == distinctName(n) {
			return DistinctN(responses, n).Share, true
		}
	}
	return 0, false
}

func addBERTScore(ctx context.Context, s *Suite, groups []Group, into []Measurement) error {
	var candidates []string
	var references [][]string
	for _, group := range groups {
		for _, sample := range group.Samples {
			candidates, references = append(candidates, sample), append(references, group.References)
		}
	}
	scores, _, err := s.BERT.Score(ctx, candidates, references)
	if err != nil {
		return err
	}
	for i, group := range groups {
		for k := range group.Samples {
			into[i].addOverlap(k, "bertscore", scores[k])
		}
		scores = scores[len(group.Samples):]
		for _, text := range slices.Concat(group.Samples, group.References) {
			if s.BERT.Cuts(text) {
				into[i].NumCut++
			}
		}
	}
	return nil
}

func addSummaC(ctx context.Context, s *Suite, groups []Group, into []Measurement) error {
	var pairs []Pair
	for _, group := range groups {
		for _, sample := range group.Samples {
			pairs = append(pairs, Pair{group.Prompt, sample})
		}
	}
	scores, err := s.SummaC.Scores(ctx, pairs)
	if err != nil {
		return err
	}
	for i, group := range groups {
		for k := range group.Samples {
			into[i].Samples[k]["summac"] = scores[k]
		}
		scores = scores[len(group.Samples):]
	}
	return nil
}

func addEDNA(ctx context.Context, s *Suite, groups []Group, into []Measurement) error {
	for i, group := range groups {
		if len(group.Samples) < 2 {
			continue
		}
		found, err := s.SummaC.EDNA(ctx, group.Prompt, group.Samples)
		if err != nil {
			return err
		}
		m := into[i].Scores
		m["edna"], m["entailment"], m["self_entailment"] = found.EDNA, found.Entailment, found.SelfEntailment
	}
	return nil
}
