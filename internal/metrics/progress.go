package metrics

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// Progress shows how far a piece of work has come: a bar on a terminal, elsewhere a plain line every few seconds. It is safe
// for concurrent use. What goes wrong with showing it is ignored: the work matters more.
type Progress struct {
	mu    sync.Mutex
	out   io.Writer
	bar   *progressbar.ProgressBar // nil where there is no terminal, and after endBar
	now   func() time.Time
	title string
	total int

	barEnded bool // the bar has its line for good

	step    int
	values  string // the latest loss and accuracy, in words
	pace    pace
	printed time.Time // of the last plain line
	shown   int       // step of the last plain line
}

// lineInterval is the time between two plain lines, at least.
const lineInterval = 5 * time.Second

// NewProgress shows on out (standard error, as a rule) the progress of work that goes from step start, 0 unless it is
// resumed, to step total. The title is its name, in a word or two.
func NewProgress(out io.Writer, title string, start, total int) *Progress {
	file, ok := out.(*os.File)
	terminal := ok && term.IsTerminal(int(file.Fd()))
	return newProgress(out, terminal, time.Now, title, start, total)
}

func newProgress(out io.Writer, terminal bool, now func() time.Time, title string, start, total int) *Progress {
	p := &Progress{out: out, now: now, title: title, total: total, step: start, shown: -1}
	if terminal {
		p.bar = progressbar.NewOptions(max(1, total),
			progressbar.OptionSetWriter(out),
			progressbar.OptionSetWidth(20),
			progressbar.OptionShowCount(),
			progressbar.OptionSetPredictTime(false), // see pace: the bar's own forecast counts the first step and a resumed start
			progressbar.OptionSetElapsedTime(false),
			progressbar.OptionShowDescriptionAtLineEnd(),
			progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionSetDescription(title),
		)
		_ = p.bar.Set(start)
	}
	return p
}

// Update says that the work has reached a step, and what was measured there: its "loss" and "rewards/accuracies" are shown
// until others come. latest may be nil.
func (p *Progress) Update(step int, latest Record) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.step = step
	p.pace.add(p.now(), step)
	if values := describe(latest); values != "" {
		p.values = values
	}
	if p.bar != nil {
		p.bar.Describe(p.description(p.title))
		_ = p.bar.Set(min(step, p.total))
		return
	}
	if p.shown < 0 || p.now().Sub(p.printed) >= lineInterval {
		p.printLine()
	}
}

// Log writes a line of its own, above the bar where there is one.
func (p *Progress) Log(message string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.bar == nil:
	case p.bar.IsFinished():
		p.endBar()
	default:
		_ = p.bar.Clear()
		defer p.bar.RenderBlank() //nolint:errcheck // see Progress
	}
	fmt.Fprintln(p.out, message)
}

// Finish shows the last state, whether the work is complete or was broken off, and leaves the cursor at a new line.
func (p *Progress) Finish() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil {
		p.endBar()
	} else if p.shown != p.step && p.pace.begun() && !p.barEnded {
		p.printLine()
	}
}

// endBar leaves the bar as it is on a line of its own.
func (p *Progress) endBar() {
	_ = p.bar.Exit()
	fmt.Fprintln(p.out)
	p.bar, p.barEnded = nil, true
}

func (p *Progress) printLine() {
	p.printed, p.shown = p.now(), p.step
	percent := 100 * p.step / max(1, p.total)
	fmt.Fprintln(p.out, p.description(fmt.Sprintf("%s: step %d/%d (%d%%)", p.title, p.step, p.total, percent)))
}

// description is beginning, the latest values, and the time left as far as it is known.
func (p *Progress) description(beginning string) string {
	parts := []string{beginning}
	if p.values != "" {
		parts = append(parts, p.values)
	}
	if left, known := p.pace.left(p.total); known {
		parts = append(parts, left.Round(time.Second).String()+" left")
	}
	return strings.Join(parts, ", ")
}

func describe(r Record) string {
	var parts []string
	if loss, ok := r["loss"]; ok {
		parts = append(parts, fmt.Sprintf("loss %.4f", loss))
	}
	if accuracy, ok := r["rewards/accuracies"]; ok {
		parts = append(parts, fmt.Sprintf("accuracy %.2f", accuracy))
	}
	return strings.Join(parts, ", ")
}

// pace forecasts from the latest updates. The time before the first one is left out, since it includes what happens once.
type pace struct {
	times []time.Time
	steps []int
}

// paceWindow is how many updates the forecast rests on.
const paceWindow = 32

func (p *pace) begun() bool { return len(p.steps) > 0 }

func (p *pace) add(now time.Time, step int) {
	p.times, p.steps = append(p.times, now), append(p.steps, step)
	if len(p.steps) > paceWindow {
		p.times, p.steps = p.times[1:], p.steps[1:]
	}
}

// left returns the time until step total at the present pace.
func (p *pace) left(total int) (left time.Duration, known bool) {
	if !p.begun() {
		return 0, false
	}
	last := len(p.steps) - 1
	done, toDo := p.steps[last]-p.steps[0], total-p.steps[last]
	if done <= 0 || toDo <= 0 {
		return 0, false
	}
	seconds := p.times[last].Sub(p.times[0]).Seconds() / float64(done) * float64(toDo)
	return time.Duration(seconds * float64(time.Second)), true
}
