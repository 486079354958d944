//go:build cgo && (linux || darwin)

#include "product.h"

#include "processor.h"

#include <stdlib.h>
#include <string.h>

enum { PANEL = 32 };          // columns of a right operand worked on at a time
enum { LINES = 48 };          // the same where columns lie in rows
enum { DEPTH = 128 };         // rows of a panel that stay in a core's first cache while all rows of the left operand pass
enum { LINE = 16 };           // numbers of a cache line
enum { WORK = 800 * 1024 };   // cost of a piece, at least
enum { READING = 16 };        // cost of reading a number, in multiplications

typedef struct {
	int64_t columns, panel, panels;
	int turned;               // its columns lie in rows
} operand;

struct product {
	int64_t batch, rows, inner, count;
	int64_t rank, *leading;   // axes of outputs but for the last
	int64_t units, group;     // panels of all matrices; those of a piece
	int turns;                // some right operand is turned
	operand right[];
};

// task is a panel of one matrix.
typedef struct {
	int64_t rows, inner, columns;
	const float *left, *turned; // [rows, inner]; as product_turn leaves it
	const float* right;       // [inner, right_row], from the panel's first column on; turned: [columns, inner]
	int64_t right_row;
	int64_t left_over;        // whole panels that follow in the same piece
	float* to;
	int64_t to_row;
} task;

// version is the functions for one kind of processor, with vectors of width numbers.
typedef struct {
	int64_t width;
	void (*straight)(const task*);
	void (*swapped)(const task*);
	void (*sums)(const task*);
	void (*turn)(float*, const float*, int64_t, int64_t);
} version;

// span is rows of a panel.
typedef struct {
	const float* at;
	int64_t depth;
} span;

// following is what is read after the rows before k of a panel.
INLINE span following(const task* t, int64_t k) {
	const float* at = t->right + k * t->right_row;
	if (k == t->inner) {
		if (t->left_over == 0) return (span){NULL, 0};
		at = t->right + PANEL;
		k = 0;
	}
	return (span){at, t->inner - k < DEPTH ? t->inner - k : DEPTH};
}

// ask brings one of several equal parts of a span into a core's second cache.
INLINE void ask(span s, int64_t row, int64_t part, int64_t parts) {
	for (int64_t k = s.depth * part / parts; k < s.depth * (part + 1) / parts; k++) {
		for (int c = 0; c < PANEL; c += LINE) __builtin_prefetch(s.at + k * row + c, 0, 2);
	}
}

#define VERSION plain
#define TARGET
#define WIDTH 4
#define OUTER_ROWS 6
#define INNER_ROWS 3
#define EVEN 0, 2, 4, 6
#define ODD 1, 3, 5, 7
#include "panel.h"

#ifdef SPARSEPO_X86
#define VERSION avx2
#define TARGET AVX2
#define WIDTH 8
#define OUTER_ROWS 6
#define INNER_ROWS 3
#define EVEN 0, 2, 8, 10, 4, 6, 12, 14
#define ODD 1, 3, 9, 11, 5, 7, 13, 15
#include "panel.h"

#define VERSION avx512
#define TARGET AVX512
#define WIDTH 16
#define OUTER_ROWS 12
#define INNER_ROWS 6
#define EVEN 0, 2, 16, 18, 4, 6, 20, 22, 8, 10, 24, 26, 12, 14, 28, 30
#define ODD 1, 3, 17, 19, 5, 7, 21, 23, 9, 11, 25, 27, 13, 15, 29, 31
#include "panel.h"
#endif

// fastest is the version for what this machine's processor has.
static const version* fastest(void) {
#ifdef SPARSEPO_X86
	if (has_avx512()) return &avx512_version;
	if (has_avx2()) return &avx2_version;
#endif
	return &plain_version;
}

// swaps says whether turned operands are multiplied by the turned left operand: where most of a vector's numbers are used.
static int swaps(const version* v, const product* p) { return p->turns && p->batch == 1 && p->rows > v->width; }

static int64_t turned_size(const version* v, const product* p) {
	return swaps(v, p) ? (p->rows + 2 * v->width - 1) / (2 * v->width) * 2 * v->width * p->inner : 0;
}

