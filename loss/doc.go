// Package loss has the preference objectives, one file each, as pure functions of per-token values.
//
// An objective sees the response tokens of a batch as one flat list (axis "tokens") and sums them per side with [Sides]; it
// knows nothing of models, data sets or files. [All] lists the objectives; configuration, help texts and the tests that hold
// for every objective range over it, so that a new one is a new file.
package loss
