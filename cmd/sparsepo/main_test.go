package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/sparsepo/sparsepo/engine"
	"github.com/sparsepo/sparsepo/internal/sandbox"
)

var update = flag.Bool("update", false, "rewrite the wanted outputs in testdata/*.txtar")

// TestMain lets the scripts run this test binary under the name sparsepo.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"sparsepo": main})
}

// TestScripts runs testdata/*.txtar, one file per behaviour of the command line. The scripts see no settings of this
// machine but the ONNX Runtime library, when it is installed.
func TestScripts(t *testing.T) {
	const folder = "testdata"
	scripts, err := filepath.Glob(filepath.Join(folder, "*.txtar"))
	if err != nil || len(scripts) < 3 {
		t.Fatalf("%d scripts in %s, want at least 3 (%v)", len(scripts), folder, err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 folder,
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("GOMLX_NO_AUTO_INSTALL", "1")
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("HF_ENDPOINT", noHub)
			if library, err := engine.InstalledLibrary(); err == nil {
				if _, err := os.Stat(library); err == nil {
					env.Setenv("ONNXRUNTIME_SHARED_LIBRARY_PATH", library)
				}
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"bert": bert, "classifier": classifier, "model": languageModel, "hub": serveHub, "exits": exits, "dtypes": dtypes, "field": field,
		},
		Condition: condition,
	})
}

// condition knows [cgo]: the binary can load shared libraries; and [sandbox]: programs can be judged in isolation.
func condition(name string) (bool, error) {
	switch name {
	case "cgo":
		return engine.Cgo, nil
	case "sandbox":
		return sandbox.Probe(context.Background()).Problem == nil, nil
	}
	return false, fmt.Errorf("unknown condition %q", name)
}
