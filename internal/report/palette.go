package report

import (
	"cmp"
	"fmt"
	"html/template"
	"slices"

	"github.com/sparsepo/sparsepo/internal/report/chart"
)

// methodStyle fixes a method's colour and marker, so that a method looks the same in every report.
type methodStyle struct {
	name, light, dark string
	marker            chart.Marker
}

// methodStyles lists the methods in the order of tables and legends. The colours were searched for so that any two stay at
// least 0.075 apart in OKLab with full vision, protanopia, deuteranopia and tritanopia, and have a contrast of 3 against the
// page; the markers carry the same information.
var methodStyles = []methodStyle{
	{"sft", "#5b5967", "#bcbfbc", chart.Cross},
	{"dpo", "#0061c5", "#1796ff", chart.Circle},
	{"simpo", "#a25d9a", "#e398ea", chart.Square},
	{"dpop", "#1997ea", "#65e8ff", chart.TriangleDown},
	{"tdpo1", "#d27c00", "#ffa400", chart.Triangle},
	{"tdpo2", "#902400", "#b88c0f", chart.Diamond},
	{"mapo", "#5d9d8b", "#3cb68b", chart.Pentagon},
	{"sparse-common", "#d92400", "#ff786b", chart.Star},
	{"sparse-independent", "#4f299c", "#9d81cb", chart.Hexagon},
	{"sparse-binary", "#700451", "#c65981", chart.TriangleLeft},
	{"sparse-random", "#227c41", "#dadd62", chart.Plus},
}

// spareStyles dress methods that are not in the list.
var spareStyles = []methodStyle{
	{"", "#444b99", "#98a2ff", chart.TriangleRight},
	{"", "#2a7f7f", "#63cfcf", chart.Circle},
	{"", "#a33b3b", "#f08080", chart.Square},
	{"", "#54701c", "#a4cf5a", chart.Diamond},
}

func methodRank(method string) int {
	rank := slices.IndexFunc(methodStyles, func(s methodStyle) bool { return s.name == method })
	if rank < 0 {
		return len(methodStyles)
	}
	return rank
}

func compareMethods(a, b string) int {
	return cmp.Or(cmp.Compare(methodRank(a), methodRank(b)), cmp.Compare(a, b))
}

// scheme gives every run its look: the colour and marker of its method and the dash of its variant, or, in a report of
// one method, the colour of its variant.
type scheme struct {
	methods, variants []string
	maxPoints         int // of a line
}

func newScheme(runs []*run) scheme {
	s := scheme{maxPoints: maxPoints(len(runs))}
	for _, r := range runs {
		if !slices.Contains(s.methods, r.Method) {
			s.methods = append(s.methods, r.Method)
		}
		if r.Variant != "" && !slices.Contains(s.variants, r.Variant) {
			s.variants = append(s.variants, r.Variant)
		}
	}
	slices.SortFunc(s.methods, compareMethods)
	slices.SortStableFunc(s.variants, func(a, b string) int {
		return cmp.Or(compareNumbers(betaOf(a), betaOf(b)), compareNatural(a, b))
	})
	return s
}

// betaOf returns the number in a variant that begins with β.
func betaOf(variant string) string {
	var beta string
	if _, err := fmt.Sscanf(variant, "β %s", &beta); err != nil {
		return ""
	}
	return trimComma(beta)
}

func trimComma(text string) string {
	if n := len(text); n > 0 && text[n-1] == ',' {
		return text[:n-1]
	}
	return text
}

// byVariant reports whether colours tell variants apart, because there is one method only.
func (s scheme) byVariant() bool { return len(s.methods) == 1 }

func (s scheme) method(name string) chart.Style {
	style := methodStyle{}
	if rank := methodRank(name); rank < len(methodStyles) {
		style = methodStyles[rank]
	} else {
		unlisted := 0
		for _, m := range s.methods {
			if m == name {
				break
			}
			if methodRank(m) == len(methodStyles) {
				unlisted++
			}
		}
		style = spareStyles[unlisted%len(spareStyles)]
	}
	return chart.Style{Light: style.light, Dark: style.dark, Marker: style.marker}
}

// hull is the look of a method's hull: neutral where colours tell variants apart.
func (s scheme) hull(method string) chart.Style {
	style := s.method(method)
	if s.byVariant() {
		style.Light, style.Dark = "currentColor", "currentColor"
	}
	return style
}

