package train

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"

	"github.com/gomlx/compute"
	gomodel "github.com/gomlx/gomlx/ml/model"

	"github.com/sparsepo/sparsepo/data"
	"github.com/sparsepo/sparsepo/internal/card"
	"github.com/sparsepo/sparsepo/internal/config"
	"github.com/sparsepo/sparsepo/internal/maskfile"
	"github.com/sparsepo/sparsepo/internal/source"
	"github.com/sparsepo/sparsepo/internal/step"
	"github.com/sparsepo/sparsepo/internal/usage"
	"github.com/sparsepo/sparsepo/loss"
	"github.com/sparsepo/sparsepo/mask"
	"github.com/sparsepo/sparsepo/model"
	"github.com/sparsepo/sparsepo/tokenizer"
)

// session is what a run works with: everything that is read before the first step.
type session struct {
	config    *config.Run
	backend   compute.Backend
	objective loss.Objective
	store     *gomodel.Store
	tokenizer *tokenizer.Tokenizer // nil where the model folder has none
	template  data.Template        // of chat messages; nil where the model folder has none
	marked    data.MarkedTemplate  // the same for conversations that are learned from
	program   *step.Program
	train     *data.Set
	plan      *data.Plan
	eval      *data.Set  // nil without eval_data
	evalPlan  *data.Plan // nil without eval_data
	total     int        // optimiser steps of the whole run
	schedule  schedule
	given     *given    // what was computed of the reference before the first step; nil where it runs in every step
	card      card.Card // of the finished model, without its results
}

// Objectives lists which settings each objective reads, for config.Run.Validate.
func Objectives(method string) (keys []string, known bool) {
	o, known := loss.Lookup(method)
	if o.Reference {
		return append(slices.Clone(o.Reads), "precompute_ref_log_probs", "reference_cache_gb"), known
	}
	return o.Reads, known
}

// open reads models and data. The cheap checks come first.
func open(ctx context.Context, c *config.Run, o Options, log func(format string, args ...any)) (opened *session, err error) {
	console := o.Log
	s := &session{config: c, backend: o.Backend, store: gomodel.NewStore()}
	defer func() {
		if opened == nil {
			s.given.close()
		}
	}()
	s.objective = objective(c)
	if err := settle(ctx, c, console); err != nil {
		return nil, err
	}
	models, err := s.openModels(ctx, console)
	if err != nil {
		return nil, err
	}
	defer models.Close()
	if s.tokenizer, err = models.Policy.Tokenizer(); err != nil {
		return nil, err
	}
	if s.template, err = models.Policy.Template(); err != nil {
		return nil, err
	}
	if s.marked, err = models.Policy.MarkedTemplate(); err != nil {
		return nil, err
	}
	if err := s.openData(ctx, models.Policy.Config, console, log); err != nil {
		return nil, err
	}
	settings, masks, err := s.settings(models.Reference())
	if err != nil {
		return nil, err
	}
	if err := s.openGiven(models, settings, o.ReferenceCache, log); err != nil {
		return nil, err
	}
	if err := s.checkMemory(models, log); err != nil {
		return nil, err
	}
	if err := s.fillGiven(ctx, models, settings, console, log); err != nil {
		return nil, err
	}
	if err := s.openProgram(models, settings, masks, log); err != nil {
		return nil, err
	}
	s.card = s.newCard(models, log)
	return s, nil
}

// objective is the run's, with the mask that the settings choose.
func objective(c *config.Run) loss.Objective {
	o, _ := loss.Lookup(c.Method)
	if c.Mask.Source == "file" && o.Mask != loss.NoMask {
		o.Mask = loss.FileMask
	}
	return o
}

