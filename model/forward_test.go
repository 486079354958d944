package model

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	gomodel "github.com/gomlx/gomlx/ml/model"

	"github.com/sparsepo/sparsepo/internal/device"
	"github.com/sparsepo/sparsepo/internal/golden"
)

const tinyLayers, tinyHeads = 3, 4

// tinyModels are what the tests know of golden.TinyConfigs with tinyHeads heads.
var tinyModels = map[string]struct {
	kvHeads, headDim int
	attention, resid int // traced activations of a layer
}{
	// Attention: query, key, value and the heads' output, rotated queries and keys in rotary families. The residual stream:
	// inputs and outputs of both blocks and the stream after each; families whose blocks are parallel have no stream in
	// between, and GPT-J one input for both.
	"gpt2": {4, 4, 4, 6}, "gpt_bigcode": {1, 4, 4, 6}, "gpt_bigcode-mha": {4, 4, 4, 6},
	"gpt_neox": {4, 4, 6, 5}, "gpt_neox-sequential": {4, 4, 6, 6}, "gptj": {4, 4, 6, 4},
	"llama": {2, 4, 6, 6}, "llama-wide": {1, 6, 6, 6}, "qwen2": {2, 4, 6, 6},
}

// tinyNetworks binds every family's small models with parameters that are all random.
func tinyNetworks(t *testing.T, e golden.Engine, test func(t *testing.T, name string, n *Network, store *gomodel.Store)) {
	t.Helper()
	configs := golden.TinyConfigs(golden.Size{Vocab: 11, Hidden: 4 * tinyHeads, Layers: tinyLayers, Heads: tinyHeads, Positions: 16})
	if len(configs) != len(tinyModels) {
		t.Fatalf("%d configurations, known are %d", len(configs), len(tinyModels))
	}
	for name, text := range configs {
		t.Run(name, func(t *testing.T) {
			config, err := ParseConfig(text)
			if err != nil {
				t.Fatal(err)
			}
			store := gomodel.NewStore()
			n, err := Random(config, 3).Bind(e.Backend, store, "/n", Binding{Trainable: true})
			if err != nil {
				t.Fatal(err)
			}
			rnd := rand.New(rand.NewPCG(5, 5))
			for _, v := range n.Variables() {
				values := make([]float32, v.Shape().Size())
				for i := range values {
					values[i] = float32(0.3 * rnd.NormFloat64())
				}
				placed, err := device.Float32(e.Backend, values, v.Shape().Dimensions...)
				if err != nil {
					t.Fatal(err)
				}
				if err := v.SetValue(placed); err != nil {
					t.Fatal(err)
				}
			}
			test(t, name, n, store)
		})
	}
}

// causal are the inputs of a pass in which every position sees itself and those before it.
func causal(tokens *Node) Inputs {
	g, rows, seq := tokens.Graph(), tokens.Shape().Dim(0), tokens.Shape().Dim(1)
	square := shapes.Make(dtypes.Int64, rows, seq, seq)
	return Inputs{
		Tokens: tokens, Positions: Iota(g, tokens.Shape(), 1), Visible: GreaterOrEqual(Iota(g, square, 1), Iota(g, square, 2)),
	}
}

// The forward pass returns one hidden state a layer, the last of them after the final norm, keys and values for as many heads
// as have their own, and with Trace the activations of every group.
func TestForwardOutputs(t *testing.T) {
	const rows, seq = 2, 5
	golden.Engines(t, func(t *testing.T, e golden.Engine) {
		tinyNetworks(t, e, func(t *testing.T, name string, n *Network, store *gomodel.Store) {
			want, ok := tinyModels[name]
			if !ok {
				t.Fatalf("nothing known of %s", name)
			}
			groups := map[string]int{}
			exec, err := gomodel.NewExec(e.Backend, store, func(_ *gomodel.Scope, in []*Node) []*Node {
				inputs := causal(in[0])
				inputs.Trace = true
				out := n.Forward(inputs)
				if len(out.Hidden) != tinyLayers || len(out.Keys) != tinyLayers || len(out.Values) != tinyLayers {
					panic(fmt.Errorf("%d hidden states, %d keys, %d values; want %d of each", len(out.Hidden), len(out.Keys), len(out.Values), tinyLayers))
				}
				for _, x := range append(out.Hidden, out.Final) {
					x.AssertDims(rows, seq, 4*tinyHeads)
				}
				for _, x := range append(out.Keys, out.Values...) {
					x.AssertDims(rows, want.kvHeads, seq, want.headDim)
				}
				names := map[string]bool{}
				for _, a := range out.Activations {
					groups[a.Group]++
					names[a.Name] = true
					if dims := a.Value.Shape().Dimensions; dims[0] != rows || dims[1] != seq {
						panic(fmt.Errorf("activation %s is %v", a.Name, dims))
					}
				}
				if len(names) != len(out.Activations) {
					panic(fmt.Errorf("%d names for %d activations", len(names), len(out.Activations)))
				}
				last := Sub(out.Hidden[tinyLayers-1], out.Final)
				return []*Node{ReduceAllMax(Abs(last)), ReduceAllMax(Abs(Sub(out.Hidden[0], out.Final)))}
			})
			if err != nil {
				t.Fatal(err)
			}
			out, err := exec.Call([][]int64{{1, 2, 3, 4, 5}, {6, 7, 8, 9, 10}})
			if err != nil {
				t.Fatal(err)
			}
			if last, first := out[0].Value().(float32), out[1].Value().(float32); last != 0 || first == 0 {
				t.Errorf("the last layer's hidden state is %g and the first one's %g away from the final one; want 0 and more", last, first)
			}
			// The residual group also has the embedding and the final norm.
			for group, count := range map[string]int{"mlp": tinyLayers, "attn": want.attention * tinyLayers, "resid": want.resid*tinyLayers + 2} {
				if groups[group] != count {
					t.Errorf("%d activations in group %s, want %d", groups[group], group, count)
				}
			}
		})
	})
}

