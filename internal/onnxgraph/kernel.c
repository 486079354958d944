//go:build cgo && (linux || darwin)

// Comparisons and square roots need no care for floating-point traps here; with it, loops with them stay scalar.
#pragma GCC optimize("no-trapping-math", "no-math-errno")

#include "kernel.h"

#include "processor.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

// Operations, in the order of program.go.
enum {
	COPY, NEG, ABS, SIGN, SQRT, EXP, LOG, TANH, ERF, SIGMOID, NOT,
	ADD, SUB, MUL, DIV, MAX, MIN, EQUAL, GREATER, GREATER_EQUAL, LESS, LESS_EQUAL, AND, OR, XOR,
	WHERE, SUM, MAXIMUM, MINIMUM, OPERATIONS
};

enum { TILE = 1024 };         // elements worked on at a time: a dozen such values stay in a core's first caches
enum { SMALLEST = 2 * TILE, LARGEST = 16 * TILE, PIECES = 16 }; // elements of a piece; pieces wanted

enum { FULL, ROW };           // what a register holds for each row: its columns, or one number
enum { FLOAT, BOOL };         // types of inputs

typedef struct {
	int type;
	int64_t last;             // distance between columns, 0 or 1
	int64_t* strides;         // distances along the leading axes
	int64_t row;              // distance between rows where that is one number, else -1
} input;

typedef struct {
	int kind;
	int64_t rank;
	int64_t* dims;
} output;

typedef struct {
	int kind;
	int whole;                // kept over all columns of a row
	int64_t output;           // the output that it is, or -1
	int64_t slot;             // else where it lies in the scratch memory
} reg;

typedef struct {
	int phase, op;
	int64_t to, from[3];
} instruction;

struct kernel {
	int64_t leading, *dims, rows, columns;
	int64_t input_count, output_count, register_count, instruction_count, phases;
	input* inputs;
	output* outputs;
	reg* registers;
	instruction* instructions;
	float* constants;
	int64_t scratch;          // floats
	int64_t block;            // rows worked on at a time
	int64_t* numbers;         // the copy of the program that the pointers above point into
};

// view is an operand: the element of row r and column c of a block lies at p[r*row + c*last].
typedef struct {
	const float* p;
	int64_t row;
	int last;
} view;

INLINE float bits_of(int32_t i) {
	float f;
	memcpy(&f, &i, sizeof f);
	return f;
}

// exponential has a relative error below 2^-22; results below the smallest normal number are 0.
INLINE float exponential(float x) {
	float y = x < -87.0f ? -87.0f : x;
	y = y > 88.7f ? 88.7f : y;
	float n = (y * 1.44269504088896341f + 12582912.0f) - 12582912.0f;
	float r = y - n * 0.693359375f;
	r = r + n * 2.12194440e-4f;
	float p = 1.9875691500e-4f;
	p = p * r + 1.3981999507e-3f;
	p = p * r + 8.3334519073e-3f;
	p = p * r + 4.1665795894e-2f;
	p = p * r + 1.6666665459e-1f;
	p = p * r + 5.0000001201e-1f;
	p = p * r * r + r + 1.0f;
	float scaled = p * bits_of(((int32_t)n + 126) << 23) * 2.0f;
	scaled = x < -87.0f ? 0.0f : scaled;
	scaled = x > 88.7228f ? INFINITY : scaled;
	return x != x ? x : scaled;
}

// hyperbolic is tanh as a quotient of polynomials, with a relative error of a few 2^-24.
INLINE float hyperbolic(float x) {
	float y = x < -7.90531110763549805f ? -7.90531110763549805f : x;
	y = y > 7.90531110763549805f ? 7.90531110763549805f : y;
	float s = y * y;
	float p = -2.76076847742355e-16f;
	p = p * s + 2.00018790482477e-13f;
	p = p * s + -8.60467152213735e-11f;
	p = p * s + 5.12229709037114e-08f;
	p = p * s + 1.48572235717979e-05f;
	p = p * s + 6.37261928875436e-04f;
	p = p * s + 4.89352455891786e-03f;
	float q = 1.19825839466702e-06f;
	q = q * s + 1.18534705686654e-04f;
	q = q * s + 2.26843463243900e-03f;
	q = q * s + 4.89352518554385e-03f;
	float t = y * p / q;
	float size = x < 0 ? -x : x;
	return size < 4e-4f ? x : t;
}

