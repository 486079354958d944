package hub

import (
	"bytes"
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// fakeHub behaves like the hub, and a second server like the storage it redirects to for large files: list of files with
// checksums, redirects with X-Linked-Etag, ranges, error codes in headers, a storage that refuses the hub's token.
type fakeHub struct {
	t       *testing.T
	hub     *httptest.Server
	storage *httptest.Server

	mu       sync.Mutex
	repos    map[string]*fakeRepo // "models/org/name"
	faults   map[string][]fault   // by file name, or "list": the first is used for the next answer
	requests []seen
	open     sync.WaitGroup // requests that are being answered
}

type fakeRepo struct {
	commits map[string]string // revision → commit
	files   map[string][]byte
	large   map[string]bool // kept in the storage
	token   string          // "" is public
	gated   bool
	bare    bool // the list has no sizes and checksums, as with some mirrors
}

// seen is one request that was answered.
type seen struct {
	method, path, byteRange string
	token                   bool
	sent                    int // bytes of content
}

const (
	commitA = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	commitB = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
)

func newFakeHub(t *testing.T) *fakeHub {
	h := &fakeHub{t: t, repos: map[string]*fakeRepo{}, faults: map[string][]fault{}}
	h.hub = httptest.NewServer(h.record(h.serveHub))
	h.storage = httptest.NewServer(h.record(h.serveStorage))
	t.Cleanup(h.hub.Close)
	t.Cleanup(h.storage.Close)
	return h
}

// add puts a repository on the hub. Files of more than 1000 bytes are large.
func (h *fakeHub) add(name string, files map[string]string) *fakeRepo {
	repo := &fakeRepo{commits: map[string]string{"main": commitA, commitA: commitA}, files: map[string][]byte{}, large: map[string]bool{}}
	for file, content := range files {
		repo.files[file] = []byte(content)
		repo.large[file] = len(content) > 1000
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.repos[name] = repo
	return repo
}

// options are those of a user with an empty cache who talks to this hub.
func (h *fakeHub) options(log io.Writer) Options {
	return Options{
		Endpoint: h.hub.URL, Cache: h.t.TempDir(), Log: log,
		sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	}
}

func (h *fakeHub) fail(file string, faults ...fault) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.faults[file] = append(h.faults[file], faults...)
}

func (h *fakeHub) nextFault(file string) fault {
	h.mu.Lock()
	defer h.mu.Unlock()
	queue := h.faults[file]
	if len(queue) == 0 {
		return nil
	}
	h.faults[file] = queue[1:]
	return queue[0]
}

// log returns the requests so far, once all are answered, and forgets them.
func (h *fakeHub) log() []seen {
	h.open.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	requests := h.requests
	h.requests = nil
	return requests
}

// record notes every request that serve has answered.
func (h *fakeHub) record(serve func(w http.ResponseWriter, r *http.Request)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.open.Add(1)
		defer h.open.Done()
		h.mu.Lock()   // see all that the test has put up, also when another process asks
		h.mu.Unlock() //nolint:staticcheck // see above
		one := seen{method: r.Method, path: r.URL.Path, byteRange: r.Header.Get("Range"), token: r.Header.Get("Authorization") != ""}
		counted := &counter{ResponseWriter: w}
		defer func() {
			h.mu.Lock()
			defer h.mu.Unlock()
			one.sent = counted.sent
			h.requests = append(h.requests, one)
		}()
		serve(counted, r)
	})
}

// counter counts the bytes of an answer.
type counter struct {
	http.ResponseWriter
	sent int
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.ResponseWriter.Write(b)
	c.sent += n
	return n, err
}

func (c *counter) Unwrap() http.ResponseWriter { return c.ResponseWriter }

func (h *fakeHub) serveHub(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/")
	if api, ok := strings.CutPrefix(path, "api/"); ok {
		name, revision, _ := strings.Cut(api, "/revision/")
		h.serveList(w, r, name, revision)
		return
	}
	name, rest, _ := strings.Cut(path, "/resolve/")
	if !strings.HasPrefix(name, "datasets/") {
		name = "models/" + name
	}
	revision, file, _ := strings.Cut(rest, "/")
	h.serveFile(w, r, name, revision, file)
}

