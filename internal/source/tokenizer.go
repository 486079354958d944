package source

import (
	"context"
	"fmt"
	"io"

	"github.com/sparsepo/sparsepo/internal/hub"
	"github.com/sparsepo/sparsepo/internal/usage"
	"github.com/sparsepo/sparsepo/model"
	"github.com/sparsepo/sparsepo/tokenizer"
)

// TokenizerFolder returns the folder of the tokenizer that belongs to a model: the model's own folder, or that of an adapter's
// base where the adapter's has none. Of a hub id the weights are not downloaded; log receives the download's progress.
func TokenizerFolder(ctx context.Context, name string, log io.Writer) (string, error) {
	options := hub.Options{Log: log}
	folder, err := hub.Tokenizer(ctx, name, options)
	if err != nil || tokenizer.Exists(folder) || !model.IsAdapter(folder) {
		return folder, err
	}
	base, err := model.AdapterBase(folder)
	if err != nil || base == "" {
		return folder, err
	}
	if folder, err = hub.Tokenizer(ctx, beside(folder, base), options); err != nil {
		return "", fmt.Errorf("tokenizer of adapter %s: %w", name, err)
	}
	return folder, nil
}

// Tokenizer loads the tokenizer that belongs to a model (see TokenizerFolder).
func Tokenizer(ctx context.Context, name string, log io.Writer) (*tokenizer.Tokenizer, error) {
	folder, err := TokenizerFolder(ctx, name, log)
	if err != nil {
		return nil, err
	}
	return tokenizer.Load(folder)
}

// CheckTokenizer refuses a language model's tokenizer whose ids are not the whole text. name is the tokenizer's, for the error.
func CheckTokenizer(name string, t *tokenizer.Tokenizer) error {
	if t.KeepsTexts() {
		return nil
	}
	return usage.Errorf("tokenizer %s: %s does not keep texts as they are; language models need %s here, or %s with all bytes",
		name, t.Kind(), tokenizer.ByteLevelBPE, tokenizer.SentencePieceBPE)
}
