package train

import (
	"github.com/gomlx/compute/dtypes"

	"github.com/sparsepo/sparsepo/internal/config"
	"github.com/sparsepo/sparsepo/loss"
	"github.com/sparsepo/sparsepo/model"
)

// Validate checks the settings of a run, before anything is read but the kind of its model: one that is an adapter is
// trained further, so that a preset's new adapter is left out.
func Validate(c *config.Run) error {
	if c.UsePEFT && !c.Explicit("use_peft") && model.IsAdapter(c.Model) {
		c.UsePEFT = false
	}
	return c.Validate(Objectives, loss.Names())
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
