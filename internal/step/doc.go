// Package step runs one objective on one batch: the forward passes of policy and reference, the masks, the loss, its
// gradients and the optimiser's update, as compiled graphs. Training, evaluation and inspection all read the same values.
package step
