package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/sparsepo/sparsepo/internal/atomicfile"
	"github.com/sparsepo/sparsepo/internal/card"
	"github.com/sparsepo/sparsepo/internal/hub"
	"github.com/sparsepo/sparsepo/internal/maskfile"
	"github.com/sparsepo/sparsepo/internal/source"
	"github.com/sparsepo/sparsepo/internal/usage"
)

type mergeWork struct {
	adapter, base, out string
	log                io.Writer // receives warnings
}

// newMergeCommand folds an adapter into its base.
func newMergeCommand(app *App) *cobra.Command {
	work := &mergeWork{}
	cmd := &cobra.Command{
		Use:   "merge --adapter ADAPTER --out FOLDER",
		Short: "Fold a LoRA adapter into its base model",
		Long: `Write the base model with the adapter's product added to its weights: a whole model whose outputs are the adapted one's and
that any program can load. It keeps the base model's dtypes, tensor names and files; an adapter trained on a four-bit base is
added to the base's own weights.

The base is the one that adapter_config.json names, as a folder or hub id; --model beside --adapter says another. --model alone
names the adapter, as it does for every other command.`,
		Example: `  sparsepo merge --adapter run/final --out merged
  sparsepo merge --adapter run/final --model models/gpt2 --out merged`,
		RunE: func(cmd *cobra.Command, _ []string) error { return work.run(cmd.Context(), app) },
	}
	flags := cmd.Flags()
	flags.StringVar(&work.adapter, "adapter", "", "adapter folder in PEFT's format, or hub id")
	flags.StringVar(&work.base, "model", "", "base model, instead of the one the adapter names; without --adapter, the adapter")
	flags.StringVar(&work.out, "out", "", "folder to write; must not exist")
	requireFlags(cmd, "out")
	return cmd
}

func (w *mergeWork) run(ctx context.Context, app *App) error {
	w.log = app.Stderr
	switch {
	case w.adapter == "" && w.base == "":
		return usage.Errorf("--adapter: missing; give the folder or hub id of the adapter")
	case w.adapter == "":
		w.adapter, w.base = w.base, ""
	}
	if _, err := os.Stat(w.out); err == nil {
		return usage.Errorf("--out: %s exists; name a new folder", w.out)
	}
	m, err := source.OpenOn(ctx, w.adapter, w.base, app.Stderr)
	if err != nil {
		return err
	}
	defer m.Close()
	if m.Adapter == nil {
		return usage.Errorf("--adapter: %s is a whole model, there is nothing to merge", w.adapter)
	}
	err = atomicfile.WriteFolder(w.out, func(folder string) error {
		if err := m.Merge(m.Adapter, folder); err != nil {
			return err
		}
		if err := copyMask(m.Path, folder); err != nil {
			return err
		}
		return w.writeCard(m, filepath.Join(folder, card.FileName))
	})
	if err != nil {
		return fmt.Errorf("merge %s into %s: %w", w.adapter, m.Base, err)
	}
	if app.JSON {
		return app.PrintJSON(struct {
			Out     string `json:"out"`
			Base    string `json:"base"`
			Adapter string `json:"adapter"`
			Rank    int    `json:"r"`
		}{w.out, m.Base, w.adapter, m.Adapter.Rank})
	}
	fmt.Fprintf(app.Stdout, "%s: %s with the adapter %s in its weights\n", w.out, m.Base, w.adapter)
	return nil
}

// writeCard says what was merged; a card of the base that cannot be read leaves its license out.
func (w *mergeWork) writeCard(m *source.Model, path string) error {
	base, err := card.ReadBase(m.Folder)
	if err != nil {
		fmt.Fprintf(w.log, "warning: %v; the model card will not repeat its license\n", err)
	}
	merged := card.Card{Name: w.out, BaseModel: m.Base, HubModel: hub.IsID(m.Base), Base: base, Merged: w.adapter}
	return atomicfile.Write(path, merged.Write)
}

// copyMask takes the masks along that were trained beside the adapter.
func copyMask(from, to string) error {
	content, err := os.ReadFile(filepath.Join(from, maskfile.Name))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(to, maskfile.Name), content, 0o644)
}