// error_function is erf by one polynomial near 0 and an exponential of another beyond.
INLINE float error_function(float x) {
	float t = x < 0 ? -x : x, s = x * x;
	float far = -1.72853470e-5f * t + 3.83197126e-4f;
	float u = -3.88396438e-3f * t + 2.42546219e-2f;
	far = far * s + u;
	far = far * t + -1.06777877e-1f;
	far = far * t + -6.34846687e-1f;
	far = far * t + -1.28717512e-1f;
	far = far * t + -t;
	far = 1.0f - exponential(far);
	far = x < 0 ? -far : far;
	float near = -5.96761703e-4f;
	near = near * s + 4.99119423e-3f;
	near = near * s + -2.67681349e-2f;
	near = near * s + 1.12819925e-1f;
	near = near * s + -3.76125336e-1f;
	near = near * s + 1.28379166e-1f;
	near = near * x + x;
	return t > 0.927734375f ? far : near;
}

#define EACH(expression) \
	_Pragma("GCC ivdep") \
	for (int64_t i = 0; i < n; i++) { o[i] = (expression); }

#define UNARY(expression) \
	if (ae) { _Pragma("GCC ivdep") for (int64_t i = 0; i < n; i++) { float x = a[i]; o[i] = (expression); } } \
	else { float x = a[0]; float value = (expression); EACH(value) } \
	break;

#define BINARY(expression) \
	if (ae && be) { _Pragma("GCC ivdep") for (int64_t i = 0; i < n; i++) { float x = a[i], y = b[i]; o[i] = (expression); } } \
	else if (ae) { float y = b[0]; _Pragma("GCC ivdep") for (int64_t i = 0; i < n; i++) { float x = a[i]; o[i] = (expression); } } \
	else if (be) { float x = a[0]; _Pragma("GCC ivdep") for (int64_t i = 0; i < n; i++) { float y = b[i]; o[i] = (expression); } } \
	else { float x = a[0], y = b[0]; float value = (expression); EACH(value) } \
	break;

// apply computes n elements of one operation. Operands may lie where the result goes.
INLINE void apply(int op, float* o, const float* a, int ae, const float* b, int be, const float* c, int ce, int64_t n) {
	switch (op) {
	case COPY: UNARY(x)
	case NEG: UNARY(-x)
	case ABS: UNARY(x < 0 ? -x : x)
	case SIGN: UNARY(x > 0 ? 1.0f : (x < 0 ? -1.0f : x))
	case SQRT: UNARY(sqrtf(x))
	case EXP: UNARY(exponential(x))
	case LOG: UNARY(logf(x))
	case TANH: UNARY(hyperbolic(x))
	case ERF: UNARY(error_function(x))
	case SIGMOID: UNARY(1.0f / (1.0f + exponential(-x)))
	case NOT: UNARY(x != 0 ? 0.0f : 1.0f)
	case ADD: BINARY(x + y)
	case SUB: BINARY(x - y)
	case MUL: BINARY(x * y)
	case DIV: BINARY(x / y)
	case MAX: BINARY(x > y || x != x ? x : y)
	case MIN: BINARY(x < y || x != x ? x : y)
	case EQUAL: BINARY(x == y ? 1.0f : 0.0f)
	case GREATER: BINARY(x > y ? 1.0f : 0.0f)
	case GREATER_EQUAL: BINARY(x >= y ? 1.0f : 0.0f)
	case LESS: BINARY(x < y ? 1.0f : 0.0f)
	case LESS_EQUAL: BINARY(x <= y ? 1.0f : 0.0f)
	case AND: BINARY(x != 0 && y != 0 ? 1.0f : 0.0f)
	case OR: BINARY(x != 0 || y != 0 ? 1.0f : 0.0f)
	case XOR: BINARY((x != 0) != (y != 0) ? 1.0f : 0.0f)
	case WHERE:
		if (!ae) {
			if (a[0] != 0) {
				if (be) { EACH(b[i]) } else { EACH(b[0]) }
			} else {
				if (ce) { EACH(c[i]) } else { EACH(c[0]) }
			}
		} else if (be && ce) { EACH(a[i] != 0 ? b[i] : c[i]) }
		else if (be) { float z = c[0]; EACH(a[i] != 0 ? b[i] : z) }
		else if (ce) { float y = b[0]; EACH(a[i] != 0 ? y : c[i]) }
		else { float y = b[0], z = c[0]; EACH(a[i] != 0 ? y : z) }
		break;
	}
}

