package safetensors

import (
	"runtime"
	"sync"
)

// pieceSize is how many elements a core converts at a time: enough to outweigh the hand-over, little enough that the
// cores stay close together in the file, which the system reads ahead of them.
const pieceSize = 1 << 17

// inPieces calls work for pieces of the elements [0, n), on all cores where there is more than one piece. It returns the
// error of the earliest piece that has one.
func inPieces(n int, work func(begin, end int) error) error {
	pieces := (n + pieceSize - 1) / pieceSize
	workers := min(runtime.GOMAXPROCS(0), pieces)
	if workers <= 1 {
		return work(0, n)
	}
	var (
		mutex sync.Mutex
		next  int
		first error // of the earliest failed piece
		at    int   // its number
		group sync.WaitGroup
	)
	take := func() (piece int, ok bool) {
		mutex.Lock()
		defer mutex.Unlock()
		if next == pieces || first != nil { // every piece before a failed one is taken already
			return 0, false
		}
		next++
		return next - 1, true
	}
	for range workers {
		group.Go(func() {
			for piece, ok := take(); ok; piece, ok = take() {
				err := work(piece*pieceSize, min(n, (piece+1)*pieceSize))
				if err == nil {
					continue
				}
				mutex.Lock()
				if first == nil || piece < at {
					first, at = err, piece
				}
				mutex.Unlock()
			}
		})
	}
	group.Wait()
	return first
}
