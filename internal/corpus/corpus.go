// Package corpus makes up short film reviews of graded sentiment, as many as are asked for: the text that the demonstration
// trains on. Nothing is stored but a grammar and its words.
//
// A review has one to three sentences and 12 to 45 words. Some of its words carry sentiment, each one always the same, in
// four steps from -2 ("dreadful") to +2 ("brilliant"); the others are neutral, so that a review has long stretches that say
// nothing about the film. A review leans one way and may concede a point to the other ("the plot was clumsy but the acting
// was superb").
package corpus

import (
	"math/rand/v2"
	"strings"
)

// Review is one made-up review.
type Review struct {
	Text  string
	Label int     // 1 positive, 0 negative: the sign of Grade
	Grade float64 // mean of the sentiment words' steps over 2: -1 (dreadful) to 1 (brilliant), never 0
}

// Words of a review, at least and at most.
const (
	minWords = 12
	maxWords = 45
)

// stream keeps the generators of reviews and of prefixes apart when they are given one seed.
const (
	reviewStream = 1
	prefixStream = 2
)

// Reviews returns n reviews. They depend on seed alone, and the first of them do not depend on n.
func Reviews(n int, seed uint64) []Review {
	a := newAuthor(seed, reviewStream)
	reviews := make([]Review, n)
	for i := range reviews {
		reviews[i] = a.review().finish()
	}
	return reviews
}

// Prefixes returns the first 4 to 8 words of n reviews, none of them a sentiment word: prompts that leave open what the
// review will say. They depend on seed alone, and the first of them do not depend on n.
func Prefixes(n int, seed uint64) []string {
	a := newAuthor(seed, prefixStream)
	prefixes := make([]string, n)
	for i := range prefixes {
		prefixes[i] = a.prefix()
	}
	return prefixes
}

func newAuthor(seed, stream uint64) *author {
	return &author{random: rand.New(rand.NewPCG(seed, stream))}
}

// review draws reviews until one has the length and the sign wanted.
func (a *author) review() draft {
	sign := 1 - 2*a.random.IntN(2)
	for {
		d := a.draft(lean{sign, pick(a, moods)})
		if len(d) >= minWords && len(d) <= maxWords && d.grade()*float64(sign) > 0 {
			return d
		}
	}
}

// Words of a prefix, at least and at most.
const (
	minPrefixWords = 4
	maxPrefixWords = 8
)

func (a *author) prefix() string {
	for {
		d := a.review()
		size := minPrefixWords + a.random.IntN(maxPrefixWords-minPrefixWords+1)
		if size = min(size, d.neutralStart()); size >= minPrefixWords {
			return d[:size].text()
		}
	}
}

// word is a word of a review with the signs that follow it, and its sentiment: -2, -1, 1, 2, or 0 for a neutral word.
type word struct {
	text  string
	level int
}

// draft is a review as a list of words.
type draft []word

// grade returns the mean level of the sentiment words, halved; 0 if there are none.
func (d draft) grade() float64 {
	sum, count := 0, 0
	for _, w := range d {
		if w.level != 0 {
			sum += w.level
			count++
		}
	}
	if count == 0 {
		return 0
	}
	return float64(sum) / float64(count) / 2
}

// neutralStart returns how many words of the first sentence come before its last word and before any sentiment.
func (d draft) neutralStart() int {
	for i, w := range d {
		if w.level != 0 || strings.HasSuffix(w.text, ".") {
			return i
		}
	}
	return len(d)
}

func (d draft) text() string {
	texts := make([]string, len(d))
	for i, w := range d {
		texts[i] = w.text
	}
	return strings.Join(texts, " ")
}

func (d draft) finish() Review {
	r := Review{Text: d.text(), Grade: d.grade()}
	if r.Grade > 0 {
		r.Label = 1
	}
	return r
}
