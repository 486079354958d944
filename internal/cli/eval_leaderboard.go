package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sparsepo/sparsepo/internal/evaluation"
	"github.com/sparsepo/sparsepo/internal/leaderboard"
	"github.com/sparsepo/sparsepo/internal/metrics"
	"github.com/sparsepo/sparsepo/internal/source"
	"github.com/sparsepo/sparsepo/internal/usage"
)

// leaderboardWork is the work of the commands for the Open LLM Leaderboard's tasks.
type leaderboardWork struct {
	evalWork
	families []leaderboard.Family
	source   leaderboard.Source
	only     []string
	chat     bool
	oneTurn  bool
	system   string
}

const leaderboardHelp = `

Prompts, examples and scores are those of lm-evaluation-harness, so that numbers can be compared. --data is a folder or file
of the documents, or a hub id; without it the published data set is downloaded. With --chat prompts are conversations in
the model's own template. The table has the raw score of every task with its standard error, and the normalised one
between 0 (guessing) and 100.

With --out every item's record goes to a file, one JSON object a line, and an evaluation that was broken off goes on where it
was. "sparsepo eval compare" compares two such files.`

// newLeaderboardCommand makes the command for some families.
func newLeaderboardCommand(app *App, name, short, long, example string, families ...leaderboard.Family) *cobra.Command {
	work := leaderboardWork{families: families}
	cmd := &cobra.Command{
		Use:     name + " --model MODEL [--data DATA]",
		Short:   short,
		Long:    long + leaderboardHelp,
		Example: example,
		RunE:    func(cmd *cobra.Command, _ []string) error { return work.run(cmd.Context(), app) },
	}
	flags := cmd.Flags()
	generates := slices.ContainsFunc(families, leaderboard.Family.Generates)
	work.add(cmd, len(families) > 1 || !generates, generates)
	flags.StringVar(&work.source.Name, "data", "", "folder or file of the documents, or hub id (default: the published data set)")
	if len(families) == 1 && len(families[0].Tasks()) > 1 {
		flags.StringSliceVar(&work.only, "only", nil, "only these tasks: "+strings.Join(families[0].Tasks(), ", "))
	}
	if len(families) > 1 || families[0].HasExamples() {
		flags.StringVar(&work.source.Examples, "examples", "", "folder or file that the prompts' examples come from (default: beside the data)")
	}
	flags.BoolVar(&work.chat, "chat", false, "write prompts in the model's chat template")
	flags.BoolVar(&work.oneTurn, "one-turn", false, "with --chat: all examples in one turn of the user")
	flags.StringVar(&work.system, "system", "", "with --chat: instruction of the system turn")
	return cmd
}

func newEvalLeaderboardCommand(app *App) *cobra.Command {
	return newLeaderboardCommand(app, "leaderboard", "All tasks of the Open LLM Leaderboard v2, with their average",
		`Run BBH, MATH (level 5), GPQA, MuSR, MMLU-Pro and IFEval. --data is a folder with a folder for each of them: bbh, math, gpqa,
musr, mmlu_pro, ifeval; those that are missing are left out, and named. Where all are there, the result has the mean of the seven
columns of the paper's tables (IFEval counts by instruction and by prompt) and the leaderboard's own mean of six.`,
		"  sparsepo eval leaderboard --model run/final --data data --out results.jsonl", leaderboard.Families...)
}

func newEvalBBHCommand(app *App) *cobra.Command {
	return newLeaderboardCommand(app, "bbh", "BIG-Bench Hard: 24 tasks of multiple choice, 3 examples",
		`Run BIG-Bench Hard by the log-probability of the choices. The examples are taken from the folder cot-prompts beside the data.`,
		"  sparsepo eval bbh --model run/final --data data/bbh --only navigate,snarks", leaderboard.BBH)
}

func newEvalMATHCommand(app *App) *cobra.Command {
	return newLeaderboardCommand(app, "math", "MATH, level 5: generated solutions, 4 examples",
		`Have the model solve the hardest problems of MATH, and compare its final answers with the right ones, by their values
(exact_match) and by Minerva's rule (exact_match_original). The four examples of the published task are in no data set: they
are read from the file minerva.jsonl beside the data, or --examples, with problem and solution in each line. Without it the
first problems below level 5 are the examples, and scores cannot be compared with published ones.`,
		"  sparsepo eval math --model run/final --data data/math --only algebra --limit 50", leaderboard.MATH)
}

func newEvalGPQACommand(app *App) *cobra.Command {
	return newLeaderboardCommand(app, "gpqa", "GPQA: graduate questions, multiple choice",
		`Run GPQA by the log-probability of the choices. The data set is not public: --data is a folder with gpqa_diamond.csv,
gpqa_extended.csv and gpqa_main.csv, or the hub id once its terms are accepted.`,
		"  sparsepo eval gpqa --model run/final --data gpqa --only diamond", leaderboard.GPQA)
}

