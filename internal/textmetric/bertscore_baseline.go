package textmetric

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// readBaseline reads the scores of unrelated texts at a layer.
func readBaseline(path string, layer int) (Overlap, error) {
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return Overlap{}, usage.Errorf("BERTScore baseline %s: no such file", path)
	}
	if err != nil {
		return Overlap{}, fmt.Errorf("read BERTScore baseline: %w", err)
	}
	defer file.Close()
	baseline, err := parseBaseline(file, layer)
	if err != nil {
		return Overlap{}, usage.Errorf("%s:%w", path, err)
	}
	return baseline, nil
}

// baselineHeader is the first line of bert_score's baseline files, whose fields stand between commas, whatever the files'
// names end in.
const baselineHeader = "LAYER,P,R,F"

// parseBaseline finds a layer's line. Errors begin with a line number.
func parseBaseline(r io.Reader, layer int) (Overlap, error) {
	lines := csv.NewReader(r)
	lines.FieldsPerRecord = -1
	header, err := lines.Read()
	if err != nil && !errors.Is(err, io.EOF) {
		return Overlap{}, fmt.Errorf("1: %w", err)
	}
	if got := strings.Join(header, ","); got != baselineHeader {
		return Overlap{}, fmt.Errorf("1: found %.40q, expected the header %s", got, baselineHeader)
	}
	for {
		fields, err := lines.Read()
		var syntax *csv.ParseError
		switch {
		case errors.Is(err, io.EOF):
			return Overlap{}, fmt.Errorf("1: no line for layer %d; the file is of another model", layer)
		case errors.As(err, &syntax):
			return Overlap{}, fmt.Errorf("%d: %w", syntax.Line, syntax.Err)
		case err != nil:
			return Overlap{}, fmt.Errorf(" %w", err)
		case strings.TrimSpace(fields[0]) != strconv.Itoa(layer):
			continue
		}
		line, _ := lines.FieldPos(0)
		baseline, err := baselineOf(fields)
		if err != nil {
			return Overlap{}, fmt.Errorf("%d: %w", line, err)
		}
		return baseline, nil
	}
}

func baselineOf(fields []string) (Overlap, error) {
	if len(fields) != 4 {
		return Overlap{}, fmt.Errorf("found %d fields, expected %s", len(fields), baselineHeader)
	}
	var values [3]float64
	for i := range values {
		x, err := strconv.ParseFloat(strings.TrimSpace(fields[i+1]), 64)
		if err != nil || math.IsNaN(x) || x >= 1 || x < -1 {
			return Overlap{}, fmt.Errorf("field %s: found %.20q, expected a number of at least -1 and below 1", strings.Split(baselineHeader, ",")[i+1], fields[i+1])
		}
		values[i] = x
	}
	return Overlap{values[0], values[1], values[2]}, nil
}