// openModels opens the policy and, where the run reads one, the reference.
func (s *session) openModels(ctx context.Context, console io.Writer) (*source.Pair, error) {
	c := s.config
	reference := c.Reference
	if !s.objective.Reference && c.Frontier.Every == 0 {
		reference = ""
	}
	models, err := source.OpenPair(ctx, c.Model, reference, lora(c), console)
	if err != nil {
		return nil, err
	}
	if err := checkModels(c, models); err != nil {
		return nil, errors.Join(err, models.Close())
	}
	return models, nil
}

// checkModels compares models with settings.
func checkModels(c *config.Run, models *source.Pair) error {
	policy, reference := models.Policy.Config, models.Reference()
	switch {
	case c.MaxLength > policy.MaxPositions:
		return usage.Errorf("max_length: found %d, the model has %d positions; set max_length to at most that", c.MaxLength, policy.MaxPositions)
	case reference != nil && reference.MaxPositions < c.MaxLength:
		return usage.Errorf("max_length: found %d, the reference %s has %d positions; set max_length to at most that", c.MaxLength, c.Reference, reference.MaxPositions)
	case c.LoadIn4bit && models.Policy.Adapter == nil && models.Lora == nil:
		return usage.Errorf("load_in_4bit: weights in four bits cannot be trained; train an adapter beside them with use_peft")
	}
	return nil
}

func (s *session) openData(ctx context.Context, c *model.Config, console io.Writer, log func(string, ...any)) error {
	load := func(name string) (*data.Set, error) {
		options := data.LoadOptions{
			Task: data.Preference, VocabSize: c.Vocab, OnBadRecord: data.BadRecordPolicy(s.config.OnBadRecord),
			Masks: s.objective.Mask == loss.FileMask, Template: s.template, MarkedTemplate: s.marked,
			RatedPairs: data.RatedPairs(s.config.RatedPairs), MaxResponseWords: s.config.MaxResponseWords,
			Limits: data.Limits{
				MaxLength: s.config.MaxLength, MaxPromptLength: s.config.MaxPromptLength,
				TruncationMode: data.TruncationMode(s.config.TruncationMode),
			},
		}
		if !s.objective.Pairs {
			options.Task = data.Supervised
		}
		if s.tokenizer != nil {
			options.Tokenizer = s.tokenizer
		}
		set, report, err := source.Data(ctx, name, options, console)
		if report != nil {
			log("%s", report)
		}
		return set, err
	}
	var err error
	if s.train, err = load(s.config.Data); err != nil {
		return err
	}
	s.plan, err = data.NewPlan(s.train, data.PlanOptions{
		BatchSize: s.config.PerDeviceTrainBatchSize, Accumulation: s.config.GradientAccumulationSteps, Seed: uint64(s.config.Seed), Work: step.Work(c),
	})
	if err != nil {
		return err
	}
	s.total = s.config.MaxSteps
	if s.total < 0 {
		s.total = int(math.Ceil(s.config.NumTrainEpochs * float64(s.plan.StepsPerEpoch())))
	}
	s.schedule = newSchedule(s.config, s.total)
	if s.config.EvalData == "" {
		return nil
	}
	if s.eval, err = load(s.config.EvalData); err != nil {
		return err
	}
	s.evalPlan, err = data.NewPlan(s.eval, data.PlanOptions{BatchSize: s.config.PerDeviceEvalBatchSize, AnyOrder: true, Work: step.Work(c)})
	return err
}

// binding says how the networks' weights are kept.
func (s *session) binding() model.Binding {
	return model.Binding{Trainable: true, DType: computeType(s.config), Quantise: s.config.LoadIn4bit}
}

