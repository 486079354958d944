//go:build ignore

// Plugin installs the XLA plugin for NVIDIA GPUs, with the CUDA libraries that it needs, into a folder of this user, by
// go-xla's own installer, which takes them from the packages of the JAX project. Needs Linux on amd64, a network, and about
// 5 GB of disk.
//
//	go run scripts/plugin.go [-cuda 13] [-jax latest] [-path FOLDER]
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/gomlx/go-xla/installer"
)

func main() {
	home, err := installer.DefaultHomeLibPath()
	if err != nil {
		fmt.Fprintln(os.Stderr, "plugin:", err)
		os.Exit(1)
	}
	cuda := flag.Int("cuda", 13, "major version of CUDA, 12 or 13; the GPU's driver must support it")
	jax := flag.String("jax", "latest", "version of JAX whose plugin is taken")
	folder := flag.String("path", filepath.Join(home, "go-xla"), "folder to install into; its subfolder nvidia is replaced")
	flag.Parse()
	if err := installer.CudaInstall(fmt.Sprintf("cuda%d", *cuda), *jax, *folder, false, installer.Verbose); err != nil {
		fmt.Fprintf(os.Stderr, "plugin: install into %s: %v\n", *folder, err)
		os.Exit(1)
	}
	fmt.Println(filepath.Join(*folder, "nvidia", installer.NVIDIAPJRTPluginFileName))
}
