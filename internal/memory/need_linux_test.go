package memory

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sparsepo/sparsepo/data"
	"github.com/sparsepo/sparsepo/model"
)

func gpt2(t *testing.T, vocab, hidden, layers, heads int) *model.Checkpoint {
	t.Helper()
	c, err := model.GPT2Config(vocab, hidden, layers, heads, 2048, -1)
	if err != nil {
		t.Fatal(err)
	}
	return model.Random(c, 1)
}

// TestMeasured compares estimates with what sparsepo bench train --method dpo took with ONNX Runtime, in MiB.
func TestMeasured(t *testing.T) {
	small := func(layers int) *model.Checkpoint { return gpt2(t, 512, 256, layers, 4) }
	rows := data.Shape{Rows: 32, Seq: 64, Responses: 32 * 48}
	const lora = 8 * 8 * 12 * 256 // rank 8 on every linear layer of 8 layers, the three parts of c_attn as one
	for _, c := range []struct {
		name     string
		run      Run
		measured float64
	}{
		{"8 layers", Run{Policy: small(8), Reference: small(8), Compared: true, Trained: small(8).NumParameters(), Shape: rows}, 595},
		{"checkpointing", Run{Policy: small(8), Reference: small(8), Compared: true, Trained: small(8).NumParameters(), Recompute: true, Shape: rows}, 594},
		{"LoRA", Run{Policy: small(8), Compared: true, Adapter: true, Trained: lora, Shape: rows}, 458},
		{"QLoRA, checkpointing", Run{Policy: small(8), Compared: true, Adapter: true, Trained: lora, FourBit: true, Recompute: true, Shape: rows}, 250},
		{"attention", Run{Policy: gpt2(t, 512, 64, 4, 8), Reference: gpt2(t, 512, 64, 4, 8), Compared: true, Trained: 363904, Shape: data.Shape{Rows: 4, Seq: 512, Responses: 4 * 384}}, 496},
		{"vocabulary", Run{Policy: gpt2(t, 50257, 128, 2, 2), Reference: gpt2(t, 50257, 128, 2, 2), Compared: true, Trained: 7091840, Shape: data.Shape{Rows: 8, Seq: 128, Responses: 8 * 112}}, 607},
		{"weights", Run{Policy: gpt2(t, 1024, 1024, 8, 8), Reference: gpt2(t, 1024, 1024, 8, 8), Compared: true, Trained: 103917568, Shape: data.Shape{Rows: 1, Seq: 24, Responses: 16}}, 2091},
	} {
		c.run.FrozenAs, c.run.Fused = 4, true
		got := float64(Estimate(c.run).Total()) / (1 << 20)
		t.Logf("%s: %.0f estimated, %.0f measured", c.name, got, c.measured)
		if got < 0.7*c.measured || got > 1.4*c.measured {
			t.Errorf("%s: %.0f MiB estimated, %.0f measured", c.name, got, c.measured)
		}
	}
}

func TestNeed(t *testing.T) {
	policy := gpt2(t, 100, 64, 2, 4)
	all, linear := int64(policy.NumParameters()), int64(policy.LinearParameters())
	full := Estimate(Run{Policy: policy, Reference: policy, Compared: true, Trained: int(all), FrozenAs: 4})
	if full.Policy != 4*all || full.Reference != 4*all || full.Gradients != 4*all || full.Moments != 8*all {
		t.Errorf("all weights trained: %+v of %d parameters", full, all)
	}
	half := Estimate(Run{Policy: policy, Reference: policy, Trained: 100, Adapter: true, FrozenAs: 2})
	if half.Policy != 2*all+400 || half.Reference != 2*all || half.Moments != 800 {
		t.Errorf("an adapter on bfloat16: %+v", half)
	}
	four := Estimate(Run{Policy: policy, Trained: 100, Adapter: true, FrozenAs: 4, FourBit: true})
	if want := 4*(all-linear) + linear/2; four.Policy < want || four.Policy > want+linear/20+400 || four.Reference != 0 {
		t.Errorf("an adapter on four bits: %+v, want the policy at %d or a little more", four, want)
	}
	if text := full.String(); !strings.Contains(text, "optimiser") || strings.Contains(text, "logits") {
		t.Errorf("%s", text)
	}
}

func TestGroupLeft(t *testing.T) {
	root := t.TempDir()
	write := func(name, text string) {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("a/b/memory.max", "max\n")
	write("a/b/memory.current", "70\n")
	write("a/memory.max", "1000\n")
	write("a/memory.current", "300\n")
	write("membership", "0::/a/b\n")
	if left, limited := groupLeft(root, filepath.Join(root, "membership")); left != 700 || !limited {
		t.Errorf("%d left, limited %v; want 700 of the group above", left, limited)
	}
	write("a/memory.stat", "anon 90\nfile 210\ninactive_file 150\nactive_file 50\nshmem 10\n")
	if left, limited := groupLeft(root, filepath.Join(root, "membership")); left != 900 || !limited {
		t.Errorf("%d left, limited %v; want 900 with the cached files", left, limited)
	}
	write("memory/c/memory.limit_in_bytes", "500\n")
	write("memory/c/memory.usage_in_bytes", "450\n")
	write("membership", "4:cpu,memory:/c\n")
	if left, limited := groupLeft(root, filepath.Join(root, "membership")); left != 50 || !limited {
		t.Errorf("%d left, limited %v; want 50 of the older kind", left, limited)
	}
	write("memory/c/memory.stat", "inactive_file 1\nactive_file 1\ntotal_inactive_file 20\ntotal_active_file 10\n")
	if left, _ := groupLeft(root, filepath.Join(root, "membership")); left != 80 {
		t.Errorf("%d left; want 80 with the cached files of the groups below", left)
	}
	write("membership", "0::/none\n")
	if _, limited := groupLeft(root, filepath.Join(root, "membership")); limited {
		t.Error("a limit where there is none")
	}
	write("meminfo", "MemTotal: 100 kB\nMemAvailable:     64 kB\n")
	if free, known := machineFree(filepath.Join(root, "meminfo")); free != 64<<10 || !known {
		t.Errorf("%d free, known %v", free, known)
	}
}
