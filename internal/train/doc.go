// Package train runs a training: it reads the models and the data that a configuration names, repeats the optimiser's steps,
// logs, evaluates, writes checkpoints and the finished model, and resumes an interrupted run exactly.
package train
