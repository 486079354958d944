package report

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"html"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// probe is added to a copy of the page. It measures the layout after loading and leaves the result as JSON in an element.
const probe = `<script>addEventListener("load", () => {
  const figures = [...document.querySelectorAll("figure")].map((figure) => {
    const box = figure.getBoundingClientRect();
    return {id: figure.id, left: box.left, right: box.right, height: box.height,
      charts: [...figure.querySelectorAll("svg.chart")].filter((c) => c.getBoundingClientRect().width > 0).length};
  });
  const dots = document.querySelectorAll("g.series").length;
  let hidden = 0;
  const entry = document.querySelector(".entry");
  if (entry) {
    entry.click();
    hidden = [...document.querySelectorAll("g.series")].filter((g) => g.style.display === "none").length;
    entry.click();
  }
  let tip = "";
  const dot = [...document.querySelectorAll("#frontier g.series.faint > *")].find((d) => d.getBoundingClientRect().width > 0);
  if (dot) {
    const box = dot.getBoundingClientRect();
    dot.ownerSVGElement.dispatchEvent(new PointerEvent("pointermove",
      {clientX: box.left + box.width / 2, clientY: box.top + box.height / 2, bubbles: true}));
    tip = document.getElementById("tip").textContent;
  }
  const result = document.createElement("pre");
  result.id = "probe";
  result.textContent = JSON.stringify({width: innerWidth, scroll: document.documentElement.scrollWidth, figures,
    series: dots, hidden, scripts: document.scripts.length, title: document.title, tip});
  document.body.append(result);
});</script>`

type layout struct {
	Width, Scroll           int
	Series, Hidden, Scripts int
	Title, Tip              string
	Figures                 []struct {
		ID                  string
		Left, Right, Height float64
		Charts              int
	}
}

func chromium(t *testing.T) string {
	t.Helper()
	binary, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("no chromium on PATH: install it to check how the pages are laid out")
	}
	return binary
}

