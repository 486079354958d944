package data

import "slices"

// Span is a stretch of a response, in tokens, or of a text, in bytes: from First up to End, End excluded.
type Span struct {
	First int `json:"first"`
	End   int `json:"end"`
}

// tokensIn is the number of tokens in stretches.
func tokensIn(spans []Span) int {
	n := 0
	for _, s := range spans {
		n += s.End - s.First
	}
	return n
}

// within reports whether stretches are those of a response of so many tokens: in order, apart, none empty.
func within(spans []Span, length int) bool {
	end := 0
	for i, s := range spans {
		if s.First < end || i > 0 && s.First == end || s.End <= s.First || s.End > length {
			return false
		}
		end = s.End
	}
	return true
}

// between lists the stretches of a response of so many tokens that are in none of the given ones.
func between(spans []Span, length int) []Span {
	var rest []Span
	from := 0
	for _, s := range append(slices.Clone(spans), Span{length, length}) {
		if s.First > from {
			rest = append(rest, Span{from, s.First})
		}
		from = s.End
	}
	return rest
}

// cutResponse takes a response's first tokens. What follows the last learned one teaches nothing and goes too.
func cutResponse(ids []int32, given []Span, room int) ([]int32, []Span) {
	var kept []Span
	for _, s := range given {
		if s.First < room {
			kept = append(kept, Span{s.First, min(s.End, room)})
		}
	}
	if last := len(kept) - 1; last >= 0 && kept[last].End == room {
		room, kept = kept[last].First, kept[:last]
	}
	return ids[:room:room], kept
}

// withGiven marks the given tokens among ids, for a store: an id that is not learned becomes its complement, which is
// negative.
func withGiven(ids []int32, given []Span) []int32 {
	if len(given) == 0 {
		return ids
	}
	marked := slices.Clone(ids)
	for _, s := range given {
		for i := s.First; i < s.End; i++ {
			marked[i] = ^marked[i]
		}
	}
	return marked
}

// takeGiven is the inverse of withGiven, in place.
func takeGiven(ids []int32) (given []Span) {
	for i, id := range ids {
		if id >= 0 {
			continue
		}
		ids[i] = ^id
		if last := len(given) - 1; last >= 0 && given[last].End == i {
			given[last].End++
		} else {
			given = append(given, Span{i, i + 1})
		}
	}
	return given
}
