// Package usage marks errors of the user's making: wrong arguments, unknown settings, malformed input files. The command
// line ends with exit code 2 for them and with 1 for every other error.
package usage

import (
	"errors"
	"fmt"
	"strings"
)

type mistake struct{ err error }

func (m *mistake) Error() string { return m.err.Error() }
func (m *mistake) Unwrap() error { return m.err }

// Errorf formats an error of the user's making; %w wraps as in fmt.Errorf.
func Errorf(format string, args ...any) error {
	return &mistake{fmt.Errorf(format, args...)}
}

// Wrap marks err as the user's mistake. A nil err stays nil.
func Wrap(err error) error {
	if err == nil {
		return nil
	}
	return &mistake{err}
}

// Is reports whether err, or an error it wraps, was marked by this package.
func Is(err error) bool {
	var m *mistake
	return errors.As(err, &m)
}

type hinted struct {
	err  error
	hint string
}

func (h *hinted) Error() string { return h.err.Error() }
func (h *hinted) Unwrap() error { return h.err }

// Hint attaches one line of advice that the command line prints after the error. A nil err stays nil.
func Hint(err error, hint string) error {
	if err == nil {
		return nil
	}
	return &hinted{err, hint}
}

// Hints returns the hints attached to err and to the errors it wraps, outermost first.
func Hints(err error) []string {
	var hints []string
	for err != nil {
		var h *hinted
		if !errors.As(err, &h) {
			break
		}
		hints = append(hints, h.hint)
		err = h.err
	}
	return hints
}

// Nearest returns the known name with the smallest edit distance to word, or "" when none is within a third of its length
// (at least two edits).
func Nearest(word string, known []string) string {
	best, bestDistance := "", max(2, len(word)/3)+1
	for _, k := range known {
		if d := editDistance(strings.ToLower(word), strings.ToLower(k)); d < bestDistance {
			best, bestDistance = k, d
		}
	}
	return best
}

func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := diagonal
			if a[i-1] != b[j-1] {
				cost++
			}
			diagonal = row[j]
			row[j] = min(cost, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}
