package config

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// Flags gives cmd the flags that every trainer has: --config, --set, --preset, --resume and one for each of the commonest
// settings. The settings named in except get no flag, for a command that decides them itself (see Fixed).
func Flags(cmd *cobra.Command, except ...string) {
	flags := cmd.Flags()
	flags.String("config", "", "YAML file of settings; a run's own config.yaml repeats it")
	flags.StringArray("set", nil, "one setting as KEY=VALUE, dotted keys included; may be repeated")
	flags.String("preset", "", "the paper's settings, or those of its authors' scripts: "+strings.Join(PresetNames(), ", "))
	flags.Bool("resume", false, "continue the run in --out from its newest checkpoint, with its settings")
	for _, k := range keys {
		if k.flag != "" && !slices.Contains(except, k.name) {
			flags.Var(&textFlag{kind: k.placeholder()}, k.flag, k.flagHelp())
		}
	}
}

// textFlag keeps a flag's text, to be parsed like every other source's.
type textFlag struct{ kind, text string }

func (f *textFlag) String() string     { return f.text }
func (f *textFlag) Type() string       { return f.kind }
func (f *textFlag) Set(s string) error { f.text = s; return nil }

// placeholder is what the help text shows for the value.
func (k key) placeholder() string {
	switch expected := k.expected(); {
	case strings.HasPrefix(expected, "a whole number"):
		return "int"
	case strings.HasPrefix(expected, "a number"):
		return "float"
	}
	return "string"
}

func (k key) flagHelp() string {
	if standard := k.describeDefault(); standard != "" {
		return fmt.Sprintf("%s (default %s)", k.help, standard)
	}
	return k.help
}

// FromFlags resolves the sources that the flags of cmd name: --preset, then the --config file, then the --set
// assignments, then the other flags; extra sources come last. With --resume and without --config, the settings of the run
// in --out take the file's place.
func FromFlags(cmd *cobra.Command, extra ...Source) (*Run, error) {
	sources, err := Sources(cmd)
	if err != nil {
		return nil, err
	}
	run, err := Resolve(append(sources, extra...)...)
	if err != nil {
		return nil, err
	}
	run.Resume, err = cmd.Flags().GetBool("resume")
	return run, err
}

// Sources are the layers of settings that the flags of cmd name, for FromFlags or for a command that makes several runs of
// them.
func Sources(cmd *cobra.Command) ([]Source, error) {
	flags := cmd.Flags()
	text := func(name string) string {
		if f := flags.Lookup(name); f != nil {
			return f.Value.String()
		}
		return ""
	}
	resume, err := flags.GetBool("resume")
	if err != nil {
		return nil, err
	}
	assignments, err := flags.GetStringArray("set")
	if err != nil {
		return nil, err
	}
	var sources []Source
	if name := text("preset"); name != "" {
		sources = append(sources, Preset(name))
	}
	path := text("config")
	if path == "" && resume {
		if path, err = resumed(text("out")); err != nil {
			return nil, err
		}
	}
	if path != "" {
		sources = append(sources, File(path))
	}
	for _, assignment := range assignments {
		sources = append(sources, Set(assignment))
	}
	for _, k := range keys {
		name := k.flag
		if k.name == "engine" { // a flag of all commands
			name = "engine"
		}
		if name != "" && flags.Changed(name) {
			sources = append(sources, Flag(name, k.name, text(name)))
		}
	}
	return sources, nil
}

// resumed returns the path of the settings of the run in out.
func resumed(out string) (string, error) {
	if out == "" {
		return "", usage.Errorf("--resume: which run? give --out RUN or --config RUN/config.yaml")
	}
	path := filepath.Join(out, "config.yaml")
	if _, err := os.Stat(path); err != nil {
		return "", usage.Errorf("--resume: no run to continue in %s: %w", out, err)
	}
	return path, nil
}
