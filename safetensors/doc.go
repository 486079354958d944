// Package safetensors reads and writes the safetensors format, in which models are stored and exchanged: eight bytes
// with the length of a JSON header (little-endian), the header (for each tensor its element type, shape and place in the
// data), then the data, row-major and little-endian, without gaps.
//
// [Open] maps one file into memory; [OpenFolder] presents a model folder, sharded or not, as one set of tensors. A model
// may be larger than memory: [Tensor.DecodeFloat32] converts it piece by piece, and [Tensor.Release] lets go of what was
// read. [Write] writes a file, [WriteFolder] a model in as many shards as its size asks for; [TensorData.Load] gives them
// one tensor at a time.
//
// Reading trusts nothing in the header: lengths, types, shapes and places are checked against each other and against the
// file before any tensor is handed out. Errors that come from a file's content are marked as the user's (package
// internal/usage) and read
//
//	model.safetensors: tensor "wte.weight": shape [4 3] of F32 takes 48 bytes, the file gives it 40
package safetensors
