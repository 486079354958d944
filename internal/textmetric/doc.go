// Package textmetric scores generated texts: against references (ROUGE, BLEU, BERTScore), against the documents they sum up
// (SummaC), and against each other (self-BLEU, distinct-n, EDNA).
//
// The metrics that compare words agree with the implementations that results are published with, to the last digits:
// rouge-score for ROUGE, sacreBLEU for BLEU, NLTK for the stems. docs/metrics.md has the source of each metric and where
// this package departs from it.
package textmetric
