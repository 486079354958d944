package model

import (
	"fmt"
	"math"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/sparsepo/sparsepo/internal/golden"
)

// ropeConfig is a Llama with heads of width 8 and these settings.
func ropeConfig(settings string) string {
	return `{"model_type": "llama", "vocab_size": 11, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
		"intermediate_size": 16, "max_position_embeddings": 64` + settings + `}`
}

func TestRopeFrequencies(t *testing.T) {
	// With theta 10⁴ and 8 dimensions the plain frequencies are 1, 10⁻¹, 10⁻², 10⁻³.
	ln := math.Log(10000)
	tests := []struct {
		name, settings string
		want           []float64
		temperature    float64
	}{
		{"default", ``, []float64{1, 0.1, 0.01, 0.001}, 1},
		{"null", `, "rope_scaling": null`, []float64{1, 0.1, 0.01, 0.001}, 1},
		{"theta", `, "rope_theta": 16`, []float64{1, 0.5, 0.25, 0.125}, 1},
		{"newer theta", `, "rope_parameters": {"rope_theta": 16, "rope_type": "default"}`, []float64{1, 0.5, 0.25, 0.125}, 1},
		{"part", `, "partial_rotary_factor": 0.5`, []float64{1, 0.01}, 1},
		{"newer part", `, "rope_parameters": {"partial_rotary_factor": 0.5}`, []float64{1, 0.01}, 1},
		{"wide heads", `, "head_dim": 4`, []float64{1, 0.01}, 1},
		{"linear", `, "rope_scaling": {"type": "linear", "factor": 4}`, []float64{0.25, 0.025, 0.0025, 0.00025}, 1},
		// 20 000 positions hold 3183, 318.3, 31.83 and 3.183 turns: above 100, above 100, between, below 10.
		{
			"llama3", `, "rope_scaling": {"rope_type": "llama3", "factor": 8, "low_freq_factor": 10, "high_freq_factor": 100, "original_max_position_embeddings": 20000}`,
			[]float64{1, 0.1, 0.01/8 + 0.01*7/8*(20000*0.01/(2*math.Pi)-10)/90, 0.001 / 8},
			1,
		},
		// 2π·64 positions hold 64·10^-i turns of pair i, so the bounds are the pairs 0.4 and 2.4, rounded to 0 and 3. From the
		// first to the second the share that is kept falls evenly.
		{
			"yarn, rounded bounds", fmt.Sprintf(`, "rope_scaling": {"rope_type": "yarn", "factor": 4, "original_max_position_embeddings": %v, "beta_fast": %v, "beta_slow": %v}`,
				128*math.Pi, 64*math.Pow(10, -0.4), 64*math.Pow(10, -2.4)),
			[]float64{1, 0.1 * (2.0/3 + 1.0/3/4), 0.01 * (1.0/3 + 2.0/3/4), 0.001 / 4},
			0.1*math.Log(4) + 1,
		},
		{
			"yarn, exact bounds", fmt.Sprintf(`, "rope_scaling": {"rope_type": "yarn", "factor": 4, "original_max_position_embeddings": %v, "beta_fast": %v, "beta_slow": %v, "truncate": false}`,
				128*math.Pi, 64*math.Pow(10, -0.4), 64*math.Pow(10, -2.4)),
			[]float64{1, 0.1 * (0.7 + 0.3/4), 0.01 * (0.2 + 0.8/4), 0.001 / 4},
			0.1*math.Log(4) + 1,
		},
		// By default the original is max_position_embeddings, 64, which holds 10.2 turns of pair 0 (fewer than 32) and 1.02 of
		// pair 1: the bounds are ⌊8 ln(64/(32·2π))/(2 ln 10⁴)⌋ → 0 and ⌈8 ln(64/2π)/(2 ln 10⁴)⌉ = ⌈1.008⌉ = 2.
		{"yarn, defaults", `, "rope_scaling": {"type": "yarn", "factor": 2, "attention_factor": 1.5}`, []float64{1, 0.1 * 0.75, 0.005, 0.0005}, 1.5},
		{
			"yarn, factor of the lengths, weighted temperature",
			`, "rope_scaling": {"type": "yarn", "original_max_position_embeddings": 16, "beta_fast": 1e-6, "beta_slow": 1e-9, "mscale": 2, "mscale_all_dim": 0.5}`,
			[]float64{1, 0.1, 0.01, 0.001},
			(0.2*math.Log(4) + 1) / (0.05*math.Log(4) + 1),
		},
	}
	if bound := 8 * math.Log(64/(2*math.Pi)) / (2 * ln); bound < 1 || bound > 2 {
		t.Fatalf("the table's arithmetic: %g", bound)
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c, err := ParseConfig([]byte(ropeConfig(test.settings)))
			if err != nil {
				t.Fatal(err)
			}
			golden.CloseAll(t, "frequency", c.rope.frequencies(), test.want, 1e-12)
			golden.Close(t, "temperature", c.rope.temperature, test.temperature, 1e-12)
		})
	}
}

