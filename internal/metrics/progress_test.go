package metrics

import (
	"strings"
	"testing"
	"time"
)

// clock is a time that passes when told.
type clock struct{ time time.Time }

func (c *clock) now() time.Time       { return c.time }
func (c *clock) pass(d time.Duration) { c.time = c.time.Add(d) }
func newClock() *clock                { return &clock{time.Unix(1_000_000, 0)} }
func accuracy(loss, share float64) Record {
	return Record{"step": 1, "loss": loss, "rewards/accuracies": share}
}

func TestProgressLines(t *testing.T) {
	var out strings.Builder
	c := newClock()
	p := newProgress(&out, false, c.now, "train", 0, 100)
	c.pass(30 * time.Second) // the first step compiles the graph; it does not count
	for step := 1; step <= 10; step++ {
		p.Update(step, accuracy(0.7, 0.5))
		c.pass(time.Second)
	}
	p.Log("checkpoint written")
	p.Update(20, nil)
	p.Update(100, accuracy(0.25, 1))
	p.Finish()
	want := `train: step 1/100 (1%), loss 0.7000, accuracy 0.50
train: step 6/100 (6%), loss 0.7000, accuracy 0.50, 1m34s left
checkpoint written
train: step 20/100 (20%), loss 0.7000, accuracy 0.50, 42s left
train: step 100/100 (100%), loss 0.2500, accuracy 1.00
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

func TestProgressOfAResumedRun(t *testing.T) {
	var out strings.Builder
	c := newClock()
	p := newProgress(&out, false, c.now, "train", 500, 1000)
	p.Update(501, nil)
	c.pass(10 * time.Second)
	p.Update(506, nil)
	p.Finish()
	want := "train: step 501/1000 (50%)\ntrain: step 506/1000 (50%), 16m28s left\n"
	if out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

func TestProgressWithoutUpdates(t *testing.T) {
	var out strings.Builder
	newProgress(&out, false, time.Now, "sample", 0, 0).Finish()
	if out.Len() != 0 {
		t.Errorf("got %q, want nothing", out.String())
	}
}

func TestProgressBar(t *testing.T) {
	var out strings.Builder
	p := newProgress(&out, true, time.Now, "train", 0, 4)
	p.Update(1, accuracy(0.7, 0.5))
	p.Log("checkpoint written")
	p.Update(4, accuracy(0.25, 1))
	p.Log("done")
	p.Finish()
	lines := strings.FieldsFunc(out.String(), func(r rune) bool { return r == '\r' || r == '\n' })
	last := ""
	for _, line := range lines {
		if strings.Contains(line, "100%") {
			last = line
		}
	}
	if !strings.Contains(last, "(4/4)") || !strings.Contains(last, "loss 0.2500, accuracy 1.00") {
		t.Errorf("the full bar is %q among %q", last, lines)
	}
	if !strings.Contains(out.String(), "\rcheckpoint written\n") || !strings.HasSuffix(out.String(), "accuracy 1.00 \ndone\n") {
		t.Errorf("the log lines do not stand by themselves in %q", out.String())
	}
}

func TestNewProgressOnAPipeIsPlain(t *testing.T) {
	var out strings.Builder
	p := NewProgress(&out, "train", 0, 10)
	p.Update(10, nil)
	p.Finish()
	if got, want := out.String(), "train: step 10/10 (100%)\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
