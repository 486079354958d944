package data_test

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"github.com/sparsepo/sparsepo/data"
	"github.com/sparsepo/sparsepo/internal/usage"
)

type turn struct {
	Role    string `parquet:"role"`
	Content string `parquet:"content"`
}

type chatRow struct {
	Prompt   *string `parquet:"prompt,optional"`
	Chosen   []turn  `parquet:"chosen,list"`
	Rejected []turn  `parquet:"rejected,list"`
	Score    float64 `parquet:"score_chosen"`
	Picture  []byte  `parquet:"picture,optional"`
}

type idRow struct {
	Prompt   []int64 `parquet:"prompt,list"`
	Chosen   []int32 `parquet:"chosen,list"`
	Rejected []int32 `parquet:"rejected,list"`
}

func writeParquet[T any](t testing.TB, rows ...T) string {
	t.Helper()
	var b bytes.Buffer
	w := parquet.NewGenericWriter[T](&b, parquet.Compression(&parquet.Zstd), parquet.MaxRowsPerRowGroup(70))
	if _, err := w.Write(rows); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "a.parquet")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestParquet(t *testing.T) {
	prompt := "hi"
	path := writeParquet(t,
		chatRow{Prompt: &prompt, Chosen: []turn{{"user", "hé"}, {"assistant", "a"}}, Rejected: []turn{{"user", "hé"}, {"assistant", "b"}}, Picture: []byte{0xff}},
		chatRow{Chosen: []turn{{"user", "q"}, {"assistant", "c"}}, Rejected: []turn{{"user", "q"}, {"assistant", "d"}}},
		chatRow{Chosen: []turn{{"user", "q"}}, Rejected: []turn{{"user", "p"}}},
	)
	reader, err := data.Open(path, data.Preference)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	var got []string
	for rec, err := range reader.Records() {
		if err != nil {
			got = append(got, "! "+strings.TrimPrefix(err.Error(), path))
			continue
		}
		got = append(got, strings.TrimPrefix(rec.Source, path)+" "+rec.Prompt.Messages[0].Content+" "+rec.Chosen.Messages[0].Content+" "+rec.Rejected.Messages[0].Content)
	}
	want := []string{":1 hé a b", ":2 q c d", `! :3: field "prompt": missing, and the messages of the sides begin with no shared turns that the assistant follows; give the prompt as its own field`}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("rows (-want +got):\n%s", d)
	}
}

// TestParquetRows: rows come in their order over several groups, ids as ids.
func TestParquetRows(t *testing.T) {
	rows := make([]idRow, 300)
	for i := range rows {
		rows[i] = idRow{[]int64{int64(i)}, []int32{1, 2}, []int32{3}}
	}
	set, report, err := data.Load(t.Context(), writeParquet(t, rows...), data.LoadOptions{VocabSize: 300})
	if err != nil {
		t.Fatal(err)
	}
	if report.Read != 300 {
		t.Errorf("%d rows read, want 300", report.Read)
	}
	for i, p := range all(t, set) {
		if p.Prompt[0] != int32(i) || len(p.Chosen) != 2 || !strings.HasSuffix(p.Source, ":"+string(rune('0'+(i+1)%10))) && i < 9 {
			t.Fatalf("row %d: %+v", i, p)
		}
	}
}

func TestParquetRefuses(t *testing.T) {
	whole, err := os.ReadFile(writeParquet(t, idRow{[]int64{1}, []int32{1, 2}, []int32{3}}))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, content, want string }{
		{"cut", string(whole[:len(whole)-9]), "not a readable Parquet file"},
		{"footer lost", string(whole[len(whole)/2:]), "not a readable Parquet file"},
		{"nothing", "", "not a readable Parquet file"},
	} {
		path := writeFile(t, "a.parquet", c.content)
		_, _, err := data.Load(t.Context(), path, data.LoadOptions{VocabSize: 300})
		if !usage.Is(err) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v, want a usage error with %q", c.name, err, c.want)
		}
	}
	empty := writeParquet[idRow](t)
	if _, _, err := data.Load(t.Context(), empty, data.LoadOptions{VocabSize: 300}); !usage.Is(err) || !strings.Contains(err.Error(), "no records") {
		t.Errorf("empty table: %v", err)
	}
}

// TestParquetDamaged: a damaged table gives records or an error, no panic. It is no fuzz test because the library takes seconds
// and gigabytes where the damage makes sizes huge.
func TestParquetDamaged(t *testing.T) {
	whole, err := os.ReadFile(writeParquet(t, idRow{[]int64{1}, []int32{1, 2}, []int32{3}}, idRow{[]int64{4}, []int32{5}, []int32{6}}))
	if err != nil {
		t.Fatal(err)
	}
	random, path := rand.New(rand.NewPCG(1, 2)), filepath.Join(t.TempDir(), "a.parquet")
	failed := 0
	for range 300 {
		damaged := bytes.Clone(whole)
		for range 1 + random.IntN(3) {
			damaged[random.IntN(len(damaged))] = byte(random.IntN(256))
		}
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		_, _, err := data.Load(t.Context(), path, data.LoadOptions{VocabSize: 300})
		if err != nil {
			failed++
			if !strings.Contains(err.Error(), path) {
				t.Errorf("error %v does not name the file", err)
			}
		}
	}
	t.Logf("%d of 300 damaged files were refused", failed)
}
