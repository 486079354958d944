package sweep

import (
	"encoding/json"
	"fmt"
	"path/filepath"

	"github.com/sparsepo/sparsepo/internal/atomicfile"
	"github.com/sparsepo/sparsepo/internal/frontier"
)

// FrontierFile is the sweep's result beside its runs, in the format of "eval frontier --json".
const FrontierFile = "frontier.json"

// WriteFrontier writes where the methods of a sweep stand between reward and KL.
func WriteFrontier(result *frontier.Result, out string) error {
	text, err := json.MarshalIndent(result, "", "  ")
	if err != nil {
		return fmt.Errorf("encode frontier: %w", err)
	}
	return atomicfile.WriteFile(filepath.Join(out, FrontierFile), append(text, '\n'))
}
