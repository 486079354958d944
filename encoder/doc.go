// Package encoder reads bidirectional transformer encoders (RoBERTa, BERT and their kin, see [Types]) from Hugging Face folders
// and computes their hidden states.
//
// A [Checkpoint] is a folder on disk, or a random initialisation; an [Encoder] is its parameters in an engine's memory. A
// [Program] is a graph over its hidden states, such as a classification head, that is run over any number of sequences:
//
//	checkpoint, err := encoder.Open(folder)
//	e, err := checkpoint.Bind(backend)
//	program, err := e.Program(func(in encoder.Inputs) *Node { return e.Forward(in, 17)[17] })
//	err = program.Run(ctx, sequences, func(b *encoder.Batch, output []float32) error { … })
//
// Everything is computed in float32. Axes are named rows (sequences), seq (positions), hidden, heads and layer.
package encoder
