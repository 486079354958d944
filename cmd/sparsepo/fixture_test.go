package main

import (
	"encoding/json"
	"os"
	"strings"

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

// bert is the script command "bert FOLDER LABEL...": write a small BERT classifier with those labels.
func bert(ts *testscript.TestScript, negated bool, args []string) {
	if negated || len(args) < 2 {
		ts.Fatalf("usage: bert FOLDER LABEL...")
	}
	ts.Check(fixture.BERT(ts.MkAbs(args[0]), args[1:]...))
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

// field is the script command "field NAME FILE OUT": write that field of every record of a JSONL file to OUT, one a line.
func field(ts *testscript.TestScript, negated bool, args []string) {
	if negated || len(args) != 3 {
		ts.Fatalf("usage: field NAME FILE OUT")
	}
	var out strings.Builder
	for line := range strings.Lines(ts.ReadFile(args[1])) {
		record := map[string]json.RawMessage{}
		ts.Check(json.Unmarshal([]byte(line), &record))
		if record[args[0]] == nil {
			ts.Fatalf("%s: no field %q in %s", args[1], args[0], line)
		}
		out.Write(append(record[args[0]], '\n'))
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), []byte(out.String()), 0o644))
}