// Llama 3.2's settings: what turns at least 4 times within 8192 positions stays, what turns at most once is 32 times slower.
func TestLlama32Frequencies(t *testing.T) {
	c, err := ParseConfig([]byte(realConfigs["Llama-3.2-1B"].text))
	if err != nil {
		t.Fatal(err)
	}
	for i, got := range c.rope.frequencies() {
		plain := math.Pow(500000, -float64(i)/32)
		turns := 8192 * plain / (2 * math.Pi)
		want := plain / 32 * (1 + 31*(turns-1)/3)
		switch {
		case turns >= 4:
			want = plain
		case turns <= 1:
			want = plain / 32
		}
		golden.Close(t, fmt.Sprintf("frequency %d", i), got/want, 1, 1e-12)
	}
}

// A turned pair is the product of complex numbers; dimensions that do not turn stay as they are, bit for bit.
func TestRotation(t *testing.T) {
	const headDim, seq = 6, 3
	positions := []int64{0, 2, 5000}
	for name, r := range map[string]rope{
		"halves":      {kind: ropeDefault, theta: 100, dim: 4, factor: 1, temperature: 1},
		"neighbours":  {kind: ropeDefault, theta: 100, dim: 4, factor: 1, temperature: 1, interleaved: true},
		"all":         {kind: ropeDefault, theta: 1000, dim: 6, factor: 1, temperature: 1},
		"temperature": {kind: ropeDefault, theta: 100, dim: 4, factor: 1, temperature: 1.5},
	} {
		t.Run(name, func(t *testing.T) {
			golden.Engines(t, func(t *testing.T, e golden.Engine) {
				x := make([]float32, 2*seq*headDim) // [1, 2 heads, seq, headDim]
				for i := range x {
					x[i] = float32(math.Sin(float64(3*i) + 1))
				}
				exec, err := NewExec(e.Backend, func(x, at *Node) *Node { return r.rotation(at, headDim).apply(x) })
				if err != nil {
					t.Fatal(err)
				}
				out, err := exec.Call1(tensors.FromFlatDataAndDimensions(x, 1, 2, seq, headDim), tensors.FromFlatDataAndDimensions(positions, 1, seq))
				if err != nil {
					t.Fatal(err)
				}
				got := tensors.MustCopyFlatData[float32](out)
				for row := range 2 * seq {
					before, after := x[row*headDim:(row+1)*headDim], got[row*headDim:(row+1)*headDim]
					for i, f := range r.frequencies() {
						a, b := i, i+r.dim/2
						if r.interleaved {
							a, b = 2*i, 2*i+1
						}
						angle := float64(positions[row%seq]) * f
						turned := complex(float64(before[a]), float64(before[b])) * complex(r.temperature*math.Cos(angle), r.temperature*math.Sin(angle))
						// An angle in float32 is off by up to half a unit in its last place, 2.5e-4 at 5000.
						bound := 1e-6 + math.Abs(angle)*1.2e-7
						golden.Close(t, fmt.Sprintf("row %d pair %d first", row, i), float64(after[a]), real(turned), bound)
						golden.Close(t, fmt.Sprintf("row %d pair %d second", row, i), float64(after[b]), imag(turned), bound)
					}
					for i := r.dim; i < headDim; i++ {
						if before[i] != after[i] {
							t.Errorf("row %d dimension %d, which does not turn: %g became %g", row, i, before[i], after[i])
						}
					}
				}
			})
		})
	}
}

