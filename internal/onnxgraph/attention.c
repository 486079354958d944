//go:build cgo && (linux || darwin)

#pragma GCC optimize("no-trapping-math", "no-math-errno")

#include "attention.h"

#include "exponential.h"
#include "processor.h"
#include "product.h"

#include <stdlib.h>
#include <string.h>

enum { QUERIES, KEY, VALUE, KEYS, VALUES, BIAS }; // inputs
enum { PIECES = 16 };         // wanted
enum { LANES = 16 };

// hidden is a bias beside which what a position that is seen adds to a sum of exponentials is everything.
static const float hidden = -1e8f;

struct attention {
	int64_t rows, heads, queries, width, positions;
	int64_t rank, *dims;      // of the output
	float scale;
};

INLINE float added(const float* lanes) {
	float sum = 0;
	for (int j = 0; j < LANES; j++) sum += lanes[j];
	return sum;
}

INLINE float dot(const float* a, const float* b, int64_t n) {
	float lanes[LANES] = {0}, rest = 0;
	int64_t i = 0;
	for (; i + LANES <= n; i += LANES) {
		for (int j = 0; j < LANES; j++) lanes[j] += a[i + j] * b[i + j];
	}
	for (; i < n; i++) rest += a[i] * b[i];
	return added(lanes) + rest;
}

INLINE float largest(const float* list, int64_t n, float most) {
	float lanes[LANES];
	for (int j = 0; j < LANES; j++) lanes[j] = most;
	int64_t i = 0;
	for (; i + LANES <= n; i += LANES) {
		for (int j = 0; j < LANES; j++) lanes[j] = list[i + j] > lanes[j] ? list[i + j] : lanes[j];
	}
	for (int j = 0; i < n; i++, j++) lanes[j] = list[i] > lanes[j] ? list[i] : lanes[j];
	for (int j = 0; j < LANES; j++) most = lanes[j] > most ? lanes[j] : most;
	return most;
}

// shares turns the products of a query with n keys, and with its own, into their shares of attention. It returns its own.
INLINE float shares(float* products, int64_t n, const float* bias, float own, float own_bias, float scale) {
#pragma GCC ivdep
	for (int64_t i = 0; i < n; i++) products[i] = products[i] * scale + bias[i];
	own = own * scale + own_bias;
	float most = largest(products, n, own), lanes[LANES] = {0}, rest = 0;
#pragma GCC ivdep
	for (int64_t i = 0; i < n; i++) products[i] = exponential(products[i] - most);
	own = exponential(own - most);
	int64_t i = 0;
	for (; i + LANES <= n; i += LANES) {
		for (int j = 0; j < LANES; j++) lanes[j] += products[i + j];
	}
	for (; i < n; i++) rest += products[i];
	float total = added(lanes) + rest + own;
#pragma GCC ivdep
	for (int64_t j = 0; j < n; j++) products[j] /= total;
	return own / total;
}

// head attends for the queries of one head of a row. The row sees the first n positions at most.
INLINE void head(const attention* a, const float* const* in, int64_t at, int64_t n, float* scratch, float* to) {
	int64_t width = a->width, row = at / a->heads;
	const float *q = in[QUERIES] + at * a->queries * width, *k = in[KEY] + at * width, *v = in[VALUE] + at * width;
	const float* bias = in[BIAS] + row * (a->positions + 1);
	float* own = scratch + a->queries * a->positions;
	matrix_sums(a->queries, width, n, q, in[KEYS] + at * a->positions * width, scratch);
	for (int64_t i = 0; i < a->queries; i++) {
		own[i] = shares(scratch + i * n, n, bias, dot(q + i * width, k, width), bias[a->positions], a->scale);
	}
	matrix_mix(a->queries, n, width, scratch, in[VALUES] + at * a->positions * width, to);
	for (int64_t i = 0; i < a->queries; i++) {
		for (int64_t c = 0; c < width; c++) to[i * width + c] += own[i] * v[c];
	}
}

// seen is the number of the cache's positions up to the last one that a row sees, all of them where it does not see its own.
INLINE int64_t seen(const attention* a, const float* bias) {
	int64_t n = a->positions;
	while (bias[a->positions] == 0 && n > 0 && bias[n - 1] <= hidden) n--;
	return n;
}

INLINE void heads(const attention* a, const float* const* in, float* scratch, float* output, int64_t from, int64_t to) {
	for (int64_t at = from; at < to; at++) {
		int64_t n = seen(a, in[BIAS] + at / a->heads * (a->positions + 1));
		head(a, in, at, n, scratch, output + at * a->queries * a->width);
	}
}

typedef void (*heads_of)(const attention*, const float* const*, float*, float*, int64_t, int64_t);

#define OF(name, attributes) \
	attributes static void name(const attention* a, const float* const* in, float* scratch, float* output, int64_t from, int64_t to) { \
		heads(a, in, scratch, output, from, to); \
	}

OF(heads_plain, )
#ifdef SPARSEPO_X86
OF(heads_avx2, AVX2)
OF(heads_avx512, AVX512)
#endif

// fastest_heads is the version for what this machine's processor has.
static heads_of fastest_heads(void) {
#ifdef SPARSEPO_X86
	if (has_avx512()) return heads_avx512;
	if (has_avx2()) return heads_avx2;
#endif
	return heads_plain;
}

static int run_heads(heads_of version, const attention* a, const float* const* inputs, float* output, int64_t piece) {
	float* scratch = malloc(sizeof(float) * (size_t)(a->queries * (a->positions + 1)));
	if (scratch == NULL) return 0;
	int64_t pieces = attention_pieces(a), all = a->rows * a->heads;
	version(a, inputs, scratch, output, all * piece / pieces, all * (piece + 1) / pieces);
	free(scratch);
	return 1;
}

int attention_run(const attention* a, const float* const* inputs, float* output, int64_t piece) {
	return run_heads(fastest_heads(), a, inputs, output, piece);
}

attention* attention_new(const int64_t* sizes, int64_t count, float scale) {
	const int64_t most = INT32_MAX;
	int64_t size = 1;
	for (int64_t i = 0; i < count; i++) {
		if (sizes[i] < 1 || sizes[i] > most) return NULL;
	}
	if (count < 6 || sizes[5] != count - 6) return NULL;
	for (int64_t i = 0; i < 4; i++) size = size > most ? size : size * sizes[i];
	for (int64_t i = 6; i < count; i++) {
		if (size > most || size % sizes[i] != 0) return NULL;
		size /= sizes[i];
	}
	if (size != 1) return NULL;
	attention* a = calloc(1, sizeof(attention));
	int64_t* dims = malloc(sizeof(int64_t) * (size_t)sizes[5]);
	if (a == NULL || dims == NULL) {
		free(dims);
		free(a);
		return NULL;
	}
	memcpy(dims, sizes + 6, sizeof(int64_t) * (size_t)sizes[5]);
	*a = (attention){sizes[0], sizes[1], sizes[2], sizes[3], sizes[4], sizes[5], dims, scale};
	return a;
}

void attention_free(attention* a) {
	if (a == NULL) return;
	free(a->dims);
	free(a);
}

int64_t attention_shape(const attention* a, const int64_t** dims) {
	*dims = a->dims;
	return a->rank;
}

int64_t attention_pieces(const attention* a) {
	int64_t all = a->rows * a->heads;
	return all < PIECES ? all : PIECES;
}
