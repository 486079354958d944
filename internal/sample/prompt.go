package sample

import (
	"slices"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/sparsepo/sparsepo/internal/beginning"
	"github.com/sparsepo/sparsepo/internal/device"
)

// Beginnings of prompts. Ours.
const (
	worthBeginning = 1024 // tokens that must be saved for one to be read by itself
	beginningStep  = 16   // their lengths are multiples of it, so that tasks share graphs
)

// shortRow is the length up to which prompts are read together however long they are. Ours.
const shortRow = 64

// divide divides the prompts by how they begin. Prompts of about the same length are read together, the longest first: the
// last rows to end are then the shorter ones.
func (r *run) divide() {
	r.sections = beginning.Divide(r.prompts(), r.longest, worthBeginning)
	for i, s := range r.sections {
		r.sections[i].Beginning = s.Beginning[:len(s.Beginning)/beginningStep*beginningStep]
		slices.SortStableFunc(s.Members, func(a, b int) int { return len(r.requests[b].Prompt) - len(r.requests[a].Prompt) })
	}
}

func (r *run) prompts() [][]int32 {
	list := make([][]int32, len(r.requests))
	for i, request := range r.requests {
		list[i] = request.Prompt
	}
	return list
}

// next takes up to n prompts of one section, whose beginning is read. Those of less than half the length of the first one wait
// for the next time: after a beginning, lengths differ so much that most of what is read would be padding.
func (r *run) next(n int) (prompts []int, start []int32, err error) {
	s := &r.sections[0]
	if len(s.Beginning) > 0 && !slices.Equal(r.beginnings.Tokens(), s.Beginning) {
		if err := r.beginnings.Read(s, r.prompts()); err != nil {
			return nil, nil, err
		}
	}
	start, prompts = s.Beginning, s.Members[:min(n, len(s.Members))]
	own := func(prompt int) int { return len(r.requests[prompt].Prompt) - len(start) }
	if first := own(prompts[0]); first > shortRow {
		if shorter := slices.IndexFunc(prompts, func(p int) bool { return 2*own(p) < first }); shorter > 0 {
			prompts = prompts[:shorter]
		}
	}
	if s.Members = s.Members[len(prompts):]; len(s.Members) == 0 {
		r.sections = r.sections[1:]
	}
	return prompts, start, nil
}

// readPrompts reads the next prompts, enough for the free rows, and draws the first token of each of their samples.
func (r *run) readPrompts(free int) error {
	r.prefixes.release()
	part, start, err := r.next(r.rowSize((free + r.options.N - 1) / r.options.N))
	if err != nil {
		return err
	}
	rows, past := r.rowSize(len(part)), len(start)
	seq := min(beginning.Length(len(r.requests[part[0]].Prompt)-past, minPrompt), r.network.Config.MaxPositions-past)
	tokens, last := make([]int64, rows*seq), make([]int64, rows)
	for i, prompt := range part {
		own := r.requests[prompt].Prompt[past:]
		for j, id := range own {
			tokens[i*seq+j] = int64(id)
		}
		last[i] = int64(len(own) - 1)
	}
	out, err := r.readRows(past, tensors.FromFlatDataAndDimensions(tokens, rows, seq), tensors.FromFlatDataAndDimensions(last, rows))
	if err != nil {
		return err
	}
	r.prefixes = cache{list: out[1:], rows: rows, length: past + seq}
	var list []*sequence
	for i, prompt := range part {
		for n := range r.options.N {
			list = append(list, &sequence{
				Completion: &r.completions[prompt][n], prompt: prompt, prefix: i,
				place: len(r.requests[prompt].Prompt) - 1, random: stream(r.options.Seed, r.requests[prompt].Stream, n),
			})
		}
	}
	if err := r.extend(list, out[0], func(q *sequence) int { return q.prefix }); err != nil {
		return err
	}
	r.waiting = unended(list)
	return nil
}

// readRows runs the graph that reads prompts, or what follows a beginning of past tokens.
func (r *run) readRows(past int, tokens, last *tensors.Tensor) ([]*tensors.Tensor, error) {
	inputs := []*tensors.Tensor{tokens, last}
	if past == 0 {
		return device.Call(r.prefill, inputs)
	}
	var rest []any
	for _, t := range r.beginnings.Cache() {
		rest = append(rest, t)
	}
	return device.Call(r.prefillAfter, append(inputs, tensors.FromFlatDataAndDimensions(make([]int64, past), past)), rest...)
}
