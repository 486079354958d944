package mathanswer

import (
	"bufio"
	"encoding/json"
	"fmt"
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

func TestEquivalenceAgrees(t *testing.T) {
	all, agree := 0, 0
	for _, c := range cases(t) {
		if c.Kind != "hand" && c.Kind != "math500" {
			continue
		}
		all++
		if got := Equivalent(c.NormA, c.NormB); got == c.IsEquiv {
			agree++
		} else {
			t.Errorf("%s: %q and %q: got %v, want %v", c.ID, c.NormA, c.NormB, got, c.IsEquiv)
		}
	}
	t.Logf("equivalence agrees in %d of %d cases", agree, all)
}

func TestGradesAgree(t *testing.T) {
	all, match, original := 0, 0, 0
	for _, c := range cases(t) {
		if c.Kind == "boxed" {
			continue
		}
		all++
		gotMatch, gotOriginal := Grade(c.Generation, c.Solution)
		if gotOriginal == (c.Original == 1) {
			original++
		} else {
			t.Errorf("%s: original: generation %q, solution %q: got %v", c.ID, c.Generation, c.Solution, gotOriginal)
		}
		if gotMatch == (c.ExactMatch == 1) {
			match++
		} else {
			t.Errorf("%s: generation %q, solution %q: got %v", c.ID, c.Generation, c.Solution, gotMatch)
		}
	}
	t.Logf("of %d cases: exact_match agrees in %d, exact_match_original in %d", all, match, original)
}

func TestGrade(t *testing.T) {
	const last = "Final Answer: The final answer is %s. I hope it is correct."
	for _, test := range []struct {
		solution, answer string
		match, original  bool
	}{
		{`\frac{3}{4}`, `$0.75$`, true, true},
		{`\frac{1}{3}`, `$0.333333$`, true, false},
		{`x^2-4`, `$(x-2)(x+2)$`, true, true},
		{`x^2-4`, `$(x-2)^2$`, false, false},
		{`(1,2)`, `$(1,2]$`, false, false},
		{`(1,\infty)`, `$x > 1$`, false, false},
		{`x>1`, `$(1,\infty)$`, true, false},
		{`1<x\le 2`, `$(1,2]$`, true, false},
		{`2x+4=0`, `$x+2=0$`, true, true},
		{`x<2`, `$-x>-2$`, true, false},
		{`x<2`, `$-x<-2$`, false, false},
		{`\{1,2,3\}`, `$3$, $2$ and $1$`, true, false},
		{`(-1,0)\cup(0,1)`, `$(0,1)\cup(-1,0)$`, true, false},
		{`10^{30}+1`, `$10^{30}$`, false, false},
		{`\binom{10}{3}`, `$\frac{10!}{3!7!}$`, true, true},
		{`\frac{1}{0}`, `$\frac{2}{0}$`, false, false},
		{`\begin{pmatrix}2\\4\end{pmatrix}`, `$2\begin{pmatrix}1\\2\end{pmatrix}$`, true, false},
		{`\text{no}`, `$yes$`, false, false},
	} {
		match, original := Grade(fmt.Sprintf(last, test.answer), `It is $\boxed{`+test.solution+`}$.`)
		if match != test.match || original != test.original {
			t.Errorf("%s for %s: got %v and %v, want %v and %v", test.answer, test.solution, match, original, test.match, test.original)
		}
	}
}

// FuzzGrade asks that no text stops the program, and that whatever can be compared at all is equivalent to itself.
func FuzzGrade(f *testing.F) {
	for _, seed := range []string{
		"", `\frac12 x^{2}_3!`, `(1,2]\cup\{a\}`, `\begin{pmatrix}1&2\\3\end{pmatrix}`, `x<=\sqrt[3]{2}|y|`, `1,000.5\%`, `\text{no}`,
		`answer is $5$ and $6$`, `\log_2 8 : .5'`, `\boxed{\boxed 1}`, `\left\lfloor 2\rfloor\sin^2(x)f(x,y)`,
	} {
		f.Add(seed, "x")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		Grade("Final Answer: The final answer is $"+a+"$. I hope it is correct.", `$\boxed{`+b+`}$`)
		Grade(a, b)
		if Equivalent(a, b) && !Equivalent(b, a) {
			t.Errorf("%q is equivalent to %q, but not the other way round", a, b)
		}
	})
}
