package textmetric

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/sparsepo/sparsepo/encoder"
	"github.com/sparsepo/sparsepo/internal/usage"
	"github.com/sparsepo/sparsepo/tokenizer"
)

// BERTScoreOptions say how texts are compared.
type BERTScoreOptions struct {
	Name     string   // the encoder's hub id, by which its usual layer is known; "": its type and sizes have to do
	Layer    int      // the layer whose output stands for a token, 1 being the first; 0: that which bert_score chooses for the model
	IDF      []string // texts in which tokens that are rare count more; nil: every token counts alike
	Baseline string   // file of scores of unrelated texts, which become 0, as bert_score's rescale_baseline/*.tsv; "": none
}

// BERTScore compares texts by the hidden states of an encoder (Zhang et al., BERTScore, ICLR 2020), as the package bert_score
// does.
type BERTScore struct {
	Layer int

	encoder   *encoder.Encoder
	program   *encoder.Program
	tokenizer *tokenizer.Tokenizer
	framing   []int32 // what the tokenizer puts around a text
	space     string  // what stands before each text
	limit     int     // tokens of the longest text
	idf       *idf    // nil: none
	baseline  Overlap
}

// OpenBERTScore reads an encoder's folder and prepares the comparison. Close releases it.
func OpenBERTScore(folder string, backend compute.Backend, options BERTScoreOptions) (*BERTScore, error) {
	checkpoint, err := encoder.Open(folder)
	if err != nil {
		return nil, err
	}
	defer checkpoint.Close()
	b := &BERTScore{}
	if b.Layer, err = chosenLayer(checkpoint.Config, options); err != nil {
		return nil, usage.Errorf("model %s: %w", folder, err)
	}
	if options.Baseline != "" {
		if b.baseline, err = readBaseline(options.Baseline, b.Layer); err != nil {
			return nil, err
		}
	}
	if err := b.read(folder, checkpoint.Config); err != nil {
		return nil, err
	}
	if options.IDF != nil {
		b.idf = newIDF(options.IDF, func(text string) []int32 {
			ids, _ := b.encode(text)
			return ids
		})
	}
	if err := b.bind(checkpoint, backend); err != nil {
		return nil, err
	}
	return b, nil
}

// read reads the tokenizer.
func (b *BERTScore) read(folder string, config *encoder.Config) (err error) {
	if b.tokenizer, err = tokenizer.Load(folder); err != nil {
		return err
	}
	if n := b.tokenizer.VocabSize(); n > config.Vocab {
		return usage.Errorf("model %s: the tokenizer has %d entries and the model only %d embeddings; use the tokenizer the model was made with", folder, n, config.Vocab)
	}
	b.limit = config.MaxTokens()
	if own, ok := b.tokenizer.MaxTokens(); ok {
		b.limit = min(b.limit, own)
	}
	b.framing = b.tokenizer.EncodeWithSpecials("")
	if b.tokenizer.Kind() == tokenizer.ByteLevelBPE {
		b.space = " "
	}
	return nil
}

func (b *BERTScore) bind(checkpoint *encoder.Checkpoint, backend compute.Backend) (err error) {
	if b.encoder, err = checkpoint.Bind(backend); err != nil {
		return err
	}
	b.program, err = b.encoder.Program(func(in encoder.Inputs) *Node { return b.encoder.Forward(in, b.Layer)[b.Layer] })
	if err != nil {
		b.encoder.Close()
	}
	return err
}

// Close releases the graphs and the parameters.
func (b *BERTScore) Close() {
	b.program.Close()
	b.encoder.Close()
}

// encode returns the ids of a text, with white space around it left out. Byte-level tokenizers get a space before it, for a word
// that begins a text is then the same token as elsewhere; for others it is that anyway.
func (b *BERTScore) encode(text string) (ids []int32, cut bool) {
	text = strings.TrimFunc(text, isSpace)
	if text == "" {
		return slices.Clone(b.framing), false
	}
	return b.tokenizer.EncodeAtMost(b.space+text, b.limit)
}

// Cuts reports whether a text is longer than the encoder reads.
func (b *BERTScore) Cuts(text string) bool {
	_, cut := b.encode(text)
	return cut
}

// comparedAtOnce is how many candidates are compared at a time; ours: it bounds the hidden states in memory.
const comparedAtOnce = 32

// Score compares each candidate with its references, at least one, and takes the highest precision, recall and F1 among
// them, each for itself, as bert_score does. numCut counts texts that are longer than the encoder reads, each time that one
// is read.
func (b *BERTScore) Score(ctx context.Context, candidates []string, references [][]string) (scores []Overlap, numCut int, err error) {
	if len(candidates) != len(references) {
		return nil, 0, fmt.Errorf("BERTScore: %d candidates and the references of %d", len(candidates), len(references))
	}
	for start := 0; start < len(candidates); start += comparedAtOnce {
		end := min(start+comparedAtOnce, len(candidates))
		states, cut, err := b.hidden(ctx, append(slices.Concat(references[start:end]...), candidates[start:end]...))
		if err != nil {
			return nil, 0, fmt.Errorf("BERTScore: %w", err)
		}
		numCut += cut
		for i, candidate := range candidates[start:end] {
			if len(references[start+i]) == 0 {
				return nil, 0, fmt.Errorf("BERTScore: candidate %d of %d: no reference", start+i+1, len(candidates))
			}
			scores = append(scores, b.best(states, candidate, references[start+i]))
		}
	}
	return scores, numCut, nil
}

// best is the best of the scores against each reference, rescaled.
func (b *BERTScore) best(states map[string]embedded, candidate string, references []string) Overlap {
	best := match(states[references[0]], states[candidate])
	for _, reference := range references[1:] {
		other := match(states[reference], states[candidate])
		best = Overlap{max(best.Precision, other.Precision), max(best.Recall, other.Recall), max(best.F1, other.F1)}
	}
	rescale := func(x, unrelated float64) float64 { return (x - unrelated) / (1 - unrelated) }
	return Overlap{
		rescale(best.Precision, b.baseline.Precision), rescale(best.Recall, b.baseline.Recall), rescale(best.F1, b.baseline.F1),
	}
}

// hidden computes the hidden states of texts, of equal ones once.
func (b *BERTScore) hidden(ctx context.Context, texts []string) (states map[string]embedded, numCut int, err error) {
	states = map[string]embedded{}
	var distinct []string
	var sequences [][]int32
	for _, text := range texts {
		if _, seen := states[text]; seen {
			continue
		}
		states[text] = embedded{}
		ids, cut := b.encode(text)
		if cut {
			numCut++
		}
		distinct, sequences = append(distinct, text), append(sequences, ids)
	}
	width := b.encoder.Config.Hidden
	err = b.program.Run(ctx, encoder.Plain(sequences), func(batch *encoder.Batch, output []float32) error {
		for row, member := range batch.Members {
			ids := sequences[member]
			first := row * batch.Seq * width
			states[distinct[member]] = embedded{
				vectors: unitVectors(output[first:first+len(ids)*width], width), weights: b.weights(ids), empty: len(ids) == len(b.framing),
			}
		}
		return nil
	})
	return states, numCut, err
}

// weights are how much tokens count: by their rarity, or 1, and 0 for what stands around a text.
func (b *BERTScore) weights(ids []int32) []float64 {
	weights := make([]float64, len(ids))
	for i, id := range ids {
		switch {
		case b.idf != nil:
			weights[i] = b.idf.weight(id)
		case !slices.Contains(b.framing, id):
			weights[i] = 1
		}
	}
	return weights
}
