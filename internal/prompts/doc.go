// Package prompts reads the prompts that responses are sampled for: the field "prompt" of records, or the beginnings of
// running texts such as reviews, cut after a random number of words or tokens.
//
// What is drawn at random depends on the seed and the place of a record in its file alone, so that the same file and options
// give the same prompts on every machine.
package prompts
