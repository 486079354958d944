// Package cli is the command line: one file per command, flags and messages, no work of its own.
//
// A command is a constructor in the list below. Its Short, Long and Example are shown by --help; its Args, when nil, allow
// no arguments; an error it returns is printed with its hints, and ends the program with exit code 2 when it was marked by
// package usage, else 1.
package cli

import (
	"context"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// commands are the constructors of all commands, in the order of the help text.
var commands []func(*App) *cobra.Command

// The list is filled here because some commands run others, which would make its initial value refer to itself.
func init() {
	commands = []func(*App) *cobra.Command{
		newDemoCommand,
		newSFTCommand,
		newTrainCommand,
		newSampleCommand,
		newPairsCommand,
		newPromptsCommand,
		newDataCommand,
		newSweepCommand,
		newInspectCommand,
		newEvalCommand,
		newMergeCommand,
		newReportCommand,
		newRewardCommand,
		newInitCommand,
		newTokenizerCommand,
		newEncodeCommand,
		newDecodeCommand,
		newBenchCommand,
		newDoctorCommand,
	}
}

const rootLong = `sparsepo fine-tunes language models on preference pairs. Each token's reward and KL divergence is weighted by a mask
that is learned, sparse, or read off the reference model's activations (SparsePO and MaPO, arXiv 2410.05102); DPO, TDPO,
SimPO and others are there to compare with.

Results go to standard output, logs and progress to standard error.
Exit codes: 0 done, 1 the work failed, 2 the arguments or an input file are wrong, 130 interrupted.`

// newRoot builds the command tree for app.
func newRoot(app *App) *cobra.Command {
	cobra.EnableCommandSorting = false
	root := &cobra.Command{
		Use:           "sparsepo",
		Short:         "Preference optimisation of language models with sparse token masks",
		Long:          rootLong,
		Example:       "  sparsepo demo --out demo\n  sparsepo train --help",
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	flags := root.PersistentFlags()
	flags.BoolVar(&app.JSON, "json", false, "print results as JSON on standard output")
	flags.StringVar(&app.Engine, "engine", "auto", "compute engine: auto, onnx, go or xla:PATH (see sparsepo doctor)")
	flags.BoolVar(&app.Debug, "debug", false, "print stacks with errors")
	root.SetIn(app.Stdin)
	root.SetOut(app.Stdout)
	root.SetErr(app.Stderr)
	root.SetFlagErrorFunc(flagError)

	for _, construct := range commands {
		root.AddCommand(construct(app))
	}
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	addExamples(root)
	app.prepare(root)
	return root
}

// addExamples gives cobra's own commands the example that every command has.
func addExamples(root *cobra.Command) {
	for _, cmd := range root.Commands() {
		switch cmd.Name() {
		case "help":
			cmd.Example = "  sparsepo help train"
		case "completion":
			cmd.Example = "  source <(sparsepo completion bash)"
			for _, shell := range cmd.Commands() {
				shell.Example = "  sparsepo completion " + shell.Name()
			}
		}
	}
}

// version is the module version the binary was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}

// execute runs the command that args name. A panic of the command's goroutine comes back as an error with its stack.
func (a *App) execute(ctx context.Context, args []string) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = &panicError{cause: cause, stack: debug.Stack()}
		}
	}()
	root := newRoot(a)
	root.SetArgs(args)
	return root.ExecuteContext(ctx)
}