// find looks a repository up, and answers itself where the caller may not have it.
func (h *fakeHub) find(w http.ResponseWriter, r *http.Request, name, revision string) (repo *fakeRepo, commit string) {
	refuse := func(status int, code, message string) (*fakeRepo, string) {
		w.Header().Set("X-Error-Code", code)
		w.Header().Set("X-Error-Message", message)
		w.WriteHeader(status)
		return nil, ""
	}
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	repo = h.repos[name]
	switch {
	case token == "expired":
		return refuse(http.StatusUnauthorized, "", "Invalid credentials in Authorization header")
	case (repo == nil || repo.token != "" && !repo.gated) && token == "":
		return refuse(http.StatusUnauthorized, "", "Invalid username or password.")
	case repo == nil || repo.token != "" && !repo.gated && token != repo.token:
		return refuse(http.StatusNotFound, "RepoNotFound", "Repository not found")
	case repo.commits[revision] == "":
		return refuse(http.StatusNotFound, "RevisionNotFound", "Invalid rev id: "+revision)
	case repo.gated && token != repo.token && !strings.HasPrefix(r.URL.Path, "/api/"): // the list is public
		return refuse(map[bool]int{true: 401, false: 403}[token == ""], "GatedRepo", "Access to model "+name+" is restricted.")
	}
	return repo, repo.commits[revision]
}

func (h *fakeHub) serveList(w http.ResponseWriter, r *http.Request, name, revision string) {
	repo, commit := h.find(w, r, name, revision)
	if repo == nil {
		return
	}
	var siblings []map[string]any
	for file, content := range repo.files {
		entry := map[string]any{"rfilename": file}
		if !repo.bare {
			entry["size"], entry["blobId"] = len(content), gitBlob(content)
		}
		if repo.large[file] && !repo.bare {
			entry["lfs"] = map[string]any{"sha256": sha256Of(content), "size": len(content), "pointerSize": 134}
		}
		siblings = append(siblings, entry)
	}
	text, err := json.Marshal(map[string]any{
		"_id": "0", "id": name, "sha": commit, "siblings": siblings,
		"gated": false, "cardData": map[string]any{"license": []string{"mit"}}, // a list, as many cards have it
	})
	if err != nil {
		h.t.Error(err)
	}
	if f := h.nextFault("list"); f == nil || !f(w, r, text) {
		send(w, text)
	}
}

func (h *fakeHub) serveFile(w http.ResponseWriter, r *http.Request, name, revision, file string) {
	repo, commit := h.find(w, r, name, revision)
	if repo == nil {
		return
	}
	content, ok := repo.files[file]
	if !ok {
		w.Header().Set("X-Error-Code", "EntryNotFound")
		w.WriteHeader(http.StatusNotFound)
		return
	}
	w.Header().Set("X-Repo-Commit", commit)
	if repo.large[file] {
		w.Header().Set("X-Linked-Etag", `"`+sha256Of(content)+`"`)
		w.Header().Set("X-Linked-Size", fmt.Sprint(len(content)))
		http.Redirect(w, r, h.storage.URL+"/"+name+"/"+file+"?signature=x", http.StatusFound)
		return
	}
	w.Header().Set("ETag", `"`+gitBlob(content)+`"`)
	h.serveContent(w, r, file, content)
}

func (h *fakeHub) serveStorage(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "" || r.URL.Query().Get("signature") != "x" {
		http.Error(w, "only one auth mechanism allowed", http.StatusBadRequest)
		return
	}
	path := strings.TrimPrefix(r.URL.Path, "/")
	for name, repo := range h.repos {
		if file, ok := strings.CutPrefix(path, name+"/"); ok {
			w.Header().Set("ETag", `"the-storage's-own"`)
			h.serveContent(w, r, file, repo.files[file])
			return
		}
	}
	http.NotFound(w, r)
}

func (h *fakeHub) serveContent(w http.ResponseWriter, r *http.Request, file string, content []byte) {
	if r.Method == http.MethodGet {
		if f := h.nextFault(file); f != nil && f(w, r, content) {
			return
		}
	}
	http.ServeContent(w, r, file, time.Time{}, bytes.NewReader(content))
}

func sha256Of(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

func gitBlob(content []byte) string {
	sum := sha1.Sum(append(fmt.Appendf(nil, "blob %d\x00", len(content)), content...))
	return hex.EncodeToString(sum[:])
}

func readFile(t *testing.T, path ...string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// paths lists the requests as "METHOD path", with the range where there is one.
func paths(requests []seen) string {
	var lines []string
	for _, r := range requests {
		line := r.method + " " + r.path
		if r.byteRange != "" {
			line += " " + r.byteRange
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}
