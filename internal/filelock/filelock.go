// Package filelock lets one process at a time do a piece of work that a file stands for.
package filelock

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/gofrs/flock"
)

// pause between two tries for a lock that another process has.
const pause = 200 * time.Millisecond

// Wait takes the lock of a file, which it creates, and calls waiting once if another process has it. It ends with the
// context's cause. On file systems without locks it returns at once: callers must stand two workers.
func Wait(ctx context.Context, file string, waiting func()) (unlock func(), err error) {
	lock := flock.New(file, flock.SetFlag(os.O_CREATE|os.O_RDWR), flock.SetPermissions(0o664))
	locked, err := lock.TryLock()
	if err == nil && !locked {
		waiting()
		_, err = lock.TryLockContext(ctx, pause)
	}
	unlock = func() { _ = lock.Close() } // closing the file unlocks it, whatever else goes wrong
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		return unlock, nil
	case ctx.Err() != nil:
		unlock()
		return nil, context.Cause(ctx)
	case err != nil:
		unlock()
		return nil, fmt.Errorf("lock %s: %w", file, err)
	}
	return unlock, nil
}