func newEvalMuSRCommand(app *App) *cobra.Command {
	return newLeaderboardCommand(app, "musr", "MuSR: reasoning over stories, multiple choice",
		`Run MuSR by the log-probability of the choices a character.`,
		"  sparsepo eval musr --model run/final --data data/musr", leaderboard.MuSR)
}

func newEvalMMLUProCommand(app *App) *cobra.Command {
	return newLeaderboardCommand(app, "mmlu_pro", "MMLU-Pro: multiple choice of up to ten, 5 examples",
		`Run MMLU-Pro by the log-probability of the choices' letters. The examples are the first of the validation part; where that is
not beside the data, the first of the test part, which are then not asked.`,
		"  sparsepo eval mmlu_pro --model run/final --data data/mmlu_pro --limit 500", leaderboard.MMLUPro)
}

func newEvalIFEvalCommand(app *App) *cobra.Command {
	return newLeaderboardCommand(app, "ifeval", "IFEval: instructions whose following can be checked",
		`Have the model answer prompts with instructions that a program can check, and count those that were followed: strictly, and
after small changes to the response (loose).`,
		"  sparsepo eval ifeval --model run/final --data data/ifeval --chat", leaderboard.IFEval)
}

func (w *leaderboardWork) run(ctx context.Context, app *App) error {
	if err := w.check(); err != nil {
		return err
	}
	tasks, err := w.load(ctx, app)
	if err != nil {
		return err
	}
	settings := map[string]string{}
	if w.chat {
		settings["chat"] = "turns"
		if w.oneTurn {
			settings["chat"] = "one turn"
		}
		if w.system != "" {
			settings["system"] = w.system
		}
	}
	network, file, err := w.open(ctx, app, settings)
	if err != nil {
		return err
	}
	defer network.Close()
	run := &evaluation.Run{Model: network, File: file, System: w.system, OneTurn: w.oneTurn, Limit: w.limit, Responses: batchesAtOnce * w.batch.Rows}
	if w.chat {
		run.Template = w.template
	}
	display := metrics.NewProgress(app.Stderr, "items", 0, w.items(tasks))
	run.Progress = func(done, _ int) { display.Update(done, nil) }
	err = run.Leaderboard(ctx, tasks)
	display.Finish()
	return w.finish(app, file, err)
}

func (w *leaderboardWork) check() error {
	if !w.chat && (w.system != "" || w.oneTurn) {
		return usage.Errorf("--system and --one-turn say how conversations are written; give --chat too")
	}
	return w.evalWork.check()
}

// items is the number of items that are asked for.
func (w *leaderboardWork) items(tasks []*leaderboard.Task) int {
	n := 0
	for _, task := range tasks {
		if k := len(task.Items); w.limit == 0 || k < w.limit {
			n += k
		} else {
			n += w.limit
		}
	}
	return n
}

// load reads the tasks, and says what is not as published.
func (w *leaderboardWork) load(ctx context.Context, app *App) ([]*leaderboard.Task, error) {
	if info, err := os.Stat(w.source.Name); err == nil && !info.IsDir() && len(w.families) > 1 {
		return nil, usage.Errorf("--data %s: a file, expected a folder with a folder for each task family; eval TASK takes a file", w.source.Name)
	}
	w.source.Files = func(ctx context.Context, name string) ([]string, error) { return source.Files(ctx, name, app.Stderr) }
	var tasks []*leaderboard.Task
	for _, f := range w.families {
		if len(w.families) > 1 && w.lacks(f) {
			fmt.Fprintf(app.Stderr, "%s: left out, %s has no folder %s\n", f, w.source.Name, f)
			continue
		}
		some, err := leaderboard.Load(ctx, f, w.source, w.only)
		if err != nil {
			return nil, err
		}
		for i, task := range some {
			if task.Unanswerable > 0 {
				fmt.Fprintf(app.Stderr, "%s: documents left out because none of the choices is their answer: %d\n", task.Name, task.Unanswerable)
			}
			if task.Note != "" && (i == 0 || task.Note != some[i-1].Note) {
				fmt.Fprintf(app.Stderr, "%s: %s\n", f, task.Note)
			}
		}
		tasks = append(tasks, some...)
	}
	if len(tasks) == 0 {
		return nil, usage.Errorf("--data %s: no folder of any task family", w.source.Name)
	}
	return tasks, nil
}

// lacks reports whether the data are a folder without one for the family.
func (w *leaderboardWork) lacks(f leaderboard.Family) bool {
	info, err := os.Stat(w.source.Name)
	if err != nil || !info.IsDir() {
		return false
	}
	info, err = os.Stat(filepath.Join(w.source.Name, string(f)))
	return err != nil || !info.IsDir()
}
