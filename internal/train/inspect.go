package train

import (
	"path/filepath"
	"strconv"
)

// inspectedPairs is how many pairs a finished run keeps the per-token values of, for the report's heat maps.
const inspectedPairs = 3

// inspect writes RUN/inspect.json: the first pairs of eval_data, or of the training data, under the finished policy.
func (r *runner) inspect() error {
	if !r.objective.Pairs {
		return nil
	}
	set := r.train
	if r.eval != nil {
		set = r.eval
	}
	pairs, err := set.First(inspectedPairs)
	if err != nil {
		return err
	}
	values, err := r.program.Inspect(pairs, r.tokenText, noise(r.config.Seed, r.progress.Step))
	if err != nil {
		return err
	}
	return values.WriteFile(filepath.Join(r.config.Out, "inspect.json"))
}

// tokenText is the text of a token, or its id where there is no tokenizer.
func (s *session) tokenText(id int32) string {
	if s.tokenizer == nil {
		return strconv.Itoa(int(id))
	}
	return s.tokenizer.Token(id)
}
