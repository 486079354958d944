//go:build unix

package atomicfile

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// syncFolder flushes the names in dir to the disk. File systems that cannot flush a folder are left alone.
func syncFolder(dir string) error {
	folder, err := os.Open(dir)
	if err != nil {
		return shorten(err)
	}
	defer folder.Close()
	if err := folder.Sync(); err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOTSUP) {
		return shorten(err)
	}
	return nil
}
