package sandbox

// setup is the first message to a worker: how it arranges itself.
type setup struct {
	Python   interpreter
	Isolated bool
	TwoUsers bool   // the user of programs is another one than the worker's
	Disk     int64  // bytes of a program's private folder
	Folder   string // for scripts and programs; only where not isolated
}

// ready is the worker's answer: empty, or what it could not do.
type ready struct{ Problem string }

// request asks a worker for a verdict.
type request struct {
	Program Program
	Limits  Limits
}

// response is a verdict, or why there is none.
type response struct {
	Verdict Verdict
	Invalid string // the tests cannot be run
	Broken  string // the worker cannot go on
}
