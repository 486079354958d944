package hub

import (
	"fmt"
	"net/http"
	"slices"
	"time"
)

// fault changes one answer of the fake hub. It returns true where it has answered itself.
type fault func(w http.ResponseWriter, r *http.Request, content []byte) bool

// send writes content; that the other side has gone away is nothing to report.
func send(w http.ResponseWriter, content []byte) { _, _ = w.Write(content) }

// sendNow is send, without waiting for more.
func sendNow(w http.ResponseWriter, content []byte) {
	send(w, content)
	_ = http.NewResponseController(w).Flush()
}

// cutAfter sends n bytes of what is asked for and closes the connection.
func cutAfter(n int) fault {
	return func(w http.ResponseWriter, r *http.Request, content []byte) bool {
		var start int
		if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &start); err == nil {
			w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", start, len(content)-1, len(content)))
			w.Header().Set("Content-Length", fmt.Sprint(len(content)-start))
			w.WriteHeader(http.StatusPartialContent)
		} else {
			w.Header().Set("Content-Length", fmt.Sprint(len(content)))
		}
		sendNow(w, content[start:min(start+n, len(content))])
		panic(http.ErrAbortHandler)
	}
}

// answer sends a status instead of the content.
func answer(status int, header ...string) fault {
	return func(w http.ResponseWriter, _ *http.Request, _ []byte) bool {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		return true
	}
}

// instead sends other content.
func instead(other string) fault {
	return func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
		r.Header.Del("Range")
		send(w, []byte(other))
		return true
	}
}

// wholeAlways ignores Range.
func wholeAlways(w http.ResponseWriter, r *http.Request, content []byte) bool {
	r.Header.Del("Range")
	send(w, content)
	return true
}

// otherPart sends the first n bytes as if they had been asked for.
func otherPart(n int) fault {
	return func(w http.ResponseWriter, _ *http.Request, content []byte) bool {
		w.Header().Set("Content-Range", fmt.Sprintf("bytes 0-%d/%d", n-1, len(content)))
		w.WriteHeader(http.StatusPartialContent)
		send(w, content[:n])
		return true
	}
}

// endAfter sends n bytes without saying how many there are, and ends the answer properly.
func endAfter(n int) fault {
	return func(w http.ResponseWriter, _ *http.Request, content []byte) bool {
		sendNow(w, content[:n])
		return true
	}
}

// drip sends the content in pieces, with a pause before each.
func drip(pieces int, pause time.Duration) fault {
	return func(w http.ResponseWriter, _ *http.Request, content []byte) bool {
		w.Header().Set("Content-Length", fmt.Sprint(len(content)))
		for piece := range slices.Chunk(content, (len(content)+pieces-1)/pieces) {
			time.Sleep(pause)
			sendNow(w, piece)
		}
		return true
	}
}

// hangAfter sends n bytes and then nothing, until the client goes away.
func hangAfter(n int, reached chan<- struct{}) fault {
	return func(w http.ResponseWriter, r *http.Request, content []byte) bool {
		w.Header().Set("Content-Length", fmt.Sprint(len(content)))
		sendNow(w, content[:n])
		if reached != nil {
			close(reached)
		}
		<-r.Context().Done()
		return true
	}
}
