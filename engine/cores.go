package engine

import (
	"fmt"
	"os"
	"runtime"
	"strings"
)

// cores counts the processor's cores that this program may use: two threads of one core multiply matrices no faster than one.
// folder is where Linux describes the processor; where there is nothing, every CPU counts.
func cores(folder string) int {
	found := map[string]bool{}
	for cpu := 0; ; cpu++ {
		siblings, err := os.ReadFile(fmt.Sprintf("%s/cpu%d/topology/thread_siblings_list", folder, cpu))
		if err != nil {
			break
		}
		found[strings.TrimSpace(string(siblings))] = true
	}
	if len(found) == 0 {
		return runtime.NumCPU()
	}
	return min(len(found), runtime.NumCPU())
}
