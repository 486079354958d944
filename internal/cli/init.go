package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	gomodel "github.com/gomlx/gomlx/ml/model"
	"github.com/spf13/cobra"

	"github.com/sparsepo/sparsepo/internal/atomicfile"
	"github.com/sparsepo/sparsepo/internal/source"
	"github.com/sparsepo/sparsepo/internal/usage"
	"github.com/sparsepo/sparsepo/model"
	"github.com/sparsepo/sparsepo/tokenizer"
)

// fresh is the work of "init".
type fresh struct {
	tokenizer, out                   string
	layers, hidden, heads, positions int
	seed                             uint64
}

// newInitCommand makes a model with random weights.
func newInitCommand(app *App) *cobra.Command {
	work := fresh{}
	cmd := &cobra.Command{
		Use:   "init --tokenizer MODEL --out FOLDER",
		Short: "Make a GPT-2 with random weights around a tokenizer",
		Long: `Make a GPT-2 of any size with random weights, GPT-2's own initialisation, in Hugging Face layout. Its vocabulary is the
tokenizer's, whose files are copied beside it; sparsepo sft trains it from there.`,
		Example: `  sparsepo tokenizer train --data reviews.jsonl --vocab-size 8192 --out bpe
  sparsepo init --tokenizer bpe --layers 4 --hidden 256 --heads 4 --positions 256 --out small`,
		RunE: func(cmd *cobra.Command, _ []string) error { return work.run(cmd.Context(), app) },
	}
	flags := cmd.Flags()
	flags.StringVar(&work.tokenizer, "tokenizer", "", "tokenizer: its folder, or folder or hub id of a model")
	flags.StringVar(&work.out, "out", "", "model folder to write")
	flags.IntVar(&work.layers, "layers", 4, "transformer layers")
	flags.IntVar(&work.hidden, "hidden", 256, "width of the residual stream")
	flags.IntVar(&work.heads, "heads", 4, "attention heads; must divide --hidden")
	flags.IntVar(&work.positions, "positions", 256, "longest sequence, tokens")
	flags.Uint64Var(&work.seed, "seed", 42, "seed of the weights")
	requireFlags(cmd, "tokenizer", "out")
	return cmd
}

func (w *fresh) run(ctx context.Context, app *App) error {
	for name, n := range map[string]int{"layers": w.layers, "hidden": w.hidden, "heads": w.heads, "positions": w.positions} {
		if n <= 0 {
			return usage.Errorf("--%s: found %d, expected a positive whole number", name, n)
		}
	}
	if w.hidden%w.heads != 0 {
		return usage.Errorf("--hidden: found %d, expected a multiple of the %d heads", w.hidden, w.heads)
	}
	folder, err := source.TokenizerFolder(ctx, w.tokenizer, app.Stderr)
	if err != nil {
		return err
	}
	t, err := tokenizer.Load(folder)
	if err != nil {
		return err
	}
	if err := source.CheckTokenizer(w.tokenizer, t); err != nil {
		return err
	}
	eos, ok := t.EOS()
	if !ok {
		return usage.Errorf("tokenizer %s: no end-of-sequence token; name one as eos_token in tokenizer_config.json", w.tokenizer)
	}
	if _, err := os.Stat(w.out); err == nil {
		return usage.Errorf("--out: %s exists; choose another folder", w.out)
	}
	backend, err := app.Backend()
	if err != nil {
		return err
	}
	config, err := model.GPT2Config(t.VocabSize(), w.hidden, w.layers, w.heads, w.positions, eos)
	if err != nil {
		return err
	}
	checkpoint := model.Random(config, w.seed)
	network, err := checkpoint.Bind(backend, gomodel.NewStore(), "/policy", model.Binding{})
	if err != nil {
		return err
	}
	err = atomicfile.WriteFolder(w.out, func(dir string) error {
		if err := network.Save(dir); err != nil {
			return err
		}
		if err := model.CopyCompanions(folder, dir); err != nil {
			return err
		}
		return writeGeneration(filepath.Join(dir, "generation_config.json"), eos)
	})
	if err != nil {
		return fmt.Errorf("write model %s: %w", w.out, err)
	}
	if app.JSON {
		return app.PrintJSON(map[string]any{"out": w.out, "parameters": checkpoint.NumParameters(), "vocabulary": t.VocabSize()})
	}
	fmt.Fprintf(app.Stdout, "%s: %.2f M parameters, vocabulary %d\n", w.out, float64(checkpoint.NumParameters())/1e6, t.VocabSize())
	return nil
}

// writeGeneration writes the generation configuration of a new model: its texts begin and end with the tokenizer's end token.
func writeGeneration(path string, eos int32) error {
	text, err := json.MarshalIndent(map[string]int32{"bos_token_id": eos, "eos_token_id": eos}, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}
