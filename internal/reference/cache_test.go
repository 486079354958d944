package reference

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sparsepo/sparsepo/data"
	"github.com/sparsepo/sparsepo/internal/usage"
)

// shelf is a folder of caches and what they log.
type shelf struct {
	testing.TB
	folder string
	mu     sync.Mutex
	log    strings.Builder
}

func newShelf(t testing.TB) *shelf { return &shelf{TB: t, folder: t.TempDir()} }

func (s *shelf) options(model string, limit int64) Options {
	return Options{
		Folder: s.folder, Limit: limit, Key: Key{Model: model, Numerics: "test", Fields: []Field{{"a", 2}, {"b", 1}}},
		Log: func(format string, args ...any) {
			s.mu.Lock()
			defer s.mu.Unlock()
			fmt.Fprintf(&s.log, format+"\n", args...)
		},
	}
}

func (s *shelf) open(model string, limit int64) *Cache {
	s.Helper()
	c, err := Open(s.options(model, limit))
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { c.Close() })
	return c
}

// pairsOf are n pairs from number first on; each has two chosen tokens and one rejected.
func pairsOf(first, n int) []data.TokenPair {
	list := make([]data.TokenPair, n)
	for i := range list {
		list[i] = data.TokenPair{Prompt: []int32{1, 2}, Chosen: []int32{3, int32(first + i)}, Rejected: []int32{4}}
	}
	return list
}

// valuesOf are a pair's values, made of its ids.
func valuesOf(p data.TokenPair) [][]float32 {
	x := float32(p.Chosen[1])
	return [][]float32{{x, -x, 0.5, float32(math.Inf(-1)), 1e-30, x / 3}, {x + 1, x + 2, x + 3}}
}

// recordOf is the size of such a pair's record.
const recordOf = 20 + 4*9 + 4

