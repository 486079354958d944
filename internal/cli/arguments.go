package cli

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// prepare goes over the command tree: a command that only holds others prints its help, or names the nearest one to an
// unknown word; every other command allows no arguments unless it says so, and notes when its own work begins.
func (a *App) prepare(cmd *cobra.Command) {
	if !cmd.Runnable() {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(cmd, args[0])
			}
			return nil
		}
		cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	}
	if cmd.Args == nil && cmd.Name() != "help" {
		cmd.Args = noArguments
	}
	if run := cmd.RunE; run != nil {
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			a.started = true
			return run(cmd, args)
		}
	}
	for _, child := range cmd.Commands() {
		a.prepare(child)
	}
}

func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return seeHelp(cmd, usage.Errorf("%s: unexpected argument %q; it takes flags only", cmd.CommandPath(), args[0]))
}

// unknownCommand is the error for a word that names no command of parent.
func unknownCommand(parent *cobra.Command, word string) error {
	var known []string
	for _, child := range parent.Commands() {
		if child.IsAvailableCommand() || child.Name() == "help" {
			known = append(known, child.Name())
		}
	}
	text := fmt.Sprintf("%s: unknown command %q", parent.CommandPath(), word)
	if nearest := usage.Nearest(word, known); nearest != "" {
		text += fmt.Sprintf("; did you mean %q?", nearest)
	}
	return seeHelp(parent, usage.Errorf("%s", text))
}

// flagError says what is wrong with a flag of cmd, in the words of the flag's user.
func flagError(cmd *cobra.Command, err error) error {
	// The flags of an unknown command are unknown as well: name the command first.
	if cmd.HasSubCommands() && cmd.Flags().NArg() > 0 {
		return unknownCommand(cmd, cmd.Flags().Arg(0))
	}
	var unknown *pflag.NotExistError
	var invalid *pflag.InvalidValueError
	switch {
	case errors.As(err, &unknown):
		err = unknownFlag(cmd, unknown)
	case errors.As(err, &invalid):
		err = invalidValue(cmd, invalid)
	default:
		err = usage.Errorf("%s: %w", cmd.CommandPath(), err)
	}
	return seeHelp(cmd, err)
}

func unknownFlag(cmd *cobra.Command, unknown *pflag.NotExistError) error {
	if unknown.GetSpecifiedShortnames() != "" {
		return usage.Errorf("%s: unknown flag -%s", cmd.CommandPath(), unknown.GetSpecifiedShortnames())
	}
	name := unknown.GetSpecifiedName()
	var known []string
	cmd.Flags().VisitAll(func(flag *pflag.Flag) { known = append(known, flag.Name) })
	if nearest := usage.Nearest(name, known); nearest != "" {
		return usage.Errorf("%s: unknown flag --%s; did you mean --%s?", cmd.CommandPath(), name, nearest)
	}
	return usage.Errorf("%s: unknown flag --%s", cmd.CommandPath(), name)
}

func invalidValue(cmd *cobra.Command, invalid *pflag.InvalidValueError) error {
	flag := invalid.GetFlag()
	var number *strconv.NumError
	if errors.As(invalid, &number) {
		return usage.Errorf("%s: --%s %q: want %s: %w", cmd.CommandPath(), flag.Name, invalid.GetValue(), kind(flag), number.Err)
	}
	return usage.Errorf("%s: --%s %q: %w", cmd.CommandPath(), flag.Name, invalid.GetValue(), errors.Unwrap(invalid))
}

// kind is the flag's type in the words of a user.
func kind(flag *pflag.Flag) string {
	switch flag.Value.Type() {
	case "int", "int8", "int16", "int32", "int64":
		return "a whole number"
	case "uint", "uint8", "uint16", "uint32", "uint64":
		return "a whole number, 0 or more"
	case "float32", "float64":
		return "a number"
	case "bool":
		return "true or false"
	}
	return flag.Value.Type()
}

func seeHelp(cmd *cobra.Command, err error) error {
	return usage.Hint(err, fmt.Sprintf("see %q", cmd.CommandPath()+" --help"))
}
