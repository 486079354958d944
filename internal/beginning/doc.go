// Package beginning has what many texts begin with, such as the examples of a few-shot prompt, read once by a model: its keys
// and values stand before every text that goes on from it.
package beginning
