package sandbox

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// hostile are programs that try to harm or to be judged as passed. Unless they give tests, theirs is that f(1) is 2.
// PATHS in them stand for files of the machine: SECRET to read, FORBIDDEN to write; PORT for a server.
var hostile = []struct {
	name  string
	code  string
	tests string
	want  []Kind
	why   string // a part of the reason
	waits bool   // only the clock ends it
}{
	{name: "fork bomb", code: "import os\nwhile True: os.fork()", want: []Kind{Error}, why: "BlockingIOError"},
	{name: "thread bomb", code: "import threading, time\nwhile True: threading.Thread(target=time.sleep, args=(99,)).start()", want: []Kind{Error}, why: "can't start new thread"},
	{name: "subprocess", code: "import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'print(1)'])", want: []Kind{Error}, why: "BlockingIOError"},
	{name: "orphaned daemon", code: "import os\nif os.fork() == 0:\n  os.setsid()\n  if os.fork() == 0:\n    while True: pass\n  os._exit(0)\ndef f(x): return 2", want: []Kind{Error}, why: "BlockingIOError"},
	{name: "clone by system call", code: "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\ndef f(x): return libc.syscall(56, 17, 0, 0, 0, 0)", want: []Kind{Failed}},

	{name: "memory at once", code: "x = bytearray(1 << 40)", want: []Kind{Memory}},
	{name: "memory bit by bit", code: "x = []\nwhile True: x.append(bytes(1 << 20))", want: []Kind{Memory}},
	{name: "memory in a call", code: "def f(x): return [0] * (1 << 60)", want: []Kind{Memory}},
	{name: "memory outside the limit", code: "import os\nfds = [os.memfd_create(str(i)) for i in range(9)]", want: []Kind{Error}, why: "PermissionError"},
	{name: "large answer", code: "def f(x): return 'x' * (60 << 20)", want: []Kind{Error}, why: "channel"},
	{name: "large range", code: "def f(x): return range(1 << 60)", tests: "assert len(list(f(1))) == 2", want: []Kind{Memory}},
	{name: "endless answer", code: "import itertools\ndef f(x): return itertools.count()", tests: "assert list(f(1)) == 2", want: []Kind{Timeout, Memory}},
	{name: "deep answer", code: "def f(x):\n  y = []\n  for i in range(100000): y = [y]\n  return y", want: []Kind{Error}, why: "RecursionError"},
	{name: "number bomb", code: "def f(x): return 10 ** 10 ** 10", want: []Kind{Timeout, Memory}},

	{name: "endless loop", code: "while True: pass", want: []Kind{Timeout}},
	{name: "endless loop in C", code: "def f(x): return sum(iter(int, 1))", want: []Kind{Timeout}},
	{name: "sleep", code: "import time\ndef f(x): time.sleep(1000)", want: []Kind{Timeout}, why: "more than 1.5s", waits: true},
	{name: "signal handlers", code: "import signal\nfor s in range(1, 65):\n  try: signal.signal(s, signal.SIG_IGN)\n  except (OSError, ValueError): pass\nwhile True: pass", want: []Kind{Timeout}},
	{name: "alarm", code: "import signal, os, time\nsignal.signal(signal.SIGALRM, lambda *a: os._exit(0))\nsignal.alarm(1)\ntime.sleep(1000)", want: []Kind{Error}, why: "status 0"},
	{name: "regular expression bomb", code: "import re\ndef f(x): return re.match('(a+)+$', 'a' * 60 + 'b')", want: []Kind{Timeout}},
	{name: "deep recursion", code: "import sys\nsys.setrecursionlimit(1 << 30)\ndef f(x): return f(x) + 1", want: []Kind{Memory, Error, Timeout}},
	{name: "stack overflow in C", code: "def f(x):\n  import sys\n  sys.setrecursionlimit(1 << 30)\n  y = []\n  for i in range(1000000): y = [y]\n  return repr(y)", want: []Kind{Error, Memory, Timeout}},
	{name: "crash", code: "import ctypes\ndef f(x): return ctypes.string_at(0)", want: []Kind{Error}, why: "signal 11"},

	{name: "endless output", code: "while True: print('x' * 1000)", want: []Kind{Output}},
	{name: "endless output by system call", code: "import os\nwhile True: os.write(2, b'x' * 65536)", want: []Kind{Output}},
	{name: "disk full", code: "for i in range(1000): open(str(i), 'wb').write(bytes(1 << 20))", want: []Kind{Error}, why: "No space left"},
	{name: "large file", code: "with open('x', 'wb') as f:\n  while True: f.write(bytes(1 << 20))", want: []Kind{Error}, why: "File too large"},
	{name: "files without number", code: "for i in range(100000): open(str(i), 'w').close()", want: []Kind{Error}, why: "No space left"},
	{name: "open files", code: "keep = []\nwhile True: keep.append(open('/dev/null'))", want: []Kind{Error}, why: "Too many open files"},
	{name: "zip bomb", code: "import zlib\nx = zlib.compress(bytes(1 << 24))\nfor _ in range(4): x = zlib.compress(x)\nd = zlib.decompress(zlib.compress(bytes(1 << 27)))\ny = d\nwhile True: y += d", want: []Kind{Memory, Timeout}},

	{name: "network", code: "import socket\nsocket.create_connection(('127.0.0.1', PORT), 1).send(b'out')\ndef f(x): return 2", want: []Kind{Error}, why: "PermissionError"},
	{name: "network by system call", code: "import ctypes\ndef f(x): return 2 if ctypes.CDLL(None).socket(2, 2, 0) >= 0 else 0", want: []Kind{Failed}},
	{name: "name lookup", code: "import socket\ndef f(x): return socket.gethostbyname('localhost') and 2", want: []Kind{Error}, why: "gaierror"},

	{name: "write outside", code: "open('FORBIDDEN', 'w').write('out')", want: []Kind{Error}, why: "FileNotFoundError"},
	{name: "write into the library", code: "import os\nopen(os.path.dirname(os.__file__) + '/os.py', 'a').write('#')", want: []Kind{Error}},
	{name: "replace the judge", code: "open('/sandbox/judge.py', 'w').write('x')", want: []Kind{Error}},
	{name: "write on devices", code: "import os\nos.mknod('disk', 0o60666, os.makedev(8, 0))", want: []Kind{Error}, why: "PermissionError"},
	{name: "read a secret", code: "def f(x): return 2 if open('SECRET').read() else 0", want: []Kind{Error}, why: "FileNotFoundError"},
	{name: "read the users", code: "def f(x): return 2 if open('/etc/passwd').read() else 0", want: []Kind{Error}, why: "FileNotFoundError"},
	{name: "symbolic link", code: "import os\nos.symlink('SECRET', 'link')\ndef f(x): return 2 if open('link').read() else 0", want: []Kind{Error}, why: "FileNotFoundError"},
	{name: "way up", code: "def f(x): return 2 if open('../' * 40 + 'etc/passwd').read() else 0", want: []Kind{Error}, why: "FileNotFoundError"},
	{name: "chroot out", code: "import os\nos.mkdir('x')\nos.chroot('x')", want: []Kind{Error}, why: "PermissionError"},
	{name: "processes' files", code: "def f(x): return 2 if open('/proc/self/environ').read() else 0", want: []Kind{Error}, why: "FileNotFoundError"},
	{name: "environment", code: "import os\ndef f(x): return 2 if 'SPARSEPO_TEST_SECRET' in os.environ else 0", want: []Kind{Failed}},
	{name: "what is there", code: "import os\nfound = [d for d in ('/home', '/srv', '/var', '/opt', '/run', '/sys', '/proc/1', '/dev/shm', '/dev/kmsg') if os.path.exists(d)]\ndef f(x): return found", tests: "assert f(1) == []", want: []Kind{Passed}},

	{name: "mount", code: "import ctypes\nlibc = ctypes.CDLL(None)\ndef f(x): return 2 if libc.mount(b'x', b'/tmp', b'tmpfs', 0, None) == 0 else 0", want: []Kind{Failed}},
	{name: "mount processes", code: "import ctypes\nlibc = ctypes.CDLL(None)\ndef f(x): return 2 if libc.unshare(0x10000000) == 0 and libc.mount(b'p', b'/tmp', b'proc', 0, None) == 0 else 0", want: []Kind{Failed}},
	{name: "trace", code: "import ctypes, os\nlibc = ctypes.CDLL(None)\ndef f(x): return 2 if libc.ptrace(16, os.getppid(), 0, 0) == 0 else 0", want: []Kind{Failed}},
	{name: "read another's memory", code: "import ctypes, os\nlibc = ctypes.CDLL(None)\nb = ctypes.create_string_buffer(8)\nv = (ctypes.c_void_p * 2)(ctypes.addressof(b), 8)\ndef f(x): return 2 if libc.process_vm_readv(os.getppid(), v, 1, v, 1, 0) > 0 else 0", want: []Kind{Failed}},
	{name: "keys", code: "import ctypes\nlibc = ctypes.CDLL(None)\ndef f(x): return 2 if libc.syscall(250, 0, -3, 1) >= 0 else 0", want: []Kind{Failed}},
	{name: "become another", code: "import os\ndef f(x):\n  os.setuid(1)\n  return 2", want: []Kind{Error}, why: "Error"},
	{name: "raise limits", code: "import resource\nresource.setrlimit(resource.RLIMIT_NPROC, (100, 100))", want: []Kind{Error}, why: "ValueError"},
	{name: "limit another", code: "import resource, os\nresource.prlimit(os.getppid(), resource.RLIMIT_CPU, (0, 0))\ndef f(x): return 2", want: []Kind{Error}, why: "PermissionError"},
	{name: "name the host", code: "import socket\nsocket.sethostname('x')", want: []Kind{Error}, why: "PermissionError"},

	{name: "kill the parent", code: "import os\nos.kill(os.getppid(), 9)\ndef f(x): return 2", want: []Kind{Killed}},
	{name: "stop the parent", code: "import os, signal\nos.kill(os.getppid(), signal.SIGSTOP)\ndef f(x): return 2", tests: "assert f(1) == 3", want: []Kind{Timeout}, waits: true},
	{name: "kill everything", code: "import os\nos.kill(-1, 9)\ndef f(x): return 2", want: []Kind{Error}, why: "PermissionError"},
	{name: "kill the first process", code: "import os\nfor s in (9, 15, 11): os.kill(1, s)\ndef f(x): return 2", want: []Kind{Error}, why: "PermissionError"},
	{name: "kill the neighbours", code: "import os\nme = os.getpid()\nfor i in range(2, 500):\n  try:\n    if i != me: os.kill(i, 9)\n  except OSError: pass\ndef f(x): return 2", want: []Kind{Killed, Error}},
	{name: "kill itself", code: "import os\nos.kill(os.getpid(), 9)", want: []Kind{Error}, why: "signal 9"},

	{name: "exit at once", code: "import os\nos._exit(0)", want: []Kind{Error}, why: "status 0"},
	{name: "exit when called", code: "import os\ndef f(x): os._exit(0)", want: []Kind{Error}, why: "status 0"},
	{name: "polite exit", code: "import sys\nsys.exit(0)", want: []Kind{Error}, why: "SystemExit"},
	{name: "polite exit when called", code: "def f(x): raise SystemExit(0)", want: []Kind{Error}, why: "SystemExit"},
	{name: "exit later", code: "import atexit, os\natexit.register(os._exit, 0)\ndef f(x): return 3", want: []Kind{Failed}},
	{name: "exec", code: "import os, sys\ndef f(x): os.execv(sys.executable, [sys.executable, '-S', '-c', 'print(\"passed\")'])", want: []Kind{Error}},
	{name: "stop the tests", code: "def f(x): raise StopIteration", want: []Kind{Error}, why: "StopIteration"},
	{name: "raise what the tests catch", code: "def f(x): raise AssertionError", want: []Kind{Error}, why: "AssertionError"},

	{name: "equal to everything", code: "class E:\n  def __eq__(self, o): return True\n  def __ne__(self, o): return False\n  def __hash__(self): return 1\ndef f(x): return E()", want: []Kind{Failed}},
	{name: "number equal to everything", code: "class E(int):\n  def __eq__(self, o): return True\n  def __ne__(self, o): return False\ndef f(x): return E(7)", want: []Kind{Failed}},
	{name: "list equal to everything", code: "class E(list):\n  def __eq__(self, o): return True\n  def __iter__(self): return iter([2])\ndef f(x): return E([7])", tests: "assert f(1) == [2]", want: []Kind{Failed}},
	{name: "close to everything", code: "class E:\n  def __sub__(self, o): return 0\n  __rsub__ = __sub__\n  def __abs__(self): return 0\n  def __lt__(self, o): return True\n  __gt__ = __le__ = __ge__ = __lt__\n  def __float__(self): return 2.0\ndef f(x): return E()", tests: "assert abs(f(1) - 2) < 1e-6", want: []Kind{Error}, why: "TypeError"},
	{name: "every type", code: "class E:\n  __class__ = int\n  def __eq__(self, o): return True\ndef f(x): return E()", want: []Kind{Failed}},
	{name: "not a number", code: "def f(x): return float('nan')", tests: "assert abs(f(1) - 2) < 1e-6", want: []Kind{Failed}},
	{name: "patched built-ins", code: "import builtins\nbuiltins.all = builtins.any = lambda *a: True\nbuiltins.abs = lambda *a: 0\nbuiltins.isinstance = lambda *a: True\nbuiltins.AssertionError = builtins.Exception = type('X', (BaseException,), {})\nbuiltins.len = lambda *a: 2\ndef f(x): return 7", tests: "assert all([abs(f(1)) == 2, len([f(1)]) == 2])", want: []Kind{Failed, Error}},
	{name: "shadowed built-ins", code: "def abs(x): return 0\ndef f(x): return 7", tests: "assert abs(f(1) - 2) < 1e-6", want: []Kind{Failed}},
	{name: "shadowed modules", code: "class math:\n  isclose = staticmethod(lambda *a, **k: True)\ndef f(x): return 7", tests: "assert math.isclose(f(1), 2)", want: []Kind{Failed}},
	{name: "patched modules", code: "import math, sys, types\nmath.isclose = lambda *a: True\nsys.modules['math'] = math\ndef f(x): return 7", tests: "import math\nassert math.isclose(f(1), 2)", want: []Kind{Failed}},
	{name: "own check", code: "def check(g): pass\ndef f(x): return 7", tests: "def check(g):\n  assert g(1) == 2\ncheck(f)", want: []Kind{Failed}},
	{name: "trace function", code: "import sys\ndef t(*a):\n  a[0].f_trace_lines = False\n  return t\nsys.settrace(t)\nsys.setprofile(lambda *a: None)\ndef f(x): return 7", want: []Kind{Failed}},
	{name: "excepthook", code: "import sys\nsys.excepthook = lambda *a: None\nsys.unraisablehook = lambda *a: None\ndef f(x): return 7", want: []Kind{Failed}},
	{name: "change the arguments", code: "def f(x):\n  x.append(9)\n  return 7", tests: "y = []\nassert f(y) == 2, y", want: []Kind{Failed}},

	{name: "print sentinels", code: "print('passed'); print('{\"kind\": \"passed\"}'); print('OK', flush=True)\ndef f(x): return 7", want: []Kind{Failed}},
	{name: "write everywhere", code: "import os, struct\nfor fd in range(256):\n  try: os.write(fd, struct.pack('>I', 6) + b'passed' + bytes(4))\n  except OSError: pass\ndef f(x): return 7", want: []Kind{Error}, why: "channel"},
	{name: "answer in advance", code: "import os, struct\ndef frame(b): return struct.pack('>I', len(b)) + b\nyes = frame(b'(3;s5;valuet(0;')\nos.write(3, yes * 9)\ndef f(x): return 7", want: []Kind{Error, Failed}},
	{name: "read the channel", code: "import os\nseen = os.read(3, 1 << 20)\ndef f(x): return 7", want: []Kind{Timeout, Error}, waits: true},
	{name: "close everything", code: "import os\nos.closerange(0, 256)\ndef f(x): return 2", want: []Kind{Error}},
	{name: "patched channel", code: "import wire, program\nwire.Writer.put = lambda self, v: self.parts.append(b'(3;s5;valuet(0;')\ndef f(x): return 7", want: []Kind{Failed, Error}},
	{name: "read the tests in frames", code: "import sys\ndef f(x):\n  g, seen = sys._getframe(), []\n  while g:\n    seen.append(repr(g.f_locals)); g = g.f_back\n  return 2 if 'needle' in ''.join(seen) else 7", tests: "needle = 2\nassert f(1) == needle", want: []Kind{Failed}},
	{name: "read the tests in memory", code: "import gc\ndef f(x): return 2 if any(isinstance(o, str) and 'nee' + 'dle' in o for o in gc.get_objects()) or any('nee' + 'dle' in repr(o)[:1000] for o in gc.get_objects() if isinstance(o, dict) and 'nee' + 'dle' in o) else 7", tests: "needle = 2\nassert f(1) == needle", want: []Kind{Failed}},
	{name: "read the tests in files", code: "import os\ndef f(x):\n  for d, _, names in os.walk('/sandbox'):\n    if any('needle' in open(d + '/' + n).read() for n in names): return 2\n  return 7", tests: "needle = 2\nassert f(1) == needle", want: []Kind{Failed}},
	{name: "nothing there", code: "pass", want: []Kind{Error}, why: "NameError"},
	{name: "no Python", code: "def f(x) return 2", want: []Kind{Error}, why: "SyntaxError"},
	{name: "null byte", code: "def f(x): return 2\x00", want: []Kind{Error}, why: "null byte"},
}

