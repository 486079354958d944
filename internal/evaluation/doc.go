// Package evaluation runs benchmarks with a language model: multiple choice by log-likelihood, generated answers, and
// programs that are judged in the sandbox.
//
// A Model answers, a Run asks it the items of its tasks that a File of results does not hold yet, and Summarise makes scores
// of the records. Compare sets two files of results against each other, item by item.
package evaluation
