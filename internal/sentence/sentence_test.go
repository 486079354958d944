package sentence

import (
	"bufio"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/sparsepo/sparsepo/internal/golden"
)

func TestSplit(t *testing.T) {
	for _, test := range []struct {
		text string
		want []string
	}{
		{"", nil},
		{" \n ", nil},
		{"One", []string{"One"}},
		{" One. two. ", []string{" One.", "two."}},
		{"Mr. Fox met Dr. Hen. They ate.", []string{"Mr. Fox met Dr. Hen.", "They ate."}},
		{"He left (at 5 p.m. or so). Then \"she did.\" Then we.", []string{"He left (at 5 p.m. or so).", "Then \"she did.\"", "Then we."}},
		{"A. B. Fox ran. No!! Yes?", []string{"A. B. Fox ran.", "No!!", "Yes?"}},
		{"It grew 3. percent. 4. Next.", []string{"It grew 3. percent.", "4.", "Next."}},
		{"so... it goes on... The end", []string{"so... it goes on...", "The end"}},
	} {
		if got := Split(test.text); !slices.Equal(got, test.want) {
			t.Errorf("Split(%q) = %q, want %q", test.text, got, test.want)
		}
	}
}

func TestWords(t *testing.T) {
	for _, test := range []struct {
		text string
		want string
	}{
		{"", ""},
		{"I can't, won't; he'd've.", "I ca n't , wo n't ; he'd 've ."},
		{`She said: "Go!" at 3:45`, "She said : `` Go ! '' at 3:45"},
		{"Gonna pay $3.50 (50%)...", "Gon na pay $ 3.50 ( 50 % ) ..."},
		{"YES -- a WELL-KNOWN *star*", "YES -- a WELL-KNOWN * star *"},
	} {
		if got := strings.Join(Words(test.text), " "); got != test.want {
			t.Errorf("Words(%q) = %q, want %q", test.text, got, test.want)
		}
	}
}

// FuzzSplit asks that sentences be pieces of the text in order, with nothing but white space between them.
func FuzzSplit(f *testing.F) {
	for _, seed := range []string{"", "a. b", "(He.) \"'x", "... a.. B. 1. c?!) --d", "A.\x85B\xff. C", ".\" "} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		rest := text
		for _, sentence := range Split(text) {
			at := strings.Index(rest, sentence)
			if sentence == "" || at < 0 || strings.TrimFunc(rest[:at], isSpace) != "" {
				t.Fatalf("Split(%q): sentence %q is not the next piece of %q", text, sentence, rest)
			}
			rest = rest[at+len(sentence):]
		}
		if strings.TrimFunc(rest, isSpace) != "" {
			t.Fatalf("Split(%q) leaves %q", text, rest)
		}
		Words(text)
	})
}

// TestAgreement compares with what NLTK gives. Its trained parameters are not here: docs/evaluation-checks.md reports the shares of
// cases that are the same, and they must not fall.
func TestAgreement(t *testing.T) {
	list := cases(t)
	sentences, words := 0, 0
	for _, c := range list {
		if got := Split(c.Text); slices.Equal(got, c.Sentences) {
			sentences++
		} else {
			t.Errorf("%s: sentences\n got %q\nwant %q", c.ID, got, c.Sentences)
		}
		if got := Words(c.Text); slices.Equal(got, c.Words) {
			words++
		} else {
			t.Errorf("%s: words\n got %q\nwant %q", c.ID, got, c.Words)
		}
	}
	t.Logf("of %d cases: same sentences %d, same words %d", len(list), sentences, words)
}

type goldenCase struct {
	ID        string   `json:"id"`
	Text      string   `json:"text"`
	Sentences []string `json:"sentences"`
	Words     []string `json:"word_tokens"`
}

func cases(t *testing.T) []goldenCase {
	t.Helper()
	file, err := os.Open(golden.Shared(t, "golden-eval", "punkt.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var list []goldenCase
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
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
