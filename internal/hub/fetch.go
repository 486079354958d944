package hub

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/gomlx/compute/support/humanize"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// fetch brings those of the named files that the repository has into the snapshot, in their order.
func (r *repository) fetch(ctx context.Context, l listing, names []string) error {
	missing, err := r.missing(ctx, l, names)
	if err != nil || len(missing) == 0 {
		return err
	}
	if err := os.MkdirAll(filepath.Join(r.folder(), "blobs"), 0o777); err != nil {
		return fmt.Errorf("%s: %w", r, usage.Hint(usage.Wrap(err), "HF_HUB_CACHE names the cache's folder"))
	}
	total, here := r.amount(missing)
	if err := r.checkSpace(total - here); err != nil {
		return err
	}
	bar := newProgress(r.Log, r.String(), total, here)
	defer bar.finish()
	shown := *r
	shown.Log = bar // messages go above the bar
	done := int64(0)
	for _, f := range missing {
		if err := shown.fetchFile(ctx, l.commit, f, func(bytes int64) { bar.set(done + bytes) }); err != nil {
			return err
		}
		done += f.size
	}
	return nil
}

// missing returns those of the named files that the repository has and the snapshot lacks, with etag and size.
func (r *repository) missing(ctx context.Context, l listing, names []string) ([]file, error) {
	var missing []file
	folder := r.snapshot(l.commit)
	for _, name := range names {
		f, ok := l.find(name)
		if !ok || isFile(folder, name) {
			continue
		}
		if f.etag == "" {
			var err error
			if f, err = r.describe(ctx, l.commit, f); err != nil {
				return nil, err
			}
		}
		missing = append(missing, f)
	}
	return missing, nil
}

// fetchFile downloads one file, unless its content is here under another name, and links it into the snapshot.
func (r *repository) fetchFile(ctx context.Context, commit string, f file, moved func(bytes int64)) error {
	if _, err := os.Stat(r.blob(f.etag)); err != nil {
		if err := r.download(ctx, commit, f, moved); err != nil {
			return r.explain(r.String()+": "+f.name, err)
		}
	}
	moved(f.size)
	if err := r.link(commit, f); err != nil {
		return fmt.Errorf("%s: put %s into the cache: %w", r, f.name, err)
	}
	return nil
}

// amount returns the bytes of all files together and those of them that are here.
func (r *repository) amount(files []file) (total, here int64) {
	for _, f := range files {
		total += f.size
		if _, err := os.Stat(r.blob(f.etag)); err == nil {
			here += f.size
		} else if info, err := os.Stat(r.blob(f.etag) + ".incomplete"); err == nil {
			here += min(info.Size(), f.size)
		}
	}
	return total, here
}

// checkSpace says before a download whether the disk holds it.
func (r *repository) checkSpace(bytes int64) error {
	free, known := r.free(r.folder())
	if !known || bytes <= free {
		return nil
	}
	err := usage.Errorf("%s: %s are to be downloaded, %s has room for %s", r, humanize.Bytes(bytes), r.Cache, humanize.Bytes(free))
	return usage.Hint(err, "make room, or set HF_HUB_CACHE to a folder on another disk")
}
