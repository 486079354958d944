// The inner loops of product.c for vectors of WIDTH numbers and tiles of OUTER_ROWS × 2 vectors, or INNER_ROWS × 4 numbers.
// TARGET names the processor's extensions; the names of functions start with VERSION.

#define JOINED(a, b) a##_##b
#define JOIN(a, b) JOINED(a, b)
#define OWN(part) JOIN(VERSION, part)
#define VECTOR OWN(vector)

typedef float VECTOR __attribute__((vector_size(WIDTH * sizeof(float)), aligned(sizeof(float)), may_alias));

// outer adds the product of a few rows of the left operand and 2 vectors of columns of the right one to a tile; fresh says
// that the tile holds nothing yet. Rows lie at distances of left_row, right_row and to_row.
INLINE TARGET void OWN(outer)(int rows, int64_t depth, const float* left, int64_t left_row, const float* right, int64_t right_row, float* to, int64_t to_row, int fresh) {
	VECTOR sums[OUTER_ROWS][2];
#pragma GCC unroll 16
	for (int r = 0; r < rows; r++) {
		sums[r][0] = fresh ? (VECTOR){0} : *(const VECTOR*)(to + r * to_row);
		sums[r][1] = fresh ? (VECTOR){0} : *(const VECTOR*)(to + r * to_row + WIDTH);
	}
	for (int64_t k = 0; k < depth; k++) {
		VECTOR first = *(const VECTOR*)(right + k * right_row), second = *(const VECTOR*)(right + k * right_row + WIDTH);
#pragma GCC unroll 16
		for (int r = 0; r < rows; r++) {
			float x = left[r * left_row + k];
			sums[r][0] += x * first;
			sums[r][1] += x * second;
		}
	}
#pragma GCC unroll 16
	for (int r = 0; r < rows; r++) {
		*(VECTOR*)(to + r * to_row) = sums[r][0];
		*(VECTOR*)(to + r * to_row + WIDTH) = sums[r][1];
	}
}

// outer_rows is outer for any number of rows up to OUTER_ROWS.
static TARGET void OWN(outer_rows)(int64_t rows, int64_t depth, const float* left, int64_t left_row, const float* right, int64_t right_row, float* to, int64_t to_row, int fresh) {
	switch (rows) {
#define CASE(n) case n: OWN(outer)(n, depth, left, left_row, right, right_row, to, to_row, fresh); return;
	CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6)
#if OUTER_ROWS > 6
	CASE(7) CASE(8) CASE(9) CASE(10) CASE(11) CASE(12)
#endif
#undef CASE
	}
}

// pack copies up to DEPTH rows of a panel, 2 vectors' columns of them at a time, with zeros in place of columns that it lacks.
static TARGET void OWN(pack)(float* to, const float* right, int64_t right_row, int64_t depth, int64_t columns) {
	for (int64_t k = 0; k < depth; k++) {
		const float* from = right + k * right_row;
		float row[PANEL];
		if (columns < PANEL) {
			for (int64_t c = 0; c < PANEL; c++) row[c] = c < columns ? from[c] : 0;
			from = row;
		}
#pragma GCC unroll 8
		for (int c = 0; c < PANEL; c += 2 * WIDTH) {
			VECTOR* at = (VECTOR*)(to + c * DEPTH + k * 2 * WIDTH);
			at[0] = *(const VECTOR*)(from + c);
			at[1] = *(const VECTOR*)(from + c + WIDTH);
		}
	}
}

// straight computes a panel of a product whose right operand's rows lie in rows.
static TARGET void OWN(straight)(const task* t) {
	float packed[DEPTH * PANEL] __attribute__((aligned(64)));
	float edge[OUTER_ROWS * PANEL];
	int64_t blocks = (t->rows + OUTER_ROWS - 1) / OUTER_ROWS;
	int whole = t->columns == PANEL;
	int direct = whole && blocks == 1; // what is read once need not be packed
	for (int64_t k = 0; k < t->inner; k += direct ? t->inner : DEPTH) {
		int64_t depth = direct || t->inner - k < DEPTH ? t->inner - k : DEPTH;
		if (!direct) OWN(pack)(packed, t->right + k * t->right_row, t->right_row, depth, t->columns);
		span ahead = following(t, k + depth);
		for (int64_t block = 0; block < blocks; block++) {
			ask(ahead, t->right_row, block, blocks);
			int64_t first = t->rows * block / blocks, rows = t->rows * (block + 1) / blocks - first;
			float* to = whole ? t->to + first * t->to_row : edge;
			int64_t to_row = whole ? t->to_row : PANEL;
			for (int64_t r = 0; !whole && k > 0 && r < rows; r++) memcpy(edge + r * PANEL, t->to + (first + r) * t->to_row, (size_t)t->columns * sizeof(float));
			for (int64_t c = 0; c < t->columns; c += 2 * WIDTH) {
				const float* left = t->left + first * t->inner + k;
				if (direct) {
					OWN(outer_rows)(rows, depth, left, t->inner, t->right + c, t->right_row, to + c, to_row, 1);
				} else {
					OWN(outer_rows)(rows, depth, left, t->inner, packed + c * DEPTH, 2 * WIDTH, to + c, to_row, k == 0);
				}
			}
			for (int64_t r = 0; !whole && r < rows; r++) memcpy(t->to + (first + r) * t->to_row, edge + r * PANEL, (size_t)t->columns * sizeof(float));
		}
	}
}

