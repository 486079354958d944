//go:build amd64 || arm64

package sandbox

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
	"unicode"

	"golang.org/x/sys/unix"
)

// grace is how long the zygote may take to notice that a case is over.
const grace = 2 * time.Second

// trial is one program on its way to a verdict.
type trial struct {
	request
	limits                 zygoteLimits
	started                started
	finished               finished
	kind                   string // the judge's; empty for none
	reason                 string
	timedOut               atomic.Bool // by the clock on the wall
	overflown              atomic.Bool
	programBusy, judgeBusy atomic.Bool // longer than Limits.CPU
	over                   atomic.Bool // the processes are gone, and their ids may be others'
}

func newTrial(r request, folder string) *trial {
	return &trial{request: r, limits: zygoteLimits{
		Memory: r.Limits.Memory, CPU: 2*int64(math.Ceil(r.Limits.CPU.Seconds())) + 1, FileSize: r.Limits.FileSize, Files: r.Limits.Files, Folder: folder,
	}}
}

// run has the zygote fork the two processes and waits for their end. After an error nothing is known of any process.
func (c *trial) run(z *zygote) error {
	ours, theirs, err := socketPair()
	if err != nil {
		return err
	}
	defer ours.Close()
	output, input, err := os.Pipe()
	if err != nil {
		theirs.Close()
		return err
	}
	defer output.Close()
	err = z.send(c.limits, theirs, input)
	theirs.Close()
	input.Close()
	if err != nil {
		return err
	}
	// If the zygote hangs, everything ends.
	abort := time.AfterFunc(c.Limits.Wall+grace, func() { c.timedOut.Store(true); z.kill() })
	defer abort.Stop()
	if err := z.receive(&c.started); err != nil {
		return err
	}
	timer := time.AfterFunc(c.Limits.Wall, func() {
		c.stop(c.started.Program, &c.timedOut)
		c.stop(c.started.Judge, &c.timedOut)
	})
	defer timer.Stop()
	judged := make(chan struct{})
	go c.watch(judged)
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		if n, _ := io.CopyN(io.Discard, output, c.Limits.Output+1); n > c.Limits.Output {
			c.stop(c.started.Program, &c.overflown)
		}
	}()
	go c.tell(ours)
	c.listen(ours)
	close(judged)
	timer.Stop()
	err = z.receive(&c.finished)
	c.over.Store(true)
	if err != nil {
		return err
	}
	_ = output.SetReadDeadline(time.Now().Add(100 * time.Millisecond)) // all writers are gone, unless not isolated
	<-drained
	return nil
}

// stop kills a process of the case and notes why.
func (c *trial) stop(pid int, why *atomic.Bool) {
	why.Store(true)
	if !c.over.Load() {
		_ = unix.Kill(pid, unix.SIGKILL) // it may have ended
	}
}

// watch ends processes that take too much processor time. The kernel's own limit, which counts in clock ticks and so may be
// far off on a busy machine, is the second line.
func (c *trial) watch(judged <-chan struct{}) {
	ticks := time.NewTicker(20 * time.Millisecond)
	defer ticks.Stop()
	for {
		select {
		case <-judged:
			return
		case <-ticks.C:
		}
		if processorTime(c.started.Program) > c.Limits.CPU {
			c.stop(c.started.Program, &c.programBusy)
		}
		if processorTime(c.started.Judge) > c.Limits.CPU {
			c.stop(c.started.Judge, &c.judgeBusy)
		}
	}
}

// processorTime of a process so far; 0 if there is none.
func processorTime(pid int) time.Duration {
	var t unix.Timespec
	// A process's own clock has this number (MAKE_PROCESS_CPUCLOCK, CPUCLOCK_SCHED in linux/posix-timers.h).
	clock := int32(^uint32(pid)<<3 | 2)
	if unix.ClockGettime(clock, &t) != nil {
		return 0
	}
	return time.Duration(t.Nano())
}

// tell writes the program and its tests to the judge.
func (c *trial) tell(conn *os.File) {
	for _, text := range []string{c.Program.Code, c.Program.Preamble, c.Program.Tests, strings.Join(c.Program.Names, "\n")} {
		if err := writeFrame(conn, text); err != nil {
			return // a judge that is gone gives no verdict, which is seen elsewhere
		}
	}
}

// listen reads the judge's verdict. A judge that ends without one leaves it empty.
func (c *trial) listen(conn *os.File) {
	kind, err := readFrame(conn)
	if err != nil {
		return
	}
	reason, err := readFrame(conn)
	if err != nil {
		return
	}
	c.kind, c.reason = kind, oneLine(reason)
}

// oneLine makes a short line of a text that comes from a program.
func oneLine(text string) string {
	text = strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, text)), " ")
	const most = 400
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most]) + "…"
	}
	return text
}

// silent is the verdict where the processes could not be followed to their end.
func (c *trial) silent(err error) response {
	if c.timedOut.Load() {
		return response{Verdict: Verdict{Kind: Timeout, Reason: c.wallReason()}}
	}
	if errors.Is(err, io.EOF) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) {
		return response{Verdict: Verdict{Kind: Killed, Reason: "the program ended processes of the sandbox"}}
	}
	return response{Broken: err.Error()}
}

func (c *trial) wallReason() string { return fmt.Sprintf("more than %s", c.Limits.Wall) }

// resolve joins what the judge said with how the processes ended.
func (c *trial) resolve() response {
	v := Verdict{
		Kind: Kind(c.kind), Reason: c.reason,
		CPU: time.Duration(c.finished.Program.CPU * float64(time.Second)), Peak: c.finished.Program.Peak << 10,
	}
	status := syscall.WaitStatus(c.finished.Program.Status)
	switch {
	case c.kind == "invalid":
		return response{Invalid: c.reason}
	case c.overflown.Load():
		v.Kind, v.Reason = Output, fmt.Sprintf("more than %d bytes of output", c.Limits.Output)
	case v.Kind == Passed || v.Kind == Failed || v.Kind == Error || v.Kind == Memory:
	case c.timedOut.Load():
		v.Kind, v.Reason = Timeout, c.wallReason()
	case c.judgeBusy.Load():
		v.Kind, v.Reason = Timeout, fmt.Sprintf("the tests took more than %s of processor time", c.Limits.CPU)
	case c.programBusy.Load() || status.Signaled() && status.Signal() == unix.SIGKILL && v.CPU >= c.Limits.CPU:
		v.Kind, v.Reason = Timeout, fmt.Sprintf("more than %s of processor time", c.Limits.CPU)
	case c.kind == "":
		v.Kind, v.Reason = Killed, "the judge ended"
	case v.Reason != "":
		v.Kind = Error
	case status.Signaled():
		v.Kind, v.Reason = Error, fmt.Sprintf("the program was ended by signal %d (%s)", int(status.Signal()), status.Signal())
	default:
		v.Kind, v.Reason = Error, fmt.Sprintf("the program ended itself with status %d before its tests were through", status.ExitStatus())
	}
	return response{Verdict: v}
}
