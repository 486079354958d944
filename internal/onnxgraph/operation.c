//go:build cgo && (linux || darwin)

#include "operation.h"

#include "kernel.h"
#include "product.h"

#include <stdlib.h>

// Places of functions in ONNX Runtime's table, to which versions only append.
enum {
	CreateStatus = 0,
	CreateCustomOpDomain = 26,
	CustomOpDomain_Add = 27,
	GetTensorMutableData = 51,
	KernelContext_GetInput = 90,
	KernelContext_GetOutput = 91,
	ReleaseStatus = 93,
	KernelInfoGetAttributeArray_float = 162,
	KernelInfoGetAttributeArray_int64 = 163,
	KernelContext_ParallelFor = 274,
};

typedef void* status; // NULL for success

enum { ANY = 0, FLOAT32 = 1 };              // element types
enum { VARIADIC = 2 };                      // characteristic of inputs and outputs: any number of them
enum { FAILED = 1, INVALID_ARGUMENT = 2 };  // codes of errors

// custom_op is ONNX Runtime's OrtCustomOp of version 16.
typedef struct custom_op {
	uint32_t version;
	void* (*create_kernel)(const struct custom_op*, void* const*, const void*);
	const char* (*name)(const struct custom_op*);
	const char* (*provider)(const struct custom_op*);
	int (*input_type)(const struct custom_op*, size_t);
	size_t (*input_type_count)(const struct custom_op*);
	int (*output_type)(const struct custom_op*, size_t);
	size_t (*output_type_count)(const struct custom_op*);
	void (*compute)(void*, void*);
	void (*destroy)(void*);
	int (*input_characteristic)(const struct custom_op*, size_t);
	int (*output_characteristic)(const struct custom_op*, size_t);
	int (*input_memory)(const struct custom_op*, size_t);
	int (*input_minimum)(const struct custom_op*);
	int (*input_homogeneous)(const struct custom_op*);
	int (*output_minimum)(const struct custom_op*);
	int (*output_homogeneous)(const struct custom_op*);
	status (*create_kernel_v2)(const struct custom_op*, void* const*, const void*, void**);
	status (*compute_v2)(void*, void*);
	void* later[7];
} custom_op;

static void* const* api;

static status problem(int code, const char* message) {
	return ((status (*)(int, const char*))api[CreateStatus])(code, message);
}

static void drop(status s) {
	if (s != NULL) ((void (*)(status))api[ReleaseStatus])(s);
}

// attribute reads a list; *list is to be freed.
static status attribute(const void* info, const char* name, int place, size_t element, void** list, size_t* count) {
	status (*get)(const void*, const char*, void*, size_t*) = (status (*)(const void*, const char*, void*, size_t*))api[place];
	*count = 0;
	status s = get(info, name, NULL, count);
	if (s != NULL) return s;
	*list = malloc(element * (*count + 1));
	if (*list == NULL) return problem(FAILED, "sparsepo: no memory for an operation's attributes");
	return get(info, name, *list, count);
}

static status create(const custom_op* op, void* const* functions, const void* info, void** out) {
	(void)op;
	(void)functions;
	void *code = NULL, *constants = NULL;
	size_t length = 0, count = 0;
	status s = attribute(info, "program", KernelInfoGetAttributeArray_int64, sizeof(int64_t), &code, &length);
	if (s == NULL) s = attribute(info, "constants", KernelInfoGetAttributeArray_float, sizeof(float), &constants, &count);
	if (s == NULL) {
		*out = kernel_new(code, (int64_t)length, constants, (int64_t)count);
		if (*out == NULL) s = problem(INVALID_ARGUMENT, "sparsepo: a kernel's program is damaged");
	}
	free(code);
	free(constants);
	return s;
}

typedef struct {
	const kernel* kernel;
	const void** inputs;
	float** outputs;
	int failed;
} job;

static void piece(void* j, size_t number) {
	job* work = j;
	if (!kernel_run(work->kernel, work->inputs, work->outputs, (int64_t)number)) work->failed = 1;
}

// input_data is where an input's elements lie.
static status input_data(void* context, size_t i, void** at) {
	void* value = NULL;
	status s = ((status (*)(void*, size_t, void**))api[KernelContext_GetInput])(context, i, &value);
	return s != NULL ? s : ((status (*)(void*, void**))api[GetTensorMutableData])(value, at);
}

// output_data makes an output and is where its elements go.
static status output_data(void* context, size_t i, const int64_t* dims, size_t rank, void** at) {
	void* value = NULL;
	status s = ((status (*)(void*, size_t, const int64_t*, size_t, void**))api[KernelContext_GetOutput])(context, i, dims, rank, &value);
	return s != NULL ? s : ((status (*)(void*, void**))api[GetTensorMutableData])(value, at);
}

// in_parallel calls use with all numbers below count, on the session's threads.
static status in_parallel(void* context, void (*use)(void*, size_t), int64_t count, void* job) {
	if (count == 1) {
		use(job, 0);
		return NULL;
	}
	return ((status (*)(const void*, void (*)(void*, size_t), size_t, size_t, void*))api[KernelContext_ParallelFor])(context, use, (size_t)count, 0, job);
}

