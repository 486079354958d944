package data

import "math"

// EpochLen is the number of records in an epoch: all of them, but in a mixture with weights as many as keep the parts in
// proportion without taking a record twice.
func (s *Set) EpochLen() int {
	n := 0
	for _, p := range s.parts {
		n += s.share(p)
	}
	return n
}

// share is the number of records of a part in an epoch, at least 1.
func (s *Set) share(p part) int {
	if p.weight == 0 {
		return p.count
	}
	scale := math.Inf(1)
	for _, other := range s.parts {
		scale = min(scale, float64(other.count)/other.weight)
	}
	return min(p.count, max(1, int(math.Round(scale*p.weight))))
}

// order lists the records of an epoch. Of a part that is not taken whole, every epoch takes others.
func (s *Set) order(epoch int, seed uint64) []int32 {
	n := s.EpochLen()
	order := permutation[int32](n, epoch, seed)
	if n == s.Len() {
		return order
	}
	taken := make([]int32, 0, n)
	for i, p := range s.parts {
		some := permutation[int32](p.count, epoch, seed+uint64(i+1)<<32)
		for _, record := range some[:s.share(p)] {
			taken = append(taken, int32(p.first)+record)
		}
	}
	for i, place := range order {
		order[i] = taken[place]
	}
	return order
}

// all lists the records from the first to the last.
func (s *Set) all() []int32 {
	list := make([]int32, s.Len())
	for i := range list {
		list[i] = int32(i)
	}
	return list
}
