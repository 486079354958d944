package report

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// rgb is a colour in linear light, 0 to 1.
type rgb [3]float64

func parseColour(t *testing.T, text string) rgb {
	t.Helper()
	var bytes [3]int
	if _, err := fmt.Sscanf(text, "#%02x%02x%02x", &bytes[0], &bytes[1], &bytes[2]); err != nil {
		t.Fatalf("colour %q: %v", text, err)
	}
	var c rgb
	for i, b := range bytes {
		v := float64(b) / 255
		if v <= 0.04045 {
			c[i] = v / 12.92
		} else {
			c[i] = math.Pow((v+0.055)/1.055, 2.4)
		}
	}
	return c
}

func (c rgb) times(m [3]rgb) rgb {
	var product rgb
	for i, row := range m {
		product[i] = row[0]*c[0] + row[1]*c[1] + row[2]*c[2]
	}
	return product
}

// luminance and contrast are those of WCAG 2.
func (c rgb) luminance() float64 { return 0.2126*c[0] + 0.7152*c[1] + 0.0722*c[2] }

func contrast(a, b rgb) float64 {
	high, low := max(a.luminance(), b.luminance()), min(a.luminance(), b.luminance())
	return (high + 0.05) / (low + 0.05)
}

// lab is the colour in OKLab, where distances are about even to the eye.
func (c rgb) lab() rgb {
	cones := c.times([3]rgb{{0.4122214708, 0.5363325363, 0.0514459929}, {0.2119034982, 0.6806995451, 0.1073969566}, {0.0883024619, 0.2817188376, 0.6299787005}})
	for i := range cones {
		cones[i] = math.Cbrt(max(0, cones[i]))
	}
	return cones.times([3]rgb{{0.2104542553, 0.7936177850, -0.0040720468}, {1.9779984951, -2.4285922050, 0.4505937099}, {0.0259040371, 0.7827717662, -0.8086757660}})
}

func distance(a, b rgb) float64 {
	p, q := a.lab(), b.lab()
	return math.Sqrt((p[0]-q[0])*(p[0]-q[0]) + (p[1]-q[1])*(p[1]-q[1]) + (p[2]-q[2])*(p[2]-q[2]))
}

// vision simulates colour vision deficiencies of full severity (Machado, Oliveira and Fernandes 2009), in linear light.
var vision = map[string][3]rgb{
	"full":         {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}},
	"protanopia":   {{0.152286, 1.052583, -0.204868}, {0.114503, 0.786281, 0.099216}, {-0.003882, -0.048116, 1.051998}},
	"deuteranopia": {{0.367322, 0.860646, -0.227968}, {0.280085, 0.672501, 0.047413}, {-0.011820, 0.042940, 0.968881}},
	"tritanopia":   {{1.255528, -0.076749, -0.178779}, {-0.078411, 0.930809, 0.147602}, {0.004733, 0.691367, 0.303900}},
}

func TestMethodsCanBeToldApart(t *testing.T) {
	schemes := []struct {
		name, card string
		colour     func(methodStyle) string
	}{
		{"light", "#ffffff", func(s methodStyle) string { return s.light }},
		{"dark", "#1c2025", func(s methodStyle) string { return s.dark }},
	}
	for _, scheme := range schemes {
		for i, a := range methodStyles {
			colour := parseColour(t, scheme.colour(a))
			if c := contrast(colour, parseColour(t, scheme.card)); c < 3 {
				t.Errorf("%s: %s has contrast %.2f against the card, want at least 3", scheme.name, a.name, c)
			}
			for _, b := range methodStyles[:i] {
				if a.marker == b.marker {
					t.Errorf("%s and %s have the same marker", a.name, b.name)
				}
				const apart = 0.075
				for sight, matrix := range vision {
					d := distance(colour.times(matrix), parseColour(t, scheme.colour(b)).times(matrix))
					if d < apart {
						t.Errorf("%s, %s vision: %s and %s are %.3f apart in OKLab, want at least %g", scheme.name, sight, a.name, b.name, d, apart)
					}
				}
			}
		}
	}
}

func TestSchemeVariants(t *testing.T) {
	tests := []struct {
		name string
		runs []*run
		want []string // variants in order
	}{
		{
			"β in order of number",
			[]*run{
				{Method: "dpo", Beta: "10"}, {Method: "dpo", Beta: "0.5"}, {Method: "simpo", Beta: "2.5"}, {Method: "sft"},
			},
			[]string{"β 0.5", "β 2.5", "β 10"},
		},
		{
			"one more setting",
			[]*run{
				{Method: "dpo", Beta: "1", Settings: settings{"seed": "10", "out": "a"}}, {Method: "dpo", Beta: "1", Settings: settings{"seed": "9", "out": "b"}},
			},
			[]string{"β 1, seed 9", "β 1, seed 10"},
		},
		{"no setting differs", []*run{{Method: "dpo", Name: "b"}, {Method: "dpo", Name: "a"}}, []string{"a", "b"}},
		{"a setting that one run lacks", []*run{{Method: "dpo", Settings: settings{"alpha": "1"}}, {Method: "dpo"}}, []string{"alpha 1", "alpha unset"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			nameVariants(test.runs)
			if diff := cmp.Diff(test.want, newScheme(test.runs).variants); diff != "" {
				t.Errorf("variants (-want +got):\n%s", diff)
			}
		})
	}
}

func TestUnlistedMethodsHaveColours(t *testing.T) {
	s := newScheme([]*run{{Method: "dpo"}, {Method: "new-a"}, {Method: "new-b"}, {Method: unknownMethod}})
	var colours []string
	for _, m := range s.methods {
		colours = append(colours, s.method(m).Light)
	}
	slices.Sort(colours)
	if got := len(slices.Compact(colours)); got != 4 {
		t.Errorf("4 methods have %d colours", got)
	}
}
