// Package source opens the models that users name: a folder in Hugging Face layout, a hub id, or an adapter's folder, whose
// base is found by the name in it. It also settles what a policy is compared with.
package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/gomlx/compute"
	gomodel "github.com/gomlx/gomlx/ml/model"

	"github.com/sparsepo/sparsepo/internal/hub"
	"github.com/sparsepo/sparsepo/internal/usage"
	"github.com/sparsepo/sparsepo/model"
	"github.com/sparsepo/sparsepo/tokenizer"
)

// Model is an opened model: a checkpoint, and the adapter on it where the name meant one.
type Model struct {
	*model.Checkpoint
	Adapter *model.Adapter // nil for a whole model
	Name    string         // as the user gave it
	Path    string         // folder of the model or the adapter
	Base    string         // name of the whole model: the adapter's base, or Name
}

// Open opens a folder or a hub id; log receives a download's progress. Close it after binding.
func Open(ctx context.Context, name string, log io.Writer) (*Model, error) {
	return OpenOn(ctx, name, "", log)
}

// OpenOn is Open with another base for an adapter than the one it names; "" for that one.
func OpenOn(ctx context.Context, name, base string, log io.Writer) (*Model, error) {
	folder, err := hub.Model(ctx, name, hub.Options{Log: log})
	if err != nil {
		return nil, err
	}
	if !model.IsAdapter(folder) {
		checkpoint, err := model.Open(folder)
		if err != nil {
			return nil, err
		}
		return &Model{Checkpoint: checkpoint, Name: name, Path: folder, Base: name}, nil
	}
	return openAdapter(ctx, name, folder, base, log)
}

// openAdapter opens the adapter in a folder and its base: the one named, or the one that the adapter names.
func openAdapter(ctx context.Context, name, folder, base string, log io.Writer) (*Model, error) {
	adapter, err := model.OpenAdapter(folder)
	if err != nil {
		return nil, err
	}
	m := &Model{Adapter: adapter, Name: name, Path: folder, Base: base}
	if base == "" {
		m.Base = adapter.Base
		m.Checkpoint, err = openOwnBase(ctx, adapter, log)
	} else {
		m.Checkpoint, err = openBase(ctx, adapter, base, log)
	}
	if err != nil {
		return nil, errors.Join(err, adapter.Close())
	}
	if err := m.Check(adapter); err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return m, nil
}

// openOwnBase opens the model that an adapter names.
func openOwnBase(ctx context.Context, a *model.Adapter, log io.Writer) (*model.Checkpoint, error) {
	config := filepath.Join(a.Folder, model.AdapterConfigFile)
	if a.Base == "" {
		return nil, usage.Errorf("%s: base_model_name_or_path is empty; write the folder or hub id of the adapter's base model there", config)
	}
	c, err := openBase(ctx, a, beside(a.Folder, a.Base), log)
	return c, usage.Hint(err, fmt.Sprintf("%s names %s in base_model_name_or_path; a path is taken from the working folder, or else from the adapter's", config, a.Base))
}

// openBase opens the model an adapter is put on.
func openBase(ctx context.Context, a *model.Adapter, name string, log io.Writer) (*model.Checkpoint, error) {
	folder, err := hub.Model(ctx, name, hub.Options{Log: log})
	if err != nil {
		return nil, fmt.Errorf("base model of adapter %s: %w", a.Folder, err)
	}
	if model.IsAdapter(folder) {
		return nil, usage.Errorf("base model of adapter %s: %s is an adapter itself; merge that one first (sparsepo merge)", a.Folder, folder)
	}
	base, err := model.Open(folder)
	if err != nil {
		return nil, fmt.Errorf("base model of adapter %s: %w", a.Folder, err)
	}
	return base, nil
}

// beside is a path that an adapter's folder names: taken from the working folder, as PEFT does, or from the adapter's own.
func beside(adapter, name string) string {
	if own := filepath.Join(adapter, name); name != "" && !filepath.IsAbs(name) && !isFolder(name) && isFolder(own) {
		return own
	}
	return name
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// sameFolder reports whether two paths lead to one folder.
func sameFolder(a, b string) bool {
	first, err := os.Stat(a)
	if err != nil {
		return false
	}
	second, err := os.Stat(b)
	return err == nil && os.SameFile(first, second)
}

// Close releases the files.
func (m *Model) Close() error {
	if m.Adapter == nil {
		return m.Checkpoint.Close()
	}
	return errors.Join(m.Checkpoint.Close(), m.Adapter.Close())
}

// Bind reads the model into the store, frozen, with its adapter on.
func (m *Model) Bind(backend compute.Backend, store *gomodel.Store, path string, b model.Binding) (*model.Network, error) {
	n, err := m.Checkpoint.Bind(backend, store, path, b)
	if err != nil || m.Adapter == nil {
		return n, err
	}
	return n.Adapt(backend, store, path+"/adapter", m.Adapter, false)
}

// Tokenizer reads the tokenizer beside the adapter or the model and checks that it fits the model; nil where there is none,
// which is fine for token ids.
func (m *Model) Tokenizer() (*tokenizer.Tokenizer, error) {
	folder := m.Path
	if !tokenizer.Exists(folder) {
		folder = m.Folder
	}
	if !tokenizer.Exists(folder) {
		return nil, nil
	}
	t, err := tokenizer.Load(folder)
	if err != nil {
		return nil, err
	}
	if err := CheckTokenizer(folder, t); err != nil {
		return nil, err
	}
	if t.VocabSize() > m.Config.Vocab {
		return nil, usage.Errorf("model %s: the tokenizer has %d entries and the model only %d embeddings; use the tokenizer the model was made with", folder, t.VocabSize(), m.Config.Vocab)
	}
	return t, nil
}
