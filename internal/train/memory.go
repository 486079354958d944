package train

import (
	"fmt"
	"strings"

	"github.com/gomlx/compute/dtypes"

	"github.com/sparsepo/sparsepo/data"
	"github.com/sparsepo/sparsepo/engine"
	"github.com/sparsepo/sparsepo/internal/memory"
	"github.com/sparsepo/sparsepo/internal/source"
	"github.com/sparsepo/sparsepo/internal/step"
	"github.com/sparsepo/sparsepo/internal/usage"
	"github.com/sparsepo/sparsepo/model"
)

// available is what checkMemory compares with; tests put another in its place.
var available = memory.Available

// surely is the share of what the passes are estimated to keep that a run needs for sure: below it a run is refused, between
// it and the estimate the log warns.
const surely = 0.6

// checkMemory logs what the run will need and refuses one that cannot fit, before any weights are read. An engine with memory
// of its own, a GPU's, is not compared with the machine's.
func (s *session) checkMemory(models *source.Pair, log func(string, ...any)) error {
	shapes := s.plan.Shapes()
	likely, err := s.need(models, shapes[0])
	if err != nil {
		return err
	}
	largest, err := s.need(models, shapes[len(shapes)-1])
	if err != nil {
		return err
	}
	free, known := available()
	if !known || !s.backend.HasSharedBuffers() {
		log("memory: about %s", largest)
		return nil
	}
	log("memory: about %s; %.1f GB are free", largest, float64(free)/1e9)
	least := likely.Certain() + int64(surely*float64(likely.Activations+likely.Logits))
	switch {
	case least > free:
		return usage.Hint(usage.Errorf("memory: the run needs about %s, and %.1f GB are free", largest, float64(free)/1e9), s.advice(models, likely))
	case largest.Total() > free:
		log("warning: the largest batches may not fit; %s", s.advice(models, largest))
	}
	return nil
}

// need estimates a run whose batches have a shape.
func (s *session) need(models *source.Pair, shape data.Shape) (memory.Need, error) {
	c := s.config
	r := memory.Run{
		Policy: models.Policy.Checkpoint, Reference: models.Whole(), Compared: models.Reference() != nil,
		Trained: models.Policy.NumParameters(), FrozenAs: 4, FourBit: c.LoadIn4bit, Recompute: c.GradientCheckpointing, Shape: shape,
		Fused: engine.Fuses(s.backend),
	}
	if s.given != nil {
		r.Compared = false
		switch {
		case s.keepsReference(): // for the frontier
		case step.HeadNeeded(s.given.fields):
			r.HeadOnly = true
		default:
			r.Reference = nil
		}
	}
	if computeType(c) == dtypes.BFloat16 {
		r.FrozenAs = 2
	}
	adapter := models.Policy.Adapter
	if models.Lora != nil {
		adapter = model.NewAdapter(*models.Lora, "", 0)
	}
	if adapter != nil {
		r.Adapter = true
		var err error
		if r.Trained, err = models.Policy.AdapterParameters(adapter); err != nil {
			return memory.Need{}, err
		}
	}
	return memory.Estimate(r), nil
}

// advice lists the settings that would help, the strongest first.
func (s *session) advice(models *source.Pair, n memory.Need) string {
	c := s.config
	var list []string
	add := func(useful bool, format string, args ...any) {
		if useful {
			list = append(list, fmt.Sprintf(format, args...))
		}
	}
	adapted := models.Policy.Adapter != nil || models.Lora != nil
	passes := n.Activations + n.Logits
	weights := n.Certain() > passes
	add(weights && !adapted, "use_peft=true trains an adapter, without gradients, optimiser state and a second copy of the model")
	add(weights && adapted && !c.LoadIn4bit, "load_in_4bit=true keeps the frozen layers in an eighth of the space")
	add(weights && adapted && models.Whole() != nil, "--reference base or adapter:NAME shares the policy's weights")
	add(c.PerDeviceTrainBatchSize > 1, "per_device_train_batch_size=%d with gradient_accumulation_steps=%d is the same training in smaller passes",
		(c.PerDeviceTrainBatchSize+1)/2, c.GradientAccumulationSteps*2)
	add(!c.GradientCheckpointing && n.Activations > n.Logits, "gradient_checkpointing=true")
	add(true, "a shorter max_length than %d", c.MaxLength)
	add(engine.BFloat16(s.backend) && computeType(c) != dtypes.BFloat16, "dtype=bfloat16")
	return strings.Join(list, "; ")
}
