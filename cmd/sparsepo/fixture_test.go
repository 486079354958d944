package main

import (
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/sparsepo/sparsepo/internal/fixture"
)

// classifier is the script command "classifier FOLDER LABEL...": write a small sequence classifier with those labels.
func classifier(ts *testscript.TestScript, negated bool, args []string) {
	if negated || len(args) < 2 {
		ts.Fatalf("usage: classifier FOLDER LABEL...")
	}
	ts.Check(fixture.Classifier(ts.MkAbs(args[0]), args[1:]...))
}
