package report

import (
	"path/filepath"
	"strings"
	"testing"
)

// constantRun measures one point at step 0, KL 0, and one at step 10, of samples that are all alike.
func constantRun(t *testing.T, folder, method string, reward, kl string) {
	t.Helper()
	write(t, filepath.Join(folder, "config.yaml"), "method: "+method+"\nbeta: 0.1\n")
	write(t, filepath.Join(folder, metricsFile), `{"step":0,"eval_frontier/reward":0.5,"eval_frontier/kl":0,"eval_frontier/kl_sampled":0}
{"step":10,"eval_frontier/reward":`+reward+`,"eval_frontier/kl":`+kl+`,"eval_frontier/kl_sampled":`+kl+`}
`)
	write(t, filepath.Join(folder, "samples", "step-000000.jsonl"), strings.Repeat(`{"prompt":"p","completion":"c","reward":0.5,"kl":0,"kl_sampled":0}`+"\n", 2))
	write(t, filepath.Join(folder, "samples", "step-000010.jsonl"),
		strings.Repeat(`{"prompt":"p","completion":"c","reward":`+reward+`,"kl":`+kl+`,"kl_sampled":`+kl+"}\n", 2))
}

// To KL 2, dpo has (0.5+0.75)/2·2 = 1.25 and mapo (0.5+1)/2·1 + 1·1 = 1.75; samples that are all alike leave nothing to vary.
func TestWriteAreas(t *testing.T) {
	folder := t.TempDir()
	constantRun(t, filepath.Join(folder, "a"), "dpo", "0.75", "2")
	constantRun(t, filepath.Join(folder, "b"), "mapo", "1", "1")
	page := build(t, folder)
	for _, want := range []string{
		"by <code>kl</code>, to 2 nats", "by <code>kl_sampled</code>, to 2 nats",
		`dpo</th><td class="num">1.250</td><td class="num">1.250 to 1.250</td><td class="num">–</td><td class="num">–</td>`,
		`mapo</th><td class="num">1.750</td><td class="num">1.750 to 1.750</td><td class="num">&#43;0.500</td><td class="num">&#43;0.500 to &#43;0.500</td>`,
		"<code>kl</code> is Σ_t KL(π ‖ π_ref) over the vocabulary, in nats a response; its areas end at 2",
		"2000 bootstrap resamples of 2 prompts, the same ones for every point of every run",
		"step 10; 95 %: reward 0.75 to 0.75, KL 2 to 2",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

func TestWriteAreasWithoutSamples(t *testing.T) {
	folder := t.TempDir()
	constantRun(t, filepath.Join(folder, "a"), "dpo", "0.75", "2")
	constantRun(t, filepath.Join(folder, "b"), "mapo", "1", "1")
	write(t, filepath.Join(folder, "a", "samples", "step-000010.jsonl"), "{\"prompt\":\"p\",\"completion\":\"c\",\"reward\":0.75}\n")
	write(t, filepath.Join(folder, "b", "samples", "step-000010.jsonl"), `{"prompt":"p","completion":"c","reward":0.25,"kl":1,"kl_sampled":1}`)
	page := build(t, folder)
	for _, want := range []string{
		`dpo</th><td class="num">1.250</td><td class="num">no samples</td>`,
		`<li>a: samples/step-000010.jsonl:1: field &#34;kl&#34;: missing; the fields are &#34;prompt&#34;, &#34;completion&#34;, &#34;reward&#34;; there are no intervals from that step on</li>`,
		`<li>b: samples/step-000010.jsonl disagrees with metrics.jsonl: the mean reward of its 1 samples is 0.25, the record has 1; its point has no interval</li>`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}
