package hub

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"time"
)

const (
	maxAttempts  = 5 // in a row, without progress
	firstPause   = time.Second
	longestPause = 5 * time.Minute // the longest that the hub may ask for; its limits are counted in windows of this length
)

// temporary is an error that may go away.
type temporary struct {
	err  error
	wait time.Duration // what the server asks for; 0 leaves it to the caller
}

func (t *temporary) Error() string { return t.err.Error() }
func (t *temporary) Unwrap() error { return t.err }

// temporarily marks an error of the connection as one that may go away. Certificates do not get better by waiting.
func temporarily(err error) error {
	var certificate *tls.CertificateVerificationError
	if err == nil || errors.As(err, &certificate) {
		return err
	}
	return &temporary{err: err}
}

// retry calls attempt until it succeeds, fails for good, or has failed maxAttempts times in a row without having brought
// forward what size, which may be nil, counts.
func (r *repository) retry(ctx context.Context, what string, size func() int64, attempt func(context.Context) error) error {
	for failures := 0; ; {
		before := int64(0)
		if size != nil {
			before = size()
		}
		err := attempt(ctx)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		var passing *temporary
		if !errors.As(err, &passing) {
			return err
		}
		if size != nil && size() > before {
			failures = 0
		}
		failures++
		if failures >= maxAttempts {
			return fmt.Errorf("%w (%d attempts)", err, failures)
		}
		pause := passing.wait
		if pause == 0 {
			pause = firstPause << (failures - 1)
		}
		if pause > longestPause {
			return fmt.Errorf("%w; try again in %s", err, pause)
		}
		fmt.Fprintf(r.Log, "%s: %s: %v; next attempt in %s\n", r, what, err, pause)
		if err := r.sleep(ctx, pause); err != nil {
			return err
		}
	}
}
