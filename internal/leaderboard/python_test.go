package leaderboard

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestPythonList(t *testing.T) {
	cases := []struct {
		text string
		want []string
		err  string
	}{
		{text: `[]`},
		{text: `['a']`, want: []string{"a"}},
		{text: ` ['a', "b's", 'c"d',] `, want: []string{"a", "b's", `c"d`}},
		{text: `['\'', '\\', '\n\t\r', '\xe9', '\u2019', '\U0001f600', '\q']`, want: []string{"'", `\`, "\n\t\r", "é", "’", "😀", `\q`}},
		{text: `'a'`, err: "begins with ["},
		{text: `['a'`, err: "comma or ]"},
		{text: `['a`, err: "closing quote"},
		{text: `['a' 'b']`, err: "comma or ]"},
		{text: `['a'] x`, err: "after the list"},
		{text: `[1]`, err: "string in quotes"},
		{text: `['\x4']`, err: "no character"},
		{text: `['\u12`, err: "hexadecimal"},
		{text: `['a\`, err: "backslash"},
	}
	for _, c := range cases {
		got, err := pythonList(c.text)
		if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
			t.Errorf("%s: error %v, want %q", c.text, err, c.err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.text, diff)
		}
	}
}

// FuzzPythonList: a list of strings written in single quotes is read back; other texts do no harm.
func FuzzPythonList(f *testing.F) {
	f.Add("a", `b's "c"`)
	f.Add(`\`, "\n")
	f.Fuzz(func(t *testing.T, a, b string) {
		_, _ = pythonList(a)
		if !utf8.ValidString(a + b) {
			return
		}
		quote := func(s string) string {
			return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
		}
		got, err := pythonList("[" + quote(a) + ", " + quote(b) + "]")
		if err != nil || len(got) != 2 || got[0] != a || got[1] != b {
			t.Errorf("%q, %q became %q, %v", a, b, got, err)
		}
	})
}

// FuzzPrompt: a chain-of-thought prompt gives examples with question and answer, or an error.
func FuzzPrompt(f *testing.F) {
	f.Add("canary\n-----\nCount.\n\nQ: 1, 2\nA: Let's think step by step.\nOne, two. So the answer is 2.\n")
	f.Add("Q: \n\nQ: a")
	f.Fuzz(func(t *testing.T, text string) {
		_, shots, err := parsePrompt(text)
		if (err == nil) != (len(shots) > 0) {
			t.Fatalf("%d examples, %v", len(shots), err)
		}
		for _, s := range shots {
			if !strings.HasPrefix(s.Question, "Q: ") || !strings.HasSuffix(s.Question, "\nA:") {
				t.Errorf("question %q", s.Question)
			}
		}
	})
}

// FuzzDocuments: every reader of documents gives an item that can be asked, or an error.
func FuzzDocuments(f *testing.F) {
	f.Add(`{"input":"i","target":"(A)"}`)
	f.Add(`{"Question":"q","Correct Answer":"a","Incorrect Answer 1":"b","Incorrect Answer 2":"c","Incorrect Answer 3":"d"}`)
	f.Add(`{"narrative":"n","question":"q","choices":"['a', 'b']","answer_index":"1"}`)
	f.Add(`{"question":"q","options":["a","b"],"answer_index":1}`)
	f.Add(`{"prompt":"p","instruction_id_list":["x"],"kwargs":[null]}`)
	f.Add(`{"problem":"p","solution":"s","level":5,"subject":"Algebra"}`)
	f.Fuzz(func(t *testing.T, text string) {
		for family, d := range definitions {
			for _, p := range d.tasks {
				item, belongs, err := d.read(p.task, []byte(text))
				if err == nil && belongs && item.Gold >= len(item.Choices) {
					t.Errorf("%s: right choice %d of %d", family, item.Gold, len(item.Choices))
				}
			}
		}
		_, _ = jsonValues(strings.NewReader(text))
		_, _ = csvRows(strings.NewReader(text))
	})
}

// TestAverage: seven columns, IFEval's two among them.
func TestAverage(t *testing.T) {
	c := Columns{BBH: 7, MATH: 14, GPQA: 21, MuSR: 28, MMLUPro: 35, IFEvalInst: 42, IFEvalPrompt: 0}
	near(t, c.Average(), (7+14+21+28+35+42+0)/7.)
	near(t, c.LeaderboardAverage(), (7+14+21+28+35+21)/6.)
}
