package report

import (
	"cmp"
	"fmt"
	"html"
	"html/template"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/sparsepo/sparsepo/internal/inspection"
	"github.com/sparsepo/sparsepo/internal/report/chart"
)

// quantity is one per-token value that a heat map shows as background colours.
type quantity struct {
	name  string
	class string // chooses the hue
	of    func(inspection.Side) []float64
}

// quantities are the rows of a heat map (Figures 1, 4 and 9 of the paper). With reverse set, the KL is KL(pi ‖ pi_ref).
func quantities(reverse bool) []quantity {
	divergence, name := func(s inspection.Side) []float64 { return s.KLForward }, "KL(reference ‖ policy)"
	if reverse {
		divergence, name = func(s inspection.Side) []float64 { return s.KLReverse }, "KL(policy ‖ reference)"
	}
	logRatio := func(s inspection.Side) []float64 { return s.LogRatio }
	maskReward := func(s inspection.Side) []float64 { return s.MaskReward }
	maskKL := func(s inspection.Side) []float64 { return s.MaskKL }
	return []quantity{
		{"log-ratio", "signed", logRatio},
		{name, "divergence", divergence},
		{"reward mask", "mask", maskReward},
		{"KL mask", "mask", maskKL},
		{"reward mask × log-ratio", "signed", product(maskReward, logRatio)},
		{"KL mask × " + name, "divergence", product(maskKL, divergence)},
	}
}

// product multiplies two values token by token; it is empty where one of them is.
func product(a, b func(inspection.Side) []float64) func(inspection.Side) []float64 {
	return func(s inspection.Side) []float64 {
		x, y := a(s), b(s)
		if len(x) != len(y) {
			return nil
		}
		products := make([]float64, len(x))
		for i := range x {
			products[i] = x[i] * y[i]
		}
		return products
	}
}

// heatmap is one pair's figure.
type heatmap struct {
	ID, Title string
	Facts     string
	Rows      []heatRow
	// Omitted says what is not shown.
	Omitted string
}

// heatRow is one quantity of both responses.
type heatRow struct {
	Name, Class      string
	Range            string
	Chosen, Rejected template.HTML
}

// newHeatmap draws a pair with at most maxTokens tokens a response (0: all). Quantities that the pair lacks are named in
// Omitted.
func newHeatmap(id, title string, pair inspection.Pair, reverse bool, maxTokens int) heatmap {
	h := heatmap{ID: id, Title: title, Facts: fmt.Sprintf("loss %s; reward of chosen %s, of rejected %s",
		numberText(pair.Loss), numberText(pair.RewardChosen), numberText(pair.RewardRejected))}
	var absent []string
	for _, q := range quantities(reverse) {
		chosen, rejected := q.of(pair.Chosen), q.of(pair.Rejected)
		if len(chosen)+len(rejected) == 0 {
			absent = append(absent, q.name)
			continue
		}
		largest := largestMagnitude(chosen, rejected)
		h.Rows = append(h.Rows, heatRow{
			Name: q.name, Class: q.class, Range: rangeText(chosen, rejected),
			Chosen:   tokenSpans(pair.Chosen, chosen, largest, maxTokens),
			Rejected: tokenSpans(pair.Rejected, rejected, largest, maxTokens),
		})
	}
	if len(absent) > 0 {
		h.Omitted = "Not measured: " + strings.Join(absent, ", ") + "."
	}
	return h
}

func numberText(n inspection.Number) string { return chart.Format(float64(n)) }

func largestMagnitude(lists ...[]float64) float64 {
	var largest float64
	for _, list := range lists {
		for _, x := range list {
			if magnitude := math.Abs(x); !math.IsInf(magnitude, 0) && magnitude > largest {
				largest = magnitude
			}
		}
	}
	return largest
}

func rangeText(lists ...[]float64) string {
	all := slices.DeleteFunc(slices.Concat(lists...), math.IsNaN)
	if len(all) == 0 {
		return "no numbers"
	}
	return chart.Format(slices.Min(all)) + " to " + chart.Format(slices.Max(all))
}

