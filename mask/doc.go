// Package mask has the token masks of SparsePO (arXiv 2410.05102 §2.3): [Learned], a small network over the reference
// model's hidden states, and [FromActivations], read off its activations. Both give one value a response token.
//
// Every quantity of a token is read at the position that predicts it, so that a mask depends on earlier tokens only; callers
// gather hidden states and activations at those positions and pass them as [tokens, …] nodes.
package mask
