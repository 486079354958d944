// Package model builds decoder language models as GoMLX graphs and reads and writes them as Hugging Face folders.
//
// A [Checkpoint] is a folder on disk (or a random initialisation); a [Network] is its parameters bound to variables of a
// GoMLX store, and knows how to add the forward pass to a graph. A family (GPT-2, …) is one file that registers how its
// configuration is read, which parameters it has and what its forward pass is; everything else is shared.
//
// Axes are named rows (sequences), seq (positions), hidden, heads, keys (positions attended to), layer and vocab throughout.
package model
