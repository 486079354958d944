// Package answers makes preference data of programs: solutions that a model samples for the tasks of a code benchmark, with a
// vote for those that pass their tests. Training draws pairs of a passed and a failed answer from it, new ones every epoch.
package answers
