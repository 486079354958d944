//go:build cgo && (linux || darwin)

package engine

/*
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <dlfcn.h>

// ONNX Runtime's C interface is a table of functions to which versions only append, so that a function's place in it never
// changes. These are the places of those used here; TestPlacesOfFunctions compares them with the header.
enum {
	GetErrorMessage = 2,
	CreateSessionFromArray = 8,
	CreateSessionOptions = 10,
	CloneSessionOptions = 12,
	DisableMemPattern = 17,
	SetIntraOpNumThreads = 24,
	AddCustomOpDomain = 28,
	CreateCpuMemoryInfo = 69,
	ReleaseStatus = 93,
	ReleaseMemoryInfo = 94,
	ReleaseSessionOptions = 100,
	AddSessionConfigEntry = 130,
	CreateAndRegisterAllocator = 144,
	CreateArenaCfg = 156,
	ReleaseArenaCfg = 157,
};

typedef void* status; // NULL for success
typedef status (*create_session_fn)(const void* env, const void* data, size_t length, const void* options, void** out);

static void** functions; // of the API version that the backend is built with
static create_session_fn create_session;
static void* kernels;    // the domain of custom operations that improved graphs use; NULL: there is none
static int threads;      // of a session
static int arena; // 0: not asked for yet, 1: one arena for all sessions, -1: refused

static void drop(status s) {
	if (s != NULL) ((void (*)(status))functions[ReleaseStatus])(s);
}

// share_arena makes all sessions that say so allocate from one arena.
static int share_arena(const void* env) {
	void* memory = NULL;
	void* settings = NULL;
	status s = ((status (*)(int, int, void**))functions[CreateCpuMemoryInfo])(1, 0, &memory); // arena allocator, default memory
	if (s == NULL) s = ((status (*)(size_t, int, int, int, void**))functions[CreateArenaCfg])(0, -1, -1, -1, &settings); // defaults
	if (s == NULL) s = ((status (*)(const void*, const void*, const void*))functions[CreateAndRegisterAllocator])(env, memory, settings);
	if (settings != NULL) ((void (*)(void*))functions[ReleaseArenaCfg])(settings);
	if (memory != NULL) ((void (*)(void*))functions[ReleaseMemoryInfo])(memory);
	int ok = s == NULL;
	drop(s);
	return ok ? 1 : -1;
}

// kernels_import is the field of an ONNX model that says which version of the domain "sparsepo" its operations are of. Fields
// of a message may stand in any order, so it goes to the end.
static const unsigned char kernels_import[] = {8 << 3 | 2, 12, 1 << 3 | 2, 8, 's', 'p', 'a', 'r', 's', 'e', 'p', 'o', 2 << 3, 1};

// tuned_session stands in the table for CreateSessionFromArray.
static status tuned_session(const void* env, const void* data, size_t length, const void* options, void** out) {
	void* own = NULL;
	status s = options == NULL
		? ((status (*)(void**))functions[CreateSessionOptions])(&own)
		: ((status (*)(const void*, void**))functions[CloneSessionOptions])(options, &own);
	if (s != NULL) return s;
	drop(((status (*)(void*))functions[DisableMemPattern])(own));
	drop(((status (*)(void*, int))functions[SetIntraOpNumThreads])(own, threads));
	if (arena == 0) arena = share_arena(env);
	status (*set)(void*, const char*, const char*) = (status (*)(void*, const char*, const char*))functions[AddSessionConfigEntry];
	if (arena > 0) drop(set(own, "session.use_env_allocators", "1"));
	drop(set(own, "session.force_spinning_stop", "1"));
	void* whole = NULL;
	if (kernels != NULL) {
		s = ((status (*)(void*, void*))functions[AddCustomOpDomain])(own, kernels);
		whole = malloc(length + sizeof kernels_import);
		if (whole != NULL) {
			memcpy(whole, data, length);
			memcpy((char*)whole + length, kernels_import, sizeof kernels_import);
			data = whole;
			length += sizeof kernels_import;
		}
	}
	if (s == NULL) s = create_session(env, data, length, own, out);
	free(whole);
	((void (*)(void*))functions[ReleaseSessionOptions])(own);
	return s;
}

// tune puts tuned_session into the library's table. It returns 0 where the table cannot be written.
static int tune(const char* path, uint32_t version, int count) {
	threads = count;
	if (functions != NULL) return 1;
	void* handle = dlopen(path, RTLD_LAZY | RTLD_LOCAL);
	if (handle == NULL) return 0;
	struct base { void** (*get_api)(uint32_t); };
	const struct base* (*get_base)(void) = (const struct base* (*)(void))dlsym(handle, "OrtGetApiBase");
	if (get_base == NULL) return 0;
	void** table = get_base()->get_api(version);
	if (table == NULL) return 0;
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t from = (uintptr_t)&table[CreateSessionFromArray] / page * page;
	uintptr_t to = (uintptr_t)(&table[CreateSessionFromArray] + 1);
	if (mprotect((void*)from, to - from, PROT_READ | PROT_WRITE) != 0) return 0;
	create_session = (create_session_fn)table[CreateSessionFromArray];
	functions = table;
	table[CreateSessionFromArray] = (void*)tuned_session;
	mprotect((void*)from, to - from, PROT_READ);
	return 1;
}

static int arena_state(void) { return arena; }
static void* table(void) { return functions; }
static void use_kernels(void* domain) { kernels = domain; }
*/
import "C"

import (
	"unsafe"

	"github.com/sparsepo/sparsepo/internal/onnxgraph"
)

// tuneRuntime sets what compute-onnx v0.0.0-20260727 leaves at ONNX Runtime's defaults, for every session that is made after
// it: one memory arena for all sessions instead of one each, and no memory patterns, with which a session after its first run
// asks for its whole peak in one block beside what it holds already. Threads are not bound to CPUs, where one would wait behind
// the thread that the session is run by, and do not go on spinning after a run, while Go wants the CPUs. Where it cannot, it
// changes nothing. It says whether sessions know the operations of improved graphs.
func tuneRuntime(path string) (kernels bool) {
	name := C.CString(path)
	defer C.free(unsafe.Pointer(name))
	if C.tune(name, apiVersion, C.int(cores("/sys/devices/system/cpu"))) == 0 {
		return false
	}
	domain := onnxgraph.Functions(unsafe.Pointer(C.table()))
	C.use_kernels(domain)
	return domain != nil
}

// apiVersion is the version of ONNX Runtime's C interface that compute-onnx asks for.
const apiVersion = minRuntimeMinor

// arenaState says whether sessions share an arena: 1 if they do, 0 before the first one, -1 if the runtime refuses.
func arenaState() int { return int(C.arena_state()) }
