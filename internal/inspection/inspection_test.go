package inspection

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// equateNaNs lets missing numbers equal each other.
var equateNaNs = cmp.Options{
	cmpopts.EquateNaNs(),
	cmp.Comparer(func(a, b Number) bool { return a == b || math.IsNaN(float64(a)) && math.IsNaN(float64(b)) }),
}

func sample() Inspect {
	return Inspect{
		Method: "sparse-common", Beta: 0.7, Loss: 0.5,
		Pairs: []Pair{{
			Loss: 0.5, RewardChosen: 1, RewardRejected: Number(math.NaN()),
			Chosen: Side{
				IDs: []int32{4, 7}, Tokens: []string{" <b>", "\n"},
				LogpPolicy: Values{-1, -2}, LogpRef: Values{-1.5, -1}, LogRatio: Values{0.5, -1},
				KLForward: Values{0.25, math.NaN()}, KLReverse: Values{0.125, 0}, MaskReward: Values{0, 1}, MaskKL: Values{0, 1},
			},
			Rejected: Side{IDs: []int32{9}, Tokens: []string{"é"}, LogpPolicy: Values{-3}},
		}},
	}
}

func TestFileRoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "inspect.json")
	if err := sample().WriteFile(path); err != nil {
		t.Fatal(err)
	}
	got, err := ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sample(), got, equateNaNs, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("read what was written (-want +got):\n%s", diff)
	}
}

func TestWrite(t *testing.T) {
	var text bytes.Buffer
	inspect := Inspect{Method: "dpo", Beta: 0.1, Loss: Number(math.Inf(1)), Pairs: []Pair{{Chosen: Side{
		IDs: []int32{1}, Tokens: []string{"<"}, LogRatio: Values{math.NaN()},
	}}}}
	if err := inspect.Write(&text); err != nil {
		t.Fatal(err)
	}
	empty := `"logp_policy":[],"logp_ref":[],"logratio":LOGRATIO,"kl_forward":[],"kl_reverse":[],"mask_reward":[],"mask_kl":[]}`
	want := `{"method":"dpo","beta":0.1,"loss":null,"pairs":[{"loss":0,"reward_chosen":0,"reward_rejected":0,` +
		`"chosen":{"ids":[1],"tokens":["<"],` + strings.Replace(empty, "LOGRATIO", "[null]", 1) +
		`,"rejected":{"ids":[],"tokens":[],` + strings.Replace(empty, "LOGRATIO", "[]", 1) + "}]}\n"
	if diff := cmp.Diff(want, text.String()); diff != "" {
		t.Errorf("JSON (-want +got):\n%s", diff)
	}
}

func TestUnequalListsAreRefused(t *testing.T) {
	inspect := sample()
	inspect.Pairs[0].Rejected.MaskKL = Values{1, 2}
	path := filepath.Join(t.TempDir(), "inspect.json")
	const want = "pairs[0].rejected.mask_kl: 2 entries, but ids has 1"
	if err := inspect.WriteFile(path); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("WriteFile: got %v, want %q", err, want)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("a refused inspection left a file: %v", err)
	}
}

func TestReadFileErrors(t *testing.T) {
	tests := []struct {
		name, text, want string
	}{
		{"empty", "", "not the output of inspect --json"},
		{"null", "null", "null instead of an object"},
		{"list", "[]", "not the output of inspect --json"},
		{"cut", `{"method":"dpo","pairs":[`, "not the output of inspect --json"},
		{"word for a number", `{"beta":"big"}`, "not the output of inspect --json"},
		{"two objects", `{} {}`, "more text after the object"},
		{"unequal lists", `{"pairs":[{"chosen":{"ids":[1,2],"logratio":[0.5]}}]}`, "pairs[0].chosen.logratio: 1 entries, but ids has 2"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "inspect.json")
			if err := os.WriteFile(path, []byte(test.text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := ReadFile(path)
			if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want the path and %q", err, test.want)
			}
			if !usage.Is(err) {
				t.Errorf("%v is not marked as the user's mistake", err)
			}
		})
	}
	_, err := ReadFile(filepath.Join(t.TempDir(), "missing.json"))
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: got %v", err)
	}
}

func FuzzParse(f *testing.F) {
	var text bytes.Buffer
	if err := sample().Write(&text); err != nil {
		f.Fatal(err)
	}
	f.Add(text.Bytes())
	f.Add([]byte(`{"pairs":[{"chosen":{"ids":[1],"kl_forward":[null]}}]}`))
	f.Add([]byte(`{"beta":null,"pairs":null}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		inspect, err := parse(text)
		if err != nil {
			return
		}
		var printed bytes.Buffer
		if err := inspect.Write(&printed); err != nil {
			t.Fatalf("write what was read: %v", err)
		}
		again, err := parse(printed.Bytes())
		if err != nil {
			t.Fatalf("read what was written: %v\n%s", err, printed.Bytes())
		}
		if diff := cmp.Diff(inspect, again, equateNaNs, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("parse, print, parse (-first +second):\n%s", diff)
		}
	})
}
