//go:build amd64 || arm64

package sandbox

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// zygote is the warm interpreter of a worker.
type zygote struct {
	pid      int
	conn     *os.File
	reader   *bufio.Reader
	isolated bool
}

// zygoteLimits is a request to the zygote: the limits of two processes to fork.
type zygoteLimits struct {
	Memory   int64  `json:"memory"`
	CPU      int64  `json:"cpu"` // seconds
	FileSize int64  `json:"file_size"`
	Files    int    `json:"files"`
	Folder   string `json:"folder"`
}

// started are the ids of the processes.
type started struct {
	Program int `json:"program"`
	Judge   int `json:"judge"`
}

// finished is how they ended.
type finished struct {
	Program ending `json:"program"`
	Judge   ending `json:"judge"`
}

type ending struct {
	Status int     `json:"status"` // as wait gives it
	CPU    float64 `json:"cpu"`    // seconds
	Peak   int64   `json:"peak"`   // KiB
}

// startZygote starts the interpreter, without privileges where isolated, and waits until it is warm.
func startZygote(in *interior) (*zygote, error) {
	ours, theirs, err := socketPair()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	spawned := make(chan error)
	z := &zygote{conn: ours, reader: bufio.NewReader(ours), isolated: in.Isolated}
	go func() {
		runtime.LockOSThread() // never unlocked: the confined thread ends with the goroutine
		spawned <- z.spawn(in, theirs)
	}()
	if err := <-spawned; err != nil {
		ours.Close()
		return nil, fmt.Errorf("start %s: %w", in.Python, err)
	}
	var warm struct{ Problem string }
	if err := z.receive(&warm); err != nil {
		z.end()
		return nil, fmt.Errorf("start %s: it ended before it was ready: %w", in.Python, err)
	}
	if in.Isolated && warm.Problem != "" {
		z.end()
		return nil, errors.New(warm.Problem)
	}
	return z, nil
}

func (z *zygote) spawn(in *interior, control *os.File) error {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	home := programFolder
	attributes := &syscall.SysProcAttr{Setsid: true}
	if in.Isolated {
		if err := confine(); err != nil {
			return err
		}
	} else {
		home = in.Folder
	}
	if in.TwoUsers {
		attributes.Credential = &syscall.Credential{Uid: programUser, Gid: programUser}
	}
	z.pid, err = syscall.ForkExec(in.Python.Executable, []string{
		in.Python.Executable, "-s", "-S", "-B", filepath.Join(in.scripts(), "zygote.py"),
	}, &syscall.ProcAttr{
		Dir: "/",
		Env: []string{
			"HOME=" + home, "TMPDIR=" + home, "PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", "PYTHONUTF8=1",
			"PYTHONHASHSEED=0", // the order of sets, and with it verdicts, are the same each time
			"LD_LIBRARY_PATH=" + strings.Join(in.Python.Folders, ":"),
		},
		Files: []uintptr{null.Fd(), 2, 2, control.Fd()},
		Sys:   attributes,
	})
	return err
}

// send asks for two processes; the files go along.
func (z *zygote) send(limits zygoteLimits, files ...*os.File) error {
	line, err := json.Marshal(limits)
	if err != nil {
		return err
	}
	var fds []int
	for _, f := range files {
		fd := int(f.Fd())
		if err := unix.SetNonblock(fd, false); err != nil { // programs expect to wait
			return err
		}
		fds = append(fds, fd)
	}
	raw, err := z.conn.SyscallConn()
	if err != nil {
		return err
	}
	var sendErr error
	if err := raw.Write(func(fd uintptr) bool {
		sendErr = unix.Sendmsg(int(fd), append(line, '\n'), unix.UnixRights(fds...), nil, unix.MSG_NOSIGNAL)
		return !errors.Is(sendErr, unix.EAGAIN)
	}); err != nil {
		return err
	}
	return sendErr
}

// receive reads one message of the zygote; io.EOF says that it is gone.
func (z *zygote) receive(into any) error {
	line, err := z.reader.ReadBytes('\n')
	if err != nil {
		return err
	}
	return json.Unmarshal(line, into)
}

// kill ends the zygote and all that it started.
func (z *zygote) kill() {
	target := -1 // all processes of the namespace but this one, its first
	if !z.isolated {
		target = -z.pid
	}
	_ = unix.Kill(target, unix.SIGKILL) // there may be none
}

// end kills and takes the remains away.
func (z *zygote) end() {
	z.kill()
	z.conn.Close()
	child := z.pid
	if z.isolated {
		child = -1
	}
	for {
		if _, err := syscall.Wait4(child, nil, 0, nil); err != nil && !errors.Is(err, syscall.EINTR) {
			return
		}
	}
}

// writeFrame and readFrame are the frames of python/wire.py.
func writeFrame(w io.Writer, text string) error {
	_, err := w.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(text))), text...))
	return err
}

func readFrame(r io.Reader) (string, error) {
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return "", err
	}
	const most = 1 << 16 // a judge's words are few
	n := binary.BigEndian.Uint32(size[:])
	if n > most {
		return "", fmt.Errorf("a frame of %d bytes", n)
	}
	text := make([]byte, n)
	_, err := io.ReadFull(r, text)
	return string(text), err
}
