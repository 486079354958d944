//go:build goexperiment.simd

package engine

// SIMD reports whether the Go engine of this build uses vector instructions (GOEXPERIMENT=simd).
const SIMD = true