// settings are the objective's, and the tensors that learned masks start from; nil for random ones. reference is the
// configuration of the reference; nil without one.
func (s *session) settings(reference *model.Config) (step.Settings, map[string][]float32, error) {
	c := s.config
	settings := step.Settings{
		Objective: s.objective,
		Options: loss.Options{
			Beta: c.Beta, Alpha: c.Alpha, Gamma: c.Gamma, Lambda: c.Lambda, ReverseKL: c.KL == "reverse", L1U: c.L1U, L1D: c.L1D,
			LabelSmoothing: c.LabelSmoothing, RPOAlpha: c.RPOAlpha,
		},
		Map: mask.Map(c.Mask.Map), Groups: c.Mask.Groups, Recompute: c.GradientCheckpointing,
		Optimiser: step.Optimiser{
			Beta1: c.AdamBeta1, Beta2: c.AdamBeta2, Epsilon: c.AdamEpsilon,
			WeightDecay: c.WeightDecay, MaskWeightDecay: c.Mask.WeightDecay, MaxGradNorm: c.MaxGradNorm,
		},
	}
	if s.objective.Mask == loss.FileMask { // which no L1 norm can change
		settings.Options.L1U, settings.Options.L1D = 0, 0
	}
	if !s.objective.Mask.Learned() {
		return settings, nil, nil
	}
	settings.Learned = mask.Learned{
		Hidden: reference.Hidden, Layers: reference.Layers, Eps: reference.NormEps,
		AllLayers: c.Mask.Layers == "all", Depth: c.Mask.Depth, Width: c.Mask.Width, Norm: c.Mask.Norm,
		Dropout: c.Mask.Dropout, Binary: s.objective.Mask == loss.BinaryMask,
	}
	if c.Mask.Init == "" {
		return settings, nil, nil
	}
	masks, err := initialMasks(c.Mask.Init, reference, &settings.Learned, s.objective.Mask)
	return settings, masks, err
}

// openProgram binds the networks and builds the objective.
func (s *session) openProgram(models *source.Pair, settings step.Settings, masks map[string][]float32, log func(string, ...any)) error {
	policy, reference, err := s.bind(models)
	if err != nil {
		return err
	}
	log("policy %s: %s, %.2f M parameters%s", s.config.Model, policy.Config.Type, float64(models.Policy.NumParameters())/1e6, trainedShare(policy, models))
	if text := models.ReferenceText(); text != "" {
		log("reference: %s", text)
	}
	if s.given != nil {
		settings.Given = s.given.cache
	}
	s.program, err = step.New(s.backend, s.store, policy, reference, settings, masks, uint64(s.config.Seed))
	return err
}

// trainedShare says what of the policy is trained where that is not all of it.
func trainedShare(policy *model.Network, models *source.Pair) string {
	trained := 0
	for _, v := range policy.Trained() {
		trained += v.Shape().Size()
	}
	if all := models.Policy.NumParameters(); trained != all {
		return fmt.Sprintf(", %.3f M trained in its adapter", float64(trained)/1e6)
	}
	return ""
}

// initialMasks reads mask.init. The file decides the architecture.
func initialMasks(path string, reference *model.Config, a *mask.Learned, kind loss.MaskKind) (map[string][]float32, error) {
	file, err := maskfile.Read(path, reference)
	if err != nil {
		return nil, err
	}
	if kind == loss.IndependentMask && !file.Independent {
		return nil, usage.Errorf("mask.init: %s has one mask and the method needs two; its tensors under \"kl.\" are missing", path)
	}
	dropout, binary := a.Dropout, a.Binary
	*a = file.Architecture
	a.Dropout, a.Binary = dropout, binary
	return file.Tensors, nil
}

// save writes the policy and its masks as a model folder.
func (s *session) save(folder string) error {
	if err := s.program.Policy.Save(folder); err != nil {
		return err
	}
	tensors, err := s.program.MaskTensors()
	if err != nil || len(tensors) == 0 {
		return err
	}
	return maskfile.Write(filepath.Join(folder, maskfile.Name), tensors)
}

// close releases graphs and weights, which engines keep outside Go's memory, and the data.
func (s *session) close() {
	s.program.Close()
	s.store.Finalize()
	s.given.close()
	s.train.Close()
	if s.eval != nil {
		s.eval.Close()
	}
}

// exists reports whether a path is there.
func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
