//go:build cgo && (linux || darwin)

#ifndef SPARSEPO_PROCESSOR_H
#define SPARSEPO_PROCESSOR_H

#define INLINE static inline __attribute__((always_inline))

// Functions exist in versions for the vectors that processors have; has_avx2 and has_avx512 say what this machine's has.
#if defined(__x86_64__) && defined(__GNUC__)
#define SPARSEPO_X86 1
#define AVX2 __attribute__((target("avx2,fma")))
#define AVX512 __attribute__((target("avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")))

INLINE int has_avx2(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }

INLINE int has_avx512(void) {
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
}
#endif

#endif
