package likelihood

import (
	"slices"

	"github.com/sparsepo/sparsepo/model"
)

// section is a list of requests whose texts begin alike.
type section struct {
	beginning []int32 // tokens that all texts begin with and that are read once; nil where nothing is
	members   []int   // requests
}

// leastBeginning is the shortest beginning that is read by itself. Ours.
const leastBeginning = 64

// sections divides requests by how their texts begin, in the order of their first ones; last is the section of what begins
// like no other. A beginning is at most so long, and leaves every text a token of its own; it is read by itself where that
// saves reading at least as many tokens as the given number.
func sections(requests []Request, most, saved int) []section {
	var list []section
	var rest []int
	place := map[string]int{}
	for i, r := range requests {
		if len(r.Prefix) <= leastBeginning || most < leastBeginning {
			rest = append(rest, i)
			continue
		}
		start := key(r.Prefix[:leastBeginning])
		at, known := place[start]
		if !known {
			at = len(list)
			place[start] = at
			list = append(list, section{beginning: r.Prefix[:min(most, len(r.Prefix)-1)]})
		}
		s := &list[at]
		s.beginning = s.beginning[:common(s.beginning, r.Prefix[:len(r.Prefix)-1])]
		s.members = append(s.members, i)
	}
	list = slices.DeleteFunc(list, func(s section) bool {
		if (texts(requests, s.members)-1)*len(s.beginning) >= saved {
			return false
		}
		rest = append(rest, s.members...)
		return true
	})
	if len(rest) > 0 {
		slices.Sort(rest)
		list = append(list, section{members: rest})
	}
	return list
}

// common is the number of tokens that both lists begin with.
func common(a, b []int32) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// texts counts the different texts of requests.
func texts(requests []Request, members []int) int {
	different := map[string]bool{}
	for _, i := range members {
		different[key(requests[i].Prefix)] = true
	}
	return len(different)
}

// after are the section's requests without its beginning.
func (s section) after(requests []Request) []Request {
	list := make([]Request, len(s.members))
	for i, member := range s.members {
		r := requests[member]
		list[i] = Request{r.Prefix[len(s.beginning):], r.Continuation}
	}
	return list
}

// cacheBytes is the most memory that a beginning's keys and values take. Ours.
const cacheBytes = 1 << 30

// longestBeginning is the number of tokens whose keys and values fit.
func longestBeginning(c *model.Config) int {
	return min(c.MaxPositions, cacheBytes/(4*2*c.Layers*c.KVHeads*c.HeadDim))
}
