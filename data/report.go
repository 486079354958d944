package data

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Report tells what loading did to the records of a file.
type Report struct {
	Path               string         `json:"path"`
	Read               int            `json:"read"`
	Kept               int            `json:"kept"`              // in the set: pairs, or supervised examples
	Formats            map[string]int `json:"formats,omitempty"` // record formats, and how many records are written in each
	Dropped            map[Reason]int `json:"dropped,omitempty"`
	DroppedExamples    []string       `json:"dropped_examples,omitempty"` // the first few, as messages or places
	PromptsTruncated   int            `json:"prompts_truncated"`
	ResponsesTruncated int            `json:"responses_truncated"`
	Straddled          int            `json:"straddled_boundaries"`      // records tokenised in two parts
	RatedPrompts       int            `json:"rated_prompts,omitempty"`   // prompts whose rated responses were paired
	WordsJoined        int            `json:"joined_words,omitempty"`    // records where a word of the prompt runs into the response
	PlainDialogues     int            `json:"plain_dialogues,omitempty"` // records of messages written without a chat template
	TemplateCuts       int            `json:"template_cuts,omitempty"`   // records whose prompt the chat template renders otherwise when a response follows
	TurnsMissed        int            `json:"turns_missed,omitempty"`    // turns of the assistant's that are not learned, as the chat template writes them otherwise when more follows
	MissedAt           string         `json:"missed_at,omitempty"`       // the first record with such turns

	Prompt   Quantiles `json:"prompt_length"`   // ids of kept prompts
	Response Quantiles `json:"response_length"` // ids of kept responses, both sides; of conversations those learned
	Total    Quantiles `json:"length"`          // ids of prompt and response together, both sides
}

// Quantiles summarises lengths in tokens.
type Quantiles struct {
	Min    int `json:"min"`
	Median int `json:"median"`
	P90    int `json:"p90"`
	P99    int `json:"p99"`
	Max    int `json:"max"`
}

func (h *histogram) quantiles() Quantiles {
	lengths := slices.Sorted(maps.Keys(h.counts))
	at := func(percent int) int {
		place := (max(0, h.n-1)*percent + 50) / 100
		for _, length := range lengths {
			if place -= h.counts[length]; place < 0 {
				return length
			}
		}
		return 0
	}
	return Quantiles{Min: at(0), Median: at(50), P90: at(90), P99: at(99), Max: at(100)}
}

// String gives "median 12, 90 % 40, 99 % 80, at most 95".
func (q Quantiles) String() string {
	return fmt.Sprintf("median %d, 90 %% %d, 99 %% %d, at most %d", q.Median, q.P90, q.P99, q.Max)
}

const maxDroppedExamples = 5

func (r *Report) drop(reason Reason, example string) {
	if r.Dropped == nil {
		r.Dropped = map[Reason]int{}
	}
	r.Dropped[reason]++
	if len(r.DroppedExamples) < maxDroppedExamples {
		r.DroppedExamples = append(r.DroppedExamples, example)
	}
}

func (r *Report) count(out Outcome, format, source string) {
	if r.Formats == nil {
		r.Formats = map[string]int{}
	}
	r.Formats[format]++
	r.ResponsesTruncated += out.ResponsesTruncated
	if out.PromptTruncated {
		r.PromptsTruncated++
	}
	if r.TurnsMissed += out.TurnsMissed; out.TurnsMissed > 0 {
		r.MissedAt = cmp.Or(r.MissedAt, source)
	}
	for _, c := range []struct {
		happened bool
		count    *int
	}{{out.Straddled, &r.Straddled}, {out.PlainDialogue, &r.PlainDialogues}, {out.WordsJoined, &r.WordsJoined}, {out.TemplateCut, &r.TemplateCuts}} {
		if c.happened {
			*c.count++
		}
	}
}

// measures collects the lengths of the records kept.
type measures struct{ prompt, response, total histogram }

func (m *measures) add(e example) {
	m.prompt.add(len(e.prompt))
	for _, sides := range [][][]int32{e.chosen, e.rejected} {
		for _, ids := range sides {
			m.response.add(len(ids) - tokensIn(e.given))
			m.total.add(len(e.prompt) + len(ids))
		}
	}
}

func (m *measures) into(r *Report) {
	r.Prompt, r.Response, r.Total = m.prompt.quantiles(), m.response.quantiles(), m.total.quantiles()
}

// histogram counts how often each length occurs.
type histogram struct {
	counts map[int]int
	n      int
}

func (h *histogram) add(length int) {
	if h.counts == nil {
		h.counts = map[int]int{}
	}
	h.counts[length]++
	h.n++
}

// String gives the report in a few lines, leaving out what did not happen.
func (r *Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d records read, %d kept", r.Path, r.Read, r.Kept)
	if len(r.Dropped) > 0 {
		fmt.Fprintf(&b, "\n  dropped: %s", r.droppedText())
		for _, example := range r.DroppedExamples {
			fmt.Fprintf(&b, "\n    %s", example)
		}
	}
	if r.PromptsTruncated+r.ResponsesTruncated > 0 {
		fmt.Fprintf(&b, "\n  cut: %d prompts, %d responses", r.PromptsTruncated, r.ResponsesTruncated)
	}
	if r.Straddled > 0 {
		fmt.Fprintf(&b, "\n  tokenised in two parts, as a token would straddle the prompt's end: %d", r.Straddled)
	}
	if r.RatedPrompts > 0 {
		fmt.Fprintf(&b, "\n  prompts with rated responses: %d", r.RatedPrompts)
	}
	if r.WordsJoined > 0 {
		fmt.Fprintf(&b, "\n  records where the prompt ends in a word and a response begins with one, with nothing between: %d", r.WordsJoined)
	}
	if r.PlainDialogues > 0 {
		fmt.Fprintf(&b, "\n  messages written as a plain dialogue, as the tokenizer has no chat template: %d", r.PlainDialogues)
	}
	if r.TemplateCuts > 0 {
		fmt.Fprintf(&b, "\n  prompts that the chat template writes otherwise before a response, cut to what both share: %d", r.TemplateCuts)
	}
	if r.TurnsMissed > 0 {
		fmt.Fprintf(&b, "\n  warning: turns of the assistant that are not learned, as the chat template writes them otherwise when more follows: %d, the first at %s; "+
			"one with {%% generation %%} blocks marks what to learn", r.TurnsMissed, r.MissedAt)
	}
	if r.Kept > 0 {
		fmt.Fprintf(&b, "\n  prompt tokens: %v\n  response tokens: %v", r.Prompt, r.Response)
	}
	return b.String()
}

func (r *Report) droppedText() string {
	reasons := slices.SortedFunc(maps.Keys(r.Dropped), func(a, b Reason) int {
		return cmp.Or(cmp.Compare(r.Dropped[b], r.Dropped[a]), cmp.Compare(a, b))
	})
	parts := make([]string, len(reasons))
	for i, reason := range reasons {
		parts[i] = fmt.Sprintf("%d %s", r.Dropped[reason], reason)
	}
	return strings.Join(parts, ", ")
}
