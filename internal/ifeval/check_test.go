package ifeval

import (
	"bufio"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sparsepo/sparsepo/internal/golden"
	"github.com/sparsepo/sparsepo/internal/usage"
)

type args = map[string]any

func TestCheck(t *testing.T) {
	for _, test := range []struct {
		id       string
		args     args
		response string
		want     bool
	}{
		{"change_case:capital_word_frequency", args{"capital_frequency": 2.0, "capital_relation": "at least"}, "ONE of TWO-WAY roads", true},
		{"change_case:capital_word_frequency", args{"capital_frequency": 2.0, "capital_relation": "less than"}, "ONE of TWO-WAY roads", false},
		{"change_case:english_capital", nil, "THIS IS WRITTEN IN PLAIN ENGLISH 3.", true},
		{"change_case:english_capital", nil, "THIS IS WRITTEN IN PLAIN ENGLISH, mostly.", false},
		{"change_case:english_capital", nil, "THIS IS WRITTEN IN PLAIN ENGLISH ª", false},
		{"change_case:english_lowercase", nil, "this is written in plain english.", true},
		{"change_case:english_lowercase", nil, "ceci est une réponse qui est écrite en français.", false},
		{"combination:repeat_prompt", args{"prompt_to_repeat": "Say hi. "}, "\nsay HI. Hi!", true},
		{"combination:repeat_prompt", nil, "the prompt. And the answer", true},
		{"combination:repeat_prompt", nil, "An answer", false},
		{"combination:two_responses", nil, "a******b", true},
		{"combination:two_responses", nil, "a******a", false},
		{"combination:two_responses", nil, "a******\n******b", false},
		{"detectable_content:number_placeholders", args{"num_placeholders": 2.0}, "[a] and [b] [", true},
		{"detectable_content:number_placeholders", args{"num_placeholders": 2.0}, "[a\nb] and [c]", false},
		{"detectable_content:postscript", args{"postscript_marker": "P.P.S"}, "text p.p. s more", true},
		{"detectable_content:postscript", args{"postscript_marker": "P.S."}, "text PS", false},
		{"detectable_format:constrained_response", nil, "Well. My answer is no. Sorry", true},
		{"detectable_format:constrained_response", nil, "my answer is no", false},
		{"detectable_format:json_format", nil, "```json\n{\"a\": [1, NaN, -Infinity]}\n```", true},
		{"detectable_format:json_format", nil, "{\"a\": 1,}", false},
		{"detectable_format:json_format", nil, "-NaN", false},
		{"detectable_format:multiple_sections", args{"section_spliter": "Section", "num_sections": 2.0}, "Section 1 a Section2 b", true},
		{"detectable_format:multiple_sections", args{"section_spliter": "Section", "num_sections": 2.0}, "section 1 a Section2 b", false},
		{"detectable_format:number_bullet_lists", args{"num_bullets": 2.0}, "a\n* b\n  - c", true},
		{"detectable_format:number_bullet_lists", args{"num_bullets": 2.0}, "a\n** b\n  - c", false},
		{"detectable_format:number_highlighted_sections", args{"num_highlights": 2.0}, "*a* and *b*", true},
		{"detectable_format:number_highlighted_sections", args{"num_highlights": 2.0}, "*a* and **", false},
		{"detectable_format:title", nil, "<<a title>>", true},
		{"detectable_format:title", nil, "<< >> <title>", false},
		{"keywords:existence", args{"keywords": []any{"fox", "hen"}}, "Foxes like a HEN", true},
		{"keywords:existence", args{"keywords": []any{"fox", "hen"}}, "Foxes", false},
		{"keywords:forbidden_words", args{"forbidden_words": []any{"fox"}}, "foxes", true},
		{"keywords:forbidden_words", args{"forbidden_words": []any{"fox"}}, "a FOX.", false},
		{"keywords:frequency", args{"keyword": "a", "frequency": 2.0, "relation": "at least"}, "A banana", true},
		{"keywords:frequency", args{"keyword": "a", "frequency": 4.0, "relation": "less than"}, "A banana", false},
		{"keywords:letter_frequency", args{"letter": "#", "let_frequency": 2.0, "let_relation": "at least"}, "# #", true},
		{"keywords:letter_frequency", args{"letter": "a", "let_frequency": 2.0, "let_relation": "less than"}, "Aa", false},
		{"language:response_language", args{"language": "de"}, "Das ist eine Antwort in deutscher Sprache.", true},
		{"language:response_language", args{"language": "de"}, "This answer is not in the language that was wanted.", false},
		{"language:response_language", args{"language": "de"}, "***", true},
		{"length_constraints:nth_paragraph_first_word", args{"num_paragraphs": 2.0, "nth_paragraph": 2.0, "first_word": "Yes"}, "a\n\n\"yes, b", true},
		{"length_constraints:nth_paragraph_first_word", args{"num_paragraphs": 2.0, "nth_paragraph": 2.0, "first_word": "yes"}, "a\n\n\n\nyes", false},
		{"length_constraints:number_paragraphs", args{"num_paragraphs": 2.0}, "***\na ***b", true},
		{"length_constraints:number_paragraphs", args{"num_paragraphs": 2.0}, "a***\n***b", false},
		{"length_constraints:number_sentences", args{"num_sentences": 2.0, "relation": "at least"}, "One. Two", true},
		{"length_constraints:number_sentences", args{"num_sentences": 2.0, "relation": "less than"}, "One. Two", false},
		{"length_constraints:number_words", args{"num_words": 3.0, "relation": "at least"}, "it's 5_a", true},
		{"length_constraints:number_words", args{"num_words": 3.0, "relation": "less than"}, "it's 5_a", false},
		{"punctuation:no_comma", nil, "none", true},
		{"punctuation:no_comma", nil, "one, two", false},
		{"startend:end_checker", args{"end_phrase": "The end."}, "Here. the END.\"\n", true},
		{"startend:end_checker", args{"end_phrase": "The end."}, "The end", false},
		{"startend:quotation", nil, "\n\"a\" ", true},
		{"startend:quotation", nil, "\"", false},
		{"punctuation:no_comma", nil, " \n", false}, // a blank response follows nothing
	} {
		strict, _, err := Check([]string{test.id}, []map[string]any{test.args}, "The prompt.", test.response)
		if err != nil {
			t.Errorf("%s: %q: %v", test.id, test.response, err)
		} else if strict[0] != test.want {
			t.Errorf("%s: %q: got %v, want %v", test.id, test.response, strict[0], test.want)
		}
	}
}