// tokenSpans writes each token as a span whose intensity --v is |value| / largest, in [0,1], and whose title is the exact
// value. Negative values have the class n, missing ones x.
func tokenSpans(side inspection.Side, values []float64, largest float64, maxTokens int) template.HTML {
	var spans strings.Builder
	for i := range side.Len() {
		if maxTokens > 0 && i == maxTokens {
			fmt.Fprintf(&spans, `<span class="more">… %s more</span>`, count(side.Len()-i, "token", "tokens"))
			break
		}
		value := math.NaN()
		if i < len(values) {
			value = values[i]
		}
		text, breaks := visibleToken(side, i)
		spans.WriteString(tokenSpan(text, value, largest))
		if breaks {
			spans.WriteString("<br>")
		}
	}
	if side.Len() == 0 {
		spans.WriteString(`<span class="more">no tokens</span>`)
	}
	return template.HTML(spans.String())
}

func tokenSpan(text string, value, largest float64) string {
	class, intensity := "t", 0.0
	title := strconv.FormatFloat(value, 'g', -1, 32)
	switch {
	case math.IsNaN(value):
		class, title = "t x", "not a number"
	case largest > 0:
		intensity = min(math.Abs(value)/largest, 1)
	}
	if value < 0 {
		class = "t n"
	}
	style := ""
	if intensity > 0 {
		style = ` style="--v:` + strconv.FormatFloat(intensity, 'f', 3, 64) + `"`
	}
	return `<span class="` + class + `"` + style + ` title="` + title + `">` + text + `</span>`
}

// visibleToken returns a token's text as HTML with its spaces and control characters made visible, and whether it ends a
// line. A token without text is shown by its id.
func visibleToken(side inspection.Side, i int) (text string, breaks bool) {
	if i >= len(side.Tokens) || side.Tokens[i] == "" {
		return "⟨" + strconv.Itoa(int(side.IDs[i])) + "⟩", false
	}
	token := side.Tokens[i]
	return visible(token), strings.HasSuffix(token, "\n")
}

// visible escapes text for HTML and shows what would not be seen: spaces as a dim middle dot, line ends and tabs as arrows,
// other control and format characters by their code.
func visible(text string) string {
	var shown strings.Builder
	for _, r := range text {
		switch {
		case r == ' ':
			shown.WriteString("<i>·</i>")
		case r == '\n':
			shown.WriteString("<i>↵</i>")
		case r == '\t':
			shown.WriteString("<i>⇥</i>")
		case !strconv.IsPrint(r):
			fmt.Fprintf(&shown, "<i>U+%04X</i>", r)
		default:
			shown.WriteString(html.EscapeString(string(r)))
		}
	}
	return shown.String()
}

// The heat maps of a report are limited, so that the page of many runs stays small enough to open.
const (
	maxHeatRuns   = 12
	maxHeatTokens = 160
)

// heatGroup are the heat maps of one run.
type heatGroup struct {
	Run, Note string
	Open      bool
	Pairs     []heatmap
}

func heatGroups(runs []*run) (groups []heatGroup, note string) {
	var inspected []*run
	for _, r := range runs {
		if r.Inspect != nil && len(r.Inspect.Pairs) > 0 {
			inspected = append(inspected, r)
		}
	}
	if len(inspected) > maxHeatRuns {
		note = fmt.Sprintf("%d runs have an inspection; the first %d with masks, then without, are shown.", len(inspected), maxHeatRuns)
		slices.SortStableFunc(inspected, func(a, b *run) int { return cmp.Compare(maskless(a), maskless(b)) })
		inspected = inspected[:maxHeatRuns]
	}
	maxPairs := 3
	if len(inspected) > 4 {
		maxPairs = 2
	}
	for i, r := range inspected {
		group := heatGroup{Run: r.label(), Open: i == 0}
		shown := r.Inspect.Pairs
		if len(shown) > maxPairs {
			group.Note = fmt.Sprintf("The first %d of %d pairs.", maxPairs, len(shown))
			shown = shown[:maxPairs]
		}
		reverse := r.Settings["kl"] == "reverse"
		for k, pair := range shown {
			id := fmt.Sprintf("heatmap-%d-%d", i+1, k+1)
			group.Pairs = append(group.Pairs, newHeatmap(id, fmt.Sprintf("%s, pair %d", r.label(), k+1), pair, reverse, maxHeatTokens))
		}
		groups = append(groups, group)
	}
	return groups, note
}

// maskless is 1 for an inspection without masks, else 0.
func maskless(r *run) int {
	for _, pair := range r.Inspect.Pairs {
		if len(pair.Chosen.MaskReward)+len(pair.Chosen.MaskKL) > 0 {
			return 0
		}
	}
	return 1
}