enum { LANES = 16 };

INLINE float reduced(int op, const float* a, int64_t n) {
	float lanes[LANES];
	if (op == SUM) {
		for (int j = 0; j < LANES; j++) lanes[j] = 0;
		int64_t i = 0;
		for (; i + LANES <= n; i += LANES) {
			for (int j = 0; j < LANES; j++) lanes[j] += a[i + j];
		}
		for (int j = 0; i < n; i++, j++) lanes[j] += a[i];
		for (int half = LANES / 2; half > 0; half /= 2) {
			for (int j = 0; j < half; j++) lanes[j] += lanes[j + half];
		}
		return lanes[0];
	}
	float sign = op == MAXIMUM ? 1.0f : -1.0f;
	for (int j = 0; j < LANES; j++) lanes[j] = -INFINITY;
	int64_t i = 0;
	for (; i + LANES <= n; i += LANES) {
		for (int j = 0; j < LANES; j++) {
			float x = sign * a[i + j];
			lanes[j] = x > lanes[j] || x != x ? x : lanes[j];
		}
	}
	for (int j = 0; i < n; i++, j++) {
		float x = sign * a[i];
		lanes[j] = x > lanes[j] || x != x ? x : lanes[j];
	}
	for (int j = 1; j < LANES; j++) lanes[0] = lanes[j] > lanes[0] || lanes[j] != lanes[j] ? lanes[j] : lanes[0];
	return sign * lanes[0];
}

INLINE float joined(int op, float so_far, float more) {
	if (op == SUM) return so_far + more;
	if (op == MAXIMUM) return so_far > more || so_far != so_far ? so_far : more;
	return so_far < more || so_far != so_far ? so_far : more;
}

// offset of a row in an input.
INLINE int64_t offset(const kernel* k, const input* in, int64_t row) {
	if (in->row >= 0) return row * in->row;
	int64_t at = 0;
	for (int64_t axis = k->leading - 1; axis >= 0; axis--) {
		at += row % k->dims[axis] * in->strides[axis];
		row /= k->dims[axis];
	}
	return at;
}

// loaded is an input for a block of rows and columns, in scratch memory where it does not lie in rows as it is.
INLINE view loaded(const kernel* k, const input* in, const void* data, float* scratch, int64_t first, int64_t rows, int64_t column, int64_t columns) {
	int direct = in->type == FLOAT && in->last == 1 && (in->row == k->columns || in->row == 0);
	if (direct) {
		return (view){(const float*)data + first * in->row + column, in->row, 1};
	}
	if (in->type == FLOAT && in->last == 0 && (in->row == 1 || in->row == 0)) {
		return (view){(const float*)data + first * in->row, in->row, 0};
	}
	int64_t width = in->last ? columns : 1;
	for (int64_t r = 0; r < rows; r++) {
		int64_t from = offset(k, in, first + r) + (in->last ? column : 0);
		float* to = scratch + r * width;
		if (in->type == FLOAT) {
			memcpy(to, (const float*)data + from, (size_t)width * sizeof(float));
		} else {
			const uint8_t* flags = (const uint8_t*)data + from;
			for (int64_t c = 0; c < width; c++) to[c] = flags[c] ? 1.0f : 0.0f;
		}
	}
	return (view){scratch, width, (int)in->last};
}

