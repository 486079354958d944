package train

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gomlx/compute"

	"github.com/sparsepo/sparsepo/data"
	"github.com/sparsepo/sparsepo/internal/atomicfile"
	"github.com/sparsepo/sparsepo/internal/config"
	"github.com/sparsepo/sparsepo/internal/metrics"
	"github.com/sparsepo/sparsepo/internal/step"
	"github.com/sparsepo/sparsepo/internal/tensorboard"
	"github.com/sparsepo/sparsepo/internal/usage"
	"github.com/sparsepo/sparsepo/loss"
)

// Options of a run besides its settings.
type Options struct {
	Backend compute.Backend
	// Log receives log lines and, on a terminal, the progress bar.
	Log io.Writer
	// ReferenceCache is the folder of precompute_ref_log_probs; "" stands for reference.Folder.
	ReferenceCache string
}

// Result of a finished run.
type Result struct {
	Out     string             `json:"out"`
	Steps   int                `json:"steps"`
	Seconds float64            `json:"seconds"`
	Metrics map[string]float64 `json:"metrics"` // the last training record and the last evaluation
}

// runner is a run in progress.
type runner struct {
	*session
	progress progress
	writer   *metrics.Writer
	board    *tensorboard.Writer
	display  *metrics.Progress // nil before the first step
	console  io.Writer
	logFile  *os.File
	frontier *frontierProbe // nil without frontier.every

	last        map[string]float64 // the newest value of every metric
	tokens      int                // real tokens since the last record
	windowStart time.Time
	warnedDead  bool
}

