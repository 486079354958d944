// Compares attention over a cache, in every version that this machine can run, with sums in double precision. Operands lie in
// memory of their exact size, so that the address sanitiser sees any access beyond them.

#include "../attention.c"
#include "../product.c"

#include <stdio.h>

static uint32_t state = 1;

static float drawn(void) {
	state = state * 1664525u + 1013904223u;
	return (float)(state >> 8) / (1 << 23) - 1;
}

static float* list(int64_t size) {
	float* m = malloc((size_t)size * sizeof(float));
	for (int64_t i = 0; i < size; i++) m[i] = drawn();
	return m;
}

// expected is one number of the output.
static double expected(const attention* a, float* const* in, int64_t at, int64_t query, int64_t column) {
	const float* bias = in[BIAS] + at / a->heads * (a->positions + 1);
	double most = -INFINITY, total = 0, sum = 0;
	for (int pass = 0; pass < 2; pass++) {
		for (int64_t i = 0; i <= a->positions; i++) {
			int64_t place = at * a->positions + i;
			const float* key = i < a->positions ? in[KEYS] + place * a->width : in[KEY] + at * a->width;
			const float* value = i < a->positions ? in[VALUES] + place * a->width : in[VALUE] + at * a->width;
			double product = 0;
			for (int64_t c = 0; c < a->width; c++) product += (double)in[QUERIES][(at * a->queries + query) * a->width + c] * key[c];
			double score = product * a->scale + bias[i];
			if (pass == 0) {
				most = score > most ? score : most;
				continue;
			}
			total += exp(score - most);
			sum += exp(score - most) * value[column];
		}
	}
	return sum / total;
}

static int check(const char* name, heads_of version, const int64_t* of, int64_t unseen) {
	int64_t sizes[] = {of[0], of[1], of[2], of[3], of[4], 2, of[0] * of[1] * of[2], of[3]};
	attention* a = attention_new(sizes, 8, 0.7f);
	if (a == NULL) return printf("%s: refused\n", name);
	int64_t heads = a->rows * a->heads;
	float* in[] = {
		list(heads * a->queries * a->width), list(heads * a->width), list(heads * a->width),
		list(heads * a->positions * a->width), list(heads * a->positions * a->width), list(a->rows * (a->positions + 1)),
	};
	float* out = list(heads * a->queries * a->width);
	for (int64_t row = 0; row < a->rows; row++) {
		for (int64_t i = 0; i <= a->positions; i++) {
			int sees = i == a->positions ? row != 1 : i + row * unseen < a->positions && (i + row) % 5 != 3;
			in[BIAS][row * (a->positions + 1) + i] = sees ? 0 : -1e9f;
		}
	}
	int wrong = 0;
	for (int64_t piece = 0; piece < attention_pieces(a); piece++) wrong += !run_heads(version, a, (const float* const*)in, out, piece);
	for (int64_t i = 0; i < heads * a->queries * a->width; i++) {
		int64_t vector = i / a->width;
		int64_t row = vector / a->queries / a->heads;
		double want = expected(a, in, vector / a->queries, vector % a->queries, i % a->width);
		// A row that sees nothing keeps no more of its products than fits beside the bias.
		double bound = row == 1 && unseen >= a->positions ? 3 : 1e-5;
		if (!(fabs(out[i] - want) <= bound) && wrong++ < 3) printf("%s: number %lld is %g, want %g\n", name, (long long)i, out[i], want);
	}
	for (int i = 0; i < 6; i++) free(in[i]);
	free(out);
	attention_free(a);
	return wrong;
}

static int damaged(void) {
	static const int64_t codes[][7] = {
		{0, 1, 1, 1, 1, 1, 1}, {2, 1, 1, 1, 1, 1, 1}, {1, 1, 1, 3, 1, 1, 2}, {1, 1, 1, 1, 1, 2, 1}, {1, 1, 1, 1, INT64_MAX, 1, 1},
		{INT32_MAX, INT32_MAX, 1, 1, 1, 1, INT32_MAX}, {1, 1, 1, 1, 1, -1, 1},
	};
	int wrong = attention_new(codes[0], 0, 1) != NULL;
	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) wrong += attention_new(codes[i], 7, 1) != NULL;
	if (wrong > 0) printf("%d damaged descriptions are taken\n", wrong);
	return wrong;
}

static int check_version(const char* name, heads_of version) {
	static const int64_t sizes[][5] = { // rows, heads, queries, width, positions
		{1, 1, 1, 1, 1}, {4, 2, 1, 64, 33}, {3, 3, 1, 20, 70}, {5, 1, 4, 36, 19}, {2, 2, 7, 33, 64}, {9, 2, 1, 8, 17}, {3, 1, 13, 70, 40},
	};
	int wrong = 0;
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		for (int64_t unseen = 0; unseen < 50; unseen += 7) wrong += check(name, version, sizes[i], unseen);
	}
	printf("%s: %d wrong\n", name, wrong);
	return wrong;
}

int main(void) {
	int wrong = damaged() + check_version("plain", heads_plain);
#ifdef SPARSEPO_X86
	if (has_avx2()) wrong += check_version("avx2", heads_avx2);
	if (has_avx512()) wrong += check_version("avx512", heads_avx512);
#endif
	return wrong > 0;
}
