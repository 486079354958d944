package tokenizer

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/sparsepo/sparsepo/internal/usage"
)

func unigramDocument(parts map[string]string) map[string]string {
	all := map[string]string{
		"model":         `{"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0], ["a", 0], ["b", 0], ["c", 0], ["d", 0], ["cd", 1], ["ab", 2], ["abc", 5], ["abcd", 10]]}`,
		"pre_tokenizer": "null", "decoder": "null",
	}
	for name, part := range parts {
		all[name] = part
	}
	return map[string]string{"tokenizer.json": documentWith(all)}
}

// TestUnigram has the example of the documentation of Hugging Face's tokenizers (Unigram.encode), and cases of its rules.
func TestUnigram(t *testing.T) {
	metaspaces := map[string]string{
		"model":         `{"type": "Unigram", "unk_id": 1, "vocab": [["\u2581", -2], ["<unk>", 0], ["\u2581a", -1], ["a", -1.5], ["b", -1]]}`,
		"pre_tokenizer": `{"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always", "split": true}`,
	}
	with := func(name, part string) map[string]string {
		parts := map[string]string{}
		for name, part := range metaspaces {
			parts[name] = part
		}
		parts[name] = part
		return parts
	}
	tests := []struct {
		name  string
		parts map[string]string
		text  string
		want  string
	}{
		{"the documentation's example", nil, "abcdacdxx", "abcd a cd <unk>"},
		{"unknown characters among others", nil, "xyaz", "<unk> a <unk>"},
		{"nothing", nil, "", ""},
		{"not UTF-8", nil, "a\xffb", "a <unk> b"},
		{"words", metaspaces, "a ab", "▁a ▁a b"},
		{"several spaces", metaspaces, "a  b", "▁a ▁ ▁ b"},
		{"a space in front", metaspaces, " a", "▁a"},
		{"no prefix", with("pre_tokenizer", `{"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "never"}`), "a a", "a ▁a"},
		{"no prefix, in older files", with("pre_tokenizer", `{"type": "Metaspace", "replacement": "\u2581", "str_rep": "\u2581", "add_prefix_space": false}`), "a a", "a ▁a"},
		{"words first", with("pre_tokenizer", `{"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, {"type": "Metaspace", "replacement": "\u2581", "add_prefix_space": true}]}`), "a \n\tb", "▁a ▁ b"},
		{"changes before", with("normalizer", `{"type": "Sequence", "normalizers": [{"type": "Strip", "strip_left": false, "strip_right": true}, {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}, {"type": "Replace", "pattern": {"String": "x"}, "content": "ä"}, {"type": "NFKD"}, {"type": "StripAccents"}, {"type": "Lowercase"}]}`), "A   Ab xb\n ", "▁a ▁a b ▁a b"},
		{"bytes", with("model", `{"type": "Unigram", "unk_id": 1, "byte_fallback": true, "vocab": [["\u2581", -2], ["<unk>", 0], ["<0xC3>", 0], ["<0xA9>", 0]]}`), "éx é", "▁ <unk> ▁ <0xC3> <0xA9>"},
	}
	for _, test := range tests {
		tok, err := loadFiles(t, unigramDocument(test.parts))
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if got := tokens(tok, test.text); got != test.want {
			t.Errorf("%s: %q: got %s, want %s", test.name, test.text, got, test.want)
		}
		if tok.Kind() != Unigram {
			t.Errorf("%s: a %s tokenizer", test.name, tok.Kind())
		}
	}
	tok, err := loadFiles(t, unigramDocument(metaspaces))
	if err != nil {
		t.Fatal(err)
	}
	if got := tok.Decode(tok.Encode("ab a")); got != "ab a" {
		t.Errorf("decoded %q, want %q", got, "ab a")
	}
}

// The best path is that of all ways to cut a word.
func TestUnigramBestPath(t *testing.T) {
	tok, err := loadFiles(t, unigramDocument(map[string]string{"model": `{"unk_id": 0, "vocab": [["<unk>", 0], ["a", -1.3], ["b", -2.1], ["aa", -2.2], ["ab", -2.7], ["ba", -3.9], ["aba", -3.6], ["bb", -4.3], ["baa", -4.1]]}`}))
	if err != nil {
		t.Fatal(err)
	}
	scores := map[string]float64{"a": -1.3, "b": -2.1, "aa": -2.2, "ab": -2.7, "ba": -3.9, "aba": -3.6, "bb": -4.3, "baa": -4.1}
	var best func(word string) float64
	best = func(word string) float64 {
		if word == "" {
			return 0
		}
		highest := math.Inf(-1)
		for piece, score := range scores {
			if rest, ok := strings.CutPrefix(word, piece); ok {
				highest = max(highest, score+best(rest))
			}
		}
		return highest
	}
	for n := range 1 << 9 {
		word := strings.NewReplacer("0", "a", "1", "b").Replace(fmt.Sprintf("%09b", n))
		sum, joined := 0.0, ""
		for _, id := range tok.Encode(word) {
			sum += scores[tok.Token(id)]
			joined += tok.Token(id)
		}
		if joined != word || math.Abs(sum-best(word)) > 1e-12 {
			t.Errorf("%s: pieces of %s score %g, the best are %g", word, joined, sum, best(word))
		}
	}
}

