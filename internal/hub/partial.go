package hub

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
)

// partial is a file on its way: what has come so far, and its checksum.
type partial struct {
	disk   *os.File
	want   file
	size   int64     // bytes received
	digest hash.Hash // nil where the etag is no checksum
}

// errTooLong says that a server sends more than the file has.
var errTooLong = errors.New("more bytes than announced")

// openPartial opens or creates the file at path and takes what an earlier download left there for the beginning of want.
func openPartial(ctx context.Context, path string, want file) (*partial, error) {
	disk, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, err
	}
	p := &partial{disk: disk, want: want, digest: newDigest(want)}
	if err := p.load(ctx); err != nil {
		return nil, errors.Join(err, disk.Close())
	}
	return p, nil
}

// newDigest returns the checksum that the etag is: SHA-256, or SHA-1 over a Git blob's header and content.
func newDigest(want file) hash.Hash {
	if _, err := hex.DecodeString(want.etag); err != nil {
		return nil
	}
	switch len(want.etag) {
	case 2 * sha256.Size:
		return sha256.New()
	case 2 * sha1.Size:
		digest := sha1.New()
		fmt.Fprintf(digest, "blob %d\x00", want.size)
		return digest
	}
	return nil
}

// load counts and digests what is there; more than the whole file is of no use.
func (p *partial) load(ctx context.Context) error {
	info, err := p.disk.Stat()
	if err != nil {
		return err
	}
	if info.Size() > p.want.size {
		return p.reset()
	}
	buffer := make([]byte, 1<<20)
	for ctx.Err() == nil {
		n, err := p.disk.Read(buffer)
		p.count(buffer[:n])
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return context.Cause(ctx)
}

func (p *partial) count(content []byte) {
	p.size += int64(len(content))
	if p.digest != nil {
		p.digest.Write(content)
	}
}

// Write appends content.
func (p *partial) Write(content []byte) (int, error) {
	if p.size+int64(len(content)) > p.want.size {
		return 0, errTooLong
	}
	n, err := p.disk.Write(content)
	p.count(content[:n])
	return n, err
}

// reset throws away what has come so far.
func (p *partial) reset() error {
	if err := p.disk.Truncate(0); err != nil {
		return err
	}
	if _, err := p.disk.Seek(0, io.SeekStart); err != nil {
		return err
	}
	p.size, p.digest = 0, newDigest(p.want)
	return nil
}

// check compares length and checksum with what the hub announced.
func (p *partial) check() error {
	if p.size != p.want.size {
		return fmt.Errorf("%d bytes came, the hub announced %d", p.size, p.want.size)
	}
	if p.digest == nil {
		return nil
	}
	if got := hex.EncodeToString(p.digest.Sum(nil)); got != p.want.etag {
		return fmt.Errorf("the checksum is %s, the hub announced %s", got, p.want.etag)
	}
	return nil
}

// finish flushes the file to the disk and gives it its name.
func (p *partial) finish(path string) error {
	if err := p.disk.Sync(); err != nil {
		return err
	}
	if err := p.disk.Close(); err != nil {
		return err
	}
	return os.Rename(p.disk.Name(), path)
}
