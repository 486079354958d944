package engine

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
)

// RuntimeVersion is the version of ONNX Runtime that `make engine` installs.
const RuntimeVersion = "1.30.0"

// libraryVariable names the ONNX Runtime library; the onnx backend reads it too.
const libraryVariable = "ONNXRUNTIME_SHARED_LIBRARY_PATH"

// LibraryName is the file name of the ONNX Runtime library on this system.
func LibraryName() string {
	if runtime.GOOS == "darwin" {
		return "libonnxruntime.dylib"
	}
	return "libonnxruntime.so.1"
}

// InstalledLibrary is where `make engine` puts the ONNX Runtime library.
func InstalledLibrary() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the user's cache folder: %w", err)
	}
	return filepath.Join(cache, "sparsepo", "onnxruntime-"+RuntimeVersion, LibraryName()), nil
}

// library is a file that should be ONNX Runtime, and how it was found.
type library struct {
	path string
	from string
}

// chosen is the library that this process named in the environment variable itself.
var chosen struct {
	sync.Mutex
	library
}

// choose names the library to the onnx backend: it then loads exactly this file and never looks for one to download.
func choose(found library) error {
	chosen.Lock()
	defer chosen.Unlock()
	if err := os.Setenv(libraryVariable, found.path); err != nil {
		return fmt.Errorf("set %s: %w", libraryVariable, err)
	}
	chosen.library = found
	return nil
}

// findLibrary looks for the ONNX Runtime library: in the environment variable, in the cache folder, on the system's library
// path. An environment variable that names no file is an error: it was set on purpose.
func findLibrary() (found library, ok bool, err error) {
	chosen.Lock()
	defer chosen.Unlock()
	if path := os.Getenv(libraryVariable); path != "" {
		if path == chosen.path && isFile(path) {
			return chosen.library, true, nil
		}
		if !isFile(path) {
			return library{}, false, fmt.Errorf("environment variable %s: %s is no file; unset it or name the library", libraryVariable, path)
		}
		return library{path, "named by the environment variable " + libraryVariable}, true, nil
	}
	if path, err := InstalledLibrary(); err == nil && isFile(path) {
		return library{path, "found in the cache folder"}, true, nil
	}
	for _, folder := range systemFolders() {
		for _, name := range []string{LibraryName(), "libonnxruntime.so"} {
			if path := filepath.Join(folder, name); isFile(path) {
				return library{path, "found on the system's library path"}, true, nil
			}
		}
	}
	return library{}, false, nil
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// systemFolders lists the folders that the dynamic linker searches, in its order: LD_LIBRARY_PATH (DYLD_LIBRARY_PATH on
// macOS), the folders of ld.so.conf, the standard ones.
func systemFolders() []string {
	variable := "LD_LIBRARY_PATH"
	if runtime.GOOS == "darwin" {
		variable = "DYLD_LIBRARY_PATH"
	}
	folders := slices.DeleteFunc(filepath.SplitList(os.Getenv(variable)), func(folder string) bool { return folder == "" })
	if runtime.GOOS == "linux" {
		folders = append(folders, linkerFolders("/etc/ld.so.conf", 0)...)
		folders = append(folders, "/lib64", "/usr/lib64", "/lib", "/usr/lib")
	} else {
		folders = append(folders, "/opt/homebrew/lib")
	}
	return append(folders, "/usr/local/lib")
}

// linkerFolders reads the folders of an ld.so.conf file and of the files it includes, to a small depth.
func linkerFolders(conf string, depth int) []string {
	const maxDepth = 4
	text, err := os.ReadFile(conf)
	if err != nil || depth > maxDepth {
		return nil // no such file on many systems
	}
	var folders []string
	for line := range strings.Lines(string(text)) {
		line, _, _ = strings.Cut(line, "#")
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0:
		case fields[0] == "include":
			for _, pattern := range fields[1:] {
				if !filepath.IsAbs(pattern) {
					pattern = filepath.Join(filepath.Dir(conf), pattern)
				}
				included, _ := filepath.Glob(pattern) // a malformed pattern includes nothing
				for _, file := range included {
					folders = append(folders, linkerFolders(file, depth+1)...)
				}
			}
		default:
			folders = append(folders, fields[0])
		}
	}
	return folders
}
