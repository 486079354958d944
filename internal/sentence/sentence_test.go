package sentence

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
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

// TestAgreement compares with what NLTK gives. Its trained parameters are not here, so some cases differ; the shares are the ones
// that docs/evaluation-checks.md reports, and must not fall.
func TestAgreement(t *testing.T) {
	cases, sentences, count, words := 0, 0, 0, 0
	for _, c := range golden(t) {
		cases++
		got := Split(c.Text)
		if slices.Equal(got, c.Sentences) {
			sentences++
		} else {
			t.Logf("%s: sentences\n got %q\nwant %q", c.ID, got, c.Sentences)
		}
		if len(got) == len(c.Sentences) {
			count++
		}
		if slices.Equal(Words(c.Text), c.Words) {
			words++
		} else {
			t.Logf("%s: words\n got %q\nwant %q", c.ID, Words(c.Text), c.Words)
		}
	}
	t.Logf("of %d cases: same sentences %d, same number of sentences %d, same words %d", cases, sentences, count, words)
	if cases == 0 || float64(sentences) < 0.9*float64(cases) || float64(words) < 0.95*float64(cases) {
		t.Errorf("of %d cases: same sentences %d, want 90 %%; same words %d, want 95 %%", cases, sentences, words)
	}
}

type goldenCase struct {
	ID        string   `json:"id"`
	Text      string   `json:"text"`
	Sentences []string `json:"sentences"`
	Words     []string `json:"word_tokens"`
}

func golden(t *testing.T) []goldenCase {
	t.Helper()
	file, err := os.Open(filepath.Join("..", "..", "..", "shared", "golden-eval", "punkt.jsonl"))
	if os.IsNotExist(err) {
		t.Skip("no ../shared/golden-eval beside the repository")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var cases []goldenCase
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var c goldenCase
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		cases = append(cases, c)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return cases
}
