// Package codebench knows the code benchmarks HumanEval and MBPP: their files, the prompts that models are given, where a
// generation ends, the programs that are judged, and pass@k. It follows bigcode-evaluation-harness in all of these, so that
// numbers can be compared.
package codebench
