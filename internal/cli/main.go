package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	pkgerrors "github.com/pkg/errors"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// Exit codes of the program.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130
)

// Main runs the command line args (without the program's name) and returns the exit code: 0 done, 1 the work failed, 2 the
// arguments or an input file are wrong, 130 interrupted, which is when ctx ended before the command did.
func Main(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	app := &App{Stdin: stdin, Stdout: stdout, Stderr: stderr}
	err := app.execute(ctx, args)
	if err == nil {
		return exitDone
	}
	code := exitFailed
	switch {
	case ctx.Err() != nil:
		code = exitInterrupted
	case usage.Is(err) || !app.started && !isPanic(err):
		code = exitUsage
	}
	if code == exitInterrupted && errors.Is(err, context.Canceled) {
		fmt.Fprintln(stderr, "interrupted")
	} else {
		printError(stderr, err)
	}
	for _, hint := range usage.Hints(err) {
		fmt.Fprintln(stderr, "hint:", hint)
	}
	if app.Debug {
		printStack(stderr, err)
	}
	return code
}

// printError prints the error's lines, the second and later ones indented under the first.
func printError(w io.Writer, err error) {
	fmt.Fprintln(w, "error:", strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "\n       "))
}

// printStack prints the stack nearest to the cause of err, if any error on the way there recorded one.
func printStack(w io.Writer, err error) {
	var found string
	for ; err != nil; err = errors.Unwrap(err) {
		switch e := err.(type) { //nolint:errorlint // the loop unwraps, one layer at a time
		case *panicError:
			found = string(e.stack)
		case interface{ StackTrace() pkgerrors.StackTrace }:
			found = fmt.Sprintf("%+v", e.StackTrace())
		}
	}
	if found != "" {
		fmt.Fprintln(w, strings.TrimSpace(found))
	}
}

// panicError is a panic that ended a command: a mistake of the program.
type panicError struct {
	cause any
	stack []byte
}

func (p *panicError) Error() string { return fmt.Sprintf("internal error: %v", p.cause) }

func (p *panicError) Unwrap() error {
	err, _ := p.cause.(error)
	return err
}

func isPanic(err error) bool {
	var p *panicError
	return errors.As(err, &p)
}
