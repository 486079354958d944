package hub

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestProgressLines(t *testing.T) {
	var out bytes.Buffer
	now := time.Unix(0, 0)
	p := startProgress(&out, false, func() time.Time { return now }, "org/x", 100<<20, 20<<20)
	for i := range 5 {
		now = now.Add(4 * time.Second)
		p.set(int64(20+16*(i+1)) << 20)
	}
	fmt.Fprintln(p, "a message")
	p.finish()
	want := `org/x: downloading 100.0 MiB, of which 20.0 MiB are here
org/x: 68.0 MiB of 100.0 MiB, 4.0 MiB/s, 8s left (68%)
a message
org/x: downloaded 80.0 MiB in 20s
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("output (-want +got):\n%s", diff)
	}
}

func TestProgressBar(t *testing.T) {
	var out bytes.Buffer
	p := startProgress(&out, true, time.Now, "org/x", 4<<20, 0)
	p.set(4 << 20)
	p.set(1 << 20) // the file starts over
	fmt.Fprintln(p, "a message")
	p.set(4 << 20)
	p.finish()
	for _, part := range []string{"org/x", "100%", "4.0 MiB of 4.0 MiB", "a message\n"} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("output lacks %q: %q", part, out.String())
		}
	}
	if !strings.HasSuffix(out.String(), "\n") {
		t.Errorf("the cursor is left in the line: %q", out.String())
	}
}

func TestProgressOfLittleIsSilent(t *testing.T) {
	var out bytes.Buffer
	p := startProgress(&out, true, time.Now, "org/x", 1000, 0)
	p.set(1000)
	p.finish()
	if out.Len() > 0 {
		t.Errorf("output %q for a kilobyte", &out)
	}
}
