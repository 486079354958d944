package data

import (
	"math/bits"
	"math/rand/v2"
)

// Order returns the order of n pairs in an epoch: a permutation of 0 to n-1 that depends on nothing but the arguments, on
// every machine and with every version of Go.
func Order(n, epoch int, seed uint64) []int { return permutation[int](n, epoch, seed) }

func permutation[T int | int32](n, epoch int, seed uint64) []T {
	order := make([]T, n)
	for i := range order {
		order[i] = T(i)
	}
	random := rand.NewPCG(seed, uint64(epoch))
	for i := n - 1; i > 0; i-- {
		// The high half of the product is uniform on 0 to i up to a bias of i/2^64. The library's Shuffle may change; this not.
		j, _ := bits.Mul64(random.Uint64(), uint64(i+1))
		order[i], order[j] = order[j], order[i]
	}
	return order
}
