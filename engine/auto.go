package engine

import (
	"fmt"
	"strings"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// openAuto takes ONNX Runtime when its library is found and works, else the Go backend with a notice.
func openAuto() (*Engine, error) {
	fast, err := openONNX("")
	if err == nil {
		fast.Why = "ONNX Runtime " + fast.version + ", " + fast.found
		return fast, nil
	}
	pure, goErr := openGo("")
	if goErr != nil {
		return nil, goErr
	}
	pure.Why = "ONNX Runtime cannot be used: " + err.Error()
	pure.notice = "engine: pure Go, several times slower than ONNX Runtime, which cannot be used here: " + firstLine(err)
	for _, hint := range usage.Hints(err) {
		pure.notice += fmt.Sprintf(" (%s)", hint)
	}
	return pure, nil
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}
