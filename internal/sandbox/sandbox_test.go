package sandbox

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// open gives a sandbox, or skips where the machine has no Python or forbids the isolation.
func open(t *testing.T, options Options) *Sandbox {
	t.Helper()
	s, err := Open(t.Context(), options)
	var missing *IsolationError
	switch {
	case err == nil:
		t.Cleanup(s.Close)
		return s
	case errors.As(err, &missing) || strings.Contains(err.Error(), "find Python") || strings.Contains(err.Error(), "too old"):
		t.Skipf("no sandbox here: %v", err)
	default:
		t.Fatal(err)
	}
	return nil
}

func TestVerdicts(t *testing.T) {
	s := open(t, Options{Workers: 2})
	tests := []struct {
		name    string
		program Program
		want    Kind
		reason  string
	}{
		{"right", Program{Code: "def f(x):\n  return x + 1", Tests: "assert f(1) == 2\nassert f(2) == 3"}, Passed, ""},
		{"wrong", Program{Code: "def f(x):\n  return x", Tests: "assert f(1) == 1\nassert f(1) == 2"}, Failed, "assert f(1) == 2"},
		{"raises", Program{Code: "def f(x):\n  return 1 // 0", Tests: "assert f(1) == 2"}, Error, "ZeroDivisionError: integer division or modulo by zero at assert f(1) == 2"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			start := time.Now()
			v, err := s.Run(t.Context(), test.program)
			if err != nil {
				t.Fatal(err)
			}
			t.Log(v, time.Since(start))
			if v.Kind != test.want || v.Reason != test.reason {
				t.Errorf("got %s (%s), want %s (%s)", v.Kind, v.Reason, test.want, test.reason)
			}
		})
	}
}
