//go:build !linux

package memory

// Available is not known on this system.
func Available() (bytes int64, known bool) { return 0, false }
