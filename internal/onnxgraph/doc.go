// Package onnxgraph improves a graph that compute-onnx has gathered, before ONNX Runtime gets it.
//
// compute-onnx translates GoMLX's operations one by one. ONNX Runtime then computes each in a pass over memory of its own, and
// every product of matrices as an Einsum, which transposes its operands first. [Improve] changes that:
//
//   - operations that no output needs go;
//   - products become Gemm or FusedMatMul, which read transposed operands as they lie;
//   - products of few rows by weights become operations that read these once, without packing them first (product.c);
//   - attention of single new positions over a cache becomes one operation, which reads what the rows see (attention.c);
//   - elementwise operations, broadcasts, reductions over the last axis and transpositions that keep it become kernels: one
//     pass over memory each, with the intermediate values in a core's caches. Cheap intermediate values that several kernels
//     need are computed again rather than written and read.
//
// The kernels are programs for the interpreter in kernel.c, whose functions [Functions] hands to ONNX Runtime as a custom
// operation, with those for products and attention. Values are float32, as in the graph; sums are added up in another order.
package onnxgraph
