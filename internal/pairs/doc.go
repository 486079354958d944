// Package pairs builds preference data: it samples completions of prompts, scores them, and keeps of each prompt the best
// one as chosen and the worst one as rejected.
//
// The records hold token ids, as they were sampled, so that training sees exactly what the model said: a response that ended
// by itself has the end-of-sequence token as its last id, and one that was cut at the limit of new tokens has not. Texts
// stand beside them for readers.
package pairs