func TestRopeErrors(t *testing.T) {
	const llama3 = `"rope_type": "llama3", "factor": 8, "low_freq_factor": 1, "high_freq_factor": 4, "original_max_position_embeddings": 32`
	tests := []struct{ settings, want string }{
		{`"rope_theta": 0`, "rope_theta: found 0, expected a positive number"},
		{`"rope_theta": 1`, "rotary positions: found theta 1 and factor 1, expected more than 1"},
		{`"rope_scaling": {"type": "yarn", "original_max_position_embeddings": 128}`, "found theta 10000 and factor 0.5, expected more than 1 and at least 1"},
		{`"rope_scaling": {"type": "yarn", "factor": 2, "mscale": 1, "mscale_all_dim": -100}`, "rope_scaling.attention_factor: found -"},
		{`"rope_theta": "big"`, `rope_theta: found "big", expected a positive number`},
		{`"rope_scaling": 3`, "rope_scaling: found 3, expected an object"},
		{`"rope_scaling": {"type": "dynamic", "factor": 2}`, `rope_scaling.rope_type "dynamic" is not supported; known: default, linear, llama3, yarn`},
		{`"rope_parameters": {"rope_type": "longrope"}`, `rope_parameters.rope_type "longrope" is not supported; known: default, linear, llama3, yarn`},
		{`"rope_scaling": {"type": "linear"}`, "rope_scaling.factor: missing"},
		{`"rope_scaling": {"type": "linear", "factor": -2}`, "rope_scaling.factor: found -2, expected a positive number"},
		{`"rope_scaling": {"rope_type": "llama3", "factor": 8}`, "rope_scaling.low_freq_factor: missing"},
		{`"rope_scaling": {` + strings.Replace(llama3, `"high_freq_factor": 4`, `"high_freq_factor": 1`, 1) + `}`, "rope_scaling.high_freq_factor: found 1, expected more than low_freq_factor 1"},
		{`"rope_scaling": {"type": "yarn", "factor": 2, "beta_fast": 1}`, "rope_scaling.beta_fast: found 1, expected more than beta_slow 1"},
		{`"rope_parameters": {"rope_theta": -1}`, "rope_parameters.rope_theta: found -1, expected a positive number"},
		{`"rope_parameters": {"full_attention": {"rope_theta": 1}}`, "rope_parameters: settings by layer type are not supported"},
		{`"rope_parameters": {"rope_theta": 2}, "rope_scaling": {` + llama3 + `}`, "rope_parameters and rope_scaling: found both"},
		{`"partial_rotary_factor": 0.4`, "partial_rotary_factor: 0.4 of a head of width 8 are 3 rotary dimensions, expected an even number from 2 to 8"},
		{`"partial_rotary_factor": 2`, "16 rotary dimensions, expected an even number from 2 to 8"},
		{`"head_dim": 7`, "7 rotary dimensions, expected an even number from 2 to 7"},
	}
	for _, test := range tests {
		c, err := ParseConfig([]byte(ropeConfig(", " + test.settings)))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q", test.settings, err, test.want)
		}
		if c != nil {
			t.Errorf("%s: a configuration beside the error", test.settings)
		}
	}
}
