package tensorboard

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protowire"
)

func TestChecksums(t *testing.T) {
	// The check value of CRC-32C, as in the catalogues of checksums, and RFC 3720's example of 32 zero bytes.
	for _, c := range []struct {
		data string
		want uint32
	}{{"123456789", 0xe3069283}, {strings.Repeat("\x00", 32), 0x8a9136aa}, {"", 0}} {
		if got := crc32.Checksum([]byte(c.data), castagnoli); got != c.want {
			t.Errorf("CRC32C of %q: got %#x, want %#x", c.data, got, c.want)
		}
		rotated := c.want>>15 | c.want<<17
		if got, want := maskedCRC([]byte(c.data)), uint32((uint64(rotated)+0xa282ead8)%(1<<32)); got != want {
			t.Errorf("masked CRC of %q: got %#x, want %#x", c.data, got, want)
		}
	}
}

// The beginning of every event file that TensorBoard's own writer makes, but for the time: length 24, its checksum.
func TestFirstRecord(t *testing.T) {
	var b strings.Builder
	if err := writeRecord(&b, make([]byte, 24)); err != nil {
		t.Fatal(err)
	}
	if got, want := hex.EncodeToString([]byte(b.String()[:12])), "1800000000000000a37f4b22"; got != want {
		t.Errorf("header of a record of 24 bytes: got %s, want %s", got, want)
	}
}

// parsed is an event read back.
type parsed struct {
	Step        int64
	WallTime    float64
	FileVersion string
	Start       bool
	Tags        []string
	Values      []float32
}

// readEvents parses an event file, checking every checksum and that nothing is left over.
func readEvents(t *testing.T, path string) []parsed {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var events []parsed
	for len(data) > 0 {
		size := binary.LittleEndian.Uint64(data)
		body := data[12 : 12+size]
		if got, want := binary.LittleEndian.Uint32(data[8:]), maskedCRC(data[:8]); got != want {
			t.Fatalf("event %d: checksum of the length: got %#x, want %#x", len(events), got, want)
		}
		if got, want := binary.LittleEndian.Uint32(data[12+size:]), maskedCRC(body); got != want {
			t.Fatalf("event %d: checksum of the data: got %#x, want %#x", len(events), got, want)
		}
		events = append(events, parseEvent(t, body))
		data = data[16+size:]
	}
	return events
}

func parseEvent(t *testing.T, body []byte) parsed {
	var e parsed
	eachField(t, body, func(number protowire.Number, value []byte, bits uint64) {
		switch number {
		case 1:
			e.WallTime = math.Float64frombits(bits)
		case 2:
			e.Step = int64(bits)
		case 3:
			e.FileVersion = string(value)
		case 5:
			eachField(t, value, func(_ protowire.Number, value []byte, _ uint64) {
				eachField(t, value, func(number protowire.Number, value []byte, bits uint64) {
					if number == 1 {
						e.Tags = append(e.Tags, string(value))
					} else {
						e.Values = append(e.Values, math.Float32frombits(uint32(bits)))
					}
				})
			})
		case 7:
			eachField(t, value, func(_ protowire.Number, _ []byte, bits uint64) { e.Start = bits == 1 })
		default:
			t.Fatalf("unexpected field %d", number)
		}
	})
	return e
}

func eachField(t *testing.T, message []byte, visit func(number protowire.Number, value []byte, bits uint64)) {
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		message = message[n:]
		var value []byte
		var bits uint64
		switch kind {
		case protowire.VarintType:
			bits, n = protowire.ConsumeVarint(message)
		case protowire.Fixed64Type:
			bits, n = protowire.ConsumeFixed64(message)
		case protowire.Fixed32Type:
			var half uint32
			half, n = protowire.ConsumeFixed32(message)
			bits = uint64(half)
		case protowire.BytesType:
			value, n = protowire.ConsumeBytes(message)
		}
		if n < 0 {
			t.Fatalf("field %d: %v", number, protowire.ParseError(n))
		}
		message = message[n:]
		visit(number, value, bits)
	}
}

func TestWriter(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "run", "tensorboard")
	clock := time.Unix(1_700_000_000, 500_000_000)
	w, err := create(folder, func() time.Time { return clock })
	if err != nil {
		t.Fatal(err)
	}
	write := func(step int64, values map[string]float64) {
		if err := w.Scalars(step, values); err != nil {
			t.Fatal(err)
		}
	}
	write(1, map[string]float64{"loss": 0.5, "rewards/margins": -0.25})
	// Every step is in the file before the next one.
	if got := len(readEvents(t, w.Path())); got != 2 {
		t.Errorf("%d events after the first step, want 2", got)
	}
	write(1<<40, map[string]float64{"loss": math.Inf(1)})
	write(3, nil)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	at := 1_700_000_000.5
	want := []parsed{
		{WallTime: at, FileVersion: "brain.Event:2"},
		{WallTime: at, Step: 1, Tags: []string{"loss", "rewards/margins"}, Values: []float32{0.5, -0.25}},
		{WallTime: at, Step: 1 << 40, Tags: []string{"loss"}, Values: []float32{float32(math.Inf(1))}},
		{WallTime: at, Step: 3},
	}
	if diff := cmp.Diff(want, readEvents(t, w.Path())); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if err := w.Scalars(4, nil); err == nil {
		t.Error("writing after Close: no error")
	}
}

func TestResume(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "run [1]")
	var paths []string
	for i := range 3 {
		var w *Writer
		var err error
		if i == 0 {
			w, err = Create(folder)
		} else {
			w, err = Resume(folder, 100)
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Scalars(101, map[string]float64{"loss": 1}); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, w.Path())
	}
	entries, err := os.ReadDir(folder)
	var found []string
	for _, e := range entries {
		found = append(found, filepath.Join(folder, e.Name()))
	}
	if err != nil || !slices.Equal(found, paths) {
		t.Errorf("files in the order of their names %q, begun in the order %q", found, paths)
	}
	events := readEvents(t, paths[1])
	if len(events) != 3 || !events[1].Start || events[1].Step != 101 {
		t.Errorf("events of the resumed run: got %+v, want a session start at step 101 after the version", events)
	}
	if first := readEvents(t, paths[0]); len(first) != 2 || first[1].Start {
		t.Errorf("events of the first run: got %+v, want no session start", first)
	}
}

func TestCreateRefuses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Create(file); err == nil || !strings.Contains(err.Error(), "create event file") {
		t.Errorf("folder is a file: got %v", err)
	}
}

func ExampleWriter() {
	folder, err := os.MkdirTemp("", "tensorboard")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(folder)
	w, err := Create(folder)
	if err != nil {
		fmt.Println(err)
		return
	}
	err = w.Scalars(10, map[string]float64{"loss": 0.69, "rewards/accuracies": 0.5})
	fmt.Println(err, w.Close())
	// Output: <nil> <nil>
}
