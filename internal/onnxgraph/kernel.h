//go:build cgo && (linux || darwin)

#ifndef SPARSEPO_KERNEL_H
#define SPARSEPO_KERNEL_H

#include <stdint.h>

// A kernel computes elementwise operations and reductions over the last axis for a space of rows × columns in one pass over
// memory. Its program is a list of numbers, see program.go.
typedef struct kernel kernel;

// kernel_new reads a program; NULL if it is damaged or there is no memory.
kernel* kernel_new(const int64_t* code, int64_t length, const float* constants, int64_t constant_count);
void kernel_free(kernel* k);

int64_t kernel_inputs(const kernel* k);
int64_t kernel_outputs(const kernel* k);

// kernel_output_shape returns the dimensions of an output and their number.
const int64_t* kernel_output_shape(const kernel* k, int64_t output, int64_t* rank);

// kernel_pieces is the number of parts that can be computed at the same time; their results do not depend on it.
int64_t kernel_pieces(const kernel* k);

// kernel_run computes one piece. It returns 0 if there is no memory.
int kernel_run(const kernel* k, const void* const* inputs, float* const* outputs, int64_t piece);

#endif
