//go:build unix

package safetensors

import (
	"os"

	"golang.org/x/sys/unix"
)

// mapFile maps the first size bytes of file, read-only; size must be positive.
func mapFile(file *os.File, size int64) (content []byte, release func() error, err error) {
	if int64(int(size)) != size {
		return nil, nil, unix.EFBIG
	}
	content, err = unix.Mmap(int(file.Fd()), 0, int(size), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, nil, err
	}
	return content, func() error { return unix.Munmap(content) }, nil
}
