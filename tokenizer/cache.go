package tokenizer

import (
	"hash/maphash"
	"strings"
	"sync/atomic"
)

// Words longer than maxCachedWord bytes are rarely met again; with cacheSlots entries the cache stays below a few MiB.
const (
	maxCachedWord = 48
	cacheSlots    = 1 << 15
)

// wordCache remembers the tokens of recent words. Each word has one slot, which the next word that falls on it takes over.
// It is safe for concurrent use and never locks.
type wordCache struct {
	seed  maphash.Seed
	slots []atomic.Pointer[cachedWord]
}

type cachedWord struct {
	word string
	ids  []int32
}

func newWordCache() *wordCache {
	return &wordCache{seed: maphash.MakeSeed(), slots: make([]atomic.Pointer[cachedWord], cacheSlots)}
}

// slot returns the slot of word.
func (c *wordCache) slot(word string) *atomic.Pointer[cachedWord] {
	return &c.slots[maphash.String(c.seed, word)%cacheSlots]
}

// store keeps copies of word and ids, so that the text the word is part of can be freed.
func (c *wordCache) store(slot *atomic.Pointer[cachedWord], word string, ids []int32) {
	slot.Store(&cachedWord{strings.Clone(word), append([]int32(nil), ids...)})
}
