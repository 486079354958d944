package usage_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/sparsepo/sparsepo/internal/usage"
)

func TestIs(t *testing.T) {
	cause := errors.New("cause")
	for _, c := range []struct {
		name string
		err  error
		want bool
	}{
		{"plain", cause, false},
		{"marked", usage.Errorf("bad: %w", cause), true},
		{"wrapped mark", fmt.Errorf("read: %w", usage.Wrap(cause)), true},
		{"hinted mark", usage.Hint(usage.Wrap(cause), "try again"), true},
		{"nil", usage.Wrap(nil), false},
	} {
		if got := usage.Is(c.err); got != c.want {
			t.Errorf("%s: Is = %v, want %v", c.name, got, c.want)
		}
	}
	if !errors.Is(usage.Errorf("bad: %w", cause), cause) {
		t.Error("the cause is lost")
	}
}

func TestHints(t *testing.T) {
	err := usage.Hint(fmt.Errorf("outer: %w", usage.Hint(errors.New("inner"), "second")), "first")
	if got, want := usage.Hints(err), []string{"first", "second"}; !slices.Equal(got, want) {
		t.Errorf("Hints = %q, want %q", got, want)
	}
}

func TestNearest(t *testing.T) {
	known := []string{"dpo", "tdpo1", "tdpo2", "sparse-common"}
	for _, c := range []struct{ word, want string }{
		{"sparse-comon", "sparse-common"}, {"DPO", "dpo"}, {"tdpo3", "tdpo1"}, {"learning_rate", ""},
	} {
		if got := usage.Nearest(c.word, known); got != c.want {
			t.Errorf("Nearest(%q) = %q, want %q", c.word, got, c.want)
		}
	}
}
