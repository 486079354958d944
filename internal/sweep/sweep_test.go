package sweep

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sparsepo/sparsepo/internal/usage"
)

func TestPoints(t *testing.T) {
	points, err := Points([]Axis{
		{Key: "method", Values: []string{"dpo", "mapo"}}, {Key: "beta", Values: []string{"0.1", "1"}}, {Key: "mask.map", Values: []string{"zscore"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, p := range points {
		names = append(names, p.Name)
	}
	want := []string{"dpo_beta-0.1_mask.map-zscore", "dpo_beta-1_mask.map-zscore", "mapo_beta-0.1_mask.map-zscore", "mapo_beta-1_mask.map-zscore"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("names of the runs (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"method": "dpo", "beta": "1", "mask.map": "zscore"}, points[1].Values); diff != "" {
		t.Errorf("settings of the second run (-want +got):\n%s", diff)
	}
}

func TestParseAxisRefuses(t *testing.T) {
	for _, text := range []string{"", "beta", "=1", "beta=", "beta=1,,2", "beta=1,1"} {
		if _, err := ParseAxis(text); !usage.Is(err) {
			t.Errorf("ParseAxis(%q) = %v, want a usage error", text, err)
		}
	}
}
