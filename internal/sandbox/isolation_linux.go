//go:build amd64 || arm64

package sandbox

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// programUser is the user and group id of programs, inside and outside, where this program may use a second id: nobody's.
const programUser = 65534

// isolate asks for namespaces, and reports whether programs get a user id of their own in them. Only root may give out ids
// other than its own; an ordinary user's programs have the worker's id, but none of its privileges.
func isolate(a *syscall.SysProcAttr) (twoUsers bool) {
	a.Cloneflags = unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNS | unix.CLONE_NEWNET | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS
	twoUsers = os.Getuid() == 0 && secondUser()
	a.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
	a.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	if twoUsers {
		a.GidMappingsEnableSetgroups = true
		a.UidMappings = append(a.UidMappings, syscall.SysProcIDMap{ContainerID: programUser, HostID: programUser, Size: 1})
		a.GidMappings = append(a.GidMappings, syscall.SysProcIDMap{ContainerID: programUser, HostID: programUser, Size: 1})
	}
	return twoUsers
}

// secondUser reports whether programUser exists here and this program has the privileges to be it.
func secondUser() bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	const needed = 1<<unix.CAP_SETUID | 1<<unix.CAP_SETGID
	return unix.Capget(&header, &data[0]) == nil && data[0].Effective&needed == needed &&
		exists("/proc/self/uid_map", programUser) && exists("/proc/self/gid_map", programUser)
}

// exists reports whether an id exists in this program's own user namespace.
func exists(table string, id int) bool {
	text, err := os.ReadFile(table)
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(text)) {
		var first, outer, count int
		if _, err := fmt.Sscan(line, &first, &outer, &count); err == nil && first <= id && id-first < count {
			return true
		}
	}
	return false
}

// switches are kernel settings that forbid what the sandbox needs, and what to do about each.
var switches = []struct {
	path      string
	forbids   func(value int) bool
	allowWith string
}{
	{"/proc/sys/kernel/unprivileged_userns_clone", isZero, "sysctl -w kernel.unprivileged_userns_clone=1"},
	{"/proc/sys/user/max_user_namespaces", isZero, "sysctl -w user.max_user_namespaces=10000"},
	{"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", func(v int) bool { return v != 0 }, "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"},
}

func isZero(v int) bool { return v == 0 }

// withWayOut attaches what may help: the kernel settings that forbid user namespaces here, or else the container around us.
func withWayOut(err error) error {
	found := false
	for _, s := range switches {
		text, readErr := os.ReadFile(s.path)
		value, parseErr := strconv.Atoi(strings.TrimSpace(string(text)))
		if readErr == nil && parseErr == nil && s.forbids(value) {
			err, found = usage.Hint(err, "the kernel forbids user namespaces; root allows them with: "+s.allowWith), true
		}
	}
	if os.Getuid() == 0 && !secondUser() {
		err, found = usage.Hint(err, fmt.Sprintf("start this as an ordinary user; or let root run programs as user %d, with the capabilities SETUID and SETGID", programUser)), true
	}
	if !found {
		err = usage.Hint(err, "in a container, let it make user namespaces and mounts (Docker: --security-opt seccomp=unconfined --security-opt apparmor=unconfined --security-opt systempaths=unconfined)")
	}
	return usage.Hint(err, "--unsafe-no-sandbox runs programs as this user, with limits but no isolation; only for programs that you trust")
}
