package memory

import (
	"bufio"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
)

// Available is the memory that this process may still take, in bytes: what the machine has free, or what is left of a limit
// of the control groups it is in, whichever is less. known is false where neither can be read.
func Available() (bytes int64, known bool) {
	bytes, known = machineFree("/proc/meminfo")
	if left, limited := groupLeft("/sys/fs/cgroup", "/proc/self/cgroup"); limited && (!known || left < bytes) {
		return left, true
	}
	return bytes, known
}

// machineFree reads MemAvailable, the kernel's own estimate.
func machineFree(file string) (int64, bool) {
	f, err := os.Open(file)
	if err != nil {
		return 0, false
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if text, ok := strings.CutPrefix(lines.Text(), "MemAvailable:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(text), " kB"), 10, 64)
			return kib << 10, err == nil
		}
	}
	return 0, false
}

// groupLeft is the least that any group on the way up leaves, of version 2 of control groups or of version 1. Files that the
// group has in the system's cache count as used by it, and as left here: they go when memory is needed.
func groupLeft(root, membership string) (int64, bool) {
	text, err := os.ReadFile(membership)
	if err != nil {
		return 0, false
	}
	least, limited := int64(0), false
	take := func(group, limitFile, usedFile string) {
		limit, ok := number(filepath.Join(group, limitFile))
		used, counted := number(filepath.Join(group, usedFile))
		if left := min(limit, max(0, limit-used)+cached(group)); ok && counted && limit < 1<<62 && (!limited || left < least) {
			least, limited = left, true
		}
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(fields) < 3 {
			continue
		}
		for group := path.Clean("/" + fields[2]); ; group = path.Dir(group) {
			switch {
			case fields[0] == "0" && fields[1] == "":
				take(filepath.Join(root, group), "memory.max", "memory.current")
			case strings.Contains(fields[1], "memory"):
				take(filepath.Join(root, "memory", group), "memory.limit_in_bytes", "memory.usage_in_bytes")
			}
			if group == "/" {
				break
			}
		}
	}
	return least, limited
}

// cached is what a group and those in it have of files in the system's cache.
func cached(group string) int64 {
	text, err := os.ReadFile(filepath.Join(group, "memory.stat"))
	if err != nil {
		return 0
	}
	counts := map[string]int64{}
	for line := range strings.Lines(string(text)) {
		if name, count, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			counts[name], _ = strconv.ParseInt(count, 10, 64) // 0 where it is no number
		}
	}
	if all, ok := counts["total_inactive_file"]; ok { // version 1: without total_ they are the group's own
		return all + counts["total_active_file"]
	}
	return counts["inactive_file"] + counts["active_file"]
}

// number reads a file of one number; "max" is none.
func number(file string) (int64, bool) {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	return n, err == nil
}
