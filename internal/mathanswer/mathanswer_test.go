package mathanswer

import (
	"bufio"
	"encoding/json"
	"os"
	"testing"

	"github.com/sparsepo/sparsepo/internal/golden"
)

// A goldenCase is one of the reference's; which fields it has depends on its kind.
type goldenCase struct {
	ID         string  `json:"id"`
	Kind       string  `json:"kind"`
	A          string  `json:"a"`
	B          string  `json:"b"`
	NormA      string  `json:"norm_a"`
	NormB      string  `json:"norm_b"`
	Norm       string  `json:"norm"`
	IsEquiv    bool    `json:"is_equiv"`
	Solution   string  `json:"solution"`
	DocAnswer  string  `json:"doc_answer"`
	Generation string  `json:"generation"`
	Extracted  string  `json:"extracted"`
	ExactMatch float64 `json:"exact_match"`
	Original   float64 `json:"exact_match_original"`
	Text       string  `json:"text"`
	LastBoxed  string  `json:"last_boxed"`
	Unboxed    string  `json:"unboxed"`
}

func cases(t *testing.T) []goldenCase {
	t.Helper()
	file, err := os.Open(golden.Shared(t, "golden-eval", "math_equivalence.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var list []goldenCase
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		var c goldenCase
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		list = append(list, c)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}

func TestExtractionAgrees(t *testing.T) {
	equal := func(id, what, got, want string) {
		if got != want {
			t.Errorf("%s: %s: got %q, want %q", id, what, got, want)
		}
	}
	for _, c := range cases(t) {
		switch c.Kind {
		case "boxed":
			equal(c.ID, "last box", LastBoxed(c.Text), c.LastBoxed)
			equal(c.ID, "unboxed", Unbox(c.LastBoxed), c.Unboxed)
		case "extract":
			equal(c.ID, "normalised", Normalize(c.Extracted), c.Norm)
		default:
			equal(c.ID, "normalised a", Normalize(c.A), c.NormA)
			equal(c.ID, "normalised b", Normalize(c.B), c.NormB)
		}
		if c.Kind != "boxed" {
			equal(c.ID, "reference", Unbox(LastBoxed(c.Solution)), c.DocAnswer)
			equal(c.ID, "answer", FinalAnswer(c.Generation), c.Extracted)
		}
	}
}

// differs are cases in which the equivalence differs from SymPy's; docs/evaluation-checks.md gives the reasons.
var differs = map[string]bool{}

func TestEquivalenceAgrees(t *testing.T) {
	all, agree := 0, 0
	for _, c := range cases(t) {
		if c.Kind != "hand" && c.Kind != "math500" {
			continue
		}
		all++
		if got := Equivalent(c.NormA, c.NormB); got == c.IsEquiv {
			agree++
		} else if !differs[c.ID] {
			t.Errorf("%s: %q and %q: got %v, want %v", c.ID, c.NormA, c.NormB, got, c.IsEquiv)
		}
	}
	t.Logf("equivalence agrees in %d of %d cases", agree, all)
}
