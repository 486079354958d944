package data

import (
	"context"
	"hash/maphash"
	"math"
	"slices"
	"strings"
)

// Check is what is to be known of a data set before training on it.
type Check struct {
	Task string `json:"task"` // preference or sft
	Unit string `json:"unit"` // of lengths: tokens, or bytes where no tokenizer was given
	*Report

	DuplicatePrompts int       `json:"duplicate_prompts"` // examples whose prompt an earlier one has
	Duplicates       int       `json:"duplicates"`        // examples that an earlier one equals
	Contradictions   int       `json:"contradictions"`    // pairs that an earlier one prefers the other way round
	Examples         []Example `json:"examples,omitempty"`
}

// Example is one example of a set, as texts of its tokens.
type Example struct {
	Source   string   `json:"source"`
	Prompt   []string `json:"prompt"`
	Chosen   []string `json:"chosen"`
	Rejected []string `json:"rejected,omitempty"`
	Given    []Span   `json:"given,omitempty"` // stretches of Chosen that are read and not learned, counted in its texts
}

// CheckOptions says how a data set is checked.
type CheckOptions struct {
	LoadOptions                            // OnBadRecord is always SkipBad; without Tokenizer lengths are bytes; VocabSize 0 allows all ids
	AnyTask     bool                       // find out by the first records whether they are pairs
	Examples    int                        // how many to show
	Text        func(ids []int32) []string // the texts of tokens; nil shows bytes as text, and ids
}

// CheckMixture loads a data set and looks at what came of it. A check is given whenever records were read, also with an error.
func CheckMixture(ctx context.Context, name string, parts []Part, o CheckOptions) (*Check, error) {
	o.OnBadRecord = SkipBad
	c := &Check{Unit: "tokens"}
	if o.AnyTask {
		task, err := guessTask(parts)
		if err != nil {
			return nil, err
		}
		o.Task = task
	}
	if c.Task = "preference"; o.Task == Supervised {
		c.Task = "sft"
	}
	if o.Tokenizer == nil {
		o.Tokenizer, c.Unit = byteTokenizer{}, "bytes"
	}
	if o.VocabSize == 0 {
		o.VocabSize = math.MaxInt32
	}
	set, report, err := LoadMixture(ctx, name, parts, o.LoadOptions)
	if c.Report = report; err != nil {
		if report == nil {
			c = nil
		}
		return c, err
	}
	defer set.Close()
	if err := c.compare(set); err != nil {
		return c, err
	}
	return c, c.show(set, o)
}

// guessTask tells by the first records of a data set what it is for.
func guessTask(parts []Part) (Task, error) {
	const looked = 50
	for _, p := range parts {
		for _, path := range p.Paths {
			reader, err := Open(path, Preference)
			if err != nil {
				return 0, err
			}
			task, known := taskOf(reader, looked)
			reader.Close()
			if known {
				return task, nil
			}
		}
	}
	return Supervised, nil
}

func taskOf(reader *Reader, looked int) (task Task, known bool) {
	for rec, err := range reader.Records() {
		bad := asBadRecord(err)
		switch {
		case err == nil && (rec.format == ratedFormat.name || len(rec.Answers) > 0 || !rec.Rejected.IsZero()):
			return Preference, true
		case bad != nil && (bad.known || bad.Reason == ReasonIdentical || bad.Field == "rejected"):
			return Preference, true
		case err != nil && bad == nil:
			return 0, false
		}
		if looked--; looked == 0 {
			break
		}
	}
	return 0, false
}

// compare looks for examples that are alike.
func (c *Check) compare(set *Set) error {
	seed := maphash.MakeSeed()
	seen, prompts := map[uint64]bool{}, map[uint64]bool{}
	hash := func(parts ...[]int32) uint64 {
		var h maphash.Hash
		h.SetSeed(seed)
		for _, ids := range parts {
			maphash.WriteComparable(&h, len(ids))
			for _, id := range ids {
				maphash.WriteComparable(&h, id)
			}
		}
		return h.Sum64()
	}
	for i := range set.Len() {
		p, err := set.Pair(i)
		if err != nil {
			return err
		}
		prompt, whole := hash(p.Prompt), hash(p.Prompt, p.Chosen, p.Rejected)
		if len(p.Prompt) > 1 { // of running text it is one token
			c.DuplicatePrompts += count(prompts[prompt])
		}
		c.Duplicates += count(seen[whole])
		if len(p.Rejected) > 0 {
			c.Contradictions += count(seen[hash(p.Prompt, p.Rejected, p.Chosen)])
		}
		prompts[prompt], seen[whole] = true, true
	}
	return nil
}

func count(happened bool) int {
	if happened {
		return 1
	}
	return 0
}

func (c *Check) show(set *Set, o CheckOptions) error {
	text := o.Text
	if text == nil {
		text = func(ids []int32) []string { return []string{byteTokenizer{}.text(ids)} }
	}
	pairs, err := set.First(o.Examples)
	for _, p := range pairs {
		e := Example{Source: p.Source, Prompt: text(p.Prompt)}
		e.read(p, text)
		if len(p.Rejected) > 0 {
			e.Rejected = text(p.Rejected)
		}
		c.Examples = append(c.Examples, e)
	}
	return err
}

// read takes the texts of a chosen response. Stretches are told in texts, which without a tokenizer are no tokens.
func (e *Example) read(p TokenPair, text func(ids []int32) []string) {
	from := 0
	for _, s := range append(slices.Clone(p.Given), Span{len(p.Chosen), len(p.Chosen)}) {
		e.Chosen = append(e.Chosen, text(p.Chosen[from:s.First])...)
		if s.First < s.End {
			given := text(p.Chosen[s.First:s.End])
			e.Given = append(e.Given, Span{len(e.Chosen), len(e.Chosen) + len(given)})
			e.Chosen = append(e.Chosen, given...)
		}
		from = s.End
	}
}

// byteTokenizer stands in for a tokenizer where there is none: every byte is an id.
type byteTokenizer struct{}

func (byteTokenizer) Encode(text string) []int32 {
	ids := make([]int32, len(text))
	for i := range len(text) {
		ids[i] = int32(text[i])
	}
	return ids
}

func (byteTokenizer) VocabSize() int     { return 256 }
func (byteTokenizer) EOS() (int32, bool) { return 0, false }

// text gives bytes as text; ids that are none are left out.
func (byteTokenizer) text(ids []int32) string {
	var b strings.Builder
	for _, id := range ids {
		if id < 256 {
			b.WriteByte(byte(id))
		}
	}
	return strings.ToValidUTF8(b.String(), "\ufffd")
}
