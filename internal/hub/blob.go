package hub

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sparsepo/sparsepo/internal/filelock"
)

var (
	errStalled = errors.New("the connection went silent")
	errShort   = errors.New("the connection was closed early")
)

// download fetches a blob that the cache lacks. moved is called with the number of its bytes that are here.
func (r *repository) download(ctx context.Context, commit string, f file, moved func(bytes int64)) error {
	unlock, err := r.lock(ctx, f)
	if err != nil {
		return err
	}
	defer unlock()
	blob := r.blob(f.etag)
	if _, err := os.Stat(blob); err == nil { // another process was faster
		moved(f.size)
		return nil
	}
	p, err := openPartial(ctx, blob+".incomplete", f)
	if err != nil {
		return err
	}
	defer p.disk.Close()
	moved(p.size)
	if err := r.fill(ctx, r.fileURL(commit, f.name), p, moved); err != nil {
		return err
	}
	return p.finish(blob)
}

// fill brings a partial file to its end and checks it. Where the content is wrong, what lay there before may be the
// reason, or an answer that was damaged on its way: it starts over, once.
func (r *repository) fill(ctx context.Context, address string, p *partial, moved func(int64)) error {
	for again := false; ; again = true {
		err := r.retry(ctx, p.want.name, func() int64 { return p.size }, func(ctx context.Context) error {
			return r.transfer(ctx, address, p, moved)
		})
		if err != nil && !errors.Is(err, errTooLong) {
			return err
		}
		wrong := err
		if wrong == nil {
			wrong = p.check()
		}
		if wrong == nil {
			return nil
		}
		if err := p.reset(); err != nil {
			return err
		}
		moved(0)
		if again {
			return fmt.Errorf("%w, twice; the hub, a mirror or a proxy on the way delivers wrong content", wrong)
		}
		fmt.Fprintf(r.Log, "%s: %s: %v; it is downloaded again from the start\n", r, p.want.name, wrong)
	}
}

// transfer makes one request for what is missing and appends what comes.
func (r *repository) transfer(ctx context.Context, address string, p *partial, moved func(int64)) error {
	if p.size == p.want.size {
		return nil
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watchdog := time.AfterFunc(r.idle, func() { cancel(errStalled) })
	defer watchdog.Stop()

	header := http.Header{}
	if p.size > 0 {
		header.Set("Range", fmt.Sprintf("bytes=%d-", p.size))
	}
	response, err := r.request(ctx, http.MethodGet, address, header)
	if err != nil {
		return broken(ctx, err)
	}
	defer response.Body.Close()
	if err := accept(response, p); err != nil {
		return err
	}
	moved(p.size)
	if err := receive(ctx, response.Body, p, func() { watchdog.Reset(r.idle); moved(p.size) }); err != nil {
		return err
	}
	if p.size < p.want.size {
		return temporarily(errShort)
	}
	return nil
}

// accept prepares the partial file for the body of an answer.
func accept(response *http.Response, p *partial) error {
	switch response.StatusCode {
	case http.StatusOK: // all of it, also where the rest alone was asked for
		return p.reset()
	case http.StatusPartialContent:
		span := response.Header.Get("Content-Range")
		if strings.HasPrefix(span, fmt.Sprintf("bytes %d-", p.size)) {
			return nil
		}
		if err := p.reset(); err != nil {
			return err
		}
		return temporarily(fmt.Errorf("the server sent another part than asked for (%q)", span))
	case http.StatusRequestedRangeNotSatisfiable:
		if err := p.reset(); err != nil {
			return err
		}
		return temporarily(errors.New("the server has no such part"))
	}
	return newStatusError(response)
}

// receive appends body to p and calls alive after each piece.
func receive(ctx context.Context, body io.Reader, p *partial, alive func()) error {
	buffer := make([]byte, 256<<10)
	for {
		n, err := body.Read(buffer)
		if n > 0 {
			if _, err := p.Write(buffer[:n]); err != nil {
				return err
			}
			alive()
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return broken(ctx, fmt.Errorf("the connection broke: %w", err))
		}
	}
}

// broken is the error of a connection that broke: temporary, with its cause where we broke it ourselves.
func broken(ctx context.Context, err error) error {
	if reason := context.Cause(ctx); reason != nil {
		err = reason
	}
	return temporarily(err)
}

// lock keeps other processes from writing the same blob, huggingface_hub's among them. On file systems without locks it
// does nothing: what two writers spoil, the checksum finds.
func (r *repository) lock(ctx context.Context, f file) (unlock func(), err error) {
	name := r.lockFile(f.etag)
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return nil, err
	}
	return filelock.Wait(ctx, name, func() {
		fmt.Fprintf(r.Log, "%s: waiting for another process, which downloads %s\n", r, f.name)
	})
}
