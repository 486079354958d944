//go:build cgo && (linux || darwin)

package onnxgraph

/*
#cgo CFLAGS: -O3
#cgo LDFLAGS: -lm -lpthread
#include <stdlib.h>
#include "operation.h"
*/
import "C"

import "unsafe"

// Functions makes the operations of kernels and products known to ONNX Runtime, given its table of functions: it returns the domain of custom
// operations that session options need, nil where the runtime refuses.
func Functions(table unsafe.Pointer) unsafe.Pointer {
	name := C.CString(Domain)
	defer C.free(unsafe.Pointer(name))
	return C.operation_domain((*unsafe.Pointer)(table), name)
}
