package loss_test

import (
	"os"
	"strings"
	"testing"

	"github.com/sparsepo/sparsepo/loss"
)

// The documentation lists every objective, with the settings it reads.
func TestDocumentation(t *testing.T) {
	for _, path := range []string{"../README.md", "../docs/objectives.md"} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range loss.All() {
			_, row, found := strings.Cut(string(text), "\n| `"+o.Name+"` |")
			if !found {
				t.Errorf("%s: no row for %s", path, o.Name)
				continue
			}
			row, _, _ = strings.Cut(row, "\n")
			for _, setting := range o.Reads {
				common := setting == "rpo_alpha" || strings.HasPrefix(setting, "mask.")
				if strings.Contains(path, "objectives") && !common && !strings.Contains(row, "`"+setting+"`") {
					t.Errorf("%s: the row of %s lacks %s", path, o.Name, setting)
				}
			}
		}
	}
}
