package textmetric

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/google/go-cmp/cmp"

	"github.com/sparsepo/sparsepo/encoder"
	"github.com/sparsepo/sparsepo/internal/fixture"
	"github.com/sparsepo/sparsepo/internal/golden"
	"github.com/sparsepo/sparsepo/internal/usage"
	"github.com/sparsepo/sparsepo/tokenizer"
)

func encoderFolder(t testing.TB) string {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "encoder")
	if err := fixture.Classifier(folder, "ENTAILMENT", "NEUTRAL", "CONTRADICTION"); err != nil {
		t.Fatal(err)
	}
	return folder
}

// alone returns a function that gives the ids of a text and its hidden states after a layer of the fixture's encoder, each
// text read alone and therefore without much padding.
func alone(t *testing.T, folder string, e golden.Engine, layer int) func(text string) (ids []int32, states [][]float64) {
	t.Helper()
	words, err := tokenizer.Load(folder)
	if err != nil {
		t.Fatal(err)
	}
	checkpoint, err := encoder.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer checkpoint.Close()
	bound, err := checkpoint.Bind(e.Backend)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(bound.Close)
	program, err := bound.Program(func(in encoder.Inputs) *Node { return bound.Forward(in, layer)[layer] })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(program.Close)
	return func(text string) (ids []int32, states [][]float64) {
		ids = append(append([]int32{0}, words.Encode(" "+text)...), 2) // <s> and </s>
		err = program.Run(context.Background(), encoder.Plain([][]int32{ids}), func(_ *encoder.Batch, output []float32) error {
			width := bound.Config.Hidden
			for i := range ids {
				var state []float64
				for _, x := range output[i*width : (i+1)*width] {
					state = append(state, float64(x))
				}
				states = append(states, state)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return ids, states
	}
}

// plainSide is the weighted mean, over the tokens of one text, of the highest cosine with a token of the other: the paper's
// definition, word by word.
func plainSide(own, other [][]float64, weights []float64) float64 {
	sum, total := 0.0, 0.0
	for i, x := range own {
		best := -2.0
		for _, y := range other {
			xy, xx, yy := 0.0, 0.0, 0.0
			for k := range x {
				xy, xx, yy = xy+x[k]*y[k], xx+x[k]*x[k], yy+y[k]*y[k]
			}
			best = math.Max(best, xy/math.Sqrt(xx*yy))
		}
		sum, total = sum+weights[i]*best, total+weights[i]
	}
	return sum / total
}

// TestBERTScore compares scores, computed in batches of texts of many lengths, with the definition applied to hidden states
// that were computed one text at a time. Package encoder compares such states with a plain computation.
func TestBERTScore(t *testing.T) {
	folder := encoderFolder(t)
	references := []string{"a good film of the year", "the worst time of them all", "good and warm", "a bad film, and cold, and bad"}
	candidates := []string{"the best film", "  a good time of the year\n", "bad", "all of them are warm and good, the best of all films"}
	const layer = 2
	inTexts := func(id int32, texts [][]int32) float64 {
		n := 0.0
		for _, ids := range texts {
			if strings.ContainsRune(string(ids), id) {
				n++
			}
		}
		return n
	}
	golden.Engines(t, func(t *testing.T, e golden.Engine) {
		states := alone(t, folder, e, layer)
		var referenceIDs [][]int32
		for _, text := range references {
			ids, _ := states(text)
			referenceIDs = append(referenceIDs, ids)
		}
		weigh := map[bool]func(id int32) float64{
			false: func(id int32) float64 {
				if id == 0 || id == 2 {
					return 0
				}
				return 1
			},
			true: func(id int32) float64 {
				return math.Log((float64(len(references)) + 1) / (inTexts(id, referenceIDs) + 1))
			},
		}
		for rare, weigh := range weigh {
			options := BERTScoreOptions{Layer: layer}
			if rare {
				options.IDF = references
			}
			b, err := OpenBERTScore(folder, e.Backend, options)
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			var lists [][]string
			for _, reference := range references {
				lists = append(lists, []string{reference})
			}
			got, numCut, err := b.Score(context.Background(), candidates, lists)
			if err != nil || numCut != 0 {
				t.Fatal(numCut, err)
			}
			for i := range candidates {
				candidateIDs, candidate := states(strings.TrimSpace(candidates[i]))
				referenceIDs, reference := states(references[i])
				weights := func(ids []int32) (list []float64) {
					for _, id := range ids {
						list = append(list, weigh(id))
					}
					return list
				}
				p, r := plainSide(candidate, reference, weights(candidateIDs)), plainSide(reference, candidate, weights(referenceIDs))
				for _, x := range []struct {
					what      string
					got, want float64
				}{{"precision", got[i].Precision, p}, {"recall", got[i].Recall, r}, {"F1", got[i].F1, 2 * p * r / (p + r)}} {
					golden.Close(t, candidates[i]+": "+x.what, x.got, x.want, 1e-6*e.Slack)
				}
			}
		}
	})
}

// A text against itself scores 1, an empty one 0, and of several references the best counts, in whatever order; rescaling
// moves the baseline to 0 and leaves 1.
func TestBERTScoreEdges(t *testing.T) {
	folder := encoderFolder(t)
	baseline := filepath.Join(t.TempDir(), "baseline.tsv")
	if err := os.WriteFile(baseline, []byte("LAYER,P,R,F\n0,0.1,0.1,0.1\n1,0.2,0.25,0.5\n2,0.9,0.9,0.9\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	golden.Engines(t, func(t *testing.T, e golden.Engine) {
		b, err := OpenBERTScore(folder, e.Backend, BERTScoreOptions{Layer: 1, Baseline: baseline})
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		long := strings.Repeat("bad ", 2*fixture.MaxTokens)
		got, numCut, err := b.Score(context.Background(),
			[]string{"a good film", "", "a bad film", long}, [][]string{{"the worst time", "a good film"}, {"a good film"}, {" "}, {long}})
		if err != nil {
			t.Fatal(err)
		}
		if numCut != 1 {
			t.Errorf("%d texts were cut, want 1", numCut)
		}
		zero := Overlap{-0.2 / 0.8, -0.25 / 0.75, -1}
		want := []Overlap{{1, 1, 1}, zero, zero, {1, 1, 1}}
		if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) < 1e-6 })); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if _, _, err := b.Score(context.Background(), []string{"a"}, [][]string{{}}); err == nil || !strings.Contains(err.Error(), "no reference") {
			t.Errorf("without reference: %v", err)
		}
	})
}