func TestLoose(t *testing.T) {
	ids := []string{"punctuation:no_comma", "detectable_format:json_format"}
	none := []map[string]any{nil, nil}
	for _, test := range []struct {
		response string
		want     []bool
	}{
		{"Well, yes\n1", []bool{true, true}},     // without the first line
		{"1\nThat, then", []bool{true, true}},    // without the last line
		{"a,\n1\nb,", []bool{true, true}},        // without both
		{"**1**", []bool{true, true}},            // without asterisks
		{"a,\n*1*\nb", []bool{true, true}},       // without all of these
		{"a, b", []bool{false, false}},           // one line has nothing left
		{"a, b\nc, d", []bool{false, false}},     // neither line will do
		{"a, b\n  \nc, d", []bool{false, false}}, // a blank line follows nothing
	} {
		_, loose, err := Check(ids, none, "", test.response)
		if diff := cmp.Diff(test.want, loose); diff != "" || err != nil {
			t.Errorf("%q: error %v; verdicts (-want +got):\n%s", test.response, err, diff)
		}
	}
}

func TestCheckRefuses(t *testing.T) {
	for _, test := range []struct {
		id   string
		args args
		want string
	}{
		{"punctuation:no_coma", nil, `instruction "punctuation:no_coma" is not one of IFEval's 25`},
		{"startend:end_checker", nil, `instruction startend:end_checker: argument "end_phrase": <nil>; it needs a string that is not empty`},
		{"keywords:existence", args{"keywords": []any{1.0}}, `instruction keywords:existence: argument "keywords": [1]; it needs a list of strings that is not empty`},
		{"keywords:existence", args{"keywords": []any{"("}}, `instruction keywords:existence: "(" is not a regular expression: error parsing regexp: missing closing ) in ` + "`(`"},
		{"keywords:letter_frequency", args{"letter": "ab"}, `instruction keywords:letter_frequency: argument "letter": "ab"; it needs one character`},
		{"length_constraints:number_words", args{"num_words": 1.5, "relation": "at least"}, `instruction length_constraints:number_words: argument "num_words": 1.5; it needs a whole number that is not negative`},
		{"length_constraints:number_words", args{"num_words": 1.0, "relation": "about"}, `instruction length_constraints:number_words: argument "relation": about; it needs "less than" or "at least"`},
		{"length_constraints:nth_paragraph_first_word", args{"num_paragraphs": 1.0, "nth_paragraph": 2.0}, `instruction length_constraints:nth_paragraph_first_word: argument "nth_paragraph": 2; it needs a paragraph from 1 to 1`},
	} {
		_, _, err := Check([]string{test.id}, []map[string]any{test.args}, "", "text")
		if !usage.Is(err) || err.Error() != test.want {
			t.Errorf("%s %v:\n got %v\nwant %s", test.id, test.args, err, test.want)
		}
	}
	if _, _, err := Check([]string{"punctuation:no_comma"}, nil, "", "text"); !usage.Is(err) {
		t.Errorf("no arguments: got %v, want the user's mistake", err)
	}
}