static void run(const version* v, const product* p, const float* left, const float* turned, const float* const* right, float* const* outputs, int64_t piece) {
	int64_t end = (piece + 1) * p->group < p->units ? (piece + 1) * p->group : p->units;
	for (int64_t unit = piece * p->group; unit < end; unit++) {
		int64_t place = unit, i = 0;
		while (place >= p->batch * p->right[i].panels) place -= p->batch * p->right[i++].panels;
		const operand* r = &p->right[i];
		int64_t matrix = place / r->panels, panel = place % r->panels, first = panel * r->panel;
		int64_t whole = r->columns / r->panel - panel - 1; // panels that follow
		task t = {
			.rows = p->rows, .inner = p->inner, .columns = r->columns - first < r->panel ? r->columns - first : r->panel,
			.left = left + matrix * p->rows * p->inner,
			.turned = turned,
			.right = right[i] + matrix * p->inner * r->columns + first * (r->turned ? p->inner : 1),
			.right_row = r->columns,
			.left_over = whole < end - unit - 1 ? (whole < 0 ? 0 : whole) : end - unit - 1,
			.to = outputs[i] + matrix * p->rows * r->columns + first,
			.to_row = r->columns,
		};
		(r->turned ? swaps(v, p) ? v->swapped : v->sums : v->straight)(&t);
	}
}

int64_t product_turned(const product* p) { return turned_size(fastest(), p); }

void product_turn(const product* p, const float* left, float* turned) { fastest()->turn(turned, left, p->rows, p->inner); }

void product_run(const product* p, const float* left, const float* turned, const float* const* right, float* const* outputs, int64_t piece) {
	run(fastest(), p, left, turned, right, outputs, piece);
}

static void read_right(product* p, const int64_t* code) {
	for (int64_t i = 0; i < p->count; i++) {
		int64_t columns = code[2 * i];
		int turned = (int)code[2 * i + 1];
		int64_t panel = turned ? LINES : PANEL;
		p->right[i] = (operand){columns, panel, (columns + panel - 1) / panel, turned};
		p->units += p->batch * p->right[i].panels;
		p->turns = p->turns || turned;
	}
	int64_t cost = (p->rows + READING) * p->inner; // of a column
	p->group = cost < WORK / PANEL ? WORK / PANEL / cost : 1;
}

product* product_new(const int64_t* code, int64_t length) {
	const int64_t most = INT32_MAX; // of anything
	for (int64_t i = 0; i < length; i++) {
		if (code[i] < 0 || code[i] > most) return NULL;
	}
	if (length < 3 || code[0] < 1 || code[1] < 1 || length - 3 < code[2]) return NULL;
	int64_t rank = code[2], count = (length - 3 - rank) / 2;
	if (count < 1 || (length - 3 - rank) % 2 != 0) return NULL;
	const int64_t *leading = code + 3, *rest = leading + rank;
	int64_t all = 1;
	for (int64_t i = 0; i < rank && all <= most; i++) all *= leading[i];
	if (all > most || all < code[0] || all % code[0] != 0) return NULL;
	for (int64_t i = 0; i < count; i++) {
		if (rest[2 * i] < 1 || rest[2 * i + 1] > 1) return NULL;
	}
	product* p = calloc(1, sizeof(product) + sizeof(operand) * (size_t)count);
	int64_t* axes = malloc(sizeof(int64_t) * (size_t)(rank + 1));
	if (p == NULL || axes == NULL) {
		free(axes);
		free(p);
		return NULL;
	}
	memcpy(axes, leading, sizeof(int64_t) * (size_t)rank);
	p->rows = code[0];
	p->inner = code[1];
	p->rank = rank;
	p->leading = axes;
	p->batch = all / p->rows;
	p->count = count;
	read_right(p, rest);
	return p;
}

void product_free(product* p) {
	if (p == NULL) return;
	free(p->leading);
	free(p);
}

int64_t product_right(const product* p) { return p->count; }

int64_t product_shape(const product* p, int64_t output, int64_t* dims) {
	if (dims != NULL) {
		memcpy(dims, p->leading, sizeof(int64_t) * (size_t)p->rank);
		dims[p->rank] = p->right[output].columns;
	}
	return p->rank + 1;
}

int64_t product_pieces(const product* p) { return (p->units + p->group - 1) / p->group; }
