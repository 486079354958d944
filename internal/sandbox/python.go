package sandbox

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// scripts are the Python halves of the package.
//
//go:embed python/*.py
var scripts embed.FS

// interpreter is a Python and what it needs of the file system.
type interpreter struct {
	Executable string   `json:"executable"` // without symbolic links
	Version    [2]int   `json:"version"`
	Folders    []string `json:"folders"` // standard library, and where its shared libraries were loaded from
}

func (i interpreter) String() string {
	return fmt.Sprintf("Python %d.%d, %s", i.Version[0], i.Version[1], i.Executable)
}

// inquiry makes an interpreter describe itself. The modules bring in the shared libraries that the worker's scripts use.
const inquiry = `
import json, os, sys, sysconfig
import math, socket, resource, decimal, datetime, random, struct
folders = {os.path.realpath(sysconfig.get_path(n)) for n in ("stdlib", "platstdlib")}
try:
    with open("/proc/self/maps") as maps:
        for line in maps:
            path = line.split(maxsplit=5)[-1].strip()
            if path.startswith("/") and ".so" in os.path.basename(path):
                folders.add(os.path.dirname(path))
except OSError:
    pass
executable = os.path.realpath(getattr(sys, "_base_executable", "") or sys.executable)
print(json.dumps({"executable": executable, "version": sys.version_info[:2], "folders": sorted(folders)}))
`

// findPython asks the interpreter of a name or path about itself. Environment and site packages take no part.
func findPython(ctx context.Context, name string) (interpreter, error) {
	if name == "" {
		name = "python3"
	}
	hint := func(err error) error {
		return usage.Hint(unavailable{err}, "programs are judged with Python 3.10 or newer (standard library only); install python3")
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return interpreter{}, hint(fmt.Errorf("find Python: %w", err))
	}
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, path, "-I", "-S", "-c", inquiry)
	// A library that is loaded into every process is none that Python needs, and its folder is nobody's business.
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "LD_PRELOAD=") })
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return interpreter{}, hint(fmt.Errorf("ask %s about itself: %w: %s", path, err, lastLine(stderr.String())))
	}
	var found interpreter
	if err := json.Unmarshal(out, &found); err != nil {
		return interpreter{}, hint(fmt.Errorf("ask %s about itself: %w", path, err))
	}
	if found.Version[0] != 3 || found.Version[1] < 10 {
		return interpreter{}, hint(fmt.Errorf("%s is too old", found))
	}
	if !filepath.IsAbs(found.Executable) {
		return interpreter{}, hint(errors.New(path + " does not know its own path"))
	}
	return found, nil
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}
