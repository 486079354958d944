package hub

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// reference is a hub id taken apart: "org/name@revision:path".
type reference struct {
	id       string
	revision string // "main" where none is given
	path     string // a part of the repository; "" is all of it
}

const mainRevision = "main"

var (
	idElement = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_.-]{0,94}[A-Za-z0-9_])?$`)
	revisions = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.+/-]*$`)
)

// fileEndings mark a name as that of a file, which no repository has.
var fileEndings = []string{
	".jsonl", ".json", ".gz", ".parquet", ".txt", ".csv", ".tsv", ".arrow", ".zip", ".yaml", ".yml",
	".safetensors", ".bin", ".pt", ".gguf", ".git",
}

// IsID reports whether name has the form of a hub id, "org/name" or "name" with an optional "@revision" and ":path" (a file
// or folder of a data set), and is not the path of something that exists.
func IsID(name string) bool {
	if _, err := os.Stat(name); err == nil {
		return false
	}
	_, ok := parse(name)
	return ok
}

// parse takes a hub id apart.
func parse(name string) (ref reference, ok bool) {
	rest, path, picks := strings.Cut(name, ":")
	id, revision, pinned := strings.Cut(rest, "@")
	if !pinned {
		revision = mainRevision
	}
	ref = reference{id: id, revision: revision, path: strings.Trim(path, "/")}
	if !validID(id) || !revisions.MatchString(revision) || !filepath.IsLocal(revision) {
		return reference{}, false
	}
	if picks && (ref.path == "" || !filepath.IsLocal(ref.path)) {
		return reference{}, false
	}
	return ref, true
}

func validID(id string) bool {
	elements := strings.Split(id, "/")
	if len(elements) > 2 || strings.Contains(id, "--") || strings.Contains(id, "..") {
		return false
	}
	isFile := func(ending string) bool { return strings.HasSuffix(strings.ToLower(id), ending) }
	return !slices.ContainsFunc(fileEndings, isFile) &&
		!slices.ContainsFunc(elements, func(e string) bool { return !idElement.MatchString(e) })
}

// unknownName is the error for a name that is neither a path nor a hub id.
func unknownName(name, wanted string) error {
	if isData(name) {
		return withLocalHint(usage.Errorf("%s: no such file", name), name)
	}
	err := usage.Errorf("%q: no such %s, and not a hub id; a hub id looks like org/name or org/name@revision", name, wanted)
	return withLocalHint(err, name)
}

// withLocalHint attaches the nearest name that exists beside the one that does not, where there is one.
func withLocalHint(err error, name string) error {
	if near := nearestPath(name); near != "" {
		return usage.Hint(err, "did you mean "+near+"?")
	}
	return err
}

// nearestPath follows name as far as it exists, takes the entry nearest to the next element for that, and returns the path
// if it exists then.
func nearestPath(name string) string {
	missing, rest := filepath.Clean(name), ""
	for parent := filepath.Dir(missing); parent != missing; missing, parent = parent, filepath.Dir(parent) {
		entries, err := os.ReadDir(parent)
		if err != nil {
			rest = filepath.Join(filepath.Base(missing), rest)
			continue
		}
		var names []string
		for _, entry := range entries {
			names = append(names, entry.Name())
		}
		path := filepath.Join(parent, usage.Nearest(filepath.Base(missing), names), rest)
		if _, err := os.Stat(path); err == nil && path != filepath.Join(parent, rest) {
			return path
		}
		return ""
	}
	return ""
}
