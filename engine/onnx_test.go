//go:build cgo && (linux || darwin)

package engine

import "testing"

func TestRecentEnough(t *testing.T) {
	for _, c := range []struct {
		version string
		want    bool
	}{
		{"1.30.0", true},
		{"1.26.0", true},
		{"1.25.9", false},
		{"1.9.1", false},
		{"2.0.0", true},
		{"0.30.0", false},
		{"1.26", true},
		{"1", false},
		{"", false},
		{"one.two", false},
	} {
		if got := recentEnough(c.version); got != c.want {
			t.Errorf("recentEnough(%q) = %v, want %v", c.version, got, c.want)
		}
	}
}
