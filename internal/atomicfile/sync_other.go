//go:build !unix

package atomicfile

// syncFolder does nothing: this system cannot flush a folder.
func syncFolder(string) error { return nil }
