package filelock_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/sparsepo/sparsepo/internal/filelock"
)

// TestWait: a second worker waits, ends with its context's cause, and leaves nothing locked.
func TestWait(t *testing.T) {
	file := filepath.Join(t.TempDir(), "lock")
	never := func() { t.Error("waited for a lock that nobody has") }
	unlock, err := filelock.Wait(t.Context(), file, never)
	if err != nil {
		t.Fatal(err)
	}
	reason := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	waited := 0
	if _, err := filelock.Wait(ctx, file, func() { waited++; cancel(reason) }); !errors.Is(err, reason) || waited != 1 {
		t.Errorf("error %v after %d notices, want the context's cause after one", err, waited)
	}
	unlock()
	if _, err := filelock.Wait(ctx, file, never); !errors.Is(err, reason) {
		t.Errorf("error %v, want the cause of the context that ended before", err)
	}
	again, err := filelock.Wait(t.Context(), file, never)
	if err != nil {
		t.Fatal(err)
	}
	again()
}