// memory of a register for a block.
INLINE float* memory(const kernel* k, const reg* r, float* scratch, float* const* outputs, int64_t first, int64_t column) {
	if (r->kind == ROW) {
		return r->output >= 0 ? outputs[r->output] + first : scratch + r->slot;
	}
	if (r->output >= 0) return outputs[r->output] + first * k->columns + column;
	return scratch + r->slot + (r->whole ? column : 0);
}

INLINE view operand(const kernel* k, int64_t which, const view* inputs, float* scratch, float* const* outputs, int64_t first, int64_t column) {
	if (which < 0) return (view){k->constants - which - 1, 0, 0};
	if (which < k->input_count) return inputs[which];
	const reg* r = &k->registers[which - k->input_count];
	float* p = memory(k, r, scratch, outputs, first, column);
	return r->kind == ROW ? (view){p, 1, 0} : (view){p, k->columns, 1};
}

INLINE int operands(int op) { return op == WHERE ? 3 : op >= ADD && op < WHERE ? 2 : 1; }

// per_row computes an operation between numbers of rows.
INLINE void per_row(int op, float* to, const view* from, int64_t rows) {
	apply(op, to, from[0].p, from[0].row != 0, from[1].p, from[1].row != 0, from[2].p, from[2].row != 0, rows);
}

INLINE void per_column(int op, float* to, const view* from, int64_t rows, int64_t columns, int64_t stride) {
	int plain = 1;
	for (int i = 0; i < operands(op); i++) {
		plain = plain && ((from[i].last == 1 && from[i].row == columns) || (from[i].last == 0 && from[i].row == 0));
	}
	if (plain || rows == 1) {
		apply(op, to, from[0].p, from[0].last, from[1].p, from[1].last, from[2].p, from[2].last, rows * columns);
		return;
	}
	for (int64_t r = 0; r < rows; r++) {
		apply(op, to + r * stride, from[0].p + r * from[0].row, from[0].last, from[1].p + r * from[1].row, from[1].last,
			from[2].p + r * from[2].row, from[2].last, columns);
	}
}

INLINE void rows_of(const kernel* k, const void* const* data, float* const* outputs, float* scratch, view* inputs, float* copies, int64_t from, int64_t to) {
	int64_t width = k->columns <= TILE ? k->columns : TILE;
	for (int64_t first = from; first < to; first += k->block) {
		int64_t rows = to - first < k->block ? to - first : k->block;
		for (int64_t phase = 0; phase < k->phases; phase++) {
			int ready = 0;
			for (int64_t column = 0; column < k->columns; column += width) {
				int64_t columns = k->columns - column < width ? k->columns - column : width;
				for (int64_t i = 0; i < k->input_count && (phase == 0 || k->columns > width); i++) {
					inputs[i] = loaded(k, &k->inputs[i], data[i], copies + i * TILE, first, rows, column, columns);
				}
				for (int64_t i = 0; i < k->instruction_count; i++) {
					const instruction* step = &k->instructions[i];
					const reg* target = &k->registers[step->to];
					int reduces = step->op >= SUM;
					if (step->phase != phase || (ready && target->kind == ROW && !reduces)) continue;
					view args[3];
					for (int j = 0; j < 3; j++) {
						args[j] = operand(k, step->from[j], inputs, scratch, outputs, first, column);
					}
					float* result = memory(k, target, scratch, outputs, first, column);
					if (reduces) {
						for (int64_t r = 0; r < rows; r++) {
							const float* a = args[0].p + r * args[0].row;
							float value = args[0].last ? reduced(step->op, a, columns) : step->op == SUM ? a[0] * (float)columns : a[0];
							result[r] = column == 0 ? value : joined(step->op, result[r], value);
						}
					} else if (target->kind == ROW) {
						per_row(step->op, result, args, rows);
					} else {
						per_column(step->op, result, args, rows, columns, k->columns);
					}
				}
				ready = 1;
			}
		}
	}
}

typedef void (*version)(const kernel*, const void* const*, float* const*, float*, view*, float*, int64_t, int64_t);

#define VERSION(name, attributes) \
	attributes static void name(const kernel* k, const void* const* data, float* const* outputs, float* scratch, view* inputs, float* copies, int64_t from, int64_t to) { \
		rows_of(k, data, outputs, scratch, inputs, copies, from, to); \
	}