// TestHostilePrograms: every one of them is contained and judged as it should be, and the sandbox works afterwards.
func TestHostilePrograms(t *testing.T) {
	if len(hostile) < 25 {
		t.Fatalf("%d hostile programs, want at least 25", len(hostile))
	}
	folder := t.TempDir()
	secret, forbidden := filepath.Join(folder, "secret"), filepath.Join(folder, "forbidden")
	if err := os.WriteFile(secret, []byte("secret"), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SPARSEPO_TEST_SECRET", "1")
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	fill := strings.NewReplacer("SECRET'", secret+"'", "FORBIDDEN", forbidden, "PORT", fmt.Sprint(server.Addr().(*net.TCPAddr).Port))

	limits := DefaultLimits()
	limits.CPU, limits.Wall, limits.Memory = time.Second, time.Minute, 256<<20
	s := open(t, Options{Workers: 4, Limits: limits})
	limits.Wall = 1500 * time.Millisecond
	impatient := open(t, Options{Workers: 1, Limits: limits})
	t.Run("programs", func(t *testing.T) {
		for _, test := range hostile {
			t.Run(test.name, func(t *testing.T) {
				t.Parallel()
				tests := test.tests
				if tests == "" {
					tests = "assert f(1) == 2"
				}
				s := s
				if test.waits {
					s = impatient
				}
				v, err := s.Run(t.Context(), Program{Code: fill.Replace(test.code), Tests: tests})
				if err != nil {
					t.Fatal(err)
				}
				if !slices.Contains(test.want, v.Kind) || !strings.Contains(v.Reason, test.why) {
					t.Errorf("%s: %q after %s, want %v with %q", v.Kind, v.Reason, v.Wall.Round(time.Millisecond), test.want, test.why)
				}
			})
		}
	})
	if _, err := os.Stat(forbidden); err == nil {
		t.Error("a file outside was written")
	}
	if err := server.(*net.TCPListener).SetDeadline(time.Now()); err != nil {
		t.Fatal(err)
	}
	if _, err := server.Accept(); err == nil {
		t.Error("a connection came through")
	}
	v, err := s.Run(t.Context(), Program{Code: "def f(x): return 2", Tests: "assert f(1) == 2"})
	if err != nil || !v.Passed() {
		t.Errorf("a good program after the hostile ones: %v, %v", v, err)
	}
}
