//go:build cgo && (linux || darwin)

#ifndef SPARSEPO_OPERATION_H
#define SPARSEPO_OPERATION_H

// operation_domain makes the domain of ONNX Runtime's custom operations that has the operations of kernels and products, NULL where it
// refuses. It stays until the program ends.
void* operation_domain(void* const* functions, const char* domain);

#endif
