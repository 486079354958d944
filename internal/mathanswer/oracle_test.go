package mathanswer

import (
	"bufio"
	"encoding/json"
	"os"
	"testing"

	"github.com/sparsepo/sparsepo/internal/golden"
)

// TestOracle asks that the reference's own answer, given as the few-shot examples give it, is right.
func TestOracle(t *testing.T) {
	file, err := os.Open(golden.Shared(t, "data", "math", "math500.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	n := 0
	for ; lines.Scan(); n++ {
		var record struct{ Solution string }
		if err := json.Unmarshal(lines.Bytes(), &record); err != nil {
			t.Fatal(err)
		}
		answer := Unbox(LastBoxed(record.Solution))
		match, original := Grade("Final Answer: The final answer is $"+answer+"$. I hope it is correct.", record.Solution)
		if !match || !original {
			t.Errorf("answer %q: exact_match %v, exact_match_original %v", answer, match, original)
		}
	}
	if err := lines.Err(); err != nil || n == 0 {
		t.Fatalf("%d records, error %v", n, err)
	}
}
