package textmetric

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRouge(t *testing.T) {
	tests := []struct {
		name, reference, prediction string
		stem                        bool
		want                        RougeScores
	}{
		{
			"subsequence", "police killed the gunman", "police kill the gunman", false, // example of section 3.1 of the paper
			RougeScores{"rouge1": {0.75, 0.75, 0.75}, "rouge2": {1.0 / 3, 1.0 / 3, 1.0 / 3}, "rougeL": {0.75, 0.75, 0.75}, "rougeLsum": {0.75, 0.75, 0.75}},
		},
		{
			"stems", "police killed the gunman", "police kill the gunman", true,
			RougeScores{"rouge1": {1, 1, 1}, "rouge2": {1, 1, 1}, "rougeL": {1, 1, 1}, "rougeLsum": {1, 1, 1}},
		},
		{
			"union of lines", "w1 w2 w3 w4 w5", "w1 w2 w6 w7 w8\nw1 w3 w8 w9 w5", false, // section 3.2: the union has 4 tokens
			RougeScores{"rouge1": {4.0 / 10, 4.0 / 5, 8.0 / 15}, "rouge2": {1.0 / 9, 1.0 / 4, 2.0 / 13}, "rougeL": {4.0 / 10, 4.0 / 5, 8.0 / 15}, "rougeLsum": {4.0 / 10, 4.0 / 5, 8.0 / 15}},
		},
		{"nothing", "", "a", false, RougeScores{"rouge1": {}, "rouge2": {}, "rougeL": {}, "rougeLsum": {}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, Rouge(test.reference, test.prediction, test.stem), closeTo); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Each kind takes its own best reference.
func TestRougeBest(t *testing.T) {
	got, err := RougeBest([]string{"d c b a", "a b x y"}, "a b c d", false)
	if err != nil {
		t.Fatal(err)
	}
	want := RougeScores{"rouge1": {1, 1, 1}, "rouge2": {1.0 / 3, 1.0 / 3, 1.0 / 3}, "rougeL": {0.5, 0.5, 0.5}, "rougeLsum": {0.5, 0.5, 0.5}}
	if diff := cmp.Diff(want, got, closeTo); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := RougeBest(nil, "a", false); err == nil {
		t.Error("no error without references")
	}
}

func TestRougeTokens(t *testing.T) {
	tests := []struct {
		text string
		want []string
	}{
		{"Don't stop_it, 42nd!", []string{"don", "t", "stop", "it", "42nd"}},
		{"naïve \u212Aelvin", []string{"na", "ve", "kelvin"}}, // the Kelvin sign's lower case is k
		{"\u0130stanbul", []string{"i", "stanbul"}},           // and that of a dotted I has a combining dot
		{"running the flies dying skies", []string{"run", "the", "fli", "die", "sky"}},
	}
	for i, test := range tests {
		if diff := cmp.Diff(test.want, RougeTokens(test.text, i == 3)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", test.text, diff)
		}
	}
}

// The examples are those of Porter's paper, step by step, where NLTK's extensions leave them as they are.
func TestStem(t *testing.T) {
	tests := []struct{ word, want string }{
		{"caresses", "caress"},
		{"ponies", "poni"},
		{"ties", "tie"},
		{"cats", "cat"},
		{"feed", "feed"},
		{"agreed", "agre"},
		{"plastered", "plaster"},
		{"bled", "bled"},
		{"motoring", "motor"},
		{"sing", "sing"},
		{"conflated", "conflat"},
		{"troubled", "troubl"},
		{"sized", "size"},
		{"hopping", "hop"},
		{"falling", "fall"},
		{"hissing", "hiss"},
		{"failing", "fail"},
		{"filing", "file"},
		{"happy", "happi"},
		{"relational", "relat"},
		{"rational", "ration"},
		{"vietnamization", "vietnam"},
		{"generalizations", "gener"},
		{"oscillators", "oscil"},
		{"controll", "control"},
		{"roll", "roll"},
		{"died", "die"},
		{"enjoy", "enjoy"},
		{"geology", "geolog"},
		{"Sky", "ski"},
		{"sky", "sky"},
		{"US", "us"},
		{"is", "is"},
		{"", ""},
	}
	for _, test := range tests {
		if got := Stem(test.word); got != test.want {
			t.Errorf("Stem(%q) = %q, want %q", test.word, got, test.want)
		}
	}
}

// FuzzRouge checks what holds for any texts: scores from 0 to 1, equal precision and recall of a text against itself, and
// stems that are no longer than the word by more than the letter e.
func FuzzRouge(f *testing.F) {
	for _, seed := range []string{"", "a cat\nsat", "running flies \u0130", "\xff", "yyyyed oed ied eed"} {
		f.Add(seed, "the cat sat")
	}
	f.Fuzz(func(t *testing.T, reference, prediction string) {
		for kind, o := range Rouge(reference, prediction, true) {
			for _, x := range []float64{o.Precision, o.Recall, o.F1} {
				if !(x >= 0 && x <= 1) {
					t.Fatalf("%s: %+v", kind, o)
				}
			}
		}
		for kind, o := range Rouge(reference, reference, true) {
			if o.Precision != o.Recall {
				t.Fatalf("%s against itself: %+v", kind, o)
			}
		}
		for _, token := range RougeTokens(prediction, false) {
			if stem := Stem(token); len(stem) > len(token)+1 {
				t.Fatalf("Stem(%q) = %q", token, stem)
			}
		}
	})
}
