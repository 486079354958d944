package data_test

import (
	"slices"
	"testing"

	"github.com/sparsepo/sparsepo/data"
	"github.com/sparsepo/sparsepo/tokenizer"
)

// TestBoundaryOnRealText: with a real tokenizer no text is lost or changed at the border of prompt and response, the two are the
// ids of running text unless a token would straddle the border, and a response ends with the end-of-sequence token, once.
func TestBoundaryOnRealText(t *testing.T) {
	tok, err := tokenizer.Load(shared(t, "data", "tokenizers", "gpt2"))
	if err != nil {
		t.Fatal(err)
	}
	eos, ok := tok.EOS()
	if !ok {
		t.Fatal("no end-of-sequence token")
	}
	for _, c := range []struct {
		name       string
		straddling bool // words of the prompt run into the response
	}{{"hh/helpful-base.test.jsonl.gz", false}, {"ultrafeedback/test.jsonl.gz", false}, {"odpo/toxicity-pairs.jsonl", true}} {
		reader, err := data.Open(shared(t, "data", c.name), data.Preference)
		if err != nil {
			t.Fatal(err)
		}
		defer reader.Close()
		records, straddled := 0, 0
		for rec, err := range reader.Records() {
			if err != nil {
				continue
			}
			pair, out, err := data.Tokenise(rec, tok, tok.VocabSize(), data.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			records++
			joint := true
			for _, side := range []struct {
				text string
				ids  []int32
			}{{rec.Chosen.Text, pair.Chosen}, {rec.Rejected.Text, pair.Rejected}} {
				last := len(side.ids) - 1
				if last < 1 || side.ids[last] != eos || side.ids[last-1] == eos {
					t.Fatalf("%s: ids %v", rec.Source, side.ids)
				}
				if got := tok.Decode(pair.Prompt) + tok.Decode(side.ids[:last]); got != rec.Prompt.Text+side.text {
					t.Fatalf("%s: %q, want %q", rec.Source, got, rec.Prompt.Text+side.text)
				}
				joint = joint && slices.Equal(append(slices.Clone(pair.Prompt), side.ids[:last]...), tok.Encode(rec.Prompt.Text+side.text))
			}
			if joint == out.Straddled {
				t.Errorf("%s: ids of running text: %v, counted as straddled: %v", rec.Source, joint, out.Straddled)
			}
			if out.Straddled {
				straddled++
			}
		}
		t.Logf("%s: %d records, a token would straddle the border in %d", c.name, records, straddled)
		if records < 90 || (straddled > records/10) != c.straddling {
			t.Errorf("%s: %d of %d straddled", c.name, straddled, records)
		}
	}
}
