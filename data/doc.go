// Package data turns files of preference or supervised records into the padded batches a training step takes.
//
// The way is one direction, one type a stage:
//
//	file → Record → TokenPair → Batch
//
// [Open] reads records, [Tokenise] turns one record into ids, [Load] does both for a whole file and counts what happened,
// and [NewPlan] lays out the steps of a run: which pairs stand in which batch of which step, in a few fixed shapes.
// Everything random follows from a seed and the number of the epoch, so a run resumes at any step without saved state.
//
// # Records
//
// A file holds one JSON object a line (.jsonl), an array of objects (.json), either of them possibly compressed with gzip
// (.gz), or a table (.parquet). Records come in many formats, each in a file format_….go of this package: prompt, chosen and
// rejected as texts, token ids or chat messages; two texts or conversations with a shared beginning; many answers with votes
// or ratings; for supervised training texts, prompts with completions, conversations, or the chosen side of any of these.
// Other fields are ignored and a null counts as absent.
//
// # Tokens
//
// Prompt and response are tokenised together, so that the ids are those the model would see in running text. Where a token
// would straddle the border the two are tokenised apart and the record is counted. Both responses share the prompt's ids.
// A response in text form ends with the end-of-sequence token, messages as their [Template] ends them; to lists of ids
// nothing is added. Of a conversation that is learned from the assistant's turns are learned, and the stretches between them are
// in [TokenPair].Given. A [Set] keeps ids in a temporary file, and of each record 12 to 16 bytes in memory.
//
// # Batches
//
// A pair takes one stretch of a row: its prompt, the chosen response, the rejected one. [Collate] puts several pairs in a row
// where the [Shape] has fewer rows than pairs. What belongs together is told by [Batch].Pair and Side, cell by cell. The shapes
// of a [Plan] are few, because engines build a graph for each, and those that cost least by the [Work] of the model.
package data
