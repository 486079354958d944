//go:build amd64 || arm64

package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// workerName is the name that a worker is started under; the initialisation of this package recognises it.
const workerName = "sparsepo-sandbox-worker"

// worker is a process of this program in its own namespaces.
type worker struct {
	process *exec.Cmd
	conn    *os.File
	encoder *json.Encoder
	decoder *json.Decoder
	stderr  bytes.Buffer // read only after the process ended
	folder  string       // to remove in the end; empty for none
	ended   sync.Once
}

// startWorker starts a worker and waits until it is ready.
func startWorker(s setup) (*worker, error) {
	w := &worker{}
	if !s.Isolated {
		folder, err := os.MkdirTemp("", "sparsepo-programs-")
		if err != nil {
			return nil, fmt.Errorf("start a worker of the sandbox: %w", err)
		}
		s.Folder, w.folder = folder, folder
	}
	attributes := &syscall.SysProcAttr{Setpgid: true}
	if s.Isolated {
		s.TwoUsers = isolate(attributes)
	}
	err := w.start(attributes, s)
	if err == nil {
		return w, nil
	}
	w.stop()
	if text := strings.TrimSpace(w.stderr.String()); text != "" {
		err = fmt.Errorf("%w: %s", err, lastLine(text))
	}
	if s.Isolated {
		return nil, withWayOut(unavailable{fmt.Errorf("programs cannot be isolated on this machine: %w", err)})
	}
	return nil, fmt.Errorf("start a worker of the sandbox: %w", err)
}

func (w *worker) start(attributes *syscall.SysProcAttr, s setup) error {
	ours, theirs, err := socketPair()
	if err != nil {
		return err
	}
	defer theirs.Close()
	w.conn, w.encoder, w.decoder = ours, json.NewEncoder(ours), json.NewDecoder(ours)
	// The link, not the path it shows: the file may have been replaced since this program started.
	w.process = exec.Command("/proc/self/exe")
	w.process.Args = []string{workerName}
	w.process.Env = []string{"GOMAXPROCS=2", "GOTRACEBACK=none"}
	w.process.ExtraFiles = []*os.File{theirs}
	w.process.Stderr = &w.stderr
	w.process.SysProcAttr = attributes
	w.process.WaitDelay = time.Second
	if err := w.process.Start(); err != nil {
		return fmt.Errorf("start a process in namespaces of its own: %w", err)
	}
	if err := w.encoder.Encode(s); err != nil {
		return fmt.Errorf("arrange the namespaces: %w", err)
	}
	var answer ready
	if err := w.decoder.Decode(&answer); err != nil {
		return fmt.Errorf("arrange the namespaces: the worker ended: %w", err)
	}
	if answer.Problem != "" {
		return errors.New(answer.Problem)
	}
	return nil
}

// run has one program judged. After an error the worker is of no more use.
func (w *worker) run(r request) (response, error) {
	var answer response
	if err := w.encoder.Encode(r); err != nil {
		return answer, fmt.Errorf("the worker ended: %w", err)
	}
	if err := w.decoder.Decode(&answer); err != nil {
		return answer, fmt.Errorf("the worker ended: %w", err)
	}
	return answer, nil
}

// kill ends the worker at once; with its first process all others in its namespaces end.
func (w *worker) kill() {
	if w.process.Process != nil {
		_ = w.process.Process.Kill() // it may have ended
	}
}

// stop ends the worker and removes what is left of it.
func (w *worker) stop() {
	w.ended.Do(func() {
		if w.conn != nil {
			w.conn.Close()
		}
		if w.process != nil && w.process.Process != nil {
			w.kill()
			_ = w.process.Wait() // it was killed
		}
		if w.folder != "" {
			os.RemoveAll(w.folder)
		}
	})
}

// socketPair gives two connected stream sockets that no other program inherits. Operations on theirs, which is for another
// process, wait.
func socketPair() (ours, theirs *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err == nil {
		err = unix.SetNonblock(fds[0], true) // so that Close ends a Read
	}
	if err != nil {
		return nil, nil, fmt.Errorf("make a pair of sockets: %w", err)
	}
	return os.NewFile(uintptr(fds[0]), "ours"), os.NewFile(uintptr(fds[1]), "theirs"), nil
}