static status gather(const kernel* k, void* context, const void** inputs, float** outputs) {
	status s = NULL;
	for (int64_t i = 0; s == NULL && i < kernel_inputs(k); i++) s = input_data(context, (size_t)i, (void**)&inputs[i]);
	for (int64_t i = 0; s == NULL && i < kernel_outputs(k); i++) {
		int64_t rank;
		const int64_t* dims = kernel_output_shape(k, i, &rank);
		s = output_data(context, (size_t)i, dims, (size_t)rank, (void**)&outputs[i]);
	}
	return s;
}

static status compute(void* of, void* context) {
	const kernel* k = of;
	job work = {k, calloc((size_t)kernel_inputs(k) + 1, sizeof(void*)), calloc((size_t)kernel_outputs(k) + 1, sizeof(float*)), 0};
	status s = NULL;
	if (work.inputs == NULL || work.outputs == NULL) s = problem(FAILED, "sparsepo: no memory for a kernel");
	if (s == NULL) s = gather(k, context, work.inputs, work.outputs);
	if (s == NULL) s = in_parallel(context, piece, kernel_pieces(k), &work);
	if (s == NULL && work.failed) s = problem(FAILED, "sparsepo: no memory for a kernel");
	free(work.inputs);
	free(work.outputs);
	return s;
}

static status create_product(const custom_op* op, void* const* functions, const void* info, void** out) {
	(void)op;
	(void)functions;
	void* code = NULL;
	size_t length = 0;
	status s = attribute(info, "sizes", KernelInfoGetAttributeArray_int64, sizeof(int64_t), &code, &length);
	if (s == NULL) {
		*out = product_new(code, (int64_t)length);
		if (*out == NULL) s = problem(INVALID_ARGUMENT, "sparsepo: a product's sizes are damaged");
	}
	free(code);
	return s;
}

typedef struct {
	const product* product;
	const float* left;
	float* turned;
	const float** right;
	float** outputs;
} product_job;

static void product_piece(void* j, size_t number) {
	product_job* work = j;
	product_run(work->product, work->left, work->turned, work->right, work->outputs, (int64_t)number);
}

static status multiply(void* of, void* context) {
	const product* p = of;
	size_t count = (size_t)product_right(p), rank = (size_t)product_shape(p, 0, NULL);
	size_t turned = (size_t)product_turned(p);
	product_job work = {p, NULL, malloc(sizeof(float) * (turned + 1)), calloc(count, sizeof(float*)), calloc(count, sizeof(float*))};
	int64_t* dims = calloc(rank, sizeof(int64_t));
	status s = NULL;
	if (work.turned == NULL || work.right == NULL || work.outputs == NULL || dims == NULL) s = problem(FAILED, "sparsepo: no memory for a product");
	if (s == NULL) s = input_data(context, 0, (void**)&work.left);
	for (size_t i = 0; s == NULL && i < count; i++) {
		product_shape(p, (int64_t)i, dims);
		s = input_data(context, 1 + i, (void**)&work.right[i]);
		if (s == NULL) s = output_data(context, i, dims, rank, (void**)&work.outputs[i]);
	}
	if (s == NULL && turned > 0) product_turn(p, work.left, work.turned);
	if (s == NULL) s = in_parallel(context, product_piece, product_pieces(p), &work);
	free(work.turned);
	free(work.right);
	free(work.outputs);
	free(dims);
	return s;
}

static void destroy(void* k) { kernel_free(k); }
static void destroy_product(void* p) { product_free(p); }
static const char* name(const custom_op* op) { (void)op; return "Elementwise"; }
static const char* product_name(const custom_op* op) { (void)op; return "Product"; }
static const char* provider(const custom_op* op) { (void)op; return NULL; }
static int any_type(const custom_op* op, size_t i) { (void)op; (void)i; return ANY; }
static int float_type(const custom_op* op, size_t i) { (void)op; (void)i; return FLOAT32; }
static size_t one_list(const custom_op* op) { (void)op; return 1; }
static int variadic(const custom_op* op, size_t i) { (void)op; (void)i; return VARIADIC; }
static int default_memory(const custom_op* op, size_t i) { (void)op; (void)i; return 0; }
static int none(const custom_op* op) { (void)op; return 0; }
static int one(const custom_op* op) { (void)op; return 1; }

#define OPERATION(named, makes, runs, ends) { \
	.version = 16, \
	.name = named, \
	.provider = provider, \
	.input_type = any_type, \
	.input_type_count = one_list, \
	.output_type = float_type, \
	.output_type_count = one_list, \
	.destroy = ends, \
	.input_characteristic = variadic, \
	.output_characteristic = variadic, \
	.input_memory = default_memory, \
	.input_minimum = none, \
	.input_homogeneous = none, \
	.output_minimum = one, \
	.output_homogeneous = one, \
	.create_kernel_v2 = makes, \
	.compute_v2 = runs, \
}

static const custom_op elementwise = OPERATION(name, create, compute, destroy);
static const custom_op few_rows = OPERATION(product_name, create_product, multiply, destroy_product);

void* operation_domain(void* const* functions, const char* domain) {
	api = functions;
	void* made = NULL;
	status s = ((status (*)(const char*, void**))api[CreateCustomOpDomain])(domain, &made);
	status (*add)(void*, const void*) = (status (*)(void*, const void*))api[CustomOpDomain_Add];
	if (s == NULL) s = add(made, &elementwise);
	if (s == NULL) s = add(made, &few_rows);
	if (s != NULL) {
		drop(s);
		return NULL;
	}
	return made;
}
