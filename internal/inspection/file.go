package inspection

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/sparsepo/sparsepo/internal/atomicfile"
	"github.com/sparsepo/sparsepo/internal/jsonl"
	"github.com/sparsepo/sparsepo/internal/usage"
)

// ReadFile reads and validates an inspection. An error in the file's contents is the user's mistake (package usage) and
// names the file and the place in it.
func ReadFile(path string) (Inspect, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return Inspect{}, fmt.Errorf("read inspection: %w", err)
	}
	inspect, err := parse(text)
	if err != nil {
		return Inspect{}, usage.Errorf("%s: %w", path, err)
	}
	return inspect, nil
}

func parse(text []byte) (Inspect, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	var inspect *Inspect
	if err := decoder.Decode(&inspect); err != nil {
		return Inspect{}, fmt.Errorf("not the output of inspect --json: %w", err)
	}
	if inspect == nil {
		return Inspect{}, fmt.Errorf("not the output of inspect --json: null instead of an object")
	}
	if _, err := decoder.Token(); err != io.EOF {
		return Inspect{}, fmt.Errorf("more text after the object, at byte %d", decoder.InputOffset())
	}
	if err := inspect.Validate(); err != nil {
		return Inspect{}, err
	}
	return *inspect, nil
}

// Validate reports the first pair whose lists do not have one entry a token.
func (i Inspect) Validate() error {
	for n, pair := range i.Pairs {
		if err := pair.Chosen.validate(); err != nil {
			return fmt.Errorf("pairs[%d].chosen.%w", n, err)
		}
		if err := pair.Rejected.validate(); err != nil {
			return fmt.Errorf("pairs[%d].rejected.%w", n, err)
		}
	}
	return nil
}

func (s Side) validate() error {
	lists := []struct {
		name string
		len  int
	}{
		{"tokens", len(s.Tokens)},
		{"logp_policy", len(s.LogpPolicy)},
		{"logp_ref", len(s.LogpRef)},
		{"logratio", len(s.LogRatio)},
		{"kl_forward", len(s.KLForward)},
		{"kl_reverse", len(s.KLReverse)},
		{"mask_reward", len(s.MaskReward)},
		{"mask_kl", len(s.MaskKL)},
	}
	for _, list := range lists {
		if list.len != 0 && list.len != s.Len() {
			return fmt.Errorf("%s: %d entries, but ids has %d; every list has one entry a token, or none", list.name, list.len, s.Len())
		}
	}
	return nil
}

// Write validates the inspection and writes it as one JSON object and a line end, every list as a list.
func (i Inspect) Write(w io.Writer) error {
	if err := i.Validate(); err != nil {
		return fmt.Errorf("inspection: %w", err)
	}
	return jsonl.Write(w, i.filled())
}

// filled gives every nil list as an empty one, so that readers in other languages find [] and not null.
func (i Inspect) filled() Inspect {
	pairs := make([]Pair, len(i.Pairs))
	for n, pair := range i.Pairs {
		pair.Chosen, pair.Rejected = pair.Chosen.filled(), pair.Rejected.filled()
		pairs[n] = pair
	}
	i.Pairs = pairs
	return i
}

func (s Side) filled() Side {
	s.IDs = append([]int32{}, s.IDs...)
	s.Tokens = append([]string{}, s.Tokens...)
	return s
}

// WriteFile validates the inspection and replaces the file at path with it, whole or not at all.
func (i Inspect) WriteFile(path string) error {
	return atomicfile.Write(path, i.Write)
}
