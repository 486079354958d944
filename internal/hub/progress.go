package hub

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/gomlx/compute/support/humanize"
	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

const (
	lineInterval = 10 * time.Second // between two plain lines
	leastShown   = 1 << 20          // bytes; less is done before anybody looks
)

// progress shows how much of a download is here: a bar on a terminal, elsewhere a plain line now and then. What goes wrong
// with showing it is ignored: the download matters more.
type progress struct {
	out     io.Writer
	bar     *progressbar.ProgressBar // nil where there is no terminal
	now     func() time.Time
	title   string
	total   int64 // bytes
	first   int64 // bytes that were here before
	done    int64
	begun   time.Time
	printed time.Time
	hidden  bool
}

func newProgress(out io.Writer, title string, total, here int64) *progress {
	disk, ok := out.(*os.File)
	terminal := ok && term.IsTerminal(int(disk.Fd()))
	return startProgress(out, terminal, time.Now, title, total, here)
}

func startProgress(out io.Writer, terminal bool, now func() time.Time, title string, total, here int64) *progress {
	p := &progress{out: out, now: now, title: title, total: total, first: here, done: here, hidden: total-here < leastShown}
	p.begun = now()
	p.printed = p.begun
	switch {
	case p.hidden:
	case terminal:
		p.bar = progressbar.NewOptions64(total,
			progressbar.OptionSetWriter(out),
			progressbar.OptionSetWidth(20),
			progressbar.OptionSetPredictTime(false), // see state: the bar's own forecast counts what was here before
			progressbar.OptionSetElapsedTime(false),
			progressbar.OptionShowDescriptionAtLineEnd(),
			progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionSetDescription(p.state()),
		)
		_ = p.bar.Set64(here)
	case here > 0:
		fmt.Fprintf(out, "%s: downloading %s, of which %s are here\n", title, humanize.Bytes(total), humanize.Bytes(here))
	default:
		fmt.Fprintf(out, "%s: downloading %s\n", title, humanize.Bytes(total))
	}
	return p
}

// set says how many bytes are here. They may become fewer: a file starts over.
func (p *progress) set(done int64) {
	p.done = done
	switch {
	case p.hidden:
	case p.bar != nil:
		p.bar.Describe(p.state())
		_ = p.bar.Set64(min(done, p.total-1)) // a full bar is finished, but the last file may have to start over
	case p.now().Sub(p.printed) >= lineInterval:
		p.printed = p.now()
		fmt.Fprintf(p.out, "%s (%d%%)\n", p.state(), 100*done/p.total)
	}
}

// state is how much is here, the pace, and the time that the rest takes at it.
func (p *progress) state() string {
	amount := fmt.Sprintf("%s: %s of %s", p.title, humanize.Bytes(p.done), humanize.Bytes(p.total))
	elapsed, moved := p.now().Sub(p.begun), p.done-p.first
	if elapsed < time.Second || moved <= 0 {
		return amount
	}
	pace := float64(moved) / elapsed.Seconds()
	rest := time.Duration(float64(p.total-p.done) / pace * float64(time.Second))
	return fmt.Sprintf("%s, %s/s, %s left", amount, humanize.Bytes(int64(pace)), rest.Round(time.Second))
}

// Write shows a message, above the bar where there is one.
func (p *progress) Write(message []byte) (int, error) {
	if p.bar != nil {
		_ = p.bar.Clear()
		defer p.bar.RenderBlank() //nolint:errcheck // see progress
	}
	return p.out.Write(message)
}

// finish leaves the cursor at a new line.
func (p *progress) finish() {
	switch {
	case p.hidden:
	case p.bar != nil:
		_ = p.bar.Set64(p.done)
		_ = p.bar.Exit()
		fmt.Fprintln(p.out)
	case p.done >= p.total:
		fmt.Fprintf(p.out, "%s: downloaded %s in %s\n", p.title, humanize.Bytes(p.total-p.first), p.now().Sub(p.begun).Round(time.Second))
	}
}
