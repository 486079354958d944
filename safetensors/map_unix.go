//go:build unix

package safetensors

import (
	"os"

	"golang.org/x/sys/unix"
)

const canMap = true

// mapFile maps the first size bytes of file, read-only, for reading from front to back; size must be positive.
func mapFile(file *os.File, size int64) (content []byte, release func() error, err error) {
	if int64(int(size)) != size {
		return nil, nil, unix.EFBIG
	}
	content, err = unix.Mmap(int(file.Fd()), 0, int(size), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, nil, err
	}
	_ = unix.Madvise(content, unix.MADV_SEQUENTIAL) // advice: reading works without
	return content, func() error { return unix.Munmap(content) }, nil
}

// neighbourhood is what the system maps at most around a page that is touched, in bytes: Linux 64 KiB of small pages, or
// the whole of a large page of its cache. It is a multiple of every page size.
const neighbourhood = 2 << 20

// dropPages takes the pages of the bytes [begin, end) of a mapped file out of memory, together with those that were mapped
// in their neighbourhood: in a read-only map of a file, a page too much only costs its return.
func dropPages(content []byte, begin, end int64) {
	begin -= begin % neighbourhood
	end = min(int64(len(content)), (end+neighbourhood-1)/neighbourhood*neighbourhood)
	_ = unix.Madvise(content[begin:end], unix.MADV_DONTNEED) // advice: the pages stay where it is not taken
}
