//go:build cgo && (linux || darwin)

#ifndef SPARSEPO_PRODUCT_H
#define SPARSEPO_PRODUCT_H

#include <stdint.h>

// A product multiplies matrices of few rows by weights, which it reads once and where they lie.
typedef struct product product;

// product_new reads a description: the rows of a left matrix, their length, the number of leading axes of every output and
// their lengths, which multiply to the rows of as many matrices as stand one after the other in every operand; for each right
// operand its columns, and 1 where columns lie in rows. It is NULL if that is damaged or there is no memory.
product* product_new(const int64_t* code, int64_t length);
void product_free(product* p);

// product_right is the number of right operands, and of outputs.
int64_t product_right(const product* p);

// product_shape returns the number of an output's axes, and their lengths in dims where that is not NULL.
int64_t product_shape(const product* p, int64_t output, int64_t* dims);

// product_pieces is the number of parts that can be computed at the same time; their results do not depend on it.
int64_t product_pieces(const product* p);

// product_turned is the number of floats of the left operand turned, 0 where it is not needed; product_turn turns it.
int64_t product_turned(const product* p);
void product_turn(const product* p, const float* left, float* turned);

// product_run computes one piece of outputs[i] = left × right[i].
void product_run(const product* p, const float* left, const float* turned, const float* const* right, float* const* outputs, int64_t piece);

#endif
