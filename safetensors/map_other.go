//go:build !unix

package safetensors

import (
	"errors"
	"os"
)

// canMap is false where there is no memory map here: files are read.
const canMap = false

func mapFile(*os.File, int64) (content []byte, release func() error, err error) {
	return nil, nil, errors.ErrUnsupported
}

func dropPages([]byte, int64, int64) {}
