// Package sentence splits English text into sentences and words the way NLTK does by default: sentences by the decision rules of
// Punkt (Kiss and Strunk, "Unsupervised Multilingual Sentence Boundary Detection", Computational Linguistics 32(4), 2006), words
// by the rules of the Penn Treebank as NLTK 3.8 extends them.
//
// Punkt decides with parameters that were learned from newspaper text: abbreviations, words that follow them inside a sentence,
// words that open sentences, and the case in which every word was seen. Those parameters are not part of this program. Its own
// short lists stand in for them (lexicon.go), together with what the text at hand shows about the case of its words.
// docs/evaluation-checks.md says how often the result is the same.
package sentence