// browse runs the browser on a page and returns its standard output.
func browse(t *testing.T, page string, width int, flags ...string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	arguments := []string{
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
		"--user-data-dir=" + t.TempDir(), fmt.Sprintf("--window-size=%d,900", width),
	}
	cmd := exec.CommandContext(ctx, chromium(t), append(append(arguments, flags...), "file://"+page)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	cmd.WaitDelay = 5 * time.Second
	output, err := cmd.Output()
	if err != nil {
		t.Fatalf("chromium: %v\n%s", err, stderr.Bytes())
	}
	return output
}

var (
	probeResult = regexp.MustCompile(`(?s)<pre id="probe">(.*?)</pre>`)
	policy      = regexp.MustCompile(`<meta http-equiv="Content-Security-Policy"[^>]*>`)
)

// measure lays a page out at a width. A browser window has a least width of its own, so the page is put into a frame.
func measure(t *testing.T, page string, width int) layout {
	t.Helper()
	probed := policy.ReplaceAllString(strings.Replace(page, "</body>", probe+"</body>", 1), "")
	folder := t.TempDir()
	inner := filepath.Join(folder, "inner.html")
	write(t, inner, probed)
	frame := fmt.Sprintf(`<!DOCTYPE html><iframe id="frame" style="border:0;width:%dpx;height:900px"></iframe><pre id="out"></pre>
<script>const frame = document.getElementById("frame");
frame.addEventListener("load", () => { const found = frame.contentDocument.getElementById("probe");
  if (!found) return; const copy = document.createElement("pre"); copy.id = "probe"; copy.textContent = found.textContent; document.body.append(copy); });
frame.srcdoc = %s;</script>`, width, scriptString(t, probed))
	outer := filepath.Join(folder, "outer.html")
	write(t, outer, frame)
	output := browse(t, outer, max(width+40, 600), "--dump-dom", "--virtual-time-budget=20000")
	match := probeResult.FindSubmatch(output)
	if match == nil {
		t.Fatalf("the page did not load: no probe in the browser's %d bytes of output", len(output))
	}
	var result layout
	if err := json.Unmarshal([]byte(html.UnescapeString(string(match[1]))), &result); err != nil {
		t.Fatal(err)
	}
	if math.Abs(float64(result.Width-width)) > 1 {
		t.Fatalf("the page was laid out %d pixels wide, not %d", result.Width, width)
	}
	return result
}

// scriptString is a text as a JavaScript string that cannot end the script element around it.
func scriptString(t *testing.T, text string) string {
	t.Helper()
	encoded, err := json.Marshal(text) // escapes < and >
	if err != nil {
		t.Fatal(err)
	}
	return string(encoded)
}

func TestPageInBrowser(t *testing.T) {
	chromium(t)
	page := build(t, writeSweep(t))
	for _, width := range []int{1400, 380} {
		t.Run(fmt.Sprint(width), func(t *testing.T) {
			result := measure(t, page, width)
			checkLayout(t, result, width)
			if result.Hidden == 0 || result.Hidden == result.Series {
				t.Errorf("a click on a legend entry hid %d of %d series, want some", result.Hidden, result.Series)
			}
			if want := 2; result.Scripts != want { // the page's own and the probe
				t.Errorf("the page has %d scripts, want %d", result.Scripts, want)
			}
			if result.Title != "sparsepo report" {
				t.Errorf("title is %q: a token's text was run as script", result.Title)
			}
			// The first point of the frontier is the untouched model, where all runs meet.
			if !strings.Contains(result.Tip, "response (nats): 0\nmean reward: 0.5\nstep 0") {
				t.Errorf("tooltip at the first point of the frontier: %q", result.Tip)
			}
			seen := map[string]bool{}
			for _, f := range result.Figures {
				seen[f.ID] = true
				if drawn := f.Charts > 0; !drawn && !strings.HasPrefix(f.ID, "heatmap-") && f.ID != "samples" && f.ID != "settings" {
					t.Errorf("figure %s shows no chart", f.ID)
				}
			}
			for _, id := range wantFigures {
				if !seen[id] {
					t.Errorf("figure %s is missing", id)
				}
			}
		})
	}
}

func checkLayout(t *testing.T, result layout, width int) {
	t.Helper()
	if result.Scroll > width {
		t.Errorf("the page is %d pixels wide in a window of %d: it scrolls sideways", result.Scroll, width)
	}
	for _, f := range result.Figures {
		hidden := f.Height == 0 // inside a closed details element
		if !hidden && (f.Left < 0 || f.Right > float64(width) || f.Right-f.Left < 200) {
			t.Errorf("figure %s reaches from %g to %g in a window of %d", f.ID, f.Left, f.Right, width)
		}
	}
}

func TestHeatmapInBrowser(t *testing.T) {
	chromium(t)
	var page strings.Builder
	inspect := plan{method: "sparse-common", beta: 0.7, seed: 3}.inspect(newRandom(3))
	if err := WriteHeatmap(&page, inspect, "Heat maps of a test"); err != nil {
		t.Fatal(err)
	}
	for _, width := range []int{1400, 380} {
		result := measure(t, page.String(), width)
		checkLayout(t, result, width)
		if len(result.Figures) != len(inspect.Pairs) || result.Scripts != 1 {
			t.Errorf("%d figures and %d scripts, want %d and the probe alone", len(result.Figures), result.Scripts, len(inspect.Pairs))
		}
	}
}

// TestScreenshots keeps pictures of the pages for people to look at: go test -run Screenshots -artifacts.
func TestScreenshots(t *testing.T) {
	if !keepArtifacts() {
		t.Skip("run with -artifacts to keep pictures of the pages")
	}
	chromium(t)
	folder := t.ArtifactDir()
	pages := map[string]string{
		"sweep": build(t, writeSweep(t)),
		"one":   build(t, oneRun(t)),
	}
	var heat strings.Builder
	if err := WriteHeatmap(&heat, plan{method: "sparse-common", beta: 0.7}.inspect(newRandom(3)), "Heat maps of a test"); err != nil {
		t.Fatal(err)
	}
	pages["heatmap"] = heat.String()
	for name, page := range pages {
		for _, scheme := range []string{"light", "dark"} {
			for _, width := range []int{1400, 380} {
				path := filepath.Join(folder, fmt.Sprintf("%s-%s-%d", name, scheme, width))
				text := page
				if scheme == "dark" {
					text = strings.ReplaceAll(text, "@media (prefers-color-scheme: dark)", "@media all")
				}
				write(t, path+".html", text)
				height := 14000
				if width == 380 {
					height = 15500
				}
				browse(t, path+".html", width, "--screenshot="+path+".png", fmt.Sprintf("--window-size=%d,%d", width, height))
			}
		}
	}
	t.Logf("pictures in %s", folder)
}

func oneRun(t *testing.T) string {
	folder := filepath.Join(t.TempDir(), "one")
	writeRun(t, folder, plan{"sparse-common", 0.7, 5, 600})
	return folder
}

func keepArtifacts() bool {
	for _, argument := range os.Args {
		if strings.HasPrefix(argument, "-test.artifacts") {
			return true
		}
	}
	return false
}
