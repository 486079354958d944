package engine

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const graphPackage = "github.com/gomlx/gomlx/core/graph"

// unusable are the operations that fail, or are wrong, on an engine, and what to write instead. (Measured with gomlx
// v0.28.1 and compute-onnx of 2026-07-27.)
var unusable = map[string]string{
	"BottomK":               "missing on onnx; choose on the host",
	"Clamp":                 "missing on onnx; use ClipScalar, or Max and Min",
	"ConsecutiveDifference": "is made of slices: its gradient is missing on onnx",
	"CumSum":                "wrong numbers on onnx, and its gradient ends the process on go; multiply by a lower-triangular matrix",
	"DynamicSlice":          "missing on go and onnx; Where(position == Iota, ...)",
	"DynamicUpdateSlice":    "missing on go and onnx; Where(position == Iota, new, old)",
	"Expm1":                 "missing on onnx; Exp(x) - 1",
	"If":                    "missing on onnx; Where",
	"IsFinite":              "missing on onnx; test on the host",
	"IsNaN":                 "missing on onnx; test on the host",
	"Mod":                   "fails on floats on onnx",
	"Pad":                   "missing on onnx; Concatenate",
	"RandomNormal":          "the same seed gives other numbers on each engine; draw on the host",
	"RandomUniform":         "the same seed gives other numbers on each engine; draw on the host",
	"Rsqrt":                 "missing on onnx, and without gradient everywhere; 1 / Sqrt(x)",
	"Sort":                  "missing on onnx; sort on the host",
	"SortFunc":              "missing on onnx; sort on the host",
	"TopK":                  "missing on onnx; choose on the host",
	"TopKMask":              "missing on onnx; choose on the host",
	"While":                 "missing on onnx; loop on the host",
	"BackendFusedLayerNorm": "no gradient of its own and no faster in training; write it out",
	"BackendFusedSoftmax":   "no gradient of its own and no faster in training; Softmax",
	"BackendFusedGelu":      "no gradient of its own and no faster in training; write it out",
	"BackendFusedDense":     "no gradient of its own and no faster in training; DotGeneral and Add",
	"InternalFusedOpCaller": "internal to GoMLX",
}

// forwardOnly are the operations without a gradient on onnx, which needs Pad for it, and the functions that may use them
// because nothing is differentiated through them. Elsewhere: Gather rows, or contract with a selection matrix; keep parts in
// separate tensors.
var forwardOnly = map[string][]string{
	"Slice": {
		"model/layer.go mix", "model/beginning.go newBeginning", // with a key-value cache, so in sampling and scoring
		"internal/sample/graphs.go resize", "internal/likelihood/graph.go targets",
		"encoder/deberta.go relation",                                            // encoders are not trained
		"internal/nf4/weights.go Restore", "internal/nf4/weights.go blockScales", // of weights that are not trained
	},
	"SliceAxis": nil,
	"Split":     nil,
}

// knownImports are the GoMLX packages that the project may use: they add no operations of their own.
var knownImports = []string{
	graphPackage,
	"github.com/gomlx/gomlx/core/tensors",
	"github.com/gomlx/gomlx/ml/model",
	"github.com/gomlx/gomlx/support/",
}

// TestGraphOperations reads the project's sources: every graph operation they use is exercised in parity_test.go, and none
// is known to fail on an engine.
func TestGraphOperations(t *testing.T) {
	root := projectRoot(t)
	known := graphOperations(t, root)
	if len(known) < 100 || !known["Softmax"] || known["NewExec"] {
		t.Fatalf("found %d operations in %s: the search for them is broken", len(known), graphPackage)
	}
	exercised := map[string]bool{}
	for _, use := range operationsIn(t, "parity_test.go", known) {
		exercised[use.operation] = true
	}
	for operation, reason := range unusable {
		if exercised[operation] {
			t.Errorf("%s is in the parity table and among the unusable operations (%s)", operation, reason)
		}
	}

	files, uses := 0, 0
	for _, file := range sources(t, root) {
		found := operationsIn(t, file, known)
		if len(found) > 0 {
			files++
		}
		for _, use := range found {
			uses++
			places, forward := forwardOnly[use.operation]
			switch reason := unusable[use.operation]; {
			case forward && !slices.Contains(places, place(t, root, use)):
				t.Errorf("%s: %s has no gradient on onnx; see forwardOnly", use.position, use.operation)
			case reason != "":
				t.Errorf("%s: %s: %s", use.position, use.operation, reason)
			case !exercised[use.operation]:
				t.Errorf("%s: %s is not in the parity table; add a row to engine/parity_test.go", use.position, use.operation)
			}
		}
		for _, path := range gomlxImports(t, file) {
			if !slices.ContainsFunc(knownImports, func(known string) bool { return strings.HasPrefix(path, known) }) {
				t.Errorf("%s imports %s: whether its operations work on every engine is not tested", file, path)
			}
		}
	}
	if files == 0 || uses == 0 {
		t.Errorf("found %d operations in %d files of the project; the search is broken", uses, files)
	}
	t.Logf("%d uses of operations in %d files", uses, files)
}

