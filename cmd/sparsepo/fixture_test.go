package main

import (
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/sparsepo/sparsepo/internal/fixture"
	"github.com/sparsepo/sparsepo/safetensors"
)

// classifier is the script command "classifier FOLDER LABEL...": write a small sequence classifier with those labels.
func classifier(ts *testscript.TestScript, negated bool, args []string) {
	if negated || len(args) < 2 {
		ts.Fatalf("usage: classifier FOLDER LABEL...")
	}
	ts.Check(fixture.Classifier(ts.MkAbs(args[0]), args[1:]...))
}

// languageModel is the script command "model FOLDER NAME [DTYPE]": write a small random model of that kind (see
// golden.TinyConfigs) with its weights in that type, F32 if not given.
func languageModel(ts *testscript.TestScript, negated bool, args []string) {
	if negated || len(args) < 2 || len(args) > 3 {
		ts.Fatalf("usage: model FOLDER NAME [DTYPE]")
	}
	ts.Check(fixture.Model(ts.MkAbs(args[0]), args[1], append(args, "F32")[2]))
}

// dtypes is the script command "dtypes FILE DTYPE": want all tensors of a safetensors file in that type.
func dtypes(ts *testscript.TestScript, negated bool, args []string) {
	if negated || len(args) != 2 {
		ts.Fatalf("usage: dtypes FILE DTYPE")
	}
	f, err := safetensors.Open(ts.MkAbs(args[0]))
	ts.Check(err)
	defer f.Close()
	for _, name := range f.Names() {
		if x, _ := f.Tensor(name); x.DType != args[1] {
			ts.Fatalf("%s: tensor %s is %s, want %s", args[0], name, x.DType, args[1])
		}
	}
}
