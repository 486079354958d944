package report

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sparsepo/sparsepo/internal/usage"
)

func newRandom(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 7)) }

// wantFigures are the figures of a report whose runs have everything.
var wantFigures = []string{
	"frontier", "reward-steps", "kl-steps",
	"training-loss", "training-rewards-accuracies", "training-rewards-margins", "training-rewards-chosen", "training-rewards-rejected",
	"training-logps-chosen", "training-logps-rejected", "training-kl-chosen", "training-kl-rejected", "training-grad_norm",
	"held-out-loss", "held-out-rewards-accuracies",
	"sparsity", "mask-mean", "token-kl", "heatmap-1-1", "heatmap-1-2", "heatmap-2-1", "samples", "settings",
}

var (
	figureTag = regexp.MustCompile(`<figure id="([^"]+)"`)
	idTag     = regexp.MustCompile(`\sid="([^"]+)"`)
	reference = regexp.MustCompile(`(?i)(?:src|href)="([^"]*)"|url\(|@import`)
)

func TestWriteHasEveryFigure(t *testing.T) {
	page := build(t, writeSweep(t))
	found := map[string]bool{}
	for _, match := range figureTag.FindAllStringSubmatch(page, -1) {
		found[match[1]] = true
	}
	for _, id := range wantFigures {
		if !found[id] {
			t.Errorf("figure %s is missing", id)
		}
	}
	ids := map[string]int{}
	for _, match := range idTag.FindAllStringSubmatch(page, -1) {
		if ids[match[1]]++; ids[match[1]] == 2 {
			t.Errorf("id %s is given twice", match[1])
		}
	}
	for _, match := range reference.FindAllStringSubmatch(page, -1) {
		if !strings.HasPrefix(match[1], "#") {
			t.Errorf("the page refers to something outside it: %s", match[0])
		}
	}
	for _, method := range methodStyles {
		if !strings.Contains(page, `data-n="`+method.name+`, upper hull"`) {
			t.Errorf("no hull of %s", method.name)
		}
	}
	if len(page) > 12<<20 {
		t.Errorf("the page of 22 runs has %d bytes, want at most 12 MiB", len(page))
	}
}

func TestWriteEscapes(t *testing.T) {
	page := build(t, oneRun(t))
	if strings.Contains(page, hostile) || strings.Contains(page, "<img") {
		t.Error("a token or sample stands in the page unescaped")
	}
	if !strings.Contains(page, "&lt;script&gt;") {
		t.Error("the hostile token is not shown at all")
	}
	if n := strings.Count(page, "<script"); n != 1 {
		t.Errorf("the page has %d script tags, want its own alone", n)
	}
}

