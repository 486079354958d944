//go:build cgo && (linux || darwin)

#ifndef SPARSEPO_ATTENTION_H
#define SPARSEPO_ATTENTION_H

#include <stdint.h>

// An attention is that of one new position a row over a cache of earlier ones and itself. It reads the cache up to the last
// position that the row sees.
typedef struct attention attention;

// attention_new reads sizes: rows, heads of keys and values, queries for each of these, width, positions of the cache; then the
// axes of the output and their lengths. scale multiplies the products of queries and keys. It is NULL if the sizes are damaged
// or there is no memory.
attention* attention_new(const int64_t* sizes, int64_t count, float scale);
void attention_free(attention* a);

// attention_shape returns the number of the output's axes, and where their lengths are.
int64_t attention_shape(const attention* a, const int64_t** dims);

// attention_pieces is the number of parts that can be computed at the same time.
int64_t attention_pieces(const attention* a);

// attention_run computes one piece, 0 if there is no memory. It reads
//
//   queries         [rows, heads, queries, width]
//   key, value      [rows, heads, 1, width], the new position's
//   keys, values    [rows, heads, positions, width], the cache's
//   bias            [rows, positions + 1], added to the scaled products, the new position's last
//
// and writes [rows, heads, queries, width].
int attention_run(const attention* a, const float* const* inputs, float* output, int64_t piece);

#endif
