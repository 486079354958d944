package train

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// A run that cannot fit is refused before its weights are read, with its parts and what would help; one that may not fit
// warns; one that fits says what it needs.
func TestMemoryIsChecked(t *testing.T) {
	free := int64(0)
	defer func(original func() (int64, bool)) { available = original }(available)
	available = func() (int64, bool) { return free, true }
	b := onGo(t)

	free = 1 << 20
	err := b.fails("refused", map[string]string{"method": "dpo"})
	if !usage.Is(err) || !strings.Contains(err.Error(), "memory: the run needs about 7") || !strings.Contains(err.Error(), "0.0 GB are free") {
		t.Errorf("error %v, want the need and what is free", err)
	}
	if hints := strings.Join(usage.Hints(err), "\n"); !strings.Contains(hints, "use_peft=true") || !strings.Contains(hints, "per_device_train_batch_size") {
		t.Errorf("hints %q, want advice", hints)
	}

	// The least that is not refused is less than the estimate.
	c := b.settings("warned", map[string]string{"method": "dpo"})
	least := sort.Search(1<<30, func(bytes int) bool {
		free = int64(bytes)
		s, err := open(t.Context(), c, Options{Backend: b.backend, Log: io.Discard}, func(string, ...any) {})
		if err == nil {
			s.close()
		}
		return err == nil
	})
	var log strings.Builder
	free = int64(least)
	s, err := open(t.Context(), c, Options{Backend: b.backend, Log: io.Discard}, func(format string, args ...any) { fmt.Fprintf(&log, format+"\n", args...) })
	if err != nil {
		t.Fatal(err)
	}
	s.close()
	if text := log.String(); least < 70<<20 || !strings.Contains(text, "memory: about 7") || !strings.Contains(text, "warning: the largest batches may not fit") {
		t.Errorf("with %d bytes free, no warning:\n%s", least, text)
	}

	free = 1 << 40
	b.run("fits", map[string]string{"method": "dpo", "max_steps": "1"})
	if log := readLog(t, b, "fits"); !strings.Contains(log, "memory: about 7") || strings.Contains(log, "warning") {
		t.Errorf("log:\n%s", log)
	}
}

func readLog(t *testing.T, b *bench, run string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(b.path(run), "log.txt"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