func TestWriteSummary(t *testing.T) {
	folder := t.TempDir()
	write(t, filepath.Join(folder, "a", "config.yaml"), "method: dpo\nbeta: 0.1\n")
	write(t, filepath.Join(folder, "a", "metrics.jsonl"), `{"step":0,"eval_frontier/reward":0.5,"eval_frontier/kl":0}
{"step":10,"loss":0.625,"rewards/accuracies":0.75}
{"step":20,"eval_frontier/reward":0.8125,"eval_frontier/kl":4.5}
{"step":20,"loss":0.5,"rewards/accuracies":0.875}
`)
	page := build(t, folder)
	for _, want := range []string{
		`<td>dpo</td><td class="num">0.1</td><td class="num">20</td><td class="num">0.5000</td><td class="num">0.8750 <small>training</small></td>` +
			`<td class="num">0.8125</td><td class="num">4.500</td><td class="num absent">not measured</td><td class="num absent">not measured</td>`,
		"Samples of the untouched model, before any step, have a mean reward of 0.5.",
		"The highest mean reward of any checkpoint is 0.8125: dpo, β 0.1, step 20, at a response-level KL of 4.5 nats, &#43;0.3125 against the untouched model.",
		"Of the 1 run, 1 without samples, 1 without an inspection.",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

// TestWriteRobust gives runs that lack files or hold odd ones; the page must tell of it and be whole.
func TestWriteRobust(t *testing.T) {
	tests := []struct {
		name  string
		files map[string]string
		want  []string
	}{
		{
			"empty metrics alone",
			map[string]string{"metrics.jsonl": ""},
			[]string{"metrics.jsonl has no records", "config.yaml is missing", `<figure id="frontier"`, "no run has frontier records", "no run has training records"},
		},
		{
			"cut last line",
			map[string]string{"metrics.jsonl": "{\"step\":1,\"loss\":0.25}\n{\"step\":2,\"lo"},
			[]string{"metrics.jsonl:2 is not a whole record", `<td class="num">0.2500</td>`},
		},
		{
			"NaN, null and infinity",
			map[string]string{"metrics.jsonl": "{\"step\":1,\"loss\":0.5}\n{\"step\":2,\"loss\":NaN,\"grad_norm\":-Infinity}\n{\"step\":3,\"loss\":null}\n"},
			[]string{`<td class="num">NaN</td>`, `<figure id="training-loss"`},
		},
		{
			"nothing but NaN",
			map[string]string{"metrics.jsonl": `{"step":1,"loss":null}`},
			[]string{"Every value is missing (NaN)."},
		},
		{
			"a record without step",
			map[string]string{"metrics.jsonl": "{\"loss\":1}\n{\"step\":1,\"loss\":0.75}\n"},
			[]string{"metrics.jsonl:1 is not a whole record", `<td class="num">0.7500</td>`},
		},
		{
			"a resumed run logs a step twice",
			map[string]string{"metrics.jsonl": "{\"step\":1,\"loss\":9}\n{\"step\":2,\"loss\":8}\n{\"step\":2,\"loss\":0.125}\n"},
			[]string{`<td class="num">0.1250</td>`},
		},
		{
			"broken settings",
			map[string]string{"metrics.jsonl": "", "config.yaml": "a: [1\nb: }"},
			[]string{"config.yaml is not valid YAML"},
		},
		{
			"broken inspection",
			map[string]string{"metrics.jsonl": "", "inspect.json": `{"pairs":[{"chosen":{"ids":[1],"kl_forward":[1,2]}}]}`},
			[]string{"inspect.json was left out: pairs[0].chosen.kl_forward: 2 entries"},
		},
		{
			"inspection without masks and reference",
			map[string]string{"metrics.jsonl": "", "inspect.json": `{"method":"simpo","beta":null,"loss":null,"pairs":[{"loss":null,"chosen":{"ids":[5]},"rejected":{"ids":[]}}]}`},
			[]string{`<figure id="heatmap-1-1"`, "Not measured: log-ratio, KL(reference ‖ policy), reward mask, KL mask"},
		},
		{
			"samples without rewards",
			map[string]string{"metrics.jsonl": "", "samples/step-000003.jsonl": "{\"prompt\":\"p\",\"completion\":\"c\"}\n{\"prompt\":\"q\"}\n"},
			[]string{"samples/step-000003.jsonl:2 is not a whole record", "reward <b>not measured</b>"},
		},
		{
			"mean reward from samples where there is no frontier",
			map[string]string{
				"metrics.jsonl":             "",
				"samples/step-000003.jsonl": "{\"prompt\":\"p\",\"completion\":\"c\",\"reward\":0.25,\"kl\":2}\n{\"prompt\":\"q\",\"completion\":\"c\",\"reward\":0.5,\"kl\":null}\n",
			},
			[]string{`<td class="num">0.3750</td><td class="num">2</td>`},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			folder := t.TempDir()
			for name, text := range test.files {
				write(t, filepath.Join(folder, name), text)
			}
			page := build(t, folder)
			for _, want := range append(test.want, "</html>", `<figure id="samples"`, `<figure id="settings"`, `<figure id="token-kl"`) {
				if !strings.Contains(page, want) {
					t.Errorf("the page lacks %q", want)
				}
			}
		})
	}
}

func TestWriteErrors(t *testing.T) {
	folder := t.TempDir()
	write(t, filepath.Join(folder, "file"), "")
	write(t, filepath.Join(folder, "empty", "notes.txt"), "")
	write(t, filepath.Join(folder, "only-final", "final", "metrics.jsonl"), "")
	tests := []struct {
		name string
		runs []string
		want string
	}{
		{"no run", nil, "no run folder given"},
		{"missing", []string{filepath.Join(folder, "none")}, "none: no such folder; expected a run folder (it holds metrics.jsonl)"},
		{"file", []string{filepath.Join(folder, "file")}, "file: a file; expected a run folder"},
		{"no run below", []string{filepath.Join(folder, "empty")}, "empty: no run folder; expected metrics.jsonl"},
		{"final is no run", []string{filepath.Join(folder, "only-final")}, "only-final: no run folder"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "report.html")
			err := Write(out, test.runs, nil)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got %v, want %q", err, test.want)
			}
			if !usage.Is(err) {
				t.Errorf("%v is not marked as the user's mistake", err)
			}
			if _, err := os.Stat(out); !os.IsNotExist(err) {
				t.Error("a refused report left a file")
			}
		})
	}
}