func (s *shelf) fill(c *Cache, pairs []data.TokenPair) (computed int) {
	s.Helper()
	err := c.Fill(context.Background(), eachOf(pairs), func(missing Pairs, add func(p data.TokenPair, fields [][]float32) error) error {
		for p := range missing {
			computed++
			if err := add(p, valuesOf(p)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		s.Fatal(err)
	}
	return computed
}

func (s *shelf) check(c *Cache, pairs []data.TokenPair) {
	s.Helper()
	for _, p := range pairs {
		got, err := c.Values(p)
		if err != nil {
			s.Fatal(err)
		}
		if diff := cmp.Diff(valuesOf(p), got); diff != "" {
			s.Errorf("values (-want +got):\n%s", diff)
		}
	}
}

func (s *shelf) missing(c *Cache, pairs []data.TokenPair) int {
	s.Helper()
	survey, err := c.Survey(eachOf(pairs))
	if err != nil {
		s.Fatal(err)
	}
	return survey.Missing
}

// eachOf yields pairs.
func eachOf(pairs []data.TokenPair) Pairs {
	return func(yield func(data.TokenPair, error) bool) {
		for _, p := range pairs {
			if !yield(p, nil) {
				return
			}
		}
	}
}

func (s *shelf) files() []string {
	s.Helper()
	names, err := filepath.Glob(filepath.Join(s.folder, "*", "*"+valuesSuffix))
	if err != nil {
		s.Fatal(err)
	}
	return names
}

func TestFillOnce(t *testing.T) {
	s := newShelf(t)
	c := s.open("m", 1<<20)
	pairs := append(pairsOf(0, 5), pairsOf(0, 2)...) // two of them twice
	survey, err := c.Survey(eachOf(pairs))
	if want := (Survey{Pairs: 5, Missing: 5, Size: 5 * recordOf, ToCome: 5 * recordOf, files: map[string]bool{}}); err != nil || !cmp.Equal(want, survey, cmp.AllowUnexported(Survey{})) {
		t.Errorf("survey %v, %v, want %v", survey, err, want)
	}
	for i, want := range []int{5, 0} {
		if n := s.fill(c, pairs); n != want {
			t.Errorf("call %d computes %d pairs, want %d", i, n, want)
		}
	}
	s.check(c, pairs)
	again := s.open("m", 1<<20)
	s.check(again, pairs)
	if n := s.fill(again, append(pairs, pairsOf(10, 3)...)); n != 3 {
		t.Errorf("%d pairs are computed, want the 3 new ones", n)
	}
	s.check(again, pairsOf(10, 3))
	if n := s.missing(s.open("another", 1<<20), pairs); n != 5 {
		t.Errorf("another key lacks %d pairs, want 5", n)
	}
	for _, p := range []data.TokenPair{
		{Prompt: []int32{1, 2, 3}, Chosen: []int32{0}, Rejected: []int32{4}}, // the ids of pair 0, divided otherwise
		{Prompt: []int32{1, 2}, Chosen: []int32{3, 0, 4}},
		{Prompt: []int32{1, 2}, Chosen: []int32{3, 0}, Rejected: []int32{4}, Given: []data.Span{{First: 0, End: 1}}},
	} {
		if _, err := c.Values(p); err == nil {
			t.Errorf("%v has values, and nothing computed them", p)
		}
	}
	if s.log.Len() > 0 {
		t.Errorf("log %q, want none", s.log.String())
	}
}

// What a computation added before it failed stays.
func TestFillThatFails(t *testing.T) {
	s := newShelf(t)
	pairs := pairsOf(0, 4)
	broken := errors.New("broken")
	err := s.open("m", 1<<20).Fill(context.Background(), eachOf(pairs), func(_ Pairs, add func(p data.TokenPair, fields [][]float32) error) error {
		return errors.Join(add(pairs[0], valuesOf(pairs[0])), add(pairs[2], valuesOf(pairs[2])), broken)
	})
	if !errors.Is(err, broken) {
		t.Fatalf("error %v, want that of the computation", err)
	}
	c := s.open("m", 1<<20)
	if n := s.missing(c, pairs); n != 2 {
		t.Errorf("%d pairs are missing, want 2", n)
	}
	s.check(c, []data.TokenPair{pairs[0], pairs[2]})
	for what, fields := range map[string][][]float32{"a field too few": {make([]float32, 6)}, "a number too few": {make([]float32, 6), make([]float32, 2)}, "none": nil} {
		err := c.Fill(context.Background(), eachOf(pairs), func(_ Pairs, add func(p data.TokenPair, fields [][]float32) error) error {
			return add(pairs[1], fields)
		})
		if err == nil || !strings.Contains(err.Error(), "do not fit") {
			t.Errorf("%s: error %v", what, err)
		}
	}
	if err := c.Fill(context.Background(), eachOf(pairs), func(Pairs, func(data.TokenPair, [][]float32) error) error { return nil }); err == nil {
		t.Error("no error where nothing was computed")
	}
}

// A file is whole or dropped: wherever a byte differs, or the end is missing, its values are computed again, and the log says so.
func TestDamage(t *testing.T) {
	s := newShelf(t)
	pairs := pairsOf(0, 3)
	s.fill(s.open("m", 1<<20), pairs)
	path := s.files()[0]
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	write := func(text []byte) {
		if err := os.WriteFile(path, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for at := range whole {
		text := append([]byte{}, whole...)
		text[at] ^= 0x20
		write(text)
		s.log.Reset()
		if missing := s.missing(s.open("m", 1<<20), pairs); missing != 3 || len(s.files()) != 0 || !strings.Contains(s.log.String(), "the file is dropped") {
			t.Fatalf("byte %d differs: %d pairs are missing, %d files are left, log %q", at, missing, len(s.files()), s.log.String())
		}
	}
	head := len(whole) - 3*recordOf
	for n := range whole {
		write(whole[:n])
		missing := s.missing(s.open("m", 1<<20), pairs)
		want := 3
		if n >= head && (n-head)%recordOf == 0 { // whole records, which are not damaged
			want -= (n - head) / recordOf
		}
		if missing != want {
			t.Errorf("the first %d bytes: %d pairs are missing, want %d", n, missing, want)
		}
	}
	write(whole)
	c := s.open("m", 1<<20)
	text := append([]byte{}, whole...)
	text[len(text)-10] ^= 1
	write(text)
	if _, err := c.Values(pairs[2]); err == nil || !strings.Contains(err.Error(), "damaged at byte") {
		t.Errorf("damage while the run goes on: error %v", err)
	}
	s.check(c, pairs[:2])
}

// A killed run's half-written file is no obstacle and goes with the next one's.
func TestUnfinishedFile(t *testing.T) {
	s := newShelf(t)
	c := s.open("m", 1<<20)
	left := filepath.Join(c.folder, "ABC"+valuesSuffix+tempSuffix)
	if err := os.WriteFile(left, []byte("half"), 0o644); err != nil {
		t.Fatal(err)
	}
	s.fill(c, pairsOf(0, 2))
	if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there: %v", left, err)
	}
	s.check(s.open("m", 1<<20), pairsOf(0, 2))
}

// Runs at the same time compute every pair once.
func TestConcurrentFills(t *testing.T) {
	s := newShelf(t)
	pairs := pairsOf(0, 40)
	var group sync.WaitGroup
	var computed [4]int
	for i := range computed {
		c := s.open("m", 1<<20)
		group.Go(func() {
			err := c.Fill(context.Background(), eachOf(pairs), func(missing Pairs, add func(p data.TokenPair, fields [][]float32) error) error {
				for p := range missing {
					computed[i]++
					if err := add(p, valuesOf(p)); err != nil {
						return err
					}
				}
				time.Sleep(50 * time.Millisecond) // the others come and wait
				return nil
			})
			if err != nil {
				t.Error(err)
				return
			}
			s.check(c, pairs)
		})
	}
	group.Wait()
	if sum := computed[0] + computed[1] + computed[2] + computed[3]; sum != 40 {
		t.Errorf("%v pairs are computed, want 40 together", computed)
	}
}

// A run that waits for another one can be stopped.
func TestWaitingEnds(t *testing.T) {
	s := newShelf(t)
	unlock, err := s.open("m", 1<<20).lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := s.open("m", 1<<20).Fill(ctx, eachOf(pairsOf(0, 1)), nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want that of the context", err)
	}
	if !strings.Contains(s.log.String(), "waiting for another run") {
		t.Errorf("log %q", s.log.String())
	}
}

// The files that were not used for the longest time make room, of whichever key; those the run needs stay.
func TestRoom(t *testing.T) {
	s := newShelf(t)
	const perFile = 200 + 10*recordOf // with its header, whose length depends on the key
	limit := int64(3 * perFile)
	age := func(days int, known map[string]bool) string {
		for _, path := range s.files() {
			if !known[path] {
				at := time.Now().AddDate(0, 0, -days)
				if err := os.Chtimes(path, at, at); err != nil {
					t.Fatal(err)
				}
				known[path] = true
				return path
			}
		}
		t.Fatal("no new file")
		return ""
	}
	known := map[string]bool{}
	s.fill(s.open("old", limit), pairsOf(0, 10))
	oldest := age(3, known)
	reader := s.open("old", limit)
	mine := s.open("m", limit)
	s.fill(mine, pairsOf(0, 10))
	needed := age(4, known)
	s.fill(s.open("new", limit), pairsOf(0, 10))
	newer := age(1, known)
	s.fill(mine, pairsOf(0, 20)) // needs its own first ten, which are the oldest on the disk
	left := strings.Join(s.files(), " ")
	if !strings.Contains(left, needed) || !strings.Contains(left, newer) || strings.Contains(left, oldest) {
		t.Errorf("left are %s; want %s gone", left, oldest)
	}
	s.check(mine, pairsOf(0, 20))
	s.check(reader, pairsOf(0, 10)) // it goes on reading what is gone
	err := s.open("more", limit).Fill(t.Context(), eachOf(pairsOf(0, 50)), nil)
	if !usage.Is(err) || !strings.Contains(err.Error(), "is limited to") {
		t.Errorf("more than the limit: error %v", err)
	}
}
