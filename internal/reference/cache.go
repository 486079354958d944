package reference

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"

	"github.com/sparsepo/sparsepo/data"
	"github.com/sparsepo/sparsepo/internal/filelock"
	"github.com/sparsepo/sparsepo/internal/usage"
)

// Options of a cache.
type Options struct {
	Folder string // of all keys; see Folder
	Key    Key
	Limit  int64                            // bytes that all keys may take together
	Log    func(format string, args ...any) // receives what happened to files; must not be nil
}

// Folder is where the user's cache of reference values lies.
func Folder() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the user's cache folder: %w", err)
	}
	return filepath.Join(cache, "sparsepo", "reference"), nil
}

// Cache holds the values of one key. It is not safe for concurrent use; several caches of one folder are, also in several
// processes.
type Cache struct {
	options Options
	folder  string // of the key
	files   map[string]*os.File
	places  map[pairID]location
}

// location is where a pair's record stands.
type location struct {
	place
	file string // a name in the key's folder
}

const (
	valuesSuffix = ".values"
	tempSuffix   = ".tmp"
	lockFile     = "lock"
)

// Open reads which values there are and checks them.
func Open(o Options) (*Cache, error) {
	name, err := o.Key.folder()
	if err != nil {
		return nil, err
	}
	c := &Cache{options: o, folder: filepath.Join(o.Folder, name), files: map[string]*os.File{}, places: map[pairID]location{}}
	if err := os.MkdirAll(c.folder, 0o755); err != nil {
		return nil, fmt.Errorf("make the folder of the reference's values: %w", err)
	}
	if err := c.readFiles(); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// Close releases the files. The values stay.
func (c *Cache) Close() error {
	var list []error
	for _, f := range c.files {
		list = append(list, f.Close())
	}
	clear(c.files)
	clear(c.places)
	return errors.Join(list...)
}

// readFiles takes in the files that are not known yet.
func (c *Cache) readFiles() error {
	names, err := filepath.Glob(filepath.Join(c.folder, "*"+valuesSuffix))
	if err != nil {
		return err
	}
	for _, path := range names {
		if name := filepath.Base(path); c.files[name] == nil {
			if err := c.readFile(name); err != nil {
				return err
			}
		}
	}
	return nil
}

// readFile takes in one file. One that is damaged is dropped, for its values to be computed again.
func (c *Cache) readFile(name string) error {
	path := filepath.Join(c.folder, name)
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) { // another run needed its room
		return nil
	}
	if err != nil {
		return fmt.Errorf("open the reference's values: %w", err)
	}
	places, err := scan(file, c.options.Key)
	switch {
	case errors.Is(err, errDamaged):
		c.options.Log("warning: reference values %s: %v; the file is dropped, its values are computed again", path, err)
		return errors.Join(file.Close(), remove(path))
	case err != nil:
		return errors.Join(fmt.Errorf("read the reference's values %s: %w", path, err), file.Close())
	}
	c.files[name] = file
	for _, p := range places {
		c.places[p.id] = location{p, name}
	}
	return nil
}

// remove deletes a file that may be gone already.
func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// Pairs are pairs that come one after the other, as often as they are asked for. A pair may come several times.
type Pairs = iter.Seq2[data.TokenPair, error]

// Survey says what there is of the values of pairs. Each pair counts once.
type Survey struct {
	Pairs, Missing int
	Size, ToCome   int64 // bytes on the disk, of all values and of the missing ones

	files map[string]bool // that hold some of the values
}

// Survey looks the pairs up.
func (c *Cache) Survey(pairs Pairs) (Survey, error) {
	s := Survey{files: map[string]bool{}}
	for p, err := range distinct(pairs) {
		if err != nil {
			return Survey{}, err
		}
		size := recordSize(tokensOf(p), c.options.Key.width())
		s.Pairs++
		s.Size += size
		if at, known := c.places[idOf(p)]; known {
			s.files[at.file] = true
		} else {
			s.Missing++
			s.ToCome += size
		}
	}
	return s, nil
}

// distinct leaves pairs out that came before.
func distinct(pairs Pairs) Pairs {
	return func(yield func(data.TokenPair, error) bool) {
		seen := map[pairID]struct{}{}
		for p, err := range pairs {
			if err == nil {
				id := idOf(p)
				if _, again := seen[id]; again {
					continue
				}
				seen[id] = struct{}{}
			}
			if !yield(p, err) {
				return
			}
		}
	}
}

// missing leaves pairs out whose values are there.
func (c *Cache) missing(pairs Pairs) Pairs {
	return func(yield func(data.TokenPair, error) bool) {
		for p, err := range distinct(pairs) {
			if err == nil {
				if _, known := c.places[idOf(p)]; known {
					continue
				}
			}
			if !yield(p, err) {
				return
			}
		}
	}
}

// Values gives a pair's values, field by field: the numbers of the chosen response's tokens one after the other, then those of
// the rejected one's, without tokens that nothing predicts.
func (c *Cache) Values(p data.TokenPair) ([][]float32, error) {
	id := idOf(p)
	at, known := c.places[id]
	if !known || at.tokens != tokensOf(p) {
		return nil, fmt.Errorf("the reference's values of a pair of %d response tokens were not computed", tokensOf(p))
	}
	text := make([]byte, recordSize(at.tokens, c.options.Key.width()))
	if _, err := c.files[at.file].ReadAt(text, at.at); err != nil {
		return nil, fmt.Errorf("read the reference's values %s: %w", filepath.Join(c.folder, at.file), err)
	}
	values, err := parseRecord(text, id)
	if err != nil {
		return nil, usage.Hint(fmt.Errorf("reference values %s: %w at byte %d since the run began", filepath.Join(c.folder, at.file), err, at.at),
			"resume the run: the damaged values are computed again")
	}
	return c.options.Key.split(values, at.tokens), nil
}

// Fill makes sure that there are values of all pairs. compute is called with the missing ones, each once, if there are any, and
// gives each pair's values to add, in any order; what it added stays also where it fails. One Fill of a key runs at a time.
func (c *Cache) Fill(ctx context.Context, pairs Pairs, compute func(missing Pairs, add func(p data.TokenPair, fields [][]float32) error) error) error {
	survey, err := c.Survey(pairs)
	if err != nil {
		return err
	}
	if survey.Missing == 0 {
		return c.touch(survey)
	}
	unlock, err := c.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	if err := c.readFiles(); err != nil { // what another run computed in the meantime
		return err
	}
	if survey, err = c.Survey(pairs); err != nil {
		return err
	}
	if err := c.touch(survey); err != nil || survey.Missing == 0 {
		return err
	}
	if err := c.makeRoom(survey); err != nil {
		return err
	}
	w := &writer{cache: c}
	err = compute(c.missing(pairs), w.add)
	if err = errors.Join(err, w.finish()); err != nil {
		return err
	}
	if survey, err = c.Survey(pairs); err == nil && survey.Missing > 0 {
		err = fmt.Errorf("the reference's values of %d pairs were not computed", survey.Missing)
	}
	return err
}

// lock waits until no other run computes values of the key. On file systems without locks it does nothing: two runs then do
// the same work, in files of their own.
func (c *Cache) lock(ctx context.Context) (unlock func(), err error) {
	return filelock.Wait(ctx, filepath.Join(c.folder, lockFile), func() {
		c.options.Log("reference: waiting for another run, which computes values of the same model")
	})
}