func TestUnigramRefuses(t *testing.T) {
	tests := []struct{ part, value, want string }{
		{"model", `{"type": "Unigram", "vocab": [["a", 0]]}`, "model: unk_id: missing"},
		{"model", `{"type": "Unigram", "unk_id": 1, "vocab": [["a", 0]]}`, "unk_id: found 1, expected the place of one of the 1 pieces"},
		{"model", `{"type": "Unigram", "unk_id": 0, "vocab": [["a", 0], ["a", 1]]}`, `vocab: "a" stands there twice, at 0 and 1`},
		{"model", `{"type": "Unigram", "unk_id": 0, "vocab": [["a"]]}`, `want a piece and its score`},
		{"pre_tokenizer", `{"type": "Metaspace", "prepend_scheme": "last"}`, `prepend_scheme "last" is not supported; supported: always, first, never`},
		{"pre_tokenizer", `{"type": "Metaspace", "replacement": ""}`, `replacement: empty`},
		{"normalizer", `{"type": "Replace", "pattern": {}, "content": ""}`, `pattern: want either String or Regex`},
		{"normalizer", `{"type": "Precompiled", "precompiled_charsmap": "?"}`, `precompiled_charsmap: not base64`},
		{"normalizer", `{"type": "Precompiled", "precompiled_charsmap": "AAAA"}`, `precompiled_charsmap: 3 bytes; want a trie`},
		{"normalizer", `{"type": "Precompiled", "precompiled_charsmap": "CAAAAAAA"}`, `precompiled_charsmap: a trie of 8 bytes in 2`},
	}
	for _, test := range tests {
		if tok, err := loadFiles(t, unigramDocument(map[string]string{test.part: test.value})); tok != nil || !usage.Is(err) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got error %v, want %q", test.value, err, test.want)
		}
	}
}

// compiled makes a table of replacements in SentencePiece's format: a double array in which a node's child for a byte lies at
// the node's offset, exclusive or the byte, and its value at the offset itself.
func compiled(t testing.TB, entries map[string]string) []byte {
	t.Helper()
	type node struct {
		next  map[byte]*node
		value int
	}
	fresh := func() *node { return &node{next: map[byte]*node{}, value: -1} }
	root := fresh()
	var texts []byte
	for from, to := range entries {
		at := root
		for i := range len(from) {
			if at.next[from[i]] == nil {
				at.next[from[i]] = fresh()
			}
			at = at.next[from[i]]
		}
		at.value = len(texts)
		texts = append(append(texts, to...), 0)
	}
	units := make([]uint32, 1<<12)
	used := make([]bool, len(units))
	used[0] = true
	var place func(n *node, at uint32, label uint32)
	place = func(n *node, at uint32, label uint32) {
		labels := make([]uint32, 0, len(n.next)+1)
		for b := range n.next {
			labels = append(labels, uint32(b))
		}
		if n.value >= 0 {
			labels = append(labels, 0)
		}
		offset := uint32(1)
		for slices.ContainsFunc(labels, func(l uint32) bool { return used[(at^offset)^l] }) {
			offset++
		}
		for _, l := range labels {
			used[(at^offset)^l] = true
		}
		units[at] = label | offset<<10
		if n.value >= 0 {
			units[at] |= 1 << 8
			units[at^offset] = 1<<31 | uint32(n.value)
		}
		for b, child := range n.next {
			place(child, (at^offset)^uint32(b), uint32(b))
		}
	}
	place(root, 0, 0)
	content := binary.LittleEndian.AppendUint32(nil, uint32(4*len(units)))
	for _, unit := range units {
		content = binary.LittleEndian.AppendUint32(content, unit)
	}
	return append(content, texts...)
}

// A table's entries are looked up for grapheme clusters of up to five bytes, then for their characters; the shortest entry that a
// cluster begins with stands for all of it.
func TestCharsMap(t *testing.T) {
	content := compiled(t, map[string]string{"\t": " ", "\r": " ", "Ａ": "A", "ﬁ": "fi", "e\u0301": "é", "①": "1", "\u00ad": "", "か\u3099": "が", "\u3099": "?"})
	tests := []struct{ text, want string }{
		{"a\tb", "a b"},
		{"Ａﬁ①", "Afi1"},
		{"e\u0301e", "ée"},
		{"x\u00ady", "xy"},
		{"か\u3099", "か?"}, // a cluster of six bytes
		{"\r\n\n", " \n"},
		{"e\u0300\xffé", "e\u0300\xffé"},
		{"", ""},
	}
	m, err := parseCharsMap(content)
	if err != nil {
		t.Fatal(err)
	}
	tok, err := loadFiles(t, unigramDocument(map[string]string{"normalizer": fmt.Sprintf(`{"type": "Precompiled", "precompiled_charsmap": %q}`, base64.StdEncoding.EncodeToString(content))}))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range tests {
		if got := m.apply(test.text); got != test.want {
			t.Errorf("%q: got %q, want %q", test.text, got, test.want)
		}
		if got := tok.normalizer.apply(test.text); got != test.want {
			t.Errorf("tokenizer.json: %q: got %q, want %q", test.text, got, test.want)
		}
	}
	if empty, err := parseCharsMap(nil); err != nil || empty.apply("Ａ") != "Ａ" {
		t.Errorf("an empty table changes something, or is refused: %v", err)
	}
}

func FuzzCharsMap(f *testing.F) {
	f.Add(compiled(f, map[string]string{"a": "b", "ab": "c", "\u00e9": "e"})[:2000], "ab\u00e9")
	f.Add([]byte{4, 0, 0, 0, 255, 255, 255, 255, 'a'}, "a")
	f.Fuzz(func(_ *testing.T, content []byte, text string) {
		if m, err := parseCharsMap(content); err == nil {
			m.apply(text)
		}
	})
}