VERSION(rows_plain, )
#ifdef SPARSEPO_X86
VERSION(rows_avx2, AVX2)
VERSION(rows_avx512, AVX512)
#endif

// fastest is the version for what this machine's processor has.
static version fastest(void) {
#ifdef SPARSEPO_X86
	if (has_avx512()) return rows_avx512;
	if (has_avx2()) return rows_avx2;
#endif
	return rows_plain;
}

// A thread keeps its scratch memory until it ends: fresh memory for every piece would cost as much as the work on it.
typedef struct {
	size_t size;
	char* bytes;
} block;

static pthread_key_t blocks;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void drop_block(void* b) {
	free(((block*)b)->bytes);
	free(b);
}

static void make_key(void) { pthread_key_create(&blocks, drop_block); }

static char* thread_memory(size_t size) {
	pthread_once(&once, make_key);
	block* b = pthread_getspecific(blocks);
	if (b == NULL) {
		b = calloc(1, sizeof(block));
		if (b == NULL || pthread_setspecific(blocks, b) != 0) {
			free(b);
			return NULL;
		}
	}
	if (b->bytes == NULL || b->size < size) {
		free(b->bytes);
		b->bytes = malloc(size + 1);
		b->size = b->bytes == NULL ? 0 : size;
	}
	return b->bytes;
}

// piece_rows are the rows of a piece: whole blocks.
static int64_t piece_rows(const kernel* k) {
	int64_t size = k->rows * k->columns / PIECES;
	size = size < SMALLEST ? SMALLEST : size > LARGEST ? LARGEST : size;
	int64_t rows = (size + k->columns - 1) / k->columns;
	return (rows + k->block - 1) / k->block * k->block;
}

int64_t kernel_pieces(const kernel* k) {
	int64_t rows = piece_rows(k);
	return (k->rows + rows - 1) / rows;
}

int kernel_run(const kernel* k, const void* const* data, float* const* outputs, int64_t piece) {
	int64_t rows = piece_rows(k);
	int64_t from = piece * rows, to = from + rows < k->rows ? from + rows : k->rows;
	size_t views = sizeof(view) * (size_t)k->input_count;
	size_t floats = (size_t)(k->scratch + k->input_count * TILE);
	char* memory = thread_memory(sizeof(float) * floats + views);
	if (memory == NULL) return 0;
	float* scratch = (float*)(memory + views);
	fastest()(k, data, outputs, scratch, (view*)memory, scratch + k->scratch, from, to);
	return 1;
}

// reader takes numbers off a program.
typedef struct {
	int64_t *at, left;
	int damaged;
} reader;

static int64_t take(reader* r, int64_t low, int64_t high) {
	if (r->left < 1 || *r->at < low || *r->at > high) {
		r->damaged = 1;
		return low;
	}
	r->left--;
	return *r->at++;
}

static int64_t* take_many(reader* r, int64_t count) {
	if (r->left < count) {
		r->damaged = 1;
		return NULL;
	}
	int64_t* list = r->at;
	r->at += count;
	r->left -= count;
	return list;
}

// even_row is the distance between rows where it is the same everywhere, else -1.
static int64_t even_row(const kernel* k, const int64_t* strides) {
	int64_t expected = -1;
	for (int64_t axis = k->leading - 1; axis >= 0; axis--) {
		if (k->dims[axis] == 1) continue;
		if (expected >= 0 && strides[axis] != expected) return -1;
		expected = strides[axis] * k->dims[axis];
	}
	for (int64_t axis = k->leading - 1; axis >= 0; axis--) {
		if (k->dims[axis] != 1) return strides[axis];
	}
	return 0;
}

static const int64_t most = 1 << 20;

