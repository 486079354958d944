// Package bench measures the speed and the memory of training and sampling with random weights of a given shape, GPT-2
// family, on whichever engine is in use.
package bench