// Rotary families see how far apart tokens are, not where they stand: moving all positions changes nothing, moving one does.
func TestRelativePositions(t *testing.T) {
	golden.Engines(t, func(t *testing.T, e golden.Engine) {
		tinyNetworks(t, e, func(t *testing.T, _ string, n *Network, store *gomodel.Store) {
			exec, err := gomodel.NewExec(e.Backend, store, func(_ *gomodel.Scope, tokens, positions *Node) *Node {
				in := causal(tokens)
				in.Positions = positions
				return n.Logits(Reshape(n.Forward(in).Final, 3*4, -1))
			})
			if err != nil {
				t.Fatal(err)
			}
			out, err := exec.Call1([][]int64{{1, 2, 3, 4}, {1, 2, 3, 4}, {1, 2, 3, 4}}, [][]int64{{0, 1, 2, 3}, {7, 8, 9, 10}, {0, 1, 2, 6}})
			if err != nil {
				t.Fatal(err)
			}
			logits := tensors.MustCopyFlatData[float32](out)
			row := len(logits) / 3
			distance := func(other int) float64 {
				furthest := 0.0
				for i := range row {
					furthest = max(furthest, math.Abs(float64(logits[other*row+i]-logits[i])))
				}
				return furthest
			}
			const bound = 2e-4
			if rotary := n.Config.rope.kind != ""; rotary != (distance(1) < bound) {
				t.Errorf("all positions moved: logits differ by up to %g, rotary %v", distance(1), rotary)
			}
			if distance(2) < 10*bound {
				t.Errorf("one position moved: logits differ by up to %g", distance(2))
			}
		})
	})
}

// Computing activations again for the gradients changes no value and no gradient.
func TestRecompute(t *testing.T) {
	golden.Engines(t, func(t *testing.T, e golden.Engine) {
		tinyNetworks(t, e, func(t *testing.T, name string, n *Network, store *gomodel.Store) {
			if e.Name != "go" && name != "gpt_neox" && name != "gptj" && name != "llama-wide" {
				t.Skip("skipped: the go engine compares every family; preparing a graph takes long on this one")
			}
			exec, err := gomodel.NewExec(e.Backend, store, func(_ *gomodel.Scope, tokens *Node) []*Node {
				var variables []*Node
				for _, v := range n.Trained() {
					variables = append(variables, v.NodeValue(tokens.Graph()))
				}
				var out []*Node
				for _, recompute := range []bool{false, true} {
					in := causal(tokens)
					in.Recompute = recompute
					logits := n.Logits(Reshape(n.Forward(in).Final, 5, -1))
					score := ReduceAllMean(Square(LogSoftmax(logits, -1)))
					out = append(append(out, score), Gradient(score, variables...)...)
				}
				return out
			})
			if err != nil {
				t.Fatal(err)
			}
			out, err := exec.Call([][]int64{{1, 2, 3, 4, 5}})
			if err != nil {
				t.Fatal(err)
			}
			half := len(out) / 2
			largest := 0.0
			for i := range half {
				want, got := tensors.MustCopyFlatData[float32](out[i]), tensors.MustCopyFlatData[float32](out[half+i])
				what := "value"
				if i > 0 {
					what = "gradient of " + n.Trained()[i-1].Param.Name
				}
				for j := range want {
					golden.Close(t, what, float64(got[j]), float64(want[j]), 2e-6)
					largest = max(largest, math.Abs(float64(want[j])))
				}
			}
			if largest < 1e-3 {
				t.Errorf("all gradients are below %g", largest)
			}
		})
	})
}

// In bfloat16 every family computes what it computes in float32, to about the 8 bits that are left.
func TestBFloat16(t *testing.T) {
	backend := goBackend(t)
	tinyNetworks(t, golden.Engine{Name: "go", Backend: backend}, func(t *testing.T, _ string, n *Network, store *gomodel.Store) {
		folder := t.TempDir()
		if err := n.Save(folder); err != nil {
			t.Fatal(err)
		}
		checkpoint, err := Open(folder)
		if err != nil {
			t.Fatal(err)
		}
		defer checkpoint.Close()
		half, err := checkpoint.Bind(backend, store, "/half", Binding{DType: dtypes.BFloat16})
		if err != nil {
			t.Fatal(err)
		}
		exec, err := gomodel.NewExec(backend, store, func(_ *gomodel.Scope, tokens *Node) []*Node {
			var out []*Node
			for _, network := range []*Network{n, half} {
				logits := network.Logits(Reshape(network.Forward(causal(tokens)).Final, 5, -1))
				if logits.DType() != dtypes.Float32 {
					panic(fmt.Errorf("logits are %s", logits.DType()))
				}
				out = append(out, LogSoftmax(logits, -1))
			}
			return out
		})
		if err != nil {
			t.Fatal(err)
		}
		out, err := exec.Call([][]int64{{1, 2, 3, 4, 5}})
		if err != nil {
			t.Fatal(err)
		}
		want, got := tensors.MustCopyFlatData[float32](out[0]), tensors.MustCopyFlatData[float32](out[1])
		different := false
		for i := range want {
			golden.Close(t, "log-probability", float64(got[i]), float64(want[i]), 0.05)
			different = different || got[i] != want[i]
		}
		if !different {
			t.Error("the same to the last bit: not computed in bfloat16")
		}
	})
}
