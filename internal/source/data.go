package source

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/sparsepo/sparsepo/data"
	"github.com/sparsepo/sparsepo/internal/hub"
	"github.com/sparsepo/sparsepo/internal/usage"
)

// Data loads the records that a name stands for, as data.LoadMixture does (see Parts); log receives a download's progress.
func Data(ctx context.Context, name string, o data.LoadOptions, log io.Writer) (*data.Set, *data.Report, error) {
	parts, err := Parts(ctx, name, log)
	if err != nil {
		return nil, nil, err
	}
	return data.LoadMixture(ctx, name, parts, o)
}

// Files returns the data files that a name stands for, where it means whole files: without shares and weights.
func Files(ctx context.Context, name string, log io.Writer) ([]string, error) {
	parts, err := Parts(ctx, name, log)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, p := range parts {
		if p.Weight != 0 || p.Share != (data.Share{}) {
			return nil, usage.Errorf("%s: only whole files can be read here; leave the [share] and the =weight away", name)
		}
		files = append(files, p.Paths...)
	}
	return files, nil
}

// Parts returns what a name stands for. It is one source or several with commas between them, each of them
//
//	NAME[SHARE]=WEIGHT
//
// NAME is a file, a folder, "FOLDER:SPLIT", a pattern such as data/*.jsonl, or a data set's hub id (see hub.Dataset). A share such
// as [:90%] or [90%:] takes the records whose prompts' hash lies in it, so that one prompt is never in two shares that do not
// overlap. Weights, given to all sources or to none, say how many of an epoch's records come from each.
func Parts(ctx context.Context, name string, log io.Writer) ([]data.Part, error) {
	var parts []data.Part
	weights := 0
	for _, text := range split(name) {
		p, file, err := parsePart(text)
		if err != nil {
			return nil, err
		}
		if p.Paths, err = files(ctx, file, log); err != nil {
			return nil, err
		}
		if p.Weight > 0 {
			weights++
		}
		parts = append(parts, p)
	}
	if weights > 0 && weights < len(parts) {
		return nil, usage.Errorf("data %q: %d of %d sources have a weight; give one to each, as in a.jsonl=2,b.jsonl=1, or to none", name, weights, len(parts))
	}
	return parts, nil
}

// split takes sources apart at commas. A file may have commas in its name.
func split(name string) []string {
	if exists(name) {
		return []string{name}
	}
	return strings.Split(name, ",")
}

var (
	weighted = regexp.MustCompile(`^(.+)=([0-9.eE+-]+)$`)
	shared   = regexp.MustCompile(`^(.+)\[([0-9.]*)%?:([0-9.]*)%?\]$`)
)

// parsePart reads one source; file is its name without weight and share.
func parsePart(text string) (p data.Part, file string, err error) {
	file = strings.TrimSpace(text)
	if file == "" {
		return p, "", usage.Errorf("data: a source is empty; put one comma between two sources")
	}
	if exists(file) {
		return p, file, nil
	}
	if m := weighted.FindStringSubmatch(file); m != nil {
		if p.Weight, err = strconv.ParseFloat(m[2], 64); err != nil || !(p.Weight > 0 && p.Weight < 1e9) {
			return p, "", usage.Errorf("data %q: weight %s; give a number above 0", text, m[2])
		}
		file = m[1]
	}
	if m := shared.FindStringSubmatch(file); m != nil && !exists(file) {
		file = m[1]
		if p.Share.From, err = percent(m[2], 0); err == nil {
			p.Share.To, err = percent(m[3], 100)
		}
		if err != nil || p.Share.From >= p.Share.To || p.Share.To > 1 {
			return p, "", usage.Errorf("data %q: no share of a data set; write it as in [:90%%] or [90%%:]", text)
		}
	}
	return p, file, nil
}

// percent reads a bound of a share, as a number from 0 to 1.
func percent(text string, otherwise float64) (float64, error) {
	if text == "" {
		return otherwise / 100, nil
	}
	n, err := strconv.ParseFloat(text, 64)
	return n / 100, err
}

// files returns the files of one source.
func files(ctx context.Context, name string, log io.Writer) ([]string, error) {
	if !exists(name) && strings.ContainsAny(name, "*?[") {
		found, err := filepath.Glob(name)
		if err != nil {
			return nil, usage.Errorf("data %s: %w", name, err)
		}
		if len(found) > 0 {
			return found, nil // sorted
		}
	}
	return hub.Dataset(ctx, name, hub.Options{Log: log})
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, os.ErrNotExist)
}
