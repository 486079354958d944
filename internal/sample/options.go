package sample

import (
	"errors"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// DefaultBatchRows is the number of rows decoded at once where Options does not say. Ours: a step of 32 rows takes 1.7 times
// as long as one of 16 (ONNX Runtime, 6 layers, width 256); every row costs memory for its keys and values.
const DefaultBatchRows = 32

// Options say how responses are drawn.
type Options struct {
	N            int     // samples a prompt; 0 counts as 1
	Temperature  float64 // divides the logits; 0 takes the most likely token
	TopK         int     // keep the K most likely tokens, and those as likely as the last of them; 0 keeps all
	TopP         float64 // keep the fewest most likely tokens that make up this probability, after TopK; 1 keeps all
	MaxNewTokens int     // longest response, the end-of-sequence token included
	Seed         uint64
	EOS          int32 // id of the token that ends a response; -1 for none
	BatchRows    int   // rows decoded at once; 0 counts as DefaultBatchRows

	// Decode gives the text of a response's tokens after those of a prompt; the text of a longer list of tokens begins with it.
	// It is called from several goroutines at once; nil leaves responses without text.
	Decode func(prompt, ids []int32) string
}

// Validate reports every option that makes no sense, by the names of the command line.
func (o Options) Validate() error {
	var problems []error
	refuse := func(bad bool, format string, args ...any) {
		if bad {
			problems = append(problems, usage.Errorf(format, args...))
		}
	}
	refuse(o.N < 0, "n: found %d, expected a positive number of samples", o.N)
	refuse(!(o.Temperature >= 0 && o.Temperature < 1e6), "temperature: found %g, expected 0 (greedy) or a positive number", o.Temperature)
	refuse(o.TopK < 0, "top-k: found %d, expected 0 (all tokens) or a number of tokens", o.TopK)
	refuse(!(o.TopP > 0 && o.TopP <= 1), "top-p: found %g, expected a probability above 0, at most 1 (all tokens)", o.TopP)
	refuse(o.MaxNewTokens < 1, "max-new-tokens: found %d, expected a positive number of tokens", o.MaxNewTokens)
	refuse(o.EOS < -1, "eos: found %d, expected a token id, or -1 for none", o.EOS)
	refuse(o.BatchRows < 0, "batch-rows: found %d, expected a positive number of rows", o.BatchRows)
	return errors.Join(problems...)
}

// Completion is one response.
type Completion struct {
	IDs  []int32 // without the end-of-sequence token
	Text string  // of IDs, cut before a stop string that begins in the last of them; "" without Options.Decode
	// LogProbs are the log-probabilities, in nats, of each of IDs under the model's own distribution: at temperature 1 and
	// over the whole vocabulary.
	LogProbs   []float32
	Finished   bool    // the end-of-sequence token was drawn, before MaxNewTokens ran out
	EndLogProb float32 // log-probability of the end-of-sequence token, in nats, where Finished
	Stopped    bool    // a stop string ended it; the tokens that only belong to that are not in IDs
}

// LogProb is the log-probability of the whole response, its end included, in nats.
func (c Completion) LogProb() float64 {
	sum := float64(c.EndLogProb)
	for _, x := range c.LogProbs {
		sum += float64(x)
	}
	return sum
}
