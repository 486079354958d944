package tokenizer

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// slowest merges the characters of a word in the plainest way: of all merges that apply the first, of these the leftmost.
func slowest(merges [][2]string, ids map[string]int32, word string) []int32 {
	var parts []string
	for _, char := range word {
		if _, ok := ids[string(char)]; ok {
			parts = append(parts, string(char))
			continue
		}
		for _, b := range []byte(string(char)) {
			parts = append(parts, fmt.Sprintf("<0x%02X>", b))
		}
	}
	for {
		at := -1
	search:
		for _, m := range merges {
			for i := range len(parts) - 1 {
				if parts[i] == m[0] && parts[i+1] == m[1] {
					at = i
					break search
				}
			}
		}
		if at < 0 {
			break
		}
		parts = slices.Replace(parts, at, at+2, parts[at]+parts[at+1])
	}
	list := []int32{}
	for _, part := range parts {
		list = append(list, ids[part])
	}
	return list
}

// randomMerges are merges of what earlier ones made; where spanning, tokens may go on over spaces.
func randomMerges(random *rand.Rand, spanning bool) [][2]string {
	made := []string{"▁", "a", "b", "c"}
	var merges [][2]string
	for len(merges) < 25 {
		m := [2]string{made[random.IntN(len(made))], made[random.IntN(len(made))]}
		if slices.Contains(made, m[0]+m[1]) || !spanning && strings.HasPrefix(m[1], "▁") && !strings.HasSuffix(m[0], "▁") {
			continue
		}
		merges, made = append(merges, m), append(made, m[0]+m[1])
	}
	return merges
}

func TestCharactersAgainstPlainMerging(t *testing.T) {
	alphabet := []string{" ", " ", "a", "b", "c", "a", "b", "é", "\n", "x"}
	cut := 0
	for seed := range uint64(24) {
		random := rand.New(rand.NewPCG(seed, 7))
		merges := randomMerges(random, seed%2 == 1)
		_, ids := charVocabulary(merges)
		tok := mustLoadFiles(t, charDocument(t, map[string]string{"model": charModel(t, merges, "")}))
		if len(tok.words.text) > 0 {
			cut++
		}
		for range 60 {
			var b strings.Builder
			for range 1 + random.IntN(40) {
				b.WriteString(alphabet[random.IntN(len(alphabet))])
			}
			text := b.String()
			want := slowest(merges, ids, strings.ReplaceAll("▁"+text, " ", "▁"))
			if diff := cmp.Diff(want, tok.Encode(text)); diff != "" {
				t.Fatalf("seed %d: %q (-plain +got):\n%s", seed, text, diff)
			}
			if got := tok.Decode(want); got != text {
				t.Fatalf("seed %d: decoded %q, want %q", seed, got, text)
			}
		}
	}
	if cut < 12 || cut == 24 {
		t.Errorf("%d of 24 vocabularies were cut before spaces, want those without spanning tokens", cut)
	}
}

func TestCharactersConcurrently(t *testing.T) {
	tok := mustLoadFiles(t, charDocument(t, nil))
	texts := make([]string, 64)
	wants := make([][]int32, len(texts))
	_, ids := charVocabulary(charMerges)
	for i := range texts {
		texts[i] = strings.Repeat("hello wor abc é ", i%7+1) + fmt.Sprint(i)
		wants[i] = slowest(charMerges, ids, strings.ReplaceAll("▁"+texts[i], " ", "▁"))
	}
	var group sync.WaitGroup
	for start := range 8 {
		group.Go(func() {
			for i := range texts {
				k := (i + start*8) % len(texts)
				if got := tok.Encode(texts[k]); !slices.Equal(got, wants[k]) {
					t.Errorf("%q: %v, want %v", texts[k], got, wants[k])
				}
			}
		})
	}
	group.Wait()
}

// FuzzCharacters: every text comes back, also one that goes on from another; and the text of more ids begins with that of fewer.
func FuzzCharacters(f *testing.F) {
	prepend := mustLoadFiles(f, charDocument(f, nil))
	first := mustLoadFiles(f, charDocument(f, map[string]string{"normalizer": "null", "pre_tokenizer": firstPart}))
	for _, text := range []string{"hello world", "  a\n é", "<s>hello</s> <unk>", "\xff\xe2\x96", "▁", "a▁b"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, metaspace) {
			return // it stands for a space
		}
		plain := prepend.EncodePlain(text)
		if got := prepend.Decode(plain); got != text {
			t.Errorf("%q: decoded %q", text, got)
		}
		if ids := first.Encode(text); !strings.HasPrefix(text, " ") && first.Decode(ids) != text {
			t.Errorf("%q: decoded %q", text, first.Decode(ids))
		}
		before := prepend.Encode("ab")
		ids := first.EncodeContinuation(text)
		if got := first.DecodeAfter(before, ids); got != text {
			t.Errorf("after another text, %q: decoded %q", text, got)
		}
		for n := range plain {
			for _, start := range [][]int32{nil, before} {
				if less, more := prepend.DecodeAfter(start, plain[:n]), prepend.DecodeAfter(start, plain[:n+1]); !strings.HasPrefix(more, less) {
					t.Errorf("%q: %d ids are %q, one more %q", text, n, less, more)
				}
			}
		}
	})
}
