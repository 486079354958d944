package sandbox

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// Program is Python source with the tests that decide about it.
type Program struct {
	// Code is not trusted.
	Code string
	// Preamble is trusted code that the tests need: imports, functions that they call. It runs beside the tests.
	Preamble string
	// Tests is trusted code; the program passes when it runs to its end.
	Tests string
	// Names are what Tests takes from Code. Without any they are the names that Tests uses and neither it, Preamble nor
	// Python defines; names of standard modules are those modules.
	Names []string
}

// Kind is how a program was judged.
type Kind string

// The kinds. All but Passed mean that the program did not pass.
const (
	Passed  Kind = "passed"
	Failed  Kind = "failed"  // an assertion of the tests
	Error   Kind = "error"   // an exception, a crash, an end before the tests were through
	Timeout Kind = "timeout" // of wall-clock or processor time
	Memory  Kind = "memory"  // more than Limits.Memory wanted
	Output  Kind = "output"  // more than Limits.Output printed
	Killed  Kind = "killed"  // the processes that judge it ended or went silent
)

// Verdict is what became of a program.
type Verdict struct {
	Kind   Kind          `json:"kind"`
	Reason string        `json:"reason,omitempty"` // in a line; empty where it passed
	Wall   time.Duration `json:"wall"`
	CPU    time.Duration `json:"cpu"`         // processor time of the program
	Peak   int64         `json:"peak_memory"` // of the program, resident, bytes
}

// Passed reports whether all tests passed.
func (v Verdict) Passed() bool { return v.Kind == Passed }

// Limits of one program. Its processes are one: it can start no others, and no threads.
type Limits struct {
	Wall     time.Duration // for everything, tests included
	CPU      time.Duration // processor time of the program, and of the tests
	Memory   int64         // address space of each of the two processes, bytes
	Disk     int64         // private folder, bytes; it is held in memory
	FileSize int64         // one file, bytes
	Output   int64         // standard output and error together, bytes
	Files    int           // open files
}

// DefaultLimits are ours: the field's time limits are 2 to 3 seconds, of processor time where that is counted; the wall-clock
// limit leaves room for machines that are busy.
func DefaultLimits() Limits {
	return Limits{
		Wall: 15 * time.Second, CPU: 3 * time.Second, Memory: 1 << 30, Disk: 32 << 20, FileSize: 16 << 20, Output: 1 << 20, Files: 64,
	}
}

func (l Limits) validate() error {
	switch {
	case l.Wall <= 0 || l.CPU <= 0:
		return usage.Errorf("time limits of a program: found %s and %s of processor time, expected more than 0", l.Wall, l.CPU)
	case l.Memory < minMemory:
		return usage.Errorf("memory of a program: found %d bytes; Python itself needs %d", l.Memory, int64(minMemory))
	case l.Disk < 4096 || l.FileSize < 0 || l.Output < 0 || l.Files < 8:
		return usage.Errorf("limits of a program: found %d bytes of disk, %d a file, %d of output, %d files; expected at least 4096, 0, 0, 8",
			l.Disk, l.FileSize, l.Output, l.Files)
	}
	return nil
}

// minMemory is the least address space: a Python interpreter with its modules has about half of it.
const minMemory = 64 << 20

// Options of a sandbox.
type Options struct {
	Python  string // interpreter; empty for python3
	Workers int    // programs judged at once; 0 for one a processor
	Limits  Limits // the zero value counts as DefaultLimits
	// Unsafe runs programs as ordinary processes of this user, with limits but no isolation.
	Unsafe bool
}

// Sandbox judges programs. Its methods may be called concurrently.
type Sandbox struct {
	setup  setup
	limits Limits
	slots  chan *worker // one entry a worker; nil where it must be started first
	size   int
	closed sync.Once
}