// turn copies columns of the left operand into rows, 2 vectors of them at a time, with zeros in place of those that it lacks.
static TARGET void OWN(turn)(float* to, const float* left, int64_t rows, int64_t inner) {
	for (int64_t first = 0; first < rows; first += 2 * WIDTH) {
		for (int64_t r = first; r < first + 2 * WIDTH; r++) {
			for (int64_t k = 0; k < inner; k++) to[first * inner + k * 2 * WIDTH + r - first] = r < rows ? left[r * inner + k] : 0;
		}
	}
}

// swapped computes a panel of a product whose right operand's columns lie in rows, as the product of these and the turned left
// operand.
static TARGET void OWN(swapped)(const task* t) {
	float tile[OUTER_ROWS * 2 * WIDTH];
	for (int64_t c = 0; c < t->columns; c += OUTER_ROWS) {
		int64_t columns = t->columns - c < OUTER_ROWS ? t->columns - c : OUTER_ROWS;
		for (int64_t first = 0; first < t->rows; first += 2 * WIDTH) {
			OWN(outer_rows)(columns, t->inner, t->right + c * t->inner, t->inner, t->turned + first * t->inner, 2 * WIDTH, tile, 2 * WIDTH, 1);
			int64_t rows = t->rows - first < 2 * WIDTH ? t->rows - first : 2 * WIDTH;
			for (int64_t r = 0; r < rows; r++) {
				float* to = t->to + (first + r) * t->to_row + c;
				for (int64_t i = 0; i < columns; i++) to[i] = tile[i * 2 * WIDTH + r];
			}
		}
	}
}

// pairs adds up neighbours: of each four numbers of the result two are sums of a, two of b.
INLINE TARGET VECTOR OWN(pairs)(VECTOR a, VECTOR b) {
#ifdef __clang__
	return __builtin_shufflevector(a, b, EVEN) + __builtin_shufflevector(a, b, ODD);
#else
	typedef int32_t lanes __attribute__((vector_size(WIDTH * sizeof(int32_t))));
	return __builtin_shuffle(a, b, (lanes){EVEN}) + __builtin_shuffle(a, b, (lanes){ODD});
#endif
}

// inner computes the products of a few rows of the left operand and 4 columns of the right one, each of which lies in a row.
INLINE TARGET void OWN(inner)(int rows, int64_t depth, const float* left, const float* right, float* to, int64_t to_row) {
	VECTOR sums[INNER_ROWS][4];
#pragma GCC unroll 16
	for (int r = 0; r < rows; r++) {
#pragma GCC unroll 4
		for (int c = 0; c < 4; c++) sums[r][c] = (VECTOR){0};
	}
	int64_t k = 0;
	for (; k + WIDTH <= depth; k += WIDTH) {
		VECTOR x[INNER_ROWS];
#pragma GCC unroll 16
		for (int r = 0; r < rows; r++) x[r] = *(const VECTOR*)(left + r * depth + k);
#pragma GCC unroll 4
		for (int c = 0; c < 4; c++) {
			VECTOR y = *(const VECTOR*)(right + c * depth + k);
#pragma GCC unroll 16
			for (int r = 0; r < rows; r++) sums[r][c] += x[r] * y;
		}
	}
#pragma GCC unroll 16
	for (int r = 0; r < rows; r++) {
		float four[WIDTH];
		*(VECTOR*)four = OWN(pairs)(OWN(pairs)(sums[r][0], sums[r][1]), OWN(pairs)(sums[r][2], sums[r][3]));
		for (int c = 0; c < 4; c++) {
			float sum = 0;
			for (int lane = c; lane < WIDTH; lane += 4) sum += four[lane];
			for (int64_t rest = k; rest < depth; rest++) sum += left[r * depth + rest] * right[c * depth + rest];
			to[r * to_row + c] = sum;
		}
	}
}

// inner_rows is inner for any number of rows up to INNER_ROWS.
static TARGET void OWN(inner_rows)(int64_t rows, int64_t depth, const float* left, const float* right, float* to, int64_t to_row) {
	switch (rows) {
#define CASE(n) case n: OWN(inner)(n, depth, left, right, to, to_row); return;
	CASE(1) CASE(2) CASE(3)
#if INNER_ROWS > 3
	CASE(4) CASE(5) CASE(6)
#endif
#undef CASE
	}
}

// sums computes a panel of a product of few rows whose right operand's columns lie in rows.
static TARGET void OWN(sums)(const task* t) {
	int64_t blocks = (t->rows + INNER_ROWS - 1) / INNER_ROWS;
	int64_t fours = t->columns / 4 * 4;
	for (int64_t c = 0; c < fours; c += 4) {
		for (int64_t block = 0; block < blocks; block++) {
			int64_t first = t->rows * block / blocks, rows = t->rows * (block + 1) / blocks - first;
			OWN(inner_rows)(rows, t->inner, t->left + first * t->inner, t->right + c * t->inner, t->to + first * t->to_row + c, t->to_row);
		}
	}
	for (int64_t c = fours; c < t->columns; c++) {
		for (int64_t r = 0; r < t->rows; r++) {
			float sum = 0;
			for (int64_t k = 0; k < t->inner; k++) sum += t->left[r * t->inner + k] * t->right[c * t->inner + k];
			t->to[r * t->to_row + c] = sum;
		}
	}
}

static const version OWN(version) = {WIDTH, OWN(straight), OWN(swapped), OWN(sums), OWN(turn)};

#undef JOINED
#undef JOIN
#undef OWN
#undef VECTOR
#undef VERSION
#undef TARGET
#undef WIDTH
#undef OUTER_ROWS
#undef INNER_ROWS
#undef EVEN
#undef ODD