// Run trains as the settings say. The run folder must not hold another run unless the settings resume it. When ctx ends the
// run writes a checkpoint and returns ctx's error.
func Run(ctx context.Context, c *config.Run, o Options) (*Result, error) {
	r := &runner{last: map[string]float64{}, console: o.Log}
	if err := prepareFolder(c); err != nil {
		return nil, err
	}
	var err error
	if r.logFile, err = os.OpenFile(filepath.Join(c.Out, "log.txt"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644); err != nil {
		return nil, fmt.Errorf("open the run's log: %w", err)
	}
	defer r.logFile.Close()
	if r.session, err = open(ctx, c, o, r.log); err != nil {
		return nil, err
	}
	defer r.close()
	if err := c.WriteYAML(filepath.Join(c.Out, "config.yaml")); err != nil {
		return nil, err
	}
	r.progress = progress{Window: newSummary(), Method: c.Method, Model: r.program.Policy.Config.Type, Pairs: r.train.Len()}
	if c.Resume {
		if err := r.resume(); err != nil {
			return nil, err
		}
	}
	if err := r.openWriters(); err != nil {
		return nil, err
	}
	defer func() { _ = r.closeWriters() }()
	if err := r.recall(); err != nil {
		return nil, err
	}
	if c.Frontier.Every > 0 {
		if r.frontier, err = newFrontierProbe(ctx, r.session, o.Log, r.log); err != nil {
			return nil, err
		}
		defer r.frontier.close()
	}
	start := time.Now()
	if err := r.loop(ctx); err != nil {
		return nil, err
	}
	if err := r.finish(); err != nil {
		return nil, err
	}
	return &Result{Out: c.Out, Steps: r.progress.Step, Seconds: time.Since(start).Seconds(), Metrics: r.last}, r.closeWriters()
}

// prepareFolder makes the run folder and refuses one that holds another run.
func prepareFolder(c *config.Run) error {
	if !c.Resume && exists(filepath.Join(c.Out, metricsFile)) {
		return usage.Hint(usage.Errorf("out: %s holds a run already", c.Out), "continue it with --resume, or choose another folder with --out")
	}
	if err := os.MkdirAll(c.Out, 0o755); err != nil {
		return usage.Errorf("make the run folder: %w", err)
	}
	return nil
}

func (r *runner) openWriters() error {
	var err error
	if r.writer, err = metrics.Open(filepath.Join(r.config.Out, metricsFile), r.resumedAt()); err != nil {
		return err
	}
	folder := filepath.Join(r.config.Out, "tensorboard")
	if r.progress.Step > 0 {
		r.board, err = tensorboard.Resume(folder, int64(r.progress.Step))
	} else {
		r.board, err = tensorboard.Create(folder)
	}
	return err
}

// resumedAt is the step that the metrics file goes on after.
func (r *runner) resumedAt() int {
	if r.progress.Step == 0 {
		return metrics.Afresh
	}
	return r.progress.Step
}

// closeWriters may be called twice.
func (r *runner) closeWriters() error {
	if r.display != nil {
		r.display.Finish()
		r.display = nil
	}
	return errors.Join(r.writer.Close(), r.board.Close())
}

// log writes a line to the run's log and to the display.
func (r *runner) log(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	fmt.Fprintf(r.logFile, "%s %s\n", time.Now().UTC().Format(time.RFC3339), line)
	if r.display != nil {
		r.display.Log(line)
		return
	}
	fmt.Fprintln(r.console, line)
}

func (r *runner) loop(ctx context.Context) error {
	r.log("%d steps over %d records, method %s", r.total, r.train.Len(), r.config.Method)
	r.display = metrics.NewProgress(r.console, r.config.Method, r.progress.Step, r.total)
	r.windowStart = time.Now()
	if !r.progress.Measured { // the untouched model, or the step that an interruption cut short
		if err := r.measure(ctx); err != nil {
			return r.interrupted(err)
		}
	}
	for batches, err := range r.plan.Steps(r.progress.Step) {
		if r.progress.Step >= r.total {
			return nil
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return r.interrupted(err)
		}
		if err := r.step(batches); err != nil {
			return err
		}
		if err := r.afterStep(ctx); err != nil {
			return r.interrupted(err)
		}
	}
	return nil
}

// interrupted keeps what was done when the user stops the run.
func (r *runner) interrupted(err error) error {
	if !errors.Is(err, context.Canceled) || r.progress.Step == 0 {
		return err
	}
	return errors.Join(err, r.saveCheckpoint())
}

// step is one optimiser step.
func (r *runner) step(s data.Step) error {
	done := r.progress.Step
	factor := r.schedule.factor(done)
	rates := step.Rates{Policy: r.config.LearningRate * factor, Mask: r.config.Mask.LearningRate * factor, Step: done + 1}
	micro := make([]*data.Batch, len(s.Batches))
	for i := range s.Batches {
		micro[i] = &s.Batches[i]
	}
	values, norm, err := r.program.Update(micro, rates, noise(r.config.Seed, done))
	if err != nil {
		return err
	}
	if err := r.checkFinite(s, values, norm); err != nil {
		return err
	}
	for i, b := range micro {
		r.progress.Window.addBatch(b, values[i])
		r.tokens += b.RealTokens
		if r.objective.Mask != loss.NoMask && !r.warnedDead && deadMask(b, values[i]) {
			r.warnedDead = true
			r.log("warning: step %d: the mask is zero at every response token, so these pairs pass no gradient; try another seed, a lower l1_u/l1_d or mask.learning_rate", done+1)
		}
	}
	r.progress.Window.add("grad_norm", norm, 1)
	r.progress.Step++
	r.progress.Evaluated, r.progress.Measured = false, false
	r.last["learning_rate"] = rates.Policy
	return nil
}

// checkFinite stops the run at a loss or gradient that is no number and names the records.
func (r *runner) checkFinite(s data.Step, values []step.Values, norm float64) error {
	var sources []string
	for i := range s.Batches {
		for _, index := range notFinite(&s.Batches[i], values[i]) {
			sources = append(sources, r.train.Source(index))
		}
	}
	what := "the loss is not a finite number for"
	if len(sources) == 0 && (math.IsNaN(norm) || math.IsInf(norm, 0)) {
		what = "the gradient is not finite; the step's records are"
		for _, b := range s.Batches {
			for _, index := range b.Index {
				sources = append(sources, r.train.Source(index))
			}
		}
	}
	if len(sources) == 0 {
		return nil
	}
	err := fmt.Errorf("step %d: %s %s", r.progress.Step+1, what, strings.Join(sources, ", "))
	return usage.Hint(err, "lower learning_rate or beta, or look at the records; the last checkpoint is unharmed")
}

// afterStep logs, evaluates and saves where the step is due.
func (r *runner) afterStep(ctx context.Context) error {
	done := r.progress.Step
	if r.due(r.config.LoggingSteps) {
		if err := r.record(); err != nil {
			return err
		}
	}
	r.display.Update(done, r.last)
	if err := r.measure(ctx); err != nil {
		return err
	}
	if r.config.SaveSteps > 0 && done%r.config.SaveSteps == 0 {
		return r.saveCheckpoint()
	}
	return nil
}

// due reports whether something that happens every so many steps happens now; it also does at the last step.
func (r *runner) due(every int) bool {
	return every > 0 && (r.progress.Step%every == 0 || r.progress.Step == r.total)
}

// measure evaluates and samples where the step is due. The untouched model, at step 0, is only sampled.
func (r *runner) measure(ctx context.Context) error {
	if r.progress.Step > 0 && !r.progress.Evaluated && r.due(r.config.EvalSteps) {
		if err := r.evaluate(ctx); err != nil {
			return err
		}
		r.progress.Evaluated = true
	}
	if r.due(r.config.Frontier.Every) {
		if err := r.measureFrontier(ctx); err != nil {
			return err
		}
	}
	r.progress.Measured = true
	return nil
}

// record writes the means since the last record.
func (r *runner) record() error {
	values := r.progress.Window.means("")
	values["learning_rate"] = r.last["learning_rate"]
	seconds := time.Since(r.windowStart).Seconds()
	values["tokens_per_second"] = float64(r.tokens) / seconds
	r.progress.Window, r.tokens, r.windowStart = newSummary(), 0, time.Now()
	return r.write(values)
}

// write adds step and epoch to a record and writes it to metrics.jsonl and TensorBoard.
func (r *runner) write(values map[string]float64) error {
	maps.Copy(r.last, values)
	if err := r.board.Scalars(int64(r.progress.Step), values); err != nil {
		return err
	}
	record := metrics.Record{"step": float64(r.progress.Step), "epoch": r.plan.Epoch(r.progress.Step)}
	maps.Copy(record, values)
	return r.writer.Write(record)
}

// evaluate measures the objective on eval_data.
func (r *runner) evaluate(ctx context.Context) error {
	if r.eval == nil {
		return nil
	}
	start := time.Now()
	sum := newSummary()
	for s, err := range r.evalPlan.EpochSteps(0) {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		for i := range s.Batches {
			values, err := r.program.Evaluate(&s.Batches[i], noise(r.config.Seed, s.Number))
			if err != nil {
				return err
			}
			sum.addBatch(&s.Batches[i], values)
		}
	}
	values := sum.means("eval_")
	values["eval_runtime"] = time.Since(start).Seconds()
	r.windowStart = r.windowStart.Add(time.Since(start)) // tokens_per_second is the training's alone
	r.log("step %d: eval_loss %.4f%s", r.progress.Step, values["eval_loss"], accuracyText(values))
	if err := r.write(values); err != nil {
		return err
	}
	return r.keepBest(values["eval_loss"])
}

func accuracyText(values map[string]float64) string {
	if accuracy, ok := values["eval_rewards/accuracies"]; ok {
		return fmt.Sprintf(", eval_rewards/accuracies %.3f", accuracy)
	}
	return ""
}

// keepBest saves the weights when they are the best so far and the best are wanted at the end.
func (r *runner) keepBest(evalLoss float64) error {
	if !r.config.LoadBestModelAtEnd || (r.progress.BestLoss != nil && evalLoss >= *r.progress.BestLoss) {
		return nil
	}
	r.progress.BestLoss = &evalLoss
	return atomicfile.WriteFolder(filepath.Join(r.config.Out, bestFolder), r.saveWithCard)
}

// finish writes RUN/final: the last weights, or the best ones where they were kept.
func (r *runner) finish() error {
	final := filepath.Join(r.config.Out, finalFolder)
	fill := r.saveWithCard
	if best := filepath.Join(r.config.Out, bestFolder); r.config.LoadBestModelAtEnd && exists(best) {
		fill = func(dir string) error { return os.CopyFS(dir, os.DirFS(best)) }
	}
	if err := atomicfile.WriteFolder(final, fill); err != nil {
		return fmt.Errorf("write the finished model: %w", err)
	}
	r.log("finished: %s", final)
	return r.inspect()
}