// Open starts the workers. Where the kernel or the system refuses the isolation it returns an error that says what is
// missing and how to get it (ErrUnavailable), unless options say Unsafe.
func Open(ctx context.Context, options Options) (*Sandbox, error) {
	if options.Limits == (Limits{}) {
		options.Limits = DefaultLimits()
	}
	if err := options.Limits.validate(); err != nil {
		return nil, err
	}
	if options.Workers < 0 {
		return nil, usage.Errorf("workers of the sandbox: found %d, expected 1 or more", options.Workers)
	}
	if options.Workers == 0 {
		options.Workers = runtime.NumCPU()
	}
	python, err := findPython(ctx, options.Python)
	if err != nil {
		return nil, err
	}
	s := &Sandbox{
		setup:  setup{Python: python, Isolated: !options.Unsafe, Disk: options.Limits.Disk},
		limits: options.Limits, slots: make(chan *worker, options.Workers), size: options.Workers,
	}
	// The first worker shows whether the isolation works; the others start when they are needed.
	first, err := startWorker(s.setup)
	if err != nil {
		return nil, err
	}
	s.slots <- first
	for range options.Workers - 1 {
		s.slots <- nil
	}
	return s, nil
}

// Close ends the workers, and with them all that runs in them. It waits for calls of Run; there may be none afterwards.
func (s *Sandbox) Close() {
	s.closed.Do(func() {
		for range s.size {
			if w := <-s.slots; w != nil {
				w.stop()
			}
		}
	})
}

// Run judges one program. An error says that there is no verdict: the tests cannot be run, the sandbox does not work, or
// ctx ended.
func (s *Sandbox) Run(ctx context.Context, p Program) (Verdict, error) {
	select {
	case <-ctx.Done():
		return Verdict{}, ctx.Err()
	case w := <-s.slots: // none comes after Close
		v, w, err := s.runOn(ctx, w, p)
		s.slots <- w
		return v, err
	}
}

// runOn judges on a worker, which is started if it is nil. It returns the worker if that can be used again.
func (s *Sandbox) runOn(ctx context.Context, w *worker, p Program) (Verdict, *worker, error) {
	if w == nil {
		var err error
		if w, err = startWorker(s.setup); err != nil {
			return Verdict{}, nil, err
		}
	}
	stop := context.AfterFunc(ctx, w.kill)
	start := time.Now()
	answer, err := w.run(request{Program: p, Limits: s.limits})
	if !stop() {
		w.stop()
		return Verdict{}, nil, ctx.Err()
	}
	if err != nil {
		w.stop()
		return Verdict{Kind: Killed, Reason: err.Error(), Wall: time.Since(start)}, nil, nil
	}
	if answer.Broken != "" {
		w.stop()
		return Verdict{}, nil, errors.New("sandbox: " + answer.Broken)
	}
	if answer.Invalid != "" {
		return Verdict{}, w, usage.Errorf("tests of a program: %s", answer.Invalid)
	}
	answer.Verdict.Wall = time.Since(start)
	return answer.Verdict, w, nil
}

// RunAll judges programs side by side; verdicts come in their order. progress, which may be nil, is told how many are done,
// from one goroutine at a time. An error names the program by its place, counted from 0.
func (s *Sandbox) RunAll(ctx context.Context, programs []Program, progress func(done, total int)) ([]Verdict, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	verdicts := make([]Verdict, len(programs))
	var next atomic.Int64
	var group sync.WaitGroup
	var telling sync.Mutex
	done := 0
	for range min(s.size, len(programs)) {
		group.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(programs) || ctx.Err() != nil {
					return
				}
				v, err := s.Run(ctx, programs[i])
				if err != nil {
					cancel(fmt.Errorf("program %d: %w", i, err))
					return
				}
				verdicts[i] = v
				telling.Lock()
				done++
				if progress != nil {
					progress(done, len(programs))
				}
				telling.Unlock()
			}
		})
	}
	group.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return verdicts, nil
}

// ErrUnavailable is wrapped by the errors of Open that say that there can be no sandbox on this machine as it is: no Python,
// no isolation, another system.
var ErrUnavailable = errors.New("no sandbox")

// unavailable marks an error as ErrUnavailable.
type unavailable struct{ error }

func (e unavailable) Unwrap() []error { return []error{e.error, ErrUnavailable} }
