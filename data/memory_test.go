package data_test

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sync"
	"testing"
	"time"

	"github.com/sparsepo/sparsepo/data"
)

// generated writes records of random ids, about 130 bytes each.
func generated(t testing.TB, records int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pairs.jsonl")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	output, random := bufio.NewWriterSize(file, 1<<20), rand.New(rand.NewPCG(1, uint64(records)))
	list := func(most int) []byte {
		text := []byte{'['}
		for i := range 1 + random.IntN(most) {
			if i > 0 {
				text = append(text, ',')
			}
			text = fmt.Append(text, random.IntN(1000))
		}
		return append(text, ']')
	}
	for range records {
		fmt.Fprintf(output, "{\"prompt\":%s,\"chosen\":%s,\"rejected\":%s}\n", list(16), list(16), list(16))
	}
	if err := output.Flush(); err != nil {
		t.Fatal(err)
	}
	return path
}

// peakHeap runs f and returns the most bytes that live and dead objects took at once, above what there was before.
func peakHeap(f func()) int {
	runtime.GC()
	var before, now runtime.MemStats
	runtime.ReadMemStats(&before)
	stop, most := make(chan struct{}), uint64(0)
	var sampler sync.WaitGroup
	sampler.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(2 * time.Millisecond):
				runtime.ReadMemStats(&now)
				most = max(most, now.HeapAlloc)
			}
		}
	})
	f()
	close(stop)
	sampler.Wait()
	return int(max(most, before.HeapAlloc) - before.HeapAlloc)
}

// TestMemoryDoesNotGrowWithTheFile: of a record memory keeps 12 bytes in the index and 4 in the order of an epoch, whether the
// file has 2 or 20 MB.
func TestMemoryDoesNotGrowWithTheFile(t *testing.T) {
	if testing.Short() {
		t.Skip("writes and loads a file of 20 MB; run without -short")
	}
	defer debug.SetGCPercent(debug.SetGCPercent(20))
	peak := func(records int) int {
		path := generated(t, records)
		return peakHeap(func() {
			set, _, err := data.Load(t.Context(), path, data.LoadOptions{VocabSize: 1000, OnBadRecord: data.SkipBad})
			if err != nil {
				t.Fatal(err)
			}
			defer set.Close()
			plan, err := data.NewPlan(set, data.PlanOptions{BatchSize: 8, Seed: 1})
			if err != nil {
				t.Fatal(err)
			}
			for step, err := range plan.Steps(0) {
				if err != nil {
					t.Fatal(err)
				}
				if step.Number == 50 {
					break
				}
			}
		})
	}
	const perRecord, slack = 12 + 4, 12 << 20
	few, many := peak(20_000), peak(200_000)
	t.Logf("peak heap: %.1f MB for 20,000 records, %.1f MB for 200,000", float64(few)/1e6, float64(many)/1e6)
	if limit := few + 180_000*2*perRecord + 4<<20; many > limit || many > slack+200_000*2*perRecord {
		t.Errorf("200,000 records took %d bytes at the peak, 20,000 took %d; want at most %d", many, few, limit)
	}
}
