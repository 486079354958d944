package hub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/gomlx/go-huggingface/hub"
)

// repository is one repository at one revision, on the hub and in the cache.
type repository struct {
	Options
	reference
	kind   hub.RepoType
	client *http.Client
}

func newRepository(kind hub.RepoType, ref reference, o Options) *repository {
	return &repository{Options: o, reference: ref, kind: kind, client: newClient()}
}

// String is the id as the user wrote it, without a path.
func (r *repository) String() string {
	if r.revision == mainRevision {
		return r.id
	}
	return r.id + "@" + r.revision
}

// page is the address of the repository for people.
func (r *repository) page() string {
	if r.kind == hub.RepoTypeModel {
		return r.Endpoint + "/" + r.id
	}
	return r.Endpoint + "/" + string(r.kind) + "/" + r.id
}

func (r *repository) listURL() string {
	return fmt.Sprintf("%s/api/%s/%s/revision/%s?blobs=true", r.Endpoint, r.kind, r.id, url.PathEscape(r.revision))
}

func (r *repository) fileURL(commit, name string) string {
	elements := strings.Split(name, "/")
	for i, element := range elements {
		elements[i] = url.PathEscape(element)
	}
	return fmt.Sprintf("%s/resolve/%s/%s", r.page(), commit, strings.Join(elements, "/"))
}

// file is one file of a repository at a commit.
type file struct {
	name string // slash-separated, from the root of the repository
	etag string // name of the blob: SHA-256 of large files, Git blob SHA-1 of small ones; "" is not known yet
	size int64  // bytes
}

// listing is what a repository holds at a commit.
type listing struct {
	commit string
	files  []file
}

func (l listing) find(name string) (f file, ok bool) {
	i := slices.IndexFunc(l.files, func(f file) bool { return f.name == name })
	if i < 0 {
		return file{}, false
	}
	return l.files[i], true
}

func (l listing) has(name string) bool {
	_, ok := l.find(name)
	return ok
}

// names are the names of all files for which keep holds.
func (l listing) names(keep func(name string) bool) []string {
	var names []string
	for _, f := range l.files {
		if keep(f.name) {
			names = append(names, f.name)
		}
	}
	return names
}

var (
	commitPattern = regexp.MustCompile(`^[0-9a-f]{40}$`)
	etagPattern   = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9._-]*$`)
)

// maxListingBytes bounds the memory that the hub's answer can take; ours, far above any real one.
const maxListingBytes = 256 << 20

// list asks the hub which files the repository has at its revision.
func (r *repository) list(ctx context.Context) (listing, error) {
	var text []byte
	err := r.retry(ctx, "list of files", nil, func(ctx context.Context) error {
		response, err := r.request(ctx, http.MethodGet, r.listURL(), nil)
		if err != nil {
			if unreachable(err) {
				return err // at the beginning the user should know at once
			}
			return temporarily(err)
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return newStatusError(response)
		}
		text, err = io.ReadAll(io.LimitReader(response.Body, maxListingBytes))
		if err != nil {
			return temporarily(err)
		}
		return nil
	})
	if err != nil {
		return listing{}, r.explain(r.String(), err)
	}
	l, err := parseListing(text)
	if err != nil {
		return listing{}, fmt.Errorf("%s: list of files from %s: %w", r, r.Endpoint, err)
	}
	return l, nil
}

// parseListing reads the hub's answer about a revision. Of go-huggingface's RepoInfo only the files are taken: its other
// fields have types that the cards of many data sets do not keep to.
func parseListing(text []byte) (listing, error) {
	var info struct {
		Commit   string          `json:"sha"`
		Siblings []*hub.FileInfo `json:"siblings"`
	}
	if err := json.Unmarshal(text, &info); err != nil {
		return listing{}, fmt.Errorf("is not what a hub answers: %w", err)
	}
	if !commitPattern.MatchString(info.Commit) {
		return listing{}, fmt.Errorf("sha is %q, which is no commit", info.Commit)
	}
	l := listing{commit: info.Commit}
	for _, sibling := range info.Siblings {
		if sibling == nil || !validFileName(sibling.Name) {
			return listing{}, errors.New("names a file outside the repository")
		}
		f := file{name: sibling.Name, etag: sibling.BlobID, size: sibling.Size}
		if sibling.LFS != nil {
			f.etag, f.size = sibling.LFS.SHA256, sibling.LFS.Size
		}
		if !etagPattern.MatchString(f.etag) || f.size < 0 {
			f.etag = ""
		}
		l.files = append(l.files, f)
	}
	return l, nil
}

// describe completes what the list leaves out about a file, as mirrors of the hub do, by asking for the file's header.
func (r *repository) describe(ctx context.Context, commit string, f file) (file, error) {
	err := r.retry(ctx, f.name, nil, func(ctx context.Context) error {
		response, err := r.request(ctx, http.MethodHead, r.fileURL(commit, f.name), nil)
		if err != nil {
			return temporarily(err)
		}
		response.Body.Close()
		header := response.Header
		if response.StatusCode != http.StatusOK && header.Get(hub.HeaderXLinkedETag) == "" {
			return newStatusError(response)
		}
		f.etag = cleanETag(firstOf(header.Get(hub.HeaderXLinkedETag), header.Get("ETag")))
		f.size, err = strconv.ParseInt(firstOf(header.Get(hub.HeaderXLinkedSize), header.Get("Content-Length")), 10, 64)
		if err != nil || f.size < 0 || !etagPattern.MatchString(f.etag) {
			return fmt.Errorf("%s names no etag or no size (etag %q, size %q)", r.Endpoint, f.etag, header.Get("Content-Length"))
		}
		return nil
	})
	if err != nil {
		return f, r.explain(r.String()+": "+f.name, err)
	}
	return f, nil
}

func cleanETag(etag string) string {
	return strings.Trim(strings.TrimPrefix(etag, "W/"), `"`)
}
