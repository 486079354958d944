//go:build cgo && (linux || darwin)

#include "operation.h"

#include "kernel.h"

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
	if (*list == NULL) return problem(FAILED, "sparsepo: no memory for a kernel's program");
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

static status gather(const kernel* k, void* context, const void** inputs, float** outputs) {
	status (*data)(void*, void**) = (status (*)(void*, void**))api[GetTensorMutableData];
	for (int64_t i = 0; i < kernel_inputs(k); i++) {
		void *value = NULL, *at = NULL;
		status s = ((status (*)(void*, size_t, void**))api[KernelContext_GetInput])(context, (size_t)i, &value);
		if (s == NULL) s = data(value, &at);
		if (s != NULL) return s;
		inputs[i] = at;
	}
	for (int64_t i = 0; i < kernel_outputs(k); i++) {
		int64_t rank;
		const int64_t* dims = kernel_output_shape(k, i, &rank);
		void *value = NULL, *at = NULL;
		status s = ((status (*)(void*, size_t, const int64_t*, size_t, void**))api[KernelContext_GetOutput])(context, (size_t)i, dims, (size_t)rank, &value);
		if (s == NULL) s = data(value, &at);
		if (s != NULL) return s;
		outputs[i] = at;
	}
	return NULL;
}

static status compute(void* of, void* context) {
	const kernel* k = of;
	job work = {k, calloc((size_t)kernel_inputs(k) + 1, sizeof(void*)), calloc((size_t)kernel_outputs(k) + 1, sizeof(float*)), 0};
	status s = NULL;
	if (work.inputs == NULL || work.outputs == NULL) s = problem(FAILED, "sparsepo: no memory for a kernel");
	if (s == NULL) s = gather(k, context, work.inputs, work.outputs);
	if (s == NULL) {
		size_t pieces = (size_t)kernel_pieces(k);
		if (pieces == 1) {
			piece(&work, 0);
		} else {
			s = ((status (*)(const void*, void (*)(void*, size_t), size_t, size_t, void*))api[KernelContext_ParallelFor])(context, piece, pieces, 0, &work);
		}
	}
	if (s == NULL && work.failed) s = problem(FAILED, "sparsepo: no memory for a kernel");
	free(work.inputs);
	free(work.outputs);
	return s;
}

static void destroy(void* k) { kernel_free(k); }
static const char* name(const custom_op* op) { (void)op; return "Elementwise"; }
static const char* provider(const custom_op* op) { (void)op; return NULL; }
static int any_type(const custom_op* op, size_t i) { (void)op; (void)i; return ANY; }
static int float_type(const custom_op* op, size_t i) { (void)op; (void)i; return FLOAT32; }
static size_t one_list(const custom_op* op) { (void)op; return 1; }
static int variadic(const custom_op* op, size_t i) { (void)op; (void)i; return VARIADIC; }
static int default_memory(const custom_op* op, size_t i) { (void)op; (void)i; return 0; }
static int none(const custom_op* op) { (void)op; return 0; }
static int one(const custom_op* op) { (void)op; return 1; }

static const custom_op elementwise = {
	.version = 16,
	.name = name,
	.provider = provider,
	.input_type = any_type,
	.input_type_count = one_list,
	.output_type = float_type,
	.output_type_count = one_list,
	.destroy = destroy,
	.input_characteristic = variadic,
	.output_characteristic = variadic,
	.input_memory = default_memory,
	.input_minimum = none,
	.input_homogeneous = none,
	.output_minimum = one,
	.output_homogeneous = one,
	.create_kernel_v2 = create,
	.compute_v2 = compute,
};

void* operation_domain(void* const* functions, const char* domain) {
	api = functions;
	void* made = NULL;
	status s = ((status (*)(const char*, void**))api[CreateCustomOpDomain])(domain, &made);
	if (s == NULL) s = ((status (*)(void*, const void*))api[CustomOpDomain_Add])(made, &elementwise);
	if (s != NULL) {
		drop(s);
		return NULL;
	}
	return made;
}
