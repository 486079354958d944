package sandbox

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// again is the environment variable that tells a test that it runs in a second process of this binary.
const again = "SPARSEPO_TEST_AGAIN"

// rerun runs one test of this binary in a process of its own.
func rerun(t *testing.T, binary string, attributes *syscall.SysProcAttr, environment ...string) {
	t.Helper()
	cmd := exec.Command(binary, "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), append(environment, again+"=1")...)
	cmd.Dir = "/"
	cmd.SysProcAttr = attributes
	out, err := cmd.CombinedOutput()
	text := string(out)
	if _, reason, skipped := strings.Cut(text, "no sandbox here:"); skipped {
		t.Skip("no sandbox in a second process: " + strings.TrimSpace(reason))
	}
	if err != nil {
		var refused *exec.ExitError
		if !errors.As(err, &refused) {
			t.Skipf("no second process: %v", err)
		}
		t.Errorf("%v\n%s", err, text)
	}
}

// TestOrdinaryUser: without root's privileges the sandbox is the same.
func TestOrdinaryUser(t *testing.T) {
	if os.Getenv(again) != "" {
		s := open(t, Options{Workers: 1})
		v, err := s.Run(t.Context(), Program{Code: "import os\ndef f(x): return os.path.exists('/home')", Tests: "assert f(1) is False"})
		if err != nil || !v.Passed() {
			t.Errorf("%v, %v", v, err)
		}
		v, err = s.Run(t.Context(), Program{Code: "import os\nos.chroot('/')", Tests: "assert True"})
		if err != nil || v.Kind != Error || !strings.Contains(v.Reason, "PermissionError") {
			t.Errorf("privileges: %v, %v", v, err)
		}
		return
	}
	if os.Getuid() != 0 {
		t.Skip("this is an ordinary user: the other tests show it")
	}
	// Root's folders are closed to others: a copy of the binary, and the system's Python.
	folder, err := os.MkdirTemp("", "sparsepo-test-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(folder)
	binary := filepath.Join(folder, "test")
	content, err := os.ReadFile("/proc/self/exe")
	if err == nil {
		err = errors.Join(os.Chmod(folder, 0o755), os.WriteFile(binary, content, 0o755))
	}
	if err != nil {
		t.Fatal(err)
	}
	rerun(t, binary, &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: programUser, Gid: programUser}}, "PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/")
}

// TestRefusesRootAlone: root's processes are not limited in number, so nothing runs where root is the only user there is.
func TestRefusesRootAlone(t *testing.T) {
	if os.Getenv(again) == "" {
		if os.Getuid() != 0 {
			t.Skip("only root can become root alone")
		}
		rerun(t, "/proc/self/exe", &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER,
			UidMappings: []syscall.SysProcIDMap{{HostID: 0, Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{HostID: 0, Size: 1}},
		})
		return
	}
	s, err := Open(t.Context(), Options{Workers: 1})
	if err == nil {
		// Root of an outer container may be an ordinary user outside, whose processes are limited.
		defer s.Close()
		v, err := s.Run(t.Context(), Program{Code: "import os\nif os.fork() == 0: os._exit(0)", Tests: "assert True"})
		if err != nil || v.Passed() {
			t.Errorf("a program started another: %v, %v", v, err)
		}
		return
	}
	if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "limit the number of processes") && !strings.Contains(err.Error(), "find Python") {
		t.Errorf("got %v, want a refusal", err)
	}
}

// TestRefusesWithoutNamespaces: where the kernel gives no namespaces nothing runs, and the error says why and what to do.
func TestRefusesWithoutNamespaces(t *testing.T) {
	const maximum = "/proc/sys/user/max_user_namespaces"
	if os.Getenv(again) == "" {
		rerun(t, "/proc/self/exe", &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER,
			UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
		})
		return
	}
	if _, err := findPython(t.Context(), ""); err != nil {
		t.Skipf("no sandbox here: %v", err)
	}
	if err := os.WriteFile(maximum, []byte("0"), 0); err != nil {
		t.Skipf("no sandbox here: user namespaces cannot be forbidden: %v", err)
	}
	_, err := Open(t.Context(), Options{Workers: 1})
	if !errors.Is(err, ErrUnavailable) {
		t.Fatalf("got %v, want a refusal", err)
	}
	hints := strings.Join(usage.Hints(err), "\n")
	for _, want := range []string{"user.max_user_namespaces", "--unsafe-no-sandbox"} {
		if !strings.Contains(hints, want) {
			t.Errorf("%v\nhints %q, want %q among them", err, hints, want)
		}
	}
	s, err := Open(t.Context(), Options{Workers: 1, Unsafe: true})
	if err != nil {
		t.Fatalf("unsafe: %v", err)
	}
	defer s.Close()
	v, err := s.Run(t.Context(), Program{Code: "def f(x): return 2", Tests: "assert f(1) == 2"})
	if err != nil || !v.Passed() {
		t.Errorf("unsafe: %v, %v", v, err)
	}
}

// TestEndsWithItsParent: when this program is killed, so is everything in its workers.
func TestEndsWithItsParent(t *testing.T) {
	if os.Getenv(again) != "" {
		s := open(t, Options{Workers: 1})
		go func() {
			_, _ = s.Run(t.Context(), Program{Code: "import time\ntime.sleep(99)"}) // it will not end
		}()
		for wait := 0; measure(t).processes < 4 && wait < 1000; wait++ {
			time.Sleep(20 * time.Millisecond)
		}
		fmt.Println("running", measure(t).processes)
		time.Sleep(time.Minute)
	}
	cmd := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), again+"=1")
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	running := 0
	lines := bufio.NewScanner(out)
	for running == 0 && lines.Scan() {
		if strings.Contains(lines.Text(), "no sandbox here:") {
			t.Skip(lines.Text())
		}
		_, _ = fmt.Sscanf(lines.Text(), "running %d", &running) // other lines are no matter
	}
	family := descendants(t)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	if running != 4 || len(family) != 5 {
		t.Errorf("%d processes ran under the other program, %d in all; want 4 (worker, interpreter, program, judge) and 5", running, len(family))
	}
	for _, pid := range family {
		for wait := 0; alive(pid); wait++ {
			if wait == 100 {
				t.Fatalf("process %d outlived the program that started it", pid)
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
}

// alive reports whether a process runs; one that ended and waits to be noticed by its parent does not.
func alive(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, rest, ok := strings.Cut(string(text), ") ")
	return err == nil && ok && !strings.HasPrefix(rest, "Z")
}
