//go:build !unix

package bench

// peakRSS is not known on this system.
func peakRSS() int { return 0 }
