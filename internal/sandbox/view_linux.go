//go:build amd64 || arm64

package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Places in the worker's view of the file system.
const (
	scriptFolder  = "/sandbox"
	programFolder = "/tmp"
)

// systemFolders hold the shared libraries that an interpreter may be linked with.
var systemFolders = []string{"/lib", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache", "/nix/store"}

// devices are those that the view has.
var devices = []string{"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"}

// arrange gives the worker its view of the file system: what Python needs, read-only, and nothing else; no /proc, no /sys.
// The worker must be the first process of its namespaces.
func arrange(python interpreter) error {
	// Any folder serves to put the view together that has nothing in it that the view needs.
	const root = "/proc"
	steps := []struct {
		name string
		do   func() error
	}{
		{"make mounts private", func() error { return unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "") }},
		{"mount a file system in memory", func() error {
			return unix.Mount("sandbox", root, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "size=4m,mode=755")
		}},
		{"show Python's folders", func() error { return show(root, append(python.Folders, append(systemFolders, python.Executable)...)) }},
		{"show devices", func() error { return show(root, devices) }},
		{"write the scripts", func() error { return writeScripts(root + scriptFolder) }},
		{"make the program's folder", func() error { return os.Mkdir(root+programFolder, 0o755) }},
		{"change to the view", func() error { return enter(root) }},
		{"make the view read-only", func() error {
			return unix.Mount("", "/", "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV, "")
		}},
		{"name the host", func() error { return unix.Sethostname([]byte("sandbox")) }},
	}
	for _, step := range steps {
		if err := step.do(); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
	}
	return nil
}

// enter makes a folder the root of everything and lets go of the old root.
func enter(root string) error {
	return errors.Join(unix.Chdir(root), unix.PivotRoot(".", "."), unix.Unmount(".", unix.MNT_DETACH), unix.Chdir("/"))
}

// show binds paths into the view under their own names, read-only; those that do not exist are passed over, and of
// symbolic links a copy is made.
func show(root string, paths []string) error {
	var shown []string
	for _, path := range paths {
		if within(path, shown) {
			continue
		}
		info, err := os.Lstat(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = showOne(root, path, info)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		shown = append(shown, path)
	}
	return nil
}

func within(path string, folders []string) bool {
	for _, folder := range folders {
		if path == folder || strings.HasPrefix(path, folder+"/") {
			return true
		}
	}
	return false
}

func showOne(root, path string, info fs.FileInfo) error {
	target := filepath.Join(root, path)
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	var err error
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		link, err := os.Readlink(path)
		if err != nil {
			return err
		}
		return os.Symlink(link, target)
	case info.IsDir():
		err = os.MkdirAll(target, 0o755)
	default:
		err = os.WriteFile(target, nil, 0o644)
	}
	if err != nil {
		return err
	}
	if err := unix.Mount(path, target, "", unix.MS_BIND, ""); err != nil {
		return err
	}
	return lock(target, info.IsDir() || info.Mode().IsRegular())
}

// lock makes a bind mount read-only. Flags that the mount has from outside must be given again: a user namespace may not
// take them off. Device files are written to, which a read-only mount allows, but MS_NODEV would forbid.
func lock(target string, noDevices bool) error {
	var s unix.Statfs_t
	if err := unix.Statfs(target, &s); err != nil {
		return err
	}
	flags := uintptr(unix.MS_REMOUNT | unix.MS_BIND | unix.MS_RDONLY | unix.MS_NOSUID)
	if noDevices {
		flags |= unix.MS_NODEV
	}
	for of, flag := range map[int64]uintptr{
		unix.ST_NODEV: unix.MS_NODEV, unix.ST_NOEXEC: unix.MS_NOEXEC, unix.ST_NOATIME: unix.MS_NOATIME,
		unix.ST_NODIRATIME: unix.MS_NODIRATIME, unix.ST_RELATIME: unix.MS_RELATIME,
	} {
		if int64(s.Flags)&of != 0 {
			flags |= flag
		}
	}
	return unix.Mount("", target, "", flags, "")
}

// writeScripts writes the Python halves of this package into a new folder.
func writeScripts(folder string) error {
	if err := os.Mkdir(folder, 0o755); err != nil {
		return err
	}
	names, err := fs.Glob(scripts, "python/*.py")
	if err != nil {
		return err
	}
	for _, name := range names {
		content, err := scripts.ReadFile(name)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(folder, filepath.Base(name)), content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// freshFolder gives the next program an empty private folder, in memory and of limited size; empty removes it.
func freshFolder(user int, size int64) (empty func() error, err error) {
	options := fmt.Sprintf("size=%d,nr_inodes=4096,mode=700,uid=%d,gid=%d", size, user, user)
	if err := unix.Mount("program", programFolder, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, options); err != nil {
		return nil, fmt.Errorf("mount the program's folder: %w", err)
	}
	return func() error { return unix.Unmount(programFolder, unix.MNT_DETACH) }, nil
}
