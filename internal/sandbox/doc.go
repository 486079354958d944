// Package sandbox runs Python programs that nobody has read and says whether they pass their tests.
//
// A case is judged by two processes. One runs the program; the other, which the program has no part in, runs the tests and
// asks the first for what they need: call this function with these values, what came out? Only values travel between
// them. What the program prints, patches, raises, overrides or exits with therefore decides nothing: a program passes
// when the values that it returns make the tests pass. docs/sandbox.md has the whole picture and its gaps.
//
// Both processes live in namespaces of their own (user, pid, mount, network, ipc, uts) behind a filter of system calls,
// without privileges, with a read-only view of what Python needs and a small private folder in memory. A worker is one
// such set of namespaces with a warm interpreter that forks the two processes; workers run cases side by side.
//
// The worker is this program itself, started once more: importing the package is what makes that work, because its
// initialisation takes over when the program was started as a worker.
package sandbox
