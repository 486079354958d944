// Package classifier applies sequence classifiers, models that give a text a number for each of some classes, kept as
// Hugging Face folders (RobertaForSequenceClassification, BertForSequenceClassification and their kin).
//
//	checkpoint, err := classifier.Open(folder)
//	c, err := checkpoint.Bind(backend)
//	logits, err := c.Classify(ctx, texts)
//
// [Config.Problem] says what the logits stand for, [Config.Labels] what the classes are called.
package classifier

import (
	"context"
	"errors"
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/sparsepo/sparsepo/encoder"
	"github.com/sparsepo/sparsepo/internal/usage"
	"github.com/sparsepo/sparsepo/tokenizer"
)

// Checkpoint is a classifier on disk, or a random initialisation of one.
type Checkpoint struct {
	Config    *Config
	Tokenizer *tokenizer.Tokenizer // nil where the folder has none, which is fine for token ids

	encoder *encoder.Checkpoint
}

// Open reads the configuration, the tokenizer and the tensor headers of a folder, and checks that they fit each other. Close
// it after binding.
func Open(folder string) (*Checkpoint, error) {
	config, err := ReadConfig(folder)
	if err != nil {
		return nil, err
	}
	c := &Checkpoint{Config: config}
	if tokenizer.Exists(folder) {
		if c.Tokenizer, err = tokenizer.Load(folder); err != nil {
			return nil, err
		}
		if n := c.Tokenizer.VocabSize(); n > config.Vocab {
			return nil, usage.Errorf("model %s: the tokenizer has %d entries and the model only %d embeddings; use the tokenizer the model was made with", folder, n, config.Vocab)
		}
	}
	if c.encoder, err = encoder.OpenAs(config.Config, folder, config.headTensors()...); err != nil {
		return nil, err
	}
	return c, nil
}

// Random is a freshly initialised classifier without a tokenizer. The values depend on the configuration and the seed alone.
func Random(config *Config, seed uint64) *Checkpoint {
	return &Checkpoint{Config: config, encoder: encoder.Random(config.Config, seed, config.headTensors()...)}
}

// NumParameters counts the weights.
func (c *Checkpoint) NumParameters() int { return c.encoder.NumParameters() }

// Save writes config.json and the weights to a folder, which must exist.
func (c *Checkpoint) Save(folder string) error { return c.encoder.Save(folder) }

// Close releases the files.
func (c *Checkpoint) Close() error { return c.encoder.Close() }

// Classifier is a classifier in an engine's memory. It is safe for concurrent use.
type Classifier struct {
	Config *Config

	tokenizer *tokenizer.Tokenizer
	encoder   *encoder.Encoder
	program   *encoder.Program
}

// Bind reads the parameters into the engine's memory. Close releases them.
func (c *Checkpoint) Bind(backend compute.Backend) (*Classifier, error) {
	bound, err := c.encoder.Bind(backend)
	if err != nil {
		return nil, err
	}
	k := &Classifier{Config: c.Config, tokenizer: c.Tokenizer, encoder: bound}
	if k.program, err = bound.Program(k.graph); err != nil {
		bound.Close()
		return nil, err
	}
	return k, nil
}

// Close releases the graphs and the parameters.
func (k *Classifier) Close() {
	k.program.Close()
	k.encoder.Close()
}

// graph is the encoder with the head on the hidden state of each row's first token.
//
//	returns logits [rows, labels]
func (k *Classifier) graph(in encoder.Inputs) *Node {
	last := k.encoder.Forward(in, k.Config.Layers)[k.Config.Layers]
	rows, seq := last.Shape().Dim(0), last.Shape().Dim(1)
	first := MulScalar(Iota(last.Graph(), shapes.Make(dtypes.Int64, rows), 0), int64(seq))
	x := Gather(Reshape(last, rows*seq, -1), InsertAxes(first, -1))
	h := heads[k.Config.Type]
	return k.encoder.Apply(h.activation(k.encoder.Apply(x, h.dense)), h.labels)
}

// Logits returns one number a class for each sequence, what stands around a text included. A sequence has 1 to MaxTokens ids.
func (k *Classifier) Logits(ctx context.Context, sequences []encoder.Sequence) ([][]float32, error) {
	logits := make([][]float32, len(sequences))
	numLabels := len(k.Config.Labels)
	err := k.program.Run(ctx, sequences, func(b *encoder.Batch, output []float32) error {
		for row, member := range b.Members {
			logits[member] = append([]float32(nil), output[row*numLabels:(row+1)*numLabels]...)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("classify: %w", err)
	}
	return logits, nil
}

// Encode returns the ids that the model reads of a text, and whether the text was cut because it has more than the model's
// positions, or its tokenizer's own limit, allow.
func (k *Classifier) Encode(text string) (ids []int32, cut bool, err error) {
	if k.tokenizer == nil {
		return nil, false, errors.New("the classifier has no tokenizer")
	}
	limit := k.Config.MaxTokens()
	if own, ok := k.tokenizer.MaxTokens(); ok {
		limit = min(limit, own)
	}
	ids, cut = k.tokenizer.EncodeAtMost(text, limit)
	if len(ids) == 0 || len(ids) > limit {
		return nil, false, fmt.Errorf("text %.40q: %d tokens; the model reads 1 to %d", text, len(ids), limit)
	}
	return ids, cut, nil
}

// EncodePair returns what the model reads of two texts, such as a premise and a hypothesis, in at most maxTokens ids, or as many
// as the model and its tokenizer allow where that is less; and whether the first text, or both, were cut to that.
func (k *Classifier) EncodePair(first, second string, maxTokens int) (s encoder.Sequence, cut bool, err error) {
	if k.tokenizer == nil {
		return s, false, errors.New("the classifier has no tokenizer")
	}
	limit := min(k.Config.MaxTokens(), maxTokens)
	if own, ok := k.tokenizer.MaxTokens(); ok {
		limit = min(limit, own)
	}
	pair, ok := k.tokenizer.EncodePair(first, second, limit)
	if !ok {
		return s, false, usage.Errorf("the classifier's tokenizer has no form for two texts in %d tokens (post_processor of tokenizer.json)", limit)
	}
	return encoder.Sequence{Tokens: pair.IDs, Types: pair.Types}, pair.Cut, nil
}

// Classify returns one number a class for each text, and how many of the texts were cut; see Encode.
func (k *Classifier) Classify(ctx context.Context, texts []string) (logits [][]float32, numCut int, err error) {
	sequences := make([]encoder.Sequence, len(texts))
	for i, text := range texts {
		ids, cut, err := k.Encode(text)
		if err != nil {
			return nil, 0, err
		}
		if cut {
			numCut++
		}
		sequences[i].Tokens = ids
	}
	logits, err = k.Logits(ctx, sequences)
	return logits, numCut, err
}
