//go:build amd64 || arm64

package sandbox

import (
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"

	"golang.org/x/sys/unix"
)

func init() {
	if len(os.Args) > 0 && os.Args[0] == workerName {
		os.Exit(inside())
	}
}

// controlFD is where a worker finds its connection.
const controlFD = 3

// interior is a worker seen from inside: the first process of its namespaces.
type interior struct {
	setup
	zygote *zygote // nil where it must be started
}

// inside is the worker's main function.
func inside() int {
	unix.CloseOnExec(controlFD)
	conn := os.NewFile(controlFD, "control")
	// Signals are caught and forgotten: ordinary users' programs share the worker's user id. Ignoring them would be
	// handed down to programs.
	signal.Notify(make(chan os.Signal, 1))
	encoder, decoder := json.NewEncoder(conn), json.NewDecoder(conn)
	in := &interior{}
	if err := decoder.Decode(&in.setup); err != nil {
		return 1
	}
	var answer ready
	if err := in.prepare(); err != nil {
		answer.Problem = err.Error()
	}
	if encoder.Encode(answer) != nil || answer.Problem != "" {
		return 1
	}
	requests := make(chan request)
	go func() {
		for {
			var r request
			if err := decoder.Decode(&r); err != nil {
				in.end()
				os.Exit(0) // the other side is gone, and with this process goes all that it started
			}
			requests <- r
		}
	}()
	for r := range requests {
		if encoder.Encode(in.judge(r)) != nil {
			break
		}
	}
	in.end()
	return 0
}

func (in *interior) prepare() error {
	if in.Isolated {
		if err := arrange(in.Python); err != nil {
			return err
		}
	} else if err := writeScripts(in.scripts()); err != nil {
		return err
	}
	var err error
	in.zygote, err = startZygote(in)
	return err
}

func (in *interior) scripts() string { return filepath.Join("/", in.Folder, scriptFolder) }

// end kills all that the worker started.
func (in *interior) end() {
	if z := in.zygote; z != nil {
		z.end()
	}
}

// judge gives the verdict on one program.
func (in *interior) judge(r request) response {
	if in.zygote == nil {
		var err error
		if in.zygote, err = startZygote(in); err != nil {
			return response{Broken: err.Error()}
		}
	}
	folder, empty, err := in.folder()
	if err != nil {
		return response{Broken: err.Error()}
	}
	c := newTrial(r, folder)
	var verdict response
	if err := c.run(in.zygote); err != nil {
		in.zygote.end()
		in.zygote = nil
		verdict = c.silent(err)
	} else {
		verdict = c.resolve()
	}
	if err := empty(); err != nil {
		return response{Broken: fmt.Sprintf("remove the program's folder: %v", err)}
	}
	return verdict
}

// folder makes an empty folder for a program.
func (in *interior) folder() (path string, empty func() error, err error) {
	if in.Isolated {
		user := 0
		if in.TwoUsers {
			user = programUser
		}
		empty, err = freshFolder(user, in.Disk)
		return programFolder, empty, err
	}
	path = filepath.Join(in.Folder, "program")
	if err := os.Mkdir(path, 0o700); err != nil {
		return "", nil, err
	}
	return path, func() error { return os.RemoveAll(path) }, nil
}
