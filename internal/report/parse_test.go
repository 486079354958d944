package report

import (
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sparsepo/sparsepo/internal/frontier"
	"github.com/sparsepo/sparsepo/internal/inspection"
	"github.com/sparsepo/sparsepo/internal/report/chart"
)

func TestParseMetrics(t *testing.T) {
	nan := math.NaN()
	tests := []struct {
		name, text string
		want       metrics
		bad        []int
	}{
		{
			"records in order", "{\"step\":1,\"loss\":2}\n\n{\"step\":3,\"loss\":4,\"epoch\":0.5}\n",
			metrics{"loss": {{X: 1, Y: 2}, {X: 3, Y: 4}}, "epoch": {{X: 3, Y: 0.5}}},
			nil,
		},
		{
			"sorted by step, the later record of a step counts", "{\"step\":9,\"loss\":1}\n{\"step\":2,\"loss\":2}\n{\"step\":9,\"loss\":3}",
			metrics{"loss": {{X: 2, Y: 2}, {X: 9, Y: 3}}},
			nil,
		},
		{"null and bare words are NaN", "{\"step\":1,\"a\":null,\"b\":NaN,\"c\":-Infinity}", metrics{"a": {{X: 1, Y: nan}}, "b": {{X: 1, Y: nan}}, "c": {{X: 1, Y: nan}}}, nil},
		{"neighbouring bare words", "{\"step\":1,\"a\":[NaN,NaN,NaN],\"b\":NaN}", metrics{"b": {{X: 1, Y: nan}}}, nil},
		{"fields that are no numbers are left out", `{"step":1,"note":"NaN","list":[1],"on":true,"loss":1}`, metrics{"loss": {{X: 1, Y: 1}}}, nil},
		{"lines that are no records", "{\"step\":1,\"loss\":1}\n{\"step\":2,\"lo\n[]\nnull\n{\"loss\":3}\n", metrics{"loss": {{X: 1, Y: 1}}}, []int{2, 3, 4, 5}},
		{"Windows line ends", "{\"step\":1,\"loss\":1}\r\n{\"step\":2,\"loss\":2}\r\n", metrics{"loss": {{X: 1, Y: 1}, {X: 2, Y: 2}}}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, bad, err := parseMetrics(strings.NewReader(test.text))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got, cmpopts.EquateNaNs()); diff != "" {
				t.Errorf("metrics (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.bad, bad); diff != "" {
				t.Errorf("bad lines (-want +got):\n%s", diff)
			}
		})
	}
}

func FuzzParseMetrics(f *testing.F) {
	f.Add("{\"step\":1,\"loss\":2}\n{\"step\":2,\"loss\":NaN,\"a\":null}\n{\"st")
	f.Add("{\"step\":1e999}\n{\"step\":null}\n{\"step\":\"1\"}")
	f.Fuzz(func(t *testing.T, text string) {
		m, bad, err := parseMetrics(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if lines := strings.Count(text, "\n") + 1; len(bad) > lines {
			t.Fatalf("%d bad lines of %d", len(bad), lines)
		}
		for name, points := range m {
			for i := 1; i < len(points); i++ {
				if !(points[i-1].X < points[i].X) {
					t.Fatalf("%q is not sorted by step: %v", name, points)
				}
			}
		}
	})
}

func FuzzParseSamples(f *testing.F) {
	f.Add([]byte("{\"prompt\":\"a\",\"completion\":\"b\",\"reward\":0.5,\"kl\":null}\n{\"prompt\":1}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		samples, bad := parseSamples(text)
		if lines := strings.Count(string(text), "\n") + 1; len(samples)+len(bad) > lines {
			t.Fatalf("%d samples and %d bad lines of %d", len(samples), len(bad), lines)
		}
	})
}

func FuzzParseSettings(f *testing.F) {
	f.Add([]byte("method: dpo\nmask:\n  groups: [a, b]\n  norm: false\n"))
	f.Add([]byte("a: &x {b: 1}\nc: *x\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if s, err := parseSettings(text); err != nil && s != nil {
			t.Fatalf("settings %v with an error", s)
		}
	})
}

func TestParseSettings(t *testing.T) {
	got, err := parseSettings([]byte("method: dpo\nbeta: 0.10\nlearning_rate: 1.0e-06\nseed: 42\nmask:\n  norm: false\n  groups: [mlp, attn]\nresume:\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := settings{"method": "dpo", "beta": "0.1", "learning_rate": "1e-06", "seed": "42", "mask.norm": "false", "mask.groups": "mlp, attn", "resume": ""}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
}

func TestSettingRows(t *testing.T) {
	runs := []*run{
		{Settings: settings{"a": "1", "same": "x", "seed": "1", "out": "p"}},
		{Settings: settings{"a": "1", "same": "x", "seed": "2", "out": "q"}},
		{Settings: settings{"a": "2", "same": "x", "seed": "3", "only": "y"}},
	}
	want := []settingRow{
		{"a", []settingCell{{"1", true, false}, {"1", true, false}, {"2", true, true}}},
		{"only", []settingCell{{"", false, false}, {"", false, false}, {"y", true, true}}},
		{"seed", []settingCell{{"1", true, false}, {"2", true, false}, {"3", true, false}}},
	}
	if diff := cmp.Diff(want, settingRows(runs)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

func TestFind(t *testing.T) {
	folder := t.TempDir()
	for _, name := range []string{"b", "a/deep", "a/deep/final", "a/deep/checkpoints/step-1", "a/deep/inner", ".hidden"} {
		write(t, filepath.Join(folder, name, metricsFile), "")
	}
	got, err := Find([]string{filepath.Join(folder, "b"), folder, folder + "/"})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{filepath.Join(folder, "b"), filepath.Join(folder, "a", "deep"), filepath.Join(folder, "a", "deep", "inner")}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"b", "a/deep", "a/deep/inner"}, Names(got)); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"b"}, Names(got[:1])); diff != "" {
		t.Errorf("name of one run (-want +got):\n%s", diff)
	}
}

