// Package sample draws responses from a language model, many rows at a time.
//
// A prompt is read once (prefill), whatever the number of its samples; then every step reads one token a row (decode). The
// keys and values of what was read are kept in two parts: the past, which a step only reads, and the last few positions,
// which it moves. After every round of so many steps the rows are arranged anew: the last positions join the past, rows
// that ended leave, rows of waiting prompts enter. Row counts and lengths come from a few fixed sizes, because every new
// shape costs the engine a compilation.
//
// Tokens are chosen on the host. The choice of a row depends on the seed, the prompt's place, the sample's number and the
// logits alone; the logits of a prompt depend on the rows beside it only by the rounding of float32 sums.
package sample
