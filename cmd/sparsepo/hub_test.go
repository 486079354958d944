package main

import (
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// noHub is the address of a hub that nobody answers at: scripts never ask the public one.
const noHub = "http://127.0.0.1:1"

// serveHub is the script command "hub FOLDER": from here on the hub is a server in this process, whose repositories are
// the folders FOLDER/models/ORG/NAME and FOLDER/datasets/ORG/NAME. "hub" alone takes the hub off the net again.
func serveHub(ts *testscript.TestScript, negated bool, args []string) {
	switch {
	case negated || len(args) > 1:
		ts.Fatalf("usage: hub [FOLDER]")
	case len(args) == 0:
		ts.Setenv("HF_ENDPOINT", noHub)
	default:
		server := httptest.NewServer(repositories{ts.MkAbs(args[0])})
		ts.Defer(server.Close)
		ts.Setenv("HF_ENDPOINT", server.URL)
	}
}

// repositories answers as the hub does, with the folders under root. Every revision is the same commit.
type repositories struct{ root string }

const commit = "0123456789abcdef0123456789abcdef01234567"

func (h repositories) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/")
	if api, ok := strings.CutPrefix(path, "api/"); ok {
		name, _, _ := strings.Cut(api, "/revision/")
		h.list(w, name)
		return
	}
	name, rest, _ := strings.Cut(path, "/resolve/")
	_, file, _ := strings.Cut(rest, "/")
	if !strings.HasPrefix(name, "datasets/") {
		name = "models/" + name
	}
	content, err := os.ReadFile(filepath.Join(h.root, filepath.FromSlash(name), filepath.FromSlash(file)))
	if err != nil {
		notFound(w, "EntryNotFound")
		return
	}
	w.Header().Set("ETag", `"`+blobID(content)+`"`)
	w.Header().Set("Content-Length", fmt.Sprint(len(content)))
	_, _ = w.Write(content) // a client that is gone has its own error
}

// list answers with the files of a repository and their checksums.
func (h repositories) list(w http.ResponseWriter, name string) {
	root := filepath.Join(h.root, filepath.FromSlash(name))
	files := []map[string]any{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		files = append(files, map[string]any{
			"rfilename": filepath.ToSlash(strings.TrimPrefix(path, root+string(filepath.Separator))), "size": len(content), "blobId": blobID(content),
		})
		return err
	})
	switch {
	case errors.Is(err, fs.ErrNotExist):
		notFound(w, "RepoNotFound")
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
	default:
		_ = json.NewEncoder(w).Encode(map[string]any{"sha": commit, "siblings": files}) // a client that is gone has its own error
	}
}

func notFound(w http.ResponseWriter, code string) {
	w.Header().Set("X-Error-Code", code)
	w.WriteHeader(http.StatusNotFound)
}

// blobID is Git's name of a file's content.
func blobID(content []byte) string {
	sum := sha1.Sum(append(fmt.Appendf(nil, "blob %d\x00", len(content)), content...))
	return hex.EncodeToString(sum[:])
}