func TestColumnTexts(t *testing.T) {
	known := func(values ...float64) []measured {
		var column []measured
		for _, x := range values {
			column = append(column, measured{X: x, Known: true})
		}
		return column
	}
	tests := []struct {
		name   string
		values []measured
		want   []string
	}{
		{"decimals of the largest", known(0.5, -0.25, 12.5), []string{"0.50", "−0.25", "12.50"}},
		{"whole numbers stay whole", known(600, 1200), []string{"600", "1200"}},
		{"a small value is not hidden", known(1e-5, 12.5), []string{"1·10⁻⁵", "12.5"}},
		{"missing and not finite", append(known(0.5, math.NaN()), measured{}), []string{"0.5000", "NaN", "not measured"}},
		{"nothing", []measured{{}, {}}, []string{"not measured", "not measured"}},
	}
	for _, test := range tests {
		if diff := cmp.Diff(test.want, columnTexts(test.values)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestHullLine(t *testing.T) {
	p := newPareto([]*run{{Method: "dpo", Metrics: metrics{
		frontierReward: {{X: 0, Y: 0}, {X: 1, Y: 1}, {X: 2, Y: 3}, {X: 3, Y: 9}},
		frontierKL:     {{X: 0, Y: 0}, {X: 1, Y: 1}, {X: 2, Y: 4}},
	}}}, scheme{methods: []string{"dpo"}}, baseline{}, &frontier.Result{})
	hull := p.hulls["dpo"]
	if got := hullLine(hull, 0); len(got) != 3 || got[2] != (chart.Point{X: 4, Y: 3}) {
		t.Errorf("linear axis: %v, want the three vertices (step 3 has no KL)", got)
	}
	line := hullLine(hull, 0.5)
	for i, q := range line {
		if i > 0 && q.X <= line[i-1].X {
			t.Errorf("point %d goes back: %v", i, line)
		}
		if q.X > 0 && q.X < 0.5 {
			t.Errorf("point at KL %g, below the least positive one", q.X)
		}
		if want := q.X; q.X <= 1 && math.Abs(q.Y-want) > 1e-12 {
			t.Errorf("at KL %g the hull is drawn at %g, want %g", q.X, q.Y, want)
		}
	}
	if len(line) < 3+hullSteps {
		t.Errorf("a logarithmic axis has %d points", len(line))
	}
}

func TestTokenSpans(t *testing.T) {
	side := inspection.Side{IDs: []int32{1, 2, 3, 4, 5}, Tokens: []string{" a<b", "\n", "", "\u202e", "\t"}}
	got := string(tokenSpans(side, []float64{2, -1, 0, math.NaN(), 4}, 4, 0))
	want := `<span class="t" style="--v:0.500" title="2"><i>·</i>a&lt;b</span>` +
		`<span class="t n" style="--v:0.250" title="-1"><i>↵</i></span><br>` +
		`<span class="t" title="0">⟨3⟩</span>` +
		`<span class="t x" title="not a number"><i>U+202E</i></span>` +
		`<span class="t" style="--v:1.000" title="4"><i>⇥</i></span>`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("spans (-want +got):\n%s", diff)
	}
	if got := string(tokenSpans(side, nil, 0, 2)); !strings.HasSuffix(got, `<span class="more">… 3 tokens more</span>`) {
		t.Errorf("cut to 2 tokens: %s", got)
	}
}

func TestHeatmapUsesTheDirectionOfTheRun(t *testing.T) {
	pair := inspection.Pair{
		Chosen:   inspection.Side{IDs: []int32{1}, KLForward: inspection.Values{0.25}, KLReverse: inspection.Values{0.75}, MaskKL: inspection.Values{2}},
		Rejected: inspection.Side{IDs: []int32{1}, KLForward: inspection.Values{0.5}, KLReverse: inspection.Values{1}, MaskKL: inspection.Values{0.5}},
	}
	for _, test := range []struct {
		reverse bool
		want    map[string]string // range of each row
	}{
		{false, map[string]string{"KL(reference ‖ policy)": "0.25 to 0.5", "KL mask": "0.5 to 2", "KL mask × KL(reference ‖ policy)": "0.25 to 0.5"}},
		{true, map[string]string{"KL(policy ‖ reference)": "0.75 to 1", "KL mask": "0.5 to 2", "KL mask × KL(policy ‖ reference)": "0.5 to 1.5"}},
	} {
		got := map[string]string{}
		for _, row := range newHeatmap("h", "", pair, test.reverse, 0).Rows {
			got[row.Name] = row.Range
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("reverse %t (-want +got):\n%s", test.reverse, diff)
		}
	}
}
