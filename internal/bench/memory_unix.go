//go:build unix

package bench

import (
	"runtime"
	"syscall"
)

// peakRSS is the process's largest resident memory so far, MiB.
func peakRSS() int {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	if runtime.GOOS == "darwin" || runtime.GOOS == "ios" { // bytes there, KiB elsewhere
		return int(usage.Maxrss >> 20)
	}
	return int(usage.Maxrss >> 10)
}
