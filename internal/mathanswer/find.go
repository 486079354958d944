package mathanswer

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/dlclark/regexp2"
)

// A mention is a place in a text where an answer may stand.
type mention struct {
	start, end int      // in runes
	latex      []string // one or several that are joined by commas, "and" or "or"; empty for a plain number or term
	plain      string
	percent    bool
	rank       int // how much the words around it say that it is the answer; 0 says most
}

const (
	percentSign = `(?<percent>\s*(?:\\?%|[Pp]ercent(?:age)?|[Pp]ct))?`
	simple      = `-?\d+(?:[.,]\d+)?`
	formula     = `(?:(?<!\\)\$\$(?<f>(?:[^$]|\$(?!\$))+?)(?<!\\)\$\$` +
		`|(?<!\\)\\\[(?<f>(?:[^\\]|\\(?!\]))+?)\\\]` +
		`|(?<![\\\d])\$(?<f>(?:\\\$|[^\n$])+?)(?<!\\)\$` +
		`|(?<!\\)\\\((?<f>(?:[^\\\n]|\\(?!\)))+?)\\\)` +
		`|(?<f>-?\\frac\{` + simple + `\}\{` + simple + `\}))`
	operators = `+\-*×/^()÷`
	number    = `(?:-?[1-9]\d{0,2}(?:[ ,]\d{3})+(?:\.\d+)?|-?\d+[.,]\d+|\.\d+|-?\d+)`
)

// searchTime is how long one search through a generation may take.
const searchTime = 5 * time.Second

func search(pattern string) *regexp2.Regexp {
	compiled := regexp2.MustCompile(pattern, regexp2.None)
	compiled.MatchTimeout = searchTime
	return compiled
}

var (
	formulas = search(formula + `(?:\s*(?:,?and|,?or|,)\s*` + formula + `){0,5}` + percentSign)
	anchors  = search(`(?i)(?:final )?answer`)
	boxes    = search(`(?s)(?<f>\\boxed\{.+\})`)
	terms    = search(`(?:^|\s|=)(?:\*\*)?(?<p>-?\(?-?\d[\d.\s` + operators + `]*[` + operators + `][\d.\s` + operators + `]+\)?)(?:\*\*)?(?:[.,:\s)$]|$)`)
	numbers  = search(`(?:^|\s|=)(?:\*\*)?\p{Sc}?(?<!\d)(?<p>` + number + `)` + percentSign)
)

// The words before an answer, by rank.
var (
	finalIs     = regexp.MustCompile(`(?i)final answer is:?\s*$`)
	hope        = regexp.MustCompile(`^\.?\s?I hope`)
	finalThenIs = regexp.MustCompile(`(?is)final answer.{0,100}?\s+is:?\s*$`)
	answerColon = regexp.MustCompile(`(?is)answer:.{0,50}$`)
	answerWord  = regexp.MustCompile(`(?is)answer.{0,50}$`)
)

// mentions returns where an answer may stand in a text, the likeliest place first: by rank, then the last one. Formulas count
// anywhere, and with plain set numbers and terms outside of them too.
func mentions(text string, plain bool) []mention {
	runes := []rune(text)
	list := ranked(runes, formulas)
	for _, m := range collect(runes, boxes) {
		m.rank = 50
		list = append(list, m)
	}
	if plain {
		list = append(list, ranked(runes, terms)...)
		list = append(list, ranked(runes, numbers)...)
	}
	slices.SortStableFunc(list, func(a, b mention) int {
		if a.rank != b.rank {
			return a.rank - b.rank
		}
		if a.end != b.end {
			return b.end - a.end
		}
		return a.start - b.start
	})
	return list
}

// ranked returns all that a pattern finds, and for every "answer" in the text what follows it first, ranked by the words between.
func ranked(text []rune, pattern *regexp2.Regexp) []mention {
	list := collect(text, pattern)
	for i := range list {
		list[i].rank = 300
		if slices.ContainsFunc(list[i].latex, isBoxed) {
			list[i].rank = 50
		}
	}
	match, err := anchors.FindRunesMatch(text)
	for ; match != nil && err == nil; match, err = anchors.FindNextMatch(match) {
		found, err := pattern.FindRunesMatchStartingAt(text, match.Index+match.Length)
		if found == nil || err != nil {
			continue
		}
		m := mentionOf(found)
		between, after := string(text[match.Index:m.start]), string(text[m.end:min(m.end+8, len(text))])
		switch {
		case finalIs.MatchString(between) && hope.MatchString(after):
			m.rank = 0
		case finalThenIs.MatchString(between):
			m.rank = 50
		case answerColon.MatchString(between):
			m.rank = 100
		case answerWord.MatchString(between):
			m.rank = 200
		default:
			continue
		}
		list = append(list, m)
	}
	return list
}

func isBoxed(latex string) bool {
	at := strings.Index(latex, `\boxed{`)
	return at >= 0 && closingBrace(latex, at) > 0
}

// collect returns what a pattern finds. A search that takes too long ends there.
func collect(text []rune, pattern *regexp2.Regexp) []mention {
	var list []mention
	match, err := pattern.FindRunesMatch(text)
	for ; match != nil && err == nil; match, err = pattern.FindNextMatch(match) {
		list = append(list, mentionOf(match))
	}
	return list
}

func mentionOf(match *regexp2.Match) mention {
	m := mention{start: match.Index, end: match.Index + match.Length}
	if group := match.GroupByName("f"); group != nil {
		for _, capture := range group.Captures {
			m.latex = append(m.latex, capture.String())
		}
	}
	if group := match.GroupByName("p"); group != nil {
		m.plain = group.String()
	}
	group := match.GroupByName("percent")
	m.percent = group != nil && len(group.Captures) > 0
	return m
}
