package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/pflag"

	"github.com/sparsepo/sparsepo/internal/sandbox"
	"github.com/sparsepo/sparsepo/internal/usage"
)

// sandboxFlags are the flags of commands that run programs which a model wrote.
type sandboxFlags struct {
	options sandbox.Options
	seconds float64
}

func (f *sandboxFlags) add(flags *pflag.FlagSet) {
	flags.BoolVar(&f.options.Unsafe, "unsafe-no-sandbox", false, "run programs as ordinary processes of this user, with limits but no isolation")
	flags.StringVar(&f.options.Python, "python", "", "interpreter of the programs (default: python3)")
	flags.IntVar(&f.options.Workers, "workers", 0, "programs judged at once (0: one a processor)")
	flags.Float64Var(&f.seconds, "timeout", sandbox.DefaultLimits().CPU.Seconds(), "seconds of processor time of a program; it may take five times as long by the clock")
}

func (f *sandboxFlags) check() error {
	if f.seconds <= 0 {
		return usage.Errorf("--timeout: found %g, expected more than 0 seconds", f.seconds)
	}
	return nil
}

// open starts the sandbox, or says why it cannot be.
func (f *sandboxFlags) open(ctx context.Context, app *App) (*sandbox.Sandbox, error) {
	f.options.Limits = sandbox.DefaultLimits()
	f.options.Limits.CPU = time.Duration(f.seconds * float64(time.Second))
	f.options.Limits.Wall = 5 * f.options.Limits.CPU
	if f.options.Unsafe {
		fmt.Fprintln(app.Stderr, "warning: programs run without isolation (--unsafe-no-sandbox): they can reach the files and the network of this user")
	}
	return sandbox.Open(ctx, f.options)
}
