//go:build !linux || !(amd64 || arm64)

package sandbox

import (
	"errors"
	"runtime"
)

// worker exists on other systems only as a type: none can be started.
type worker struct{}

func startWorker(setup) (*worker, error) {
	return nil, unavailable{errors.New("programs are judged on Linux only (amd64, arm64); this is " + runtime.GOOS + "/" + runtime.GOARCH)}
}

func (*worker) run(request) (response, error) { return response{}, nil }
func (*worker) kill()                         {}
func (*worker) stop()                         {}
