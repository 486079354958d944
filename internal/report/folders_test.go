package report

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sparsepo/sparsepo/internal/evaluation"
	"github.com/sparsepo/sparsepo/internal/frontier"
	"github.com/sparsepo/sparsepo/internal/inspection"
)

// hostile is a token and a sample that would break a page without escaping.
const hostile = `<script>document.title="broken out"</script><img src=x onerror=alert(1)>`

// plan is a made-up run: its curves follow simple formulas with noise, so that pages look like those of real runs.
type plan struct {
	method string
	beta   float64
	seed   uint64
	steps  int
}

func (p plan) masked() bool { return p.method == "mapo" || strings.HasPrefix(p.method, "sparse-") }

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

func jsonLine(t testing.TB, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text) + "\n"
}

// writeRun makes a complete run folder.
func writeRun(t testing.TB, folder string, p plan) {
	t.Helper()
	random := rand.New(rand.NewPCG(p.seed, 7))
	write(t, filepath.Join(folder, "config.yaml"), fmt.Sprintf(
		"method: %s\nbeta: %g\nlearning_rate: 1.0e-06\nmodel: models/sft\nseed: %d\nout: %s\nmask:\n  weight_decay: 0.01\n  groups: [mlp, attn]\n",
		p.method, p.beta, p.seed, filepath.Base(folder)))
	write(t, filepath.Join(folder, "metrics.jsonl"), p.metrics(t, random))
	m, _, err := readMetrics(filepath.Join(folder, metricsFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range (&run{Metrics: m}).checkpoints() {
		klSampled := m.at(frontierKLSampled, c.step).X
		write(t, filepath.Join(folder, frontier.SamplesFile(int(c.step))), p.samples(t, c.Reward, c.KL, klSampled, random))
	}
	if err := p.inspect(random).WriteFile(filepath.Join(folder, "inspect.json")); err != nil {
		t.Fatal(err)
	}
}

func (p plan) metrics(t testing.TB, random *rand.Rand) string {
	var text strings.Builder
	speed := 0.4 + random.Float64()
	noise := func(size float64) float64 { return size * random.NormFloat64() }
	for step := 0; step <= p.steps; step += 10 {
		progress := 1 - math.Exp(-speed*float64(step)/120)
		kl := 40 * progress * progress / (0.3 + p.beta)
		if step > 0 {
			record := map[string]any{
				"step": step, "epoch": float64(step) / 200, "loss": 0.69 - 0.4*progress + noise(0.02), "learning_rate": 1e-6,
				"grad_norm": 3 + noise(0.4), "tokens_per_second": 1200,
				"rewards/chosen": progress + noise(0.05), "rewards/rejected": -progress + noise(0.05), "rewards/margins": 2*progress + noise(0.1),
				"rewards/accuracies": min(1, max(0, 0.5+0.4*progress+noise(0.03))),
				"logps/chosen":       -120 - 10*progress + noise(2), "logps/rejected": -125 - 25*progress + noise(2),
				"kl/chosen": kl * 0.4, "kl/rejected": kl * 0.6, "token_kl/chosen": kl * 0.01, "token_kl/rejected": kl * 0.015,
			}
			if p.masked() {
				p.addMasks(record, progress, noise)
			}
			if step%100 == 0 {
				record["eval_loss"], record["eval_rewards/accuracies"] = 0.69-0.35*progress, 0.5+0.35*progress
			}
			text.WriteString(jsonLine(t, record))
		}
		if step%50 == 0 {
			reward := 0.5 + 0.45*progress - 0.1*progress*progress*speed + noise(0.01)
			if step == 0 {
				reward = 0.5
			}
			text.WriteString(jsonLine(t, map[string]any{
				"step": step, "eval_frontier/reward": reward, "eval_frontier/kl": kl,
				"eval_frontier/kl_sampled": kl + noise(0.3), "eval_frontier/samples": 64,
			}))
		}
	}
	return text.String()
}

func (p plan) addMasks(record map[string]any, progress float64, noise func(float64) float64) {
	for i, mask := range []string{"reward", "kl"} {
		if p.method != "sparse-independent" {
			i = 0
		}
		for k, side := range []string{"chosen", "rejected"} {
			sparsity := 0.15 + 0.6*progress*(1-0.2*float64(i)) - 0.05*float64(k)
			record["mask/"+mask+"_sparsity_"+side] = sparsity
			record["mask/"+mask+"_mean_"+side] = 1.2 - sparsity
		}
	}
}

var samplePrompts = []string{"The film opens with", "I did not expect that", "Two hours later\nthe audience", "A < B & \"C\"", strings.Repeat("unbroken", 40)}

// samples have the means that are given.
func (p plan) samples(t testing.TB, reward, kl, klSampled float64, random *rand.Rand) string {
	words := strings.Fields("a careful warm and funny story that never hurries its actors although the last act drags a little")
	var text strings.Builder
	for i, prompt := range samplePrompts {
		var completion strings.Builder
		for range 25 + random.IntN(30) {
			completion.WriteString(" " + words[random.IntN(len(words))])
		}
		if i == len(samplePrompts)-1 {
			completion.WriteString("\n" + hostile + strings.Repeat("0", 400))
		}
		text.WriteString(jsonLine(t, map[string]any{
			"prompt": prompt, "completion": completion.String(),
			"reward": reward + 0.02*float64(i-2), "kl": kl * (1 + 0.1*float64(i-2)), "kl_sampled": klSampled * (1 - 0.1*float64(i-2)),
		}))
	}
	return text.String()
}

func (p plan) inspect(random *rand.Rand) inspection.Inspect {
	inspect := inspection.Inspect{Method: p.method, Beta: inspection.Number(p.beta), Loss: 0.41}
	for i := range 4 {
		pair := inspection.Pair{
			Loss: 0.4, RewardChosen: 1.25, RewardRejected: -0.5,
			Chosen: p.side(random, 30), Rejected: p.side(random, 40),
		}
		if i == 0 {
			pair.Chosen.Tokens[3], pair.Chosen.Tokens[5], pair.Chosen.LogRatio[6] = hostile, "\n", math.NaN()
			pair.Rejected.Tokens[2] = strings.Repeat("=", 300)
		}
		inspect.Pairs = append(inspect.Pairs, pair)
	}
	return inspect
}

func (p plan) side(random *rand.Rand, numTokens int) inspection.Side {
	words := strings.Fields("this film was great and the acting is superb while pacing remains uneven through its middle")
	var s inspection.Side
	for i := range numTokens {
		ratio := random.NormFloat64()
		s.IDs = append(s.IDs, int32(i))
		s.Tokens = append(s.Tokens, " "+words[random.IntN(len(words))])
		s.LogpPolicy, s.LogpRef = append(s.LogpPolicy, -2+ratio), append(s.LogpRef, -2)
		s.LogRatio = append(s.LogRatio, ratio)
		s.KLForward, s.KLReverse = append(s.KLForward, ratio*ratio/3), append(s.KLReverse, ratio*ratio/2)
		if p.masked() {
			mask := max(0, random.NormFloat64())
			s.MaskReward, s.MaskKL = append(s.MaskReward, mask), append(s.MaskKL, mask)
		}
	}
	return s
}

// writeSweep makes runs of all methods with two values of β each, and returns the sweep's folder.
func writeSweep(t testing.TB) string {
	t.Helper()
	sweep := filepath.Join(t.TempDir(), "sweep")
	for i, style := range methodStyles {
		betas := []float64{0.1, 1}
		if style.name == "sft" {
			betas = betas[:1]
		}
		for k, beta := range betas {
			name := fmt.Sprintf("%s-beta-%g", style.name, beta)
			writeRun(t, filepath.Join(sweep, name), plan{style.name, beta, uint64(2*i + k), 600})
		}
	}
	for i, name := range []string{"dpo-beta-0.1", "mapo-beta-1", "sparse-common-beta-0.1"} {
		tasks := append(leaderboardTasks(), "humaneval", evaluation.TextTask)
		write(t, filepath.Join(sweep, name, evalFolder, "all.jsonl"), results(t, name, tasks, 20, 0.3+0.1*float64(i), uint64(i)))
	}
	long := "learning_rate=1e-06_" + strings.Repeat("long", 20)
	writeRun(t, filepath.Join(sweep, long), plan{"sparse-common", 1, 99, 600})
	return sweep
}

// build writes the report of the given folders and returns its text.
func build(t testing.TB, folders ...string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "report.html")
	if err := Write(out, folders, nil); err != nil {
		t.Fatal(err)
	}
	return readPage(t, out)
}

func readPage(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
