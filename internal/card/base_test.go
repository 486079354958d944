package card

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReadBase(t *testing.T) {
	const front = "---\n"
	for _, test := range []struct {
		name, card string
		want       Base
	}{
		{"license", front + "license: mit\nlanguage: en\n" + front + "# x", Base{License: []string{"mit"}}},
		{"license of its own", front + "license: other\nlicense_name: own\nlicense_link: https://example.org\n" + front, Base{License: []string{"other"}, LicenseName: "own", LicenseLink: "https://example.org"}},
		{"two licenses", front + "license:\n- mit\n- cc-by-4.0\n" + front, Base{License: []string{"mit", "cc-by-4.0"}}},
		{"base model", front + "base_model: org/name\n" + front, Base{Model: "org/name"}},
		{"list of one base model", front + "base_model:\n- gpt2\n" + front, Base{Model: "gpt2"}},
		{"merge of two", front + "base_model: [a/b, c/d]\nlicense: mit\n" + front, Base{License: []string{"mit"}}},
		{"base model on someone's machine", front + "base_model: /home/someone/x\n" + front, Base{}},
		{"base model in a folder", front + "base_model: out/sft/final\n" + front, Base{}},
		{"values of other kinds", front + "base_model: 3\nlicense: {a: b}\nlicense_name: [1]\n" + front, Base{}},
		{"header to the end", front + "license: mit\n---", Base{License: []string{"mit"}}},
		{"empty header", front + front + "license: mit\n", Base{}},
		{"line ends of Windows", "\ufeff---\r\nlicense: mit\r\n---\r\n", Base{License: []string{"mit"}}},
		{"no header", "# x\n---\nlicense: mit\n---\n", Base{}},
		{"header without an end", front + "license: mit\n", Base{}},
		{"nothing", "", Base{}},
	} {
		folder := t.TempDir()
		if err := os.WriteFile(filepath.Join(folder, FileName), []byte(test.card), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := ReadBase(folder)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
	if got, err := ReadBase(t.TempDir()); err != nil || !cmp.Equal(got, Base{}) {
		t.Errorf("no card: got %v, %v", got, err)
	}
}

func TestReadBaseErrors(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, FileName)
	if err := os.WriteFile(path, []byte("---\nlicense: [mit\n---\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadBase(folder); err == nil || !strings.HasPrefix(err.Error(), "read model card "+path+": header: ") {
		t.Errorf("no YAML: got %v", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadBase(folder); err == nil || !strings.Contains(err.Error(), "read model card: ") {
		t.Errorf("a folder in the card's place: got %v", err)
	}
}

// A card written here is read back, so that a model trained from it names the same license and published base.
func TestCardOfACard(t *testing.T) {
	for _, base := range []Base{
		{},
		{Model: "org/name", License: []string{"other"}, LicenseName: "a \"b\": #c", LicenseLink: "LICENSE"},
		{License: []string{"mit", "no"}},
	} {
		got, err := parseBase([]byte(text(t, Card{Name: "run", Method: "dpo", BaseModel: "sft/final", Base: base})))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(base, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

// Whatever the card: no panic, and what is taken from it can be written and read again.
func FuzzParseBase(f *testing.F) {
	for _, text := range []string{
		"---\nlicense: mit\n---\n", "---\nbase_model: [a/b]\nlicense:\n- x\n- y\n---", "---\nlicense: &a [*a]\n---\n", "---\n? [a]: b\n---\n",
		"---\nlicense: |\n  a\n  b\n---\n", "---\nlicense: \"\\u0000\"\n---\n", "# x", "---\n", "---\nlicense: 'no'\nlicense_name: \"- a\"\n---\n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, card []byte) {
		base, err := parseBase(card)
		if err != nil {
			return
		}
		again, err := parseBase([]byte(text(t, Card{Name: "run", Base: base})))
		if err != nil {
			t.Fatalf("%+v: written and read again: %v", base, err)
		}
		if diff := cmp.Diff(base, again); diff != "" {
			t.Fatalf("written and read again (-was +is):\n%s", diff)
		}
	})
}
