// Compares the products of every version that this machine can run with sums in double precision. Operands lie at odd
// addresses in memory of their exact size, so that the address sanitiser sees any access beyond them.

#include "../product.c"

#include <math.h>
#include <stdio.h>

static uint32_t state = 1;

static float drawn(void) {
	state = state * 1664525u + 1013904223u;
	return (float)(state >> 8) / (1 << 23) - 1;
}

static float* matrix(size_t size) {
	float* m = malloc(size * sizeof(float));
	for (size_t i = 0; i < size; i++) m[i] = drawn();
	return m;
}

static int check(const char* name, const version* v, int64_t batch, int64_t rows, int64_t inner, const int64_t* columns, const int64_t* turned) {
	int64_t code[] = {rows, inner, 2, batch, rows, columns[0], turned[0], columns[1], turned[1]};
	product* p = product_new(code, 9);
	if (p == NULL) return printf("%s: %lld x %lld refused\n", name, (long long)rows, (long long)inner);
	int wrong = 0;
	float* left = matrix((size_t)(batch * rows * inner));
	float *right[2], *out[2];
	for (int i = 0; i < 2; i++) {
		right[i] = matrix((size_t)(batch * inner * columns[i]));
		out[i] = matrix((size_t)(batch * rows * columns[i]));
	}
	float* left_turned = malloc(sizeof(float) * (size_t)turned_size(v, p));
	if (turned_size(v, p) > 0) v->turn(left_turned, left, rows, inner);
	for (int64_t piece = product_pieces(p) - 1; piece >= 0; piece--) run(v, p, left, left_turned, (const float* const*)right, out, piece);
	for (int i = 0; i < 2; i++) {
		for (int64_t b = 0; b < batch; b++) for (int64_t r = 0; r < rows; r++) for (int64_t c = 0; c < columns[i]; c++) {
			double want = 0;
			const float* m = right[i] + b * inner * columns[i];
			for (int64_t k = 0; k < inner; k++) want += (double)left[(b * rows + r) * inner + k] * m[turned[i] ? c * inner + k : k * columns[i] + c];
			double got = out[i][(b * rows + r) * columns[i] + c];
			if (!(fabs(got - want) <= 1e-5 + 2e-6 * sqrt((double)inner)) && wrong++ < 3) {
				printf("%s: batch %lld, %lld x %lld x %lld, turned %lld: element %lld %lld %lld is %g, want %g\n", name, (long long)batch, (long long)rows,
					(long long)inner, (long long)columns[i], (long long)turned[i], (long long)b, (long long)r, (long long)c, got, want);
			}
		}
		free(right[i]);
		free(out[i]);
	}
	free(left);
	free(left_turned);
	product_free(p);
	return wrong;
}

static int damaged(void) {
	static const int64_t codes[][6] = {
		{0, 1, 1, 1, 1, 0}, {1, -1, 1, 1, 1, 0}, {1, 1, 4, 1, 1, 0}, {1, 1, INT64_MAX, 1, 1, 0}, {1, 1, 2, 1, 1, 0}, {2, 1, 1, 3, 1, 0},
		{1, 1, 1, 0, 1, 0}, {1, 1, 1, 1, 0, 0}, {1, 1, 1, 1, 1, 2}, {1, 1, 1, 1, INT64_MAX, 0},
	};
	int wrong = product_new(codes[0], 0) != NULL;
	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) wrong += product_new(codes[i], 6) != NULL;
	if (wrong > 0) printf("%d damaged descriptions are taken\n", wrong);
	return wrong;
}

static int check_version(const char* name, const version* v) {
	static const int64_t inners[] = {1, 3, 8, 17, 127, 128, 130, 300}, widths[] = {1, 5, 31, 32, 33, 64, 70, 100};
	int wrong = 0, shape = 0;
	for (int64_t rows = 1; rows <= 70; rows++) {
		int64_t inner = inners[shape % 8], columns[] = {widths[shape / 8 % 8], widths[(shape + 3) % 8]};
		int64_t turned[] = {shape % 2, shape / 2 % 2};
		wrong += check(name, v, 1, rows, inner, columns, turned);
		wrong += check(name, v, 3, rows % 5 + 1, inner, columns, turned);
		shape += 5;
	}
	for (int64_t i = 0; i < 8; i++) for (int64_t j = 0; j < 8; j++) {
		int64_t columns[] = {widths[j], widths[j]}, turned[] = {0, 1};
		wrong += check(name, v, 1, 7, inners[i], columns, turned);
		wrong += check(name, v, 2, 1, inners[i], columns, turned);
	}
	printf("%s: %d wrong\n", name, wrong);
	return wrong;
}

int main(void) {
	int wrong = damaged() + check_version("plain", &plain_version);
#ifdef SPARSEPO_X86
	if (has_avx2()) wrong += check_version("avx2", &avx2_version);
	if (has_avx512()) wrong += check_version("avx512", &avx512_version);
#endif
	return wrong > 0;
}