static void read_program(kernel* k, reader* r) {
	k->leading = take(r, 0, 64);
	k->dims = take_many(r, k->leading);
	k->rows = 1;
	for (int64_t i = 0; !r->damaged && i < k->leading; i++) k->rows *= k->dims[i];
	k->columns = take(r, 1, INT64_MAX);
	k->block = k->columns < TILE ? TILE / k->columns : 1;
	k->input_count = take(r, 0, most);
	k->inputs = calloc((size_t)k->input_count + 1, sizeof(input));
	for (int64_t i = 0; k->inputs != NULL && !r->damaged && i < k->input_count; i++) {
		input* in = &k->inputs[i];
		in->type = (int)take(r, FLOAT, BOOL);
		in->last = take(r, 0, 1);
		in->strides = take_many(r, k->leading);
		if (!r->damaged) in->row = even_row(k, in->strides);
	}
	k->output_count = take(r, 1, most);
	k->outputs = calloc((size_t)k->output_count + 1, sizeof(output));
	for (int64_t i = 0; k->outputs != NULL && !r->damaged && i < k->output_count; i++) {
		k->outputs[i].kind = (int)take(r, FULL, ROW);
		k->outputs[i].rank = take(r, 0, 64);
		k->outputs[i].dims = take_many(r, k->outputs[i].rank);
	}
	k->register_count = take(r, 0, most);
	k->registers = calloc((size_t)k->register_count + 1, sizeof(reg));
	int64_t row_length = k->columns < TILE ? TILE : k->columns;
	int64_t slots = take(r, 0, most); // of scratch memory: all as long as the longest needs
	int64_t whole = take(r, 0, 1);
	int64_t length = whole ? row_length : TILE;
	k->scratch = slots * length;
	for (int64_t i = 0; k->registers != NULL && !r->damaged && i < k->register_count; i++) {
		reg* g = &k->registers[i];
		g->kind = (int)take(r, FULL, ROW);
		g->whole = (int)take(r, 0, 1);
		g->output = take(r, -1, k->output_count - 1);
		g->slot = take(r, 0, slots) * length;
	}
	k->phases = take(r, 1, most);
	k->instruction_count = take(r, 1, most);
	k->instructions = calloc((size_t)k->instruction_count + 1, sizeof(instruction));
	for (int64_t i = 0; k->instructions != NULL && !r->damaged && i < k->instruction_count; i++) {
		instruction* step = &k->instructions[i];
		step->phase = (int)take(r, 0, k->phases - 1);
		step->op = (int)take(r, 0, OPERATIONS - 1);
		step->to = take(r, 0, k->register_count - 1);
		for (int j = 0; j < 3; j++) step->from[j] = take(r, -most, k->input_count + k->register_count - 1);
	}
	if (r->left != 0 || k->inputs == NULL || k->outputs == NULL || k->registers == NULL || k->instructions == NULL) r->damaged = 1;
}

kernel* kernel_new(const int64_t* code, int64_t length, const float* constants, int64_t constant_count) {
	kernel* k = calloc(1, sizeof(kernel));
	if (k == NULL) return NULL;
	k->numbers = malloc(sizeof(int64_t) * (size_t)(length + 1));
	k->constants = malloc(sizeof(float) * (size_t)(constant_count + 1));
	if (k->numbers == NULL || k->constants == NULL) {
		kernel_free(k);
		return NULL;
	}
	memcpy(k->numbers, code, sizeof(int64_t) * (size_t)length);
	memcpy(k->constants, constants, sizeof(float) * (size_t)constant_count);
	reader r = {k->numbers, length, 0};
	read_program(k, &r);
	for (int64_t i = 0; !r.damaged && i < k->instruction_count; i++) {
		for (int j = 0; j < 3; j++) {
			if (k->instructions[i].from[j] < -constant_count) r.damaged = 1;
		}
	}
	if (r.damaged) {
		kernel_free(k);
		return NULL;
	}
	return k;
}

void kernel_free(kernel* k) {
	if (k == NULL) return;
	free(k->inputs);
	free(k->outputs);
	free(k->registers);
	free(k->instructions);
	free(k->constants);
	free(k->numbers);
	free(k);
}

int64_t kernel_inputs(const kernel* k) { return k->input_count; }

int64_t kernel_outputs(const kernel* k) { return k->output_count; }

const int64_t* kernel_output_shape(const kernel* k, int64_t output, int64_t* rank) {
	*rank = k->outputs[output].rank;
	return k->outputs[output].dims;
}
