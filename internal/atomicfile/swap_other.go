//go:build !linux

package atomicfile

import "errors"

// swap always fails: this system cannot exchange two paths in one step.
func swap(_, _ string) error { return errors.ErrUnsupported }
