//go:build unix && !netbsd && !openbsd && !solaris && !illumos && !aix

package hub

import (
	"math"

	"golang.org/x/sys/unix"
)

// FreeBytes returns how much the user can still write into folder.
func FreeBytes(folder string) (bytes int64, known bool) {
	var stat unix.Statfs_t
	if err := unix.Statfs(folder, &stat); err != nil {
		return 0, false
	}
	free := uint64(stat.Bavail) * uint64(stat.Bsize)
	return int64(min(free, math.MaxInt64)), true
}