func TestMatch(t *testing.T) {
	half := math.Sqrt(0.5)
	reference := embedded{vectors: [][]float64{{1, 0}, {0, 1}}, weights: []float64{3, 1}}
	candidate := embedded{vectors: [][]float64{{half, half}, {-1, 0}, {0, 1}}, weights: []float64{1, 1, 2}}
	p, r := (half+0+2*1)/4, (3*half+1)/4
	if diff := cmp.Diff(Overlap{p, r, 2 * p * r / (p + r)}, match(reference, candidate), closeTo); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	candidate.weights = []float64{0, 0, 0}
	if diff := cmp.Diff(Overlap{Recall: r}, match(reference, candidate), closeTo); diff != "" {
		t.Errorf("without weights (-want +got):\n%s", diff)
	}
}

func TestBERTScoreErrors(t *testing.T) {
	folder := encoderFolder(t)
	write := func(text string) string {
		path := filepath.Join(t.TempDir(), "b.tsv")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	tests := []struct {
		name, folder string
		options      BERTScoreOptions
		want         string
	}{
		{"no layer known", folder, BERTScoreOptions{}, "say which, 1 to 2"},
		{"no such layer", folder, BERTScoreOptions{Layer: 3}, "layer 3 asked for; the model has layers 1 to 2"},
		{"no baseline", folder, BERTScoreOptions{Layer: 1, Baseline: filepath.Join(folder, "none")}, "no such file"},
		{"other header", folder, BERTScoreOptions{Layer: 1, Baseline: write("a,b\n")}, "b.tsv:1: found \"a,b\", expected the header LAYER,P,R,F"},
		{"no such line", folder, BERTScoreOptions{Layer: 1, Baseline: write("LAYER,P,R,F\n0,0,0,0\n")}, "no line for layer 1"},
		{"not a number", folder, BERTScoreOptions{Layer: 1, Baseline: write("LAYER,P,R,F\n1,0,x,0\n")}, `b.tsv:2: field R: found "x"`},
		{"too high", folder, BERTScoreOptions{Layer: 1, Baseline: write("LAYER,P,R,F\n1,0,0,1\n")}, `b.tsv:2: field F: found "1"`},
		{"too few fields", folder, BERTScoreOptions{Layer: 1, Baseline: write("LAYER,P,R,F\n1,0\n")}, `b.tsv:2: found 2 fields`},
		{"no model", filepath.Join(folder, "none"), BERTScoreOptions{Layer: 1}, "config.json"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := OpenBERTScore(test.folder, nil, test.options)
			if err == nil || !usage.Is(err) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want a usage error with %q", err, test.want)
			}
		})
	}
}

func FuzzBaseline(f *testing.F) {
	f.Add("LAYER,P,R,F\n0,0.1,0.2,0.3\n1,0.5,0.5,0.5\n", 1)
	f.Add("LAYER,P,R,F\r\n\"0\",\"\n\",0.2,0.3", 0)
	f.Add("", 0)
	f.Fuzz(func(t *testing.T, text string, layer int) {
		got, err := parseBaseline(strings.NewReader(text), layer)
		if err != nil {
			if got != (Overlap{}) || !strings.Contains(err.Error(), ":") {
				t.Fatalf("%+v, %v", got, err)
			}
			return
		}
		for _, x := range []float64{got.Precision, got.Recall, got.F1} {
			if !(x >= -1 && x < 1) {
				t.Fatalf("%+v", got)
			}
		}
	})
}