// TestGraphOperationsAreFound shows that the search sees what it must, and no more.
func TestGraphOperationsAreFound(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sample.go")
	source := `package sample

import (
	. "` + graphPackage + `"
	"strings"
)

type limits struct{ Max, Min int }

func reduce(x *Node) *Node {
	_ = limits{Max: 1}.Max
	_ = strings.Split("a b", " ")
	return ReduceAndKeep(x, ReduceSum, -1)
}

func (limits) Min(x *Node) *Node { return x }

func Neg(x *Node) *Node { return CumSum(x, 0) }

func twice(x *Node) *Node { return Neg(x) }
`
	if err := os.WriteFile(file, []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, use := range operationsIn(t, file, map[string]bool{
		"Max": true, "Min": true, "Split": true, "ReduceAndKeep": true, "ReduceSum": true, "CumSum": true, "Neg": true,
	}) {
		got[use.function+" "+use.operation] = true
	}
	want := []string{"Neg CumSum", "reduce ReduceAndKeep", "reduce ReduceSum"}
	if found := slices.Sorted(maps.Keys(got)); !slices.Equal(found, want) {
		t.Errorf("found %v, want %v", found, want)
	}
}

// projectRoot walks up to the folder with go.mod.
func projectRoot(t *testing.T) string {
	t.Helper()
	folder, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return folder
		}
		parent := filepath.Dir(folder)
		if parent == folder {
			t.Fatal("no go.mod above this package")
		}
		folder = parent
	}
}

// sources lists the Go files of the project, tests left out.
func sources(t *testing.T, root string) []string {
	var files []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		name := entry.Name()
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil // a temporary file that has gone
		case err != nil:
			return err
		case entry.IsDir() && path != root && (strings.HasPrefix(name, ".") || name == "testdata" || name == "bin"):
			return filepath.SkipDir
		case strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go"):
			files = append(files, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// graphOperations are the exported functions of the graph package that return nodes.
func graphOperations(t *testing.T, root string) map[string]bool {
	list := exec.Command("go", "list", "-f", "{{.Dir}}", graphPackage)
	list.Dir = root
	folder, err := list.Output()
	if err != nil {
		t.Fatalf("find the sources of %s: %v", graphPackage, err)
	}
	files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(folder)), "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	operations := map[string]bool{}
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		for _, declaration := range parse(t, path).Decls {
			function, ok := declaration.(*ast.FuncDecl)
			if ok && function.Recv == nil && function.Name.IsExported() && returnsNodes(function.Type) {
				operations[function.Name.Name] = true
			}
		}
	}
	return operations
}

func returnsNodes(function *ast.FuncType) bool {
	if function.Results == nil {
		return false
	}
	for _, result := range function.Results.List {
		kind := result.Type
		if list, ok := kind.(*ast.ArrayType); ok {
			kind = list.Elt
		}
		if pointer, ok := kind.(*ast.StarExpr); ok {
			if name, ok := pointer.X.(*ast.Ident); ok && name.Name == "Node" {
				return true
			}
		}
	}
	return false
}

// use is one place where a source file names a graph operation.
type use struct {
	operation string
	function  string // the declared function around it
	position  token.Position
}

// place is the use's file below root and its function: "model/layer.go mix".
func place(t *testing.T, root string, u use) string {
	t.Helper()
	file, err := filepath.Rel(root, u.position.Filename)
	if err != nil {
		t.Fatal(err)
	}
	return filepath.ToSlash(file) + " " + u.function
}

// operationsIn finds the operations that a file names, where it imports the graph package under its own name, another one,
// or the dot. Names that the file's package declares itself, field names and other packages' functions are left out.
func operationsIn(t *testing.T, path string, operations map[string]bool) []use {
	positions := token.NewFileSet()
	file, err := parser.ParseFile(positions, path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	imported := importName(file)
	if imported == "" {
		return nil
	}
	own := declared(t, filepath.Dir(path))
	var uses []use
	var function string
	note := func(name *ast.Ident) {
		if operations[name.Name] {
			uses = append(uses, use{name.Name, function, positions.Position(name.Pos())})
		}
	}
	var visit func(ast.Node) bool
	visit = func(node ast.Node) bool {
		switch n := node.(type) {
		case *ast.FuncDecl:
			function = n.Name.Name
			ast.Inspect(n.Type, visit)
			if n.Body != nil {
				ast.Inspect(n.Body, visit)
			}
			function = ""
			return false
		case *ast.SelectorExpr:
			if from, ok := n.X.(*ast.Ident); ok && from.Name == imported {
				note(n.Sel)
				return false
			}
			ast.Inspect(n.X, visit)
			return false
		case *ast.KeyValueExpr:
			if _, isName := n.Key.(*ast.Ident); !isName {
				ast.Inspect(n.Key, visit)
			}
			ast.Inspect(n.Value, visit)
			return false
		case *ast.Field:
			ast.Inspect(n.Type, visit)
			return false
		case *ast.Ident:
			if imported == "." && !own[n.Name] {
				note(n)
			}
		}
		return true
	}
	ast.Inspect(file, visit)
	return uses
}

// importName is the name under which a file imports the graph package, "" when it does not.
func importName(file *ast.File) string {
	for _, spec := range file.Imports {
		if strings.Trim(spec.Path.Value, `"`) == graphPackage {
			if spec.Name != nil {
				return spec.Name.Name
			}
			return "graph"
		}
	}
	return ""
}

// declared are the functions that the package in folder declares at its top level.
func declared(t *testing.T, folder string) map[string]bool {
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, path := range files {
		for _, declaration := range parse(t, path).Decls {
			if function, ok := declaration.(*ast.FuncDecl); ok && function.Recv == nil {
				names[function.Name.Name] = true
			}
		}
	}
	return names
}

// gomlxImports are the packages of the GoMLX module itself that a file imports.
func gomlxImports(t *testing.T, path string) []string {
	var found []string
	for _, spec := range parse(t, path).Imports {
		if name := strings.Trim(spec.Path.Value, `"`); strings.HasPrefix(name, "github.com/gomlx/gomlx/") {
			found = append(found, name)
		}
	}
	return found
}

func parse(t *testing.T, path string) *ast.File {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return file
}
