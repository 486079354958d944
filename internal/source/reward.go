package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/sparsepo/sparsepo/internal/hub"
	"github.com/sparsepo/sparsepo/internal/usage"
	"github.com/sparsepo/sparsepo/reward"
)

// Reward loads the reward model in a folder or of a hub id, "org/name"; log receives a download's progress. Close it with
// reward.Close.
func Reward(ctx context.Context, name string, options reward.Options, log io.Writer) (reward.Scorer, error) {
	folder := name
	if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) && strings.Contains(name, "/") {
		if folder, err = hub.Model(ctx, name, hub.Options{Log: log}); err != nil {
			return nil, usage.Hint(fmt.Errorf("reward model: %w", err), "fit one with \"sparsepo reward train\"")
		}
	}
	return reward.Load(folder, options)
}
