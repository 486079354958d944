package tokenizer

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sharedData returns a path in the data folder beside the repository, and skips the test where there is none.
func sharedData(tb testing.TB, parts ...string) string {
	tb.Helper()
	root, err := filepath.Abs(".")
	if err != nil {
		tb.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			break
		}
		if root == filepath.Dir(root) {
			tb.Fatal("no go.mod above the package")
		}
		root = filepath.Dir(root)
	}
	path := filepath.Join(append([]string{root, "..", "shared", "data"}, parts...)...)
	if _, err := os.Stat(path); err != nil {
		tb.Skipf("needs %s in the shared data beside the repository", filepath.Join(parts...))
	}
	return path
}

func mustLoad(tb testing.TB, dir string) *Tokenizer {
	tb.Helper()
	tok, err := Load(dir)
	if err != nil {
		tb.Fatal(err)
	}
	return tok
}

// folderOf makes a folder of some of the files in dir.
func folderOf(tb testing.TB, dir string, names ...string) string {
	tb.Helper()
	folder := tb.TempDir()
	for _, name := range names {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			tb.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o666); err != nil {
			tb.Fatal(err)
		}
	}
	return folder
}

// TestExpectedIDs compares with the ids that Hugging Face's library gives.
func TestExpectedIDs(t *testing.T) {
	const casesEach = 47
	tests := []struct {
		name  string
		dir   string
		files []string
	}{
		{"gpt2", "gpt2", []string{"tokenizer.json"}},
		{"gpt2 vocabulary and merges", "gpt2", []string{"encoder.json", "vocab.bpe"}},
		{"gpt-neox-20b", "gpt-neox-20b", []string{"tokenizer.json"}},
		{"starcoder", "starcoder", []string{"vocab.json", "merges.txt", "special_tokens.json"}},
		{"starcoder2", "starcoder2", []string{"vocab.json", "merges.txt", "special_tokens.json"}},
		{"falcon", "falcon", []string{"tokenizer.json"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := sharedData(t, "tokenizers", test.dir)
			tok := mustLoad(t, folderOf(t, dir, test.files...))
			content, err := os.ReadFile(filepath.Join(dir, "expected.jsonl"))
			if err != nil {
				t.Fatal(err)
			}
			numCases := 0
			for lines := bufio.NewScanner(bytes.NewReader(content)); lines.Scan(); numCases++ {
				var want struct {
					Text string
					IDs  []int32
				}
				if err := json.Unmarshal(lines.Bytes(), &want); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want.IDs, tok.Encode(want.Text)); diff != "" {
					t.Errorf("Encode(%q) (-want +got):\n%s", want.Text, diff)
				}
				if got := tok.Decode(want.IDs); got != want.Text {
					t.Errorf("Decode: got %q, want %q", got, want.Text)
				}
			}
			if numCases != casesEach {
				t.Errorf("got %d cases, want %d", numCases, casesEach)
			}
		})
	}
}
