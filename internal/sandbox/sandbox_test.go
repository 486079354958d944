package sandbox

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// open gives a sandbox, or skips where the machine has no Python or forbids the isolation.
func open(t *testing.T, options Options) *Sandbox {
	t.Helper()
	s, err := Open(t.Context(), options)
	if errors.Is(err, ErrUnavailable) {
		t.Skipf("no sandbox here: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// verdict is a program and how it is to be judged.
type verdict struct {
	name    string
	program Program
	want    Kind
	reason  string
}

func (w verdict) check(t *testing.T, s *Sandbox) {
	t.Helper()
	v, err := s.Run(t.Context(), w.program)
	if err != nil {
		t.Fatal(err)
	}
	if v.Kind != w.want || v.Reason != w.reason {
		t.Errorf("%s: got %s (%s), want %s (%s)", w.name, v.Kind, v.Reason, w.want, w.reason)
	}
	if v.Wall <= 0 || v.CPU <= 0 || v.Peak <= 0 {
		t.Errorf("%s: no measurements: %+v", w.name, v)
	}
}

func TestVerdicts(t *testing.T) {
	s := open(t, Options{Workers: 2})
	tests := []verdict{
		{"right", Program{Code: "def f(x):\n  return x + 1", Tests: "assert f(1) == 2\nassert f(2) == 3"}, Passed, ""},
		{"wrong", Program{Code: "def f(x):\n  return x", Tests: "assert f(1) == 1\nassert f(1) == 2"}, Failed, "assert f(1) == 2"},
		{"raises", Program{Code: "def f(x):\n  return 1 // 0", Tests: "assert f(1) == 2"}, Error, "ZeroDivisionError: integer division or modulo by zero at assert f(1) == 2"},
		{"raises at once", Program{Code: "1 // 0", Tests: "assert True"}, Error, "ZeroDivisionError: integer division or modulo by zero"},
		{"an exception of its own", Program{Code: "class E(Exception): pass\ndef f(x): raise E('no')", Tests: "f(1)"}, Error, "E: no at f(1)"},
		{"a reason in lines", Program{Code: "def f(x): raise ValueError('a\\n\\x1b[31mb')", Tests: "f(1)"}, Error, "ValueError: a [31mb at f(1)"},
		{"a wanted exception", Program{Code: "def f(x): raise ValueError('no')", Tests: "try:\n  f(1)\nexcept ValueError as e:\n  assert str(e) == 'no'\nelse:\n  assert False"}, Passed, ""},
		{"no tests", Program{Code: "pass"}, Passed, ""},

		{"names given", Program{Code: "def abs(x): return 7", Tests: "assert abs(-1) == 7", Names: []string{"abs"}}, Passed, ""},
		{"a name given is missing", Program{Code: "pass", Tests: "assert abs(-1) == 1 and f", Names: []string{"f"}}, Error, "NameError: name 'f' is not defined at assert abs(-1) == 1 and f"},
		{"a built-in name is what is tested", Program{Code: "def sum(a, b): return a * b", Tests: "assert sum(2, 3) == 6"}, Passed, ""},
		{"a built-in name helps", Program{Code: "def f(x): return [x]", Tests: "assert sum(f(2)) == 2"}, Passed, ""},
		{"a module that the program imports", Program{Code: "import sys\ndef f(x): return sys.maxsize", Tests: "assert f(1) == sys.maxsize"}, Passed, ""},
		{"a function named as a module", Program{Code: "def queue(x): return x", Tests: "assert queue(1) == 1"}, Passed, ""},
		{"a preamble", Program{Code: "def f(x): return g(x)\ndef g(x): return 9", Preamble: "import math\ndef g(x): return math.floor(x)", Tests: "assert f(1) == 9 and g(1.5) == 1", Names: []string{"f"}}, Passed, ""},
		{"check in the manner of HumanEval", Program{Code: "def f(x): return x * 2", Tests: "def check(candidate):\n  assert candidate(2) == 4\n  assert candidate(2) == 5, 'no'\ncheck(f)", Names: []string{"f"}}, Failed, "assert candidate(2) == 5, 'no'"},
		{"input", Program{Code: "def f(x): return input()", Tests: "f(1)"}, Error, "EOFError: EOF when reading a line at f(1)"},
		{"private files", Program{Code: "import os, tempfile\ndef f(x):\n  with tempfile.TemporaryFile() as g:\n    g.write(b'12'); g.seek(0)\n    return g.read() + os.getcwd().encode()", Tests: "assert f(1) == b'12/tmp'"}, Passed, ""},
		{"not as a script", Program{Code: "x = 1\nif __name__ == '__main__': x = 2", Tests: "assert x == 1"}, Passed, ""},
		{"data classes", Program{Code: "from dataclasses import dataclass\n@dataclass\nclass P:\n  a: int\ndef f(x): return P(x).a", Tests: "assert f(1) == 1"}, Passed, ""},
		{"order of sets is fixed", Program{Code: "def f(x): return hash('a')", Tests: "assert f(1) == hash('a')"}, Passed, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.check(t, s) })
	}
}

// TestTimeouts: each of the two limits has its reason. The other limit is far away, so a busy machine changes nothing.
func TestTimeouts(t *testing.T) {
	limits := DefaultLimits()
	limits.Wall = time.Second
	verdict{"slow tests", Program{Code: "pass", Tests: "import time\ntime.sleep(99)"}, Timeout, "more than 1s"}.check(t, open(t, Options{Workers: 1, Limits: limits}))
	limits.CPU, limits.Wall = 300*time.Millisecond, time.Minute
	verdict{"tests that compute", Program{Code: "pass", Tests: "while True: pass"}, Timeout, "the tests took more than 300ms of processor time"}.check(t, open(t, Options{Workers: 1, Limits: limits}))
}

// TestValues: what travels between the tests and the program arrives as it was sent.
func TestValues(t *testing.T) {
	s := open(t, Options{Workers: 2})
	echo := "def f(x): return x\n"
	tests := []struct{ name, code, tests string }{
		{"plain ones and back", echo, `
from collections import *; from decimal import Decimal; from fractions import Fraction; from datetime import *
import math
for v in (None, True, False, 0, -1, -2**70, 0.1, -0.0, 1e300, float('inf'), 1+2j, '', 'ä\ud800\x00', b'\xff', bytearray(b'ab'), (), (1, (2,)), [], [1, [2]],
          {}, {'a': {1: None}}, set(), {1, 'x'}, frozenset({1, (2,)}), range(3, 9, 2), Counter('aab'), OrderedDict(b=1, a=2), defaultdict(int, a=1),
          deque([1, 2], 5), Decimal('1.10'), Fraction(1, 3), date(2020, 1, 2), datetime(2020, 1, 2, 3, 4, 5, 6), time(1, 2), timedelta(1, 2, 3), int, ValueError):
  w = f(v)
  assert type(w) is type(v) and w == v and repr(w) == (repr(v) if not isinstance(v, defaultdict) else repr(w)), v
assert f(10**5000) == 10**5000
assert math.copysign(1, f(-0.0)) == -1 and math.isnan(f(math.nan))`},
		{"views", "def f(x): return x.keys(), x.values(), x.items()", "k, v, i = f({'a': 1})\nassert k == {'a'} and list(v) == [1] and list(i) == [('a', 1)]"},
		{
			"values of subclasses are plain", "import enum, collections\nclass L(list): pass\nclass C(enum.IntEnum):\n  A = 3\nP = collections.namedtuple('P', 'a b')\ndef f(x): return L([1]), C.A, P(1, 2)",
			"assert f(1) == ([1], 3, (1, 2)) and type(f(1)[0]) is list and type(f(1)[2]) is tuple",
		},
		{
			"arguments that change", "def f(x, y, z, w):\n  x.append(y); y['k'] = x; z.add(1); z.discard(0); w[:] = b'new'; x[0].clear()\ndef h(x, x2): return x is x2",
			"a, b, c, d, i = [[1]], {}, {0}, bytearray(b'old'), []\ni = a[0]\nf(a, b, c, d)\nassert a[1] is b and b['k'] is a and c == {1} and d == b'new' and i == [] and a[0] is i\nassert h(a, a) and not h([], [])",
		},
		{"an argument comes back", "def f(x): return [x, x]", "x = [1]\ny = f(x)\nassert y[0] is x and y[1] is x"},
		{"named arguments", "def f(a, *r, b=1, **k): return a, r, b, k", "assert f(1, 2, b=3, c=4) == (1, (2,), 3, {'c': 4})"},
		{
			"objects stay with the program", "class N:\n  kind = 'n'\n  def __init__(self, v): self.v, self.next = v, None\n  def total(self): return self.v + (self.next.total() if self.next else 0)\ndef f(n): return n.next\ndef h(n): return n",
			"a = N(1)\na.next = N(2)\nassert a.total() == 3 and f(a).v == 2 and h(a) is a and h(a) == a and a != N(1) and N.kind == 'n'",
		},
		{"iterators", "def f(n):\n  for i in range(n): yield i", "assert list(f(3)) == [0, 1, 2] and next(f(1)) == 0 and sum(f(4)) == 6 and next(f(0), 'none') == 'none'"},
		{"functions", "def f(n): return lambda x: x + n", "assert f(1)(2) == 3"},
		{"containers of the program", "class B:\n  def __len__(self): return 2\n  def __getitem__(self, i): return [5, 6][i]\ndef f(x): return B()", "b = f(1)\nassert len(b) == 2 and b[1] == 6"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v, err := s.Run(t.Context(), Program{Code: test.code, Tests: test.tests})
			if err != nil || !v.Passed() {
				t.Errorf("%s: %s (%v)", v.Kind, v.Reason, err)
			}
		})
	}
}

func TestRunRefuses(t *testing.T) {
	s := open(t, Options{Workers: 1})
	for _, test := range []struct{ program, want string }{
		{"tests", "tests of a program: the tests cannot be parsed: invalid syntax"},
		{"preamble", "tests of a program: the preamble raises ZeroDivisionError: division by zero"},
	} {
		p := Program{Code: "pass", Tests: "assert ("}
		if test.program == "preamble" {
			p = Program{Code: "pass", Preamble: "1 / 0"}
		}
		if _, err := s.Run(t.Context(), p); !usage.Is(err) || !strings.HasPrefix(err.Error(), test.want[:40]) {
			t.Errorf("%s: got %v, want %q", test.program, err, test.want)
		}
	}
	good := Program{Code: "pass"}
	if _, err := s.RunAll(t.Context(), []Program{good, {Tests: "assert ("}, good}, nil); !usage.Is(err) || !strings.HasPrefix(err.Error(), "program 1: ") {
		t.Errorf("one of several: %v", err)
	}
	ctx, stop := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer stop()
	if _, err := s.Run(ctx, Program{Code: "import time\ntime.sleep(60)"}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("an ended context: %v", err)
	}
	if v, err := s.Run(t.Context(), good); err != nil || !v.Passed() {
		t.Errorf("after an ended context: %v, %v", v, err)
	}
}

func TestOpenRefuses(t *testing.T) {
	limits := DefaultLimits()
	limits.Memory = 1 << 20
	for _, options := range []Options{{Limits: limits}, {Limits: Limits{Wall: -1}}, {Workers: -1}} {
		if _, err := Open(t.Context(), options); !usage.Is(err) {
			t.Errorf("%+v: %v, want a mistake", options, err)
		}
	}
	if _, err := Open(t.Context(), Options{Python: "no-such-python"}); !errors.Is(err, ErrUnavailable) || len(usage.Hints(err)) == 0 {
		t.Errorf("no Python: %v", err)
	}
}

// TestUnsafe: without isolation limits hold all the same, and verdicts are the same.
func TestUnsafe(t *testing.T) {
	limits := DefaultLimits()
	limits.CPU, limits.Wall, limits.Memory = time.Second, 5*time.Second, 256<<20
	s := open(t, Options{Workers: 2, Limits: limits, Unsafe: true})
	for _, test := range []struct {
		code string
		want Kind
	}{
		{"open('x', 'w').write('x')\ndef f(x): return 2", Passed},
		{"import os\ndef f(x): return 2 - os.path.exists('x')", Passed},
		{"def f(x): return 3", Failed},
		{"import os\nos._exit(0)", Error},
		{"while True: pass", Timeout},
		{"import time\ntime.sleep(99)", Timeout},
		{"x = bytearray(1 << 40)", Memory},
		{"while True: print('x' * 1000)", Output},
	} {
		v, err := s.Run(t.Context(), Program{Code: test.code, Tests: "assert f(1) == 2"})
		if err != nil || v.Kind != test.want {
			t.Errorf("%q: %s (%s), %v; want %s", test.code, v.Kind, v.Reason, err, test.want)
		}
	}
}

// FuzzAnswer: whatever bytes a program sends instead of its answers, it does not pass, and the sandbox lives on.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		"", "n", "(3;s5;valuei7;(0;", "(3;s5;value@0;(0;", "(3;s5;valueh0;(0;", "(1;s4;stop", "(3;s5;raises3;inths0;", "(9999999999;", "@-1;", "@0;", "i;", "i" + strings.Repeat("f", 9999) + ";",
		strings.Repeat("(1;", 5000), "xtype;1;s4;open", "xrange;3;i0;i0;i0;", "xdeque;2;nn", "{2;[0;n", "*1;[0;", "(3;s5;value(2;[1;@1;@1;(0;", "d1234567", "s2;\xff\xfe", "xDecimal;1;s1;x",
	} {
		f.Add([]byte(seed))
	}
	s, err := Open(f.Context(), Options{Workers: 1})
	if err != nil {
		f.Skipf("no sandbox here: %v", err)
	}
	f.Cleanup(s.Close)
	f.Fuzz(func(t *testing.T, answer []byte) {
		code := fmt.Sprintf("import os, wire\ndata = bytes.fromhex('%x')\nwire.Writer.bytes = lambda self: data\ndef f(x): return 7\n", answer)
		v, err := s.Run(t.Context(), Program{Code: code, Tests: "assert f([1]) == 5823745092837"})
		if err != nil {
			t.Fatal(err)
		}
		if v.Passed() || v.Kind == Killed {
			t.Errorf("%q: %s %s", answer, v.Kind, v.Reason)
		}
	})
}

func TestProbe(t *testing.T) {
	report := Probe(t.Context())
	if report.Problem != nil && (!errors.Is(report.Problem, ErrUnavailable) || len(usage.Hints(report.Problem)) == 0) {
		t.Errorf("a problem without a way out: %v", report.Problem)
	}
	if report.Problem == nil && !strings.HasPrefix(report.Python, "Python 3.") {
		t.Errorf("works with %q", report.Python)
	}
}