// variant is the colour of a variant on a sequential scale, dark to light as the variants are sorted; runs without a
// variant are grey.
func (s scheme) variant(name string) chart.Style {
	if name == "" && len(s.variants) > 0 {
		return s.method("sft")
	}
	rank := max(0, slices.Index(s.variants, name))
	place := 0.2
	if len(s.variants) > 1 {
		place = float64(rank) / float64(len(s.variants)-1)
		place = 0.05 + 0.85*place
	}
	return chart.Style{Light: blend(lightScale, place), Dark: blend(darkScale, place), Marker: chart.Marker(rank)}
}

// run is the look of one run's series in charts that hold all runs. Markers of later variants are larger.
func (s scheme) run(r *run) chart.Style {
	if s.byVariant() {
		return s.variant(r.Variant)
	}
	style := s.method(r.Method)
	style.Dash, style.Size = s.dash(r.Variant), s.size(r.Variant)
	return style
}

// size is the relative size of a variant's markers, from 0.85 for the first to 1.4 for the last.
func (s scheme) size(variant string) float64 {
	if len(s.variants) < 2 {
		return 1
	}
	return 0.85 + 0.55*float64(s.dash(variant))/float64(len(s.variants)-1)
}

func (s scheme) dash(variant string) int { return max(0, slices.Index(s.variants, variant)) }

// The sequential scales rise in lightness; each keeps clear of its scheme's background.
var (
	lightScale = [][3]float64{{68, 1, 84}, {59, 82, 139}, {33, 145, 140}, {90, 180, 70}, {190, 170, 0}}
	darkScale  = [][3]float64{{126, 100, 220}, {79, 147, 214}, {47, 181, 165}, {127, 211, 91}, {253, 231, 37}}
)

// blend returns the colour at a place in [0,1] of a scale.
func blend(scale [][3]float64, place float64) string {
	position := min(max(place, 0), 1) * float64(len(scale)-1)
	i := min(int(position), len(scale)-2)
	share := position - float64(i)
	var c [3]int
	for k := range c {
		c[k] = int(scale[i][k] + share*(scale[i+1][k]-scale[i][k]) + 0.5)
	}
	return fmt.Sprintf("#%02x%02x%02x", c[0], c[1], c[2])
}

// The keys of legend entries.
func methodKey(method string) string   { return "method " + method }
func variantKey(variant string) string { return "variant " + variant }

func (r *run) keys() []string {
	return []string{methodKey(r.Method), variantKey(r.Variant)}
}

// legend is a list of entries that name what a colour, marker or dash means.
type legend struct {
	Title   string
	Entries []legendEntry
}

type legendEntry struct {
	Key, Name string
	Swatch    template.HTML
}

// legends explains the looks that run gives: of lines, or with dots set of the frontier's hulls and markers.
func (s scheme) legends(dots bool) []legend {
	methods := legend{Title: "Method"}
	for _, m := range s.methods {
		methods.Entries = append(methods.Entries, legendEntry{methodKey(m), m, chart.Swatch(s.method(m), true, dots)})
	}
	variants := s.variantLegend(dots)
	switch {
	case s.byVariant() && len(variants.Entries) > 0:
		return []legend{variants}
	case len(variants.Entries) < 2:
		return []legend{methods}
	}
	return []legend{methods, variants}
}

// variantLegend explains the variants: by colour in a report of one method, else by dash, or with dots by marker size.
func (s scheme) variantLegend(dots bool) legend {
	variants := legend{Title: "Setting"}
	for _, v := range s.variants {
		style := chart.Style{Light: "currentColor", Dark: "currentColor", Dash: s.dash(v), Size: s.size(v)}
		if s.byVariant() {
			style = s.variant(v)
		}
		variants.Entries = append(variants.Entries, legendEntry{variantKey(v), v, chart.Swatch(style, !dots, dots)})
	}
	return variants
}

// variantColours explains the colours of variants in panels of one method each.
func (s scheme) variantColours(used map[string]bool) legend {
	variants := legend{Title: "Setting"}
	if used[""] {
		variants.Entries = append(variants.Entries, legendEntry{variantKey(""), "no β", chart.Swatch(s.variant(""), true, false)})
	}
	for _, v := range s.variants {
		if used[v] {
			variants.Entries = append(variants.Entries, legendEntry{variantKey(v), v, chart.Swatch(s.variant(v), true, false)})
		}
	}
	return variants
}
