package model

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"

	"github.com/sparsepo/sparsepo/safetensors"
)

// Merge writes the checkpoint with an adapter folded into its weights, W + s·B·A, as a whole model that needs no adapter.
// Dtypes, names and files are the checkpoint's. It reads and writes one tensor after the other. The folder must exist.
func (c *Checkpoint) Merge(a *Adapter, folder string) error {
	layers, err := a.layers(c)
	if err != nil {
		return err
	}
	adapted := map[string]*Linear{} // by the file's tensor
	for _, p := range c.params {
		if slices.Contains(layers, p.Linear) {
			adapted[p.Tensor] = p.Linear
		}
	}
	if err := os.WriteFile(filepath.Join(folder, "config.json"), c.Config.JSON(), 0o644); err != nil {
		return fmt.Errorf("write model configuration: %w", err)
	}
	var values []float32 // memory for one tensor after the other
	list := make([]safetensors.TensorData, len(c.layout))
	for i, entry := range c.layout {
		list[i] = safetensors.TensorData{Name: entry.name, DType: entry.dtype, Shape: entry.dims, Load: func() ([]float32, error) {
			t, _ := c.files.Tensor(entry.name)
			if len(values) < t.Len() {
				values = make([]float32, t.Len())
			}
			whole := values[:t.Len()]
			err := decode(t, whole)
			if l := adapted[entry.name]; l != nil && err == nil {
				err = a.addTo(whole, l)
			}
			return whole, err
		}}
	}
	if err := safetensors.WriteFolder(folder, list, map[string]string{"format": "pt"}, safetensors.DefaultShard); err != nil {
		return err
	}
	if err := copyFiles([]string{generationFile}, c.Folder, folder); err != nil {
		return err
	}
	return copyTokenizer(c.Folder, a.Folder, folder)
}

// decode reads a tensor of a file so that hardly more of the file than a piece is in memory beside it.
func decode(t safetensors.Tensor, into []float32) error {
	const piece = 1 << 22
	for first := 0; first < len(into); first += piece {
		err := t.DecodeFloat32(into[first:min(first+piece, len(into))], first)
		t.Release()
		if err != nil {
			return err
		}
	}
	return nil
}

// addTo adds the adapter's product to the weight of a layer, in float32.
func (a *Adapter) addTo(weight []float32, l *Linear) error {
	down, err := a.values(Param{Name: l.Module + downMatrix, Tensor: l.Module + downMatrix, Dims: []int{a.Rank, l.In}})
	if err != nil {
		return err
	}
	up, err := a.values(Param{Name: l.Module + upMatrix, Tensor: l.Module + upMatrix, Dims: []int{l.Out, a.Rank}})
	if err != nil {
		return err
	}
	// Row i of the stored matrix gets Σ_k left[i][k]·right[k][j].
	rows, columns := l.Out, l.In
	left, right := func(i, k int) float32 { return up[i*a.Rank+k] }, func(k int) []float32 { return down[k*l.In:][:l.In] }
	if l.InOut {
		rows, columns = l.In, l.Out
		turned := transpose(up, l.Out, a.Rank)
		left, right = func(i, k int) float32 { return down[k*l.In+i] }, func(k int) []float32 { return turned[k*l.Out:][:l.Out] }
	}
	scale := float32(a.scale())
	inParallel(rows, func(i int) {
		row := weight[i*columns:][:columns]
		for k := range a.Rank {
			factor := scale * left(i, k)
			for j, r := range right(k) {
				row[j] += factor * r
			}
		}
	})
	return nil
}

func transpose(values []float32, rows, columns int) []float32 {
	turned := make([]float32, len(values))
	for i := range rows {
		for j := range columns {
			turned[j*rows+i] = values[i*columns+j]
		}
	}
	return turned
}

// inParallel calls do for 0 … n-1, on all cores.
func inParallel(n int, do func(i int)) {
	var group sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for worker := range workers {
		group.Go(func() {
			for i := worker; i < n; i += workers {
				do(i)
			}
		})
	}
	group.Wait()
}
