//go:build cgo && (linux || darwin)

package engine

/*
#cgo linux LDFLAGS: -ldl
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>

// The start of ONNX Runtime's OrtApiBase, unchanged since its first version.
struct api_base {
	const void* (*get_api)(uint32_t version);
	const char* (*version_string)(void);
};

// runtime_version returns ONNX Runtime's version, or NULL with *problem set to the loader's message. A library that is
// ONNX Runtime stays loaded.
static const char* runtime_version(const char* path, const char** problem) {
	void* handle = dlopen(path, RTLD_LAZY | RTLD_LOCAL);
	if (handle == NULL) {
		*problem = dlerror();
		return NULL;
	}
	const struct api_base* (*base)(void) = (const struct api_base* (*)(void))dlsym(handle, "OrtGetApiBase");
	if (base == NULL) {
		*problem = "it does not export OrtGetApiBase, so it is not ONNX Runtime";
		dlclose(handle);
		return NULL;
	}
	return base()->version_string();
}
*/
import "C"

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unsafe"

	"github.com/gomlx/compute"
	onnxruntime "github.com/gomlx/compute-onnx"

	"github.com/sparsepo/sparsepo/internal/onnxgraph"
	"github.com/sparsepo/sparsepo/internal/usage"
)

// Cgo reports whether this build can open engines in shared libraries.
const Cgo = true

// minRuntimeMinor is the oldest 1.x of ONNX Runtime that offers the API version (26) that the onnx backend is built with.
const minRuntimeMinor = 26

const installHint = "`make engine` installs ONNX Runtime " + RuntimeVersion

// openONNX opens ONNX Runtime with its CPU provider, or with the given options of GoMLX's backend.
func openONNX(options string) (*Engine, error) {
	found, ok, err := findLibrary()
	if err != nil {
		return nil, usage.Hint(err, installHint)
	}
	if !ok {
		return nil, usage.Hint(errors.New("engine onnx: no ONNX Runtime library here"), installHint)
	}
	version, err := libraryVersion(found.path)
	if err != nil {
		return nil, usage.Hint(fmt.Errorf("engine onnx: %s: %w", found.path, err), installHint)
	}
	if err := choose(found); err != nil {
		return nil, fmt.Errorf("engine onnx: %w", err)
	}
	if options == "" {
		options = "cpu"
	}
	kernels := tuneRuntime(found.path) && !strings.Contains(options, "cuda")
	backend, err := onnxruntime.New(options)
	if err != nil {
		return nil, fmt.Errorf("engine onnx: open %s with options %q: %w", found.path, options, err)
	}
	return &Engine{kind: ONNX, version: version, found: found.from, library: found.path, backend: &adapted{
		Backend:  backend,
		function: func(f compute.Function) compute.Function { return &barrierFunction{f, map[compute.Value]bool{}} },
		improve:  func(b compute.Builder) { onnxgraph.Improve(b, kernels) },
	}}, nil
}

// libraryVersion loads the library at path and returns its version, or an error when it does not load on this machine or is
// too old.
func libraryVersion(path string) (string, error) {
	name := C.CString(path)
	defer C.free(unsafe.Pointer(name))
	var problem *C.char
	text := C.runtime_version(name, &problem)
	if text == nil {
		return "", fmt.Errorf("the library does not load: %s", C.GoString(problem))
	}
	version := C.GoString(text)
	if !recentEnough(version) {
		return "", fmt.Errorf("ONNX Runtime %s is too old: version 1.%d or later is needed", version, minRuntimeMinor)
	}
	return version, nil
}

// recentEnough reports whether a version such as "1.30.0" has the API that the backend needs.
func recentEnough(version string) bool {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 2 {
		return false
	}
	major, errMajor := strconv.Atoi(parts[0])
	minor, errMinor := strconv.Atoi(parts[1])
	return errMajor == nil && errMinor == nil && (major > 1 || major == 1 && minor >= minRuntimeMinor)
}
