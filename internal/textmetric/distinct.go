package textmetric

// Distinct counts how varied the n-grams of texts are (Li et al., A Diversity-Promoting Objective Function for Neural
// Conversation Models, 2016).
type Distinct struct {
	Share    float64 `json:"share"`    // of the n-grams that are different ones, 0 to 1; 0 where there are none
	Distinct int     `json:"distinct"` // different n-grams
	NGrams   int     `json:"ngrams"`   // all n-grams
	Tokens   int     `json:"tokens"`   // words and punctuation marks
}

// DistinctN counts the n-grams of BLEU's tokens in texts taken together; none reaches from one text into another.
func DistinctN(texts []string, n int) Distinct {
	var d Distinct
	seen := map[string]bool{}
	for _, text := range texts {
		words := bleuWords(text)
		d.Tokens += len(words)
		for ngram, count := range ngramCounts(words, n) {
			seen[ngram] = true
			d.NGrams += count
		}
	}
	d.Distinct = len(seen)
	if d.NGrams > 0 {
		d.Share = float64(d.Distinct) / float64(d.NGrams)
	}
	return d
}
