package corpus

import (
	"math/rand/v2"
	"slices"
	"strings"
)

// author writes drafts from the grammar.
type author struct {
	random *rand.Rand
	used   []string // templates and content words of the present draft, which are not used again
}

// lean is where a review points: to praise or blame, and how firmly.
type lean struct {
	sign int // 1 praise, -1 blame
	mood int // 2 firm, 1 mild, 0 mixed
}

// moods are drawn from these; repeats are weights.
var moods = []int{2, 2, 2, 1, 1, 1, 0, 0}

// levels are what the sentiment words are drawn from, by mood: the levels of a review that praises.
var levels = [][]int{
	0: {1, 1, 1, -1, -1, -1, 2, -2},
	1: {1, 1, 1, 1, 1, 1, 2, 2, -1, -1},
	2: {2, 2, 2, 2, 2, 2, 1, 1, 1, -1},
}

func (a *author) level(l lean) int { return l.sign * pick(a, levels[l.mood]) }

// plans are the kinds of sentences a review consists of. Repeats are weights.
var plans = [][]string{
	{"opening", "opinion"},
	{"opening", "opinion", "verdict"},
	{"opening", "opinion", "verdict"},
	{"opening", "opinion", "opinion"},
	{"opening", "opinion", "opinion"},
	{"opening", "aside", "opinion"},
	{"opening", "contrast"},
	{"opening", "contrast", "verdict"},
	{"opening", "contrast", "opinion"},
	{"opinion", "verdict"},
	{"opinion", "aside", "opinion"},
	{"contrast", "verdict"},
}

func pick[T any](a *author, from []T) T { return from[a.random.IntN(len(from))] }

// draft writes a review that leans as l says, on the whole; its grade may still come out otherwise.
func (a *author) draft(l lean) draft {
	a.used = a.used[:0]
	var d draft
	for _, kind := range pick(a, plans) {
		start := len(d)
		d = a.expand(d, a.fresh(sentences[kind]), a.levelsOf(kind, l))
		d[start].text = strings.ToUpper(d[start].text[:1]) + d[start].text[1:]
		d[len(d)-1].text += "."
	}
	return withArticles(d)
}

// levelsOf returns the source of levels for the sentiment words of one sentence.
func (a *author) levelsOf(kind string, l lean) func() int {
	switch kind {
	case "contrast":
		return a.opposites(a.level(l))
	case "verdict":
		return a.sameSign(l, l.sign)
	default:
		return a.sameSign(l, a.level(l))
	}
}

// sameSign gives levels with the sign of one.
func (a *author) sameSign(l lean, one int) func() int {
	return func() int {
		for {
			if level := a.level(l); level*one > 0 {
				return level
			}
		}
	}
}

// opposites gives the levels of the two sides of a contrast, a main one and a mild one of the other sign, either first.
func (a *author) opposites(main int) func() int {
	concession := 1
	if main > 0 {
		concession = -1
	}
	pair := []int{main, concession}
	if a.random.IntN(2) == 0 {
		slices.Reverse(pair)
	}
	next := 0
	return func() int {
		next++
		return pair[(next-1)%len(pair)]
	}
}

// expand appends the words of a template to d. A word in braces stands for any phrase of that name; one in square brackets
// for a sentiment word of that name, at the level that nextLevel gives.
func (a *author) expand(d draft, template string, nextLevel func() int) draft {
	for item := range strings.FieldsSeq(template) {
		name, suffix := item, ""
		if i := strings.LastIndexAny(item, "}]"); i >= 0 {
			name, suffix = item[:i+1], item[i+1:]
		}
		switch name[0] {
		case '{':
			d = a.expand(d, a.phrase(strings.Trim(name, "{}")), nextLevel)
		case '[':
			level := nextLevel()
			d = append(d, word{a.fresh(opinions[strings.Trim(name, "[]")][level]), level})
		default:
			d = append(d, word{name, 0})
		}
		d[len(d)-1].text += suffix
	}
	return d
}

// phrase draws one of the phrases of that name.
func (a *author) phrase(name string) string {
	if slices.Contains(contents, name) {
		return a.fresh(phrases[name])
	}
	return pick(a, phrases[name])
}

// fresh draws one that the present draft does not have yet, as far as a few attempts find one.
func (a *author) fresh(from []string) string {
	choice := pick(a, from)
	for range 8 {
		if !slices.Contains(a.used, choice) {
			break
		}
		choice = pick(a, from)
	}
	a.used = append(a.used, choice)
	return choice
}

// withArticles turns "a" into "an" before a vowel.
func withArticles(d draft) draft {
	for i := range len(d) - 1 {
		if strings.EqualFold(d[i].text, "a") && strings.ContainsRune("aeiouAEIOU", rune(d[i+1].text[0])) {
			d[i].text += "n"
		}
	}
	return d
}
