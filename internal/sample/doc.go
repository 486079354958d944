// Package sample draws responses from a language model, many rows at a time.
//
// A prompt is read once (prefill), whatever the number of its samples, and what many prompts begin with is read once for all of
// them; then every step reads one token a row (decode). The keys and values of what was read are in a cache, which a step's
// graph only reads: it returns those of its own tokens, and where the engine shares its memory with the program they are
// written into the cache in place. Elsewhere the graph returns the whole cache with them in it.
//
// The cache is made anew (arrange) when a row has no place left in it, a few dozen positions later each time, so that
// attention reads little more than there is; when so many rows ended that the next smaller number of rows holds the others;
// and when rows of waiting prompts enter. Row counts and lengths come from a few fixed sizes, because every new shape costs
// the engine a compilation.
//
// Tokens are chosen on the host. The choice of a row depends on the seed, the prompt's place, the sample's number and the
// logits alone; the logits of a prompt depend on the rows beside it only by the rounding of float32 sums. A response ends
// with the end-of-sequence token, after so many tokens, or before a stop string of its request: the decoded text of all its
// tokens is searched after each, so that it does not matter where tokens begin and end.
package sample
