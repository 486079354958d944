package sandbox

import (
	"context"
	"fmt"
)

// Report is what Probe found.
type Report struct {
	// Python is the interpreter that judges programs; empty if there is none.
	Python string
	// Problem says why programs cannot be judged here, with hints (package usage); nil where they can.
	Problem error
}

// Probe finds out whether programs can be judged in isolation on this machine, by judging one.
func Probe(ctx context.Context) Report {
	python, err := findPython(ctx, "")
	if err != nil {
		return Report{Problem: err}
	}
	report := Report{Python: python.String()}
	s, err := Open(ctx, Options{Workers: 1})
	if err != nil {
		report.Problem = err
		return report
	}
	defer s.Close()
	v, err := s.Run(ctx, Program{Code: "def f(x): return x + 1", Tests: "assert f(1) == 2"})
	if err == nil && !v.Passed() {
		err = fmt.Errorf("a program that is right was judged as %s: %s", v.Kind, v.Reason)
	}
	if err != nil {
		report.Problem = unavailable{err}
	}
	return report
}
