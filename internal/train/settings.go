package train

import (
	"context"
	"io"

	"github.com/gomlx/compute/dtypes"

	"github.com/sparsepo/sparsepo/internal/config"
	"github.com/sparsepo/sparsepo/internal/hub"
	"github.com/sparsepo/sparsepo/loss"
	"github.com/sparsepo/sparsepo/model"
)

// Validate checks the settings of a run, before anything is read.
func Validate(c *config.Run) error { return c.Validate(Objectives, loss.Names()) }

// settle leaves a preset's new adapter out where the model is an adapter, which is trained further.
func settle(ctx context.Context, c *config.Run, console io.Writer) error {
	if !c.UsePEFT || !c.FromPreset("use_peft") {
		return nil
	}
	folder, err := hub.Model(ctx, c.Model, hub.Options{Log: console})
	if err != nil || !model.IsAdapter(folder) {
		return err
	}
	c.UsePEFT = false
	return Validate(c)
}

// lora is the new adapter that the settings ask for; nil for none.
func lora(c *config.Run) *model.LoRA {
	if !c.UsePEFT {
		return nil
	}
	return &model.LoRA{Rank: c.LoraR, Alpha: c.LoraAlpha, Dropout: c.LoraDropout, RankStabilised: c.UseRSLora, Targets: c.LoraTargetModules}
}

// computeType is the type of the forward and backward passes.
func computeType(c *config.Run) dtypes.DType {
	if c.DType == "bfloat16" {
		return dtypes.BFloat16
	}
	return dtypes.Float32
}
