package beginning

import (
	"encoding/binary"
	"slices"

	"github.com/sparsepo/sparsepo/model"
)

// Section is a list of texts that begin alike.
type Section struct {
	Beginning []int32 // tokens that all of them begin with and that are read once; nil where nothing is
	Members   []int   // texts
}

// least is the shortest beginning that is read by itself. Ours.
const least = 64

// Divide divides texts by how they begin, in the order of their first ones; last is the section of those that begin like no
// other. A beginning is at most so long, and leaves every text a token of its own; it is read by itself where that saves
// reading at least as many tokens as the given number, of texts that are equal once.
func Divide(texts [][]int32, most, saved int) []Section {
	var list []Section
	var rest []int
	place := map[string]int{}
	for i, text := range texts {
		if len(text) <= least || most < least {
			rest = append(rest, i)
			continue
		}
		start := Key(text[:least])
		at, known := place[start]
		if !known {
			at = len(list)
			place[start] = at
			list = append(list, Section{Beginning: text[:min(most, len(text)-1)]})
		}
		s := &list[at]
		s.Beginning = s.Beginning[:common(s.Beginning, text[:len(text)-1])]
		s.Members = append(s.Members, i)
	}
	list = slices.DeleteFunc(list, func(s Section) bool {
		if (s.different(texts)-1)*len(s.Beginning) >= saved {
			return false
		}
		rest = append(rest, s.Members...)
		return true
	})
	if len(rest) > 0 {
		slices.Sort(rest)
		list = append(list, Section{Members: rest})
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

// different counts the different texts of a section.
func (s Section) different(texts [][]int32) int {
	seen := map[string]bool{}
	for _, i := range s.Members {
		seen[Key(texts[i])] = true
	}
	return len(seen)
}

// Key is a list of ids as a map's key.
func Key(ids []int32) string {
	text := make([]byte, 0, 4*len(ids))
	for _, id := range ids {
		text = binary.LittleEndian.AppendUint32(text, uint32(id))
	}
	return string(text)
}

// cacheBytes is the most memory that a beginning's keys and values take. Ours.
const cacheBytes = 1 << 30

// Longest is the number of tokens whose keys and values are kept at most, in float32: 1 GiB of them.
func Longest(c *model.Config) int {
	return min(c.MaxPositions, cacheBytes/(4*2*c.Layers*c.KVHeads*c.HeadDim))
}

// Length is the shortest length of rows that graphs are compiled for, from the given one on, and that holds n tokens: 32, 64,
// 96, 128, 192, 256, 384, … from 32.
func Length(n, from int) int {
	length := from
	for length < n {
		length *= 2
	}
	if length >= 128 && length/4*3 >= n {
		return length / 4 * 3
	}
	return length
}
