package hub

import (
	"crypto/rand"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/gomlx/go-huggingface/hub"

	"github.com/sparsepo/sparsepo/internal/atomicfile"
)

// folderName is the repository's name in the cache.
func (r *repository) folderName() string {
	return string(r.kind) + hub.RepoIdSeparator + strings.ReplaceAll(r.id, "/", hub.RepoIdSeparator)
}

func (r *repository) folder() string { return filepath.Join(r.Cache, r.folderName()) }

func (r *repository) snapshot(commit string) string {
	return filepath.Join(r.folder(), "snapshots", commit)
}

func (r *repository) blob(etag string) string { return filepath.Join(r.folder(), "blobs", etag) }

func (r *repository) lockFile(etag string) string {
	return filepath.Join(r.Cache, ".locks", r.folderName(), etag+".lock")
}

func (r *repository) refFile() string {
	return filepath.Join(r.folder(), "refs", filepath.FromSlash(r.revision))
}

// cached returns the folder of the revision's snapshot in the cache; ok is false where there is none.
func (r *repository) cached() (folder string, ok bool) {
	commit := r.revision
	if !commitPattern.MatchString(commit) {
		content, err := os.ReadFile(r.refFile())
		if err != nil {
			return "", false
		}
		commit = strings.TrimSpace(string(content))
		if !commitPattern.MatchString(commit) {
			return "", false
		}
	}
	folder = r.snapshot(commit)
	info, err := os.Stat(folder)
	return folder, err == nil && info.IsDir()
}

// remember records which commit the revision stands for.
func (r *repository) remember(commit string) error {
	if r.revision == commit {
		return nil
	}
	name := r.refFile()
	if content, err := os.ReadFile(name); err == nil && strings.TrimSpace(string(content)) == commit {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return err
	}
	return atomicfile.WriteFile(name, []byte(commit))
}

// link gives a blob its name in the snapshot: a relative link, as the cache may be moved.
func (r *repository) link(commit string, f file) error {
	name := filepath.Join(r.snapshot(commit), filepath.FromSlash(f.name))
	folder := filepath.Dir(name)
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return err
	}
	target, err := filepath.Rel(folder, r.blob(f.etag))
	if err != nil {
		return err
	}
	temp := fmt.Sprintf("%s.tmp-%s", name, rand.Text()[:10])
	if err := os.Symlink(target, temp); err != nil {
		if err := os.Link(r.blob(f.etag), temp); err != nil { // no symbolic links on this file system
			return err
		}
	}
	if err := os.Rename(temp, name); err != nil {
		os.Remove(temp)
		return err
	}
	return nil
}

// isFile reports whether folder holds the named file with its content, also where a link leads to it.
func isFile(folder, name string) bool {
	info, err := os.Stat(filepath.Join(folder, filepath.FromSlash(name)))
	return err == nil && info.Mode().IsRegular()
}

// validFileName reports whether a name of the hub's stays inside the repository's folder.
func validFileName(name string) bool {
	return name != "" && path.Clean(name) == name && filepath.IsLocal(filepath.FromSlash(name)) && !strings.ContainsAny(name, "\\\x00")
}