func TestTally(t *testing.T) {
	var tally Tally
	tally.Add([]bool{true, false}, []bool{true, true})
	tally.Add([]bool{true}, []bool{true})
	want := map[string]float64{
		"prompt_level_strict_acc": 1. / 2, "prompt_level_loose_acc": 1,
		"inst_level_strict_acc": 2. / 3, "inst_level_loose_acc": 1,
	}
	if diff := cmp.Diff(want, tally.Accuracies()); diff != "" {
		t.Errorf("accuracies (-want +got):\n%s", diff)
	}
}

func FuzzCheck(f *testing.F) {
	for _, seed := range []string{"", "a", "*a*\n- b\n***\n\nc", "<<x>>\n\"[y]\" ```{}```", "Ünd, ЪЫ. हिंदी!", "a\xff\n\n\nб"} {
		f.Add(seed)
	}
	all := args{
		"capital_frequency": 1.0, "capital_relation": "at least", "num_placeholders": 1.0, "postscript_marker": "P.S.",
		"section_spliter": "Section", "num_sections": 1.0, "num_bullets": 1.0, "num_highlights": 1.0, "keywords": []any{"a"},
		"forbidden_words": []any{"b"}, "keyword": "a", "frequency": 1.0, "relation": "less than", "letter": "a", "let_frequency": 1.0,
		"let_relation": "at least", "language": "en", "num_paragraphs": 2.0, "nth_paragraph": 1.0, "first_word": "a",
		"num_sentences": 2.0, "num_words": 2.0, "end_phrase": "a",
	}
	f.Fuzz(func(t *testing.T, response string) {
		kwargs := slices.Repeat([]map[string]any{all}, len(IDs()))
		strict, loose, err := Check(IDs(), kwargs, "a", response)
		if err != nil || len(strict) != len(IDs()) || len(loose) != len(IDs()) {
			t.Fatalf("%q: %d strict and %d loose verdicts, error %v", response, len(strict), len(loose), err)
		}
		for i := range strict {
			if strict[i] && !loose[i] {
				t.Errorf("%q: %s is followed strictly and not loosely", response, IDs()[i])
			}
		}
	})
}

// decidedAgainst are cases in which the reference takes English in capital letters, padded with the letter O, for Portuguese.
var decidedAgainst = []string{"ifeval-1389-follow", "ifeval-1389-edge", "ifeval-1389-wrapped"}

func TestAgreement(t *testing.T) {
	prompts := map[int]record{}
	eachLine(t, golden.Shared(t, "data", "ifeval", "input_data.jsonl"), func(r record) { prompts[r.Key] = r })
	cases, same, detected, sameLanguage := 0, 0, 0, 0
	eachLine(t, golden.Shared(t, "golden-eval", "ifeval.jsonl"), func(want record) {
		cases++
		prompt := prompts[want.Key]
		strict, loose, err := Check(want.IDs, prompt.Kwargs, prompt.Prompt, want.Response)
		if err != nil {
			t.Errorf("%s: %v", want.ID, err)
			return
		}
		for _, i := range want.Unstable {
			strict[i], loose[i] = want.Strict[i], want.Loose[i]
		}
		diff := cmp.Diff(want.Strict, strict) + cmp.Diff(want.Loose, loose)
		switch differs := slices.Contains(decidedAgainst, want.ID); {
		case diff == "":
			same++
		case !differs:
			t.Errorf("%s: %q %q: verdicts, strict and loose (-want +got):\n%s", want.ID, want.IDs, want.Response, diff)
		}
		if want.Detected != nil {
			detected++
			if got := Language(want.Response); got == *want.Detected {
				sameLanguage++
			} else {
				t.Logf("%s: language %q, the reference has %q: %.60q", want.ID, got, *want.Detected, want.Response)
			}
		}
	})
	t.Logf("same verdicts in %d of %d cases, same language in %d of %d", same, cases, sameLanguage, detected)
	if cases == 0 || same < cases-len(decidedAgainst) || float64(sameLanguage) < 0.95*float64(detected) {
		t.Errorf("same verdicts in %d of %d cases, same language in %d of %d", same, cases, sameLanguage, detected)
	}
}

// record is a prompt of the data set, or a case.
type record struct {
	ID       string           `json:"id"`
	Key      int              `json:"key"`
	Prompt   string           `json:"prompt"`
	Kwargs   []map[string]any `json:"kwargs"`
	IDs      []string         `json:"instruction_id_list"`
	Response string           `json:"response"`
	Strict   []bool           `json:"inst_level_strict"`
	Loose    []bool           `json:"inst_level_loose"`
	Unstable []int            `json:"unstable"`
	Detected *string          `json:"detected_language"`
}

func eachLine(t *testing.T, path string, visit func(record)) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var r record
		if err := json.NewDecoder(strings.NewReader(lines.Text())).Decode(&r); err != nil {
			t.Fatal(err)
		}
		visit(r)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
}
