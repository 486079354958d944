//go:build amd64 || arm64

package sandbox

import (
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// confine takes all privileges from the calling thread and from what it starts: capabilities at the next exec, new
// privileges by set-uid files, and system calls that programs have no use for. The goroutine must be locked to the thread.
func confine() error {
	for capability := uintptr(0); capability <= unix.CAP_LAST_CAP; capability++ {
		// The kernel may know fewer.
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, capability, 0, 0, 0); err != nil && err != unix.EINVAL {
			return fmt.Errorf("drop capability %d: %w", capability, err)
		}
	}
	if err := unix.Prctl(unix.PR_SET_SECUREBITS, noRoot|noRootLocked, 0, 0, 0); err != nil {
		return fmt.Errorf("take root's privileges: %w", err)
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("forbid new privileges: %w", err)
	}
	filter := newFilter()
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	_, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, uintptr(unsafe.Pointer(&program)))
	runtime.KeepAlive(filter)
	if errno != 0 {
		return fmt.Errorf("install the filter of system calls: %w", errno)
	}
	return nil
}

// Bits of PR_SET_SECUREBITS (linux/securebits.h): user id 0 brings no capabilities at exec, and that stays so.
const (
	noRoot       = 1 << 0
	noRootLocked = 1 << 1
)

// refused are system calls that fail with EPERM: those that change namespaces and mounts, look into other processes, reach
// kernel interfaces with a long history of holes, or hold memory that no limit counts.
var refused = []uint32{
	unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_PIVOT_ROOT, unix.SYS_CHROOT, unix.SYS_OPEN_TREE, unix.SYS_MOVE_MOUNT, unix.SYS_FSOPEN,
	unix.SYS_FSCONFIG, unix.SYS_FSMOUNT, unix.SYS_FSPICK, unix.SYS_MOUNT_SETATTR, unix.SYS_UNSHARE, unix.SYS_SETNS, unix.SYS_SETHOSTNAME,
	unix.SYS_SETDOMAINNAME, unix.SYS_SWAPON, unix.SYS_SWAPOFF, unix.SYS_QUOTACTL, unix.SYS_QUOTACTL_FD, unix.SYS_ACCT,

	unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_PROCESS_MADVISE, unix.SYS_KCMP, unix.SYS_PIDFD_OPEN,
	unix.SYS_PIDFD_GETFD, unix.SYS_PIDFD_SEND_SIGNAL, unix.SYS_RT_SIGQUEUEINFO, unix.SYS_RT_TGSIGQUEUEINFO, unix.SYS_MIGRATE_PAGES, unix.SYS_MOVE_PAGES,

	unix.SYS_BPF, unix.SYS_PERF_EVENT_OPEN, unix.SYS_USERFAULTFD, unix.SYS_IO_URING_SETUP, unix.SYS_IO_URING_ENTER, unix.SYS_IO_URING_REGISTER,
	unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY, unix.SYS_KEYCTL, unix.SYS_FANOTIFY_INIT, unix.SYS_FANOTIFY_MARK, unix.SYS_NAME_TO_HANDLE_AT,
	unix.SYS_OPEN_BY_HANDLE_AT, unix.SYS_INIT_MODULE, unix.SYS_FINIT_MODULE, unix.SYS_DELETE_MODULE, unix.SYS_KEXEC_LOAD, unix.SYS_REBOOT,
	unix.SYS_SYSLOG, unix.SYS_PERSONALITY, unix.SYS_SETTIMEOFDAY, unix.SYS_CLOCK_SETTIME, unix.SYS_ADJTIMEX, unix.SYS_CLOCK_ADJTIME,
	unix.SYS_LOOKUP_DCOOKIE, unix.SYS_NFSSERVCTL, unix.SYS_VHANGUP,

	unix.SYS_MEMFD_CREATE, unix.SYS_MEMFD_SECRET, unix.SYS_SHMGET, unix.SYS_MSGGET, unix.SYS_SEMGET, unix.SYS_MQ_OPEN,
	unix.SYS_IO_SETUP, unix.SYS_VMSPLICE, unix.SYS_TEE,
}

// Offsets in struct seccomp_data; the low half of an argument comes first on the processors that the filter knows.
const (
	offsetCall      = 0
	offsetProcessor = 4
	offsetArgument  = 16
)

// newFilter makes the filter in the kernel's language: a list of instructions that looks at one call and returns a verdict.
func newFilter() []unix.SockFilter {
	load := func(at uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: at}
	}
	// jump goes on past skip instructions where the test fails.
	jump := func(test uint16, k uint32, skip uint8) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | test | unix.BPF_K, K: k, Jf: skip}
	}
	answer := func(k uint32) unix.SockFilter { return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: k} }
	deny := answer(unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM))

	filter := []unix.SockFilter{
		load(offsetProcessor),
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: auditArch, Jt: 1},
		answer(unix.SECCOMP_RET_KILL_PROCESS), // another processor's calls have other numbers
		load(offsetCall),
		jump(unix.BPF_JGE, foreignCalls, 1), answer(unix.SECCOMP_RET_KILL_PROCESS),
		// The C library falls back to clone, whose flags can be seen here.
		jump(unix.BPF_JEQ, unix.SYS_CLONE3, 1), answer(unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)),
	}
	for _, call := range append(refused, refusedHere...) {
		filter = append(filter, jump(unix.BPF_JEQ, call, 1), deny)
	}
	argument := func(call uint32, number uint32, tests ...unix.SockFilter) {
		filter = append(filter, jump(unix.BPF_JEQ, call, uint8(2+len(tests))), load(offsetArgument+8*number))
		filter = append(filter, tests...)
		filter = append(filter, answer(unix.SECCOMP_RET_ALLOW))
	}
	const namespaces = unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNS | unix.CLONE_NEWNET | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS | unix.CLONE_NEWCGROUP
	argument(unix.SYS_CLONE, 0, jump(unix.BPF_JSET, namespaces, 1), deny)
	// The first process, and all processes at once, get no signals.
	for _, call := range []uint32{unix.SYS_KILL, unix.SYS_TKILL, unix.SYS_TGKILL} {
		argument(call, 0, jump(unix.BPF_JEQ, 1, 1), deny, jump(unix.BPF_JEQ, 1<<32-1, 1), deny)
	}
	// Limits of this process only.
	filter = append(filter, jump(unix.BPF_JEQ, unix.SYS_PRLIMIT64, 4), load(offsetArgument),
		unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: 0, Jt: 1}, deny, answer(unix.SECCOMP_RET_ALLOW))
	// Of sockets, those within the worker only.
	filter = append(filter, jump(unix.BPF_JEQ, unix.SYS_SOCKET, 4), load(offsetArgument),
		unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.AF_UNIX, Jt: 1}, deny, answer(unix.SECCOMP_RET_ALLOW))
	return append(filter, answer(unix.SECCOMP_RET_ALLOW))
}
