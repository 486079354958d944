package nf4

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"slices"
	"testing"
)

// reference is testdata/nf4.json, which testdata/nf4.py computes on its own.
type reference struct {
	DynamicMap []float32 `json:"dynamic_map"`
	Cases      []referenceCase
}

type referenceCase struct {
	Name    string
	Values  []float32
	Formula struct{ Elements, Spread int } // instead of values, for large cases

	Codes, Scales string    // hexadecimal
	ScaleScales   []float32 `json:"scale_scales"`
	Offset        float32
	Restored      []float32 // the blocks' scales after double quantisation
	Dequantised   []float32 // absent in large cases
}

func readReference(t *testing.T) reference {
	t.Helper()
	text, err := os.ReadFile("testdata/nf4.json")
	if err != nil {
		t.Fatal(err)
	}
	var r reference
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Cases) < 16 {
		t.Fatalf("nf4.json has %d cases; run testdata/nf4.py again", len(r.Cases))
	}
	return r
}

// inputs are the case's elements; the formula is that of nf4.py.
func (c referenceCase) inputs() []float32 {
	if c.Formula.Elements == 0 {
		return c.Values
	}
	values := make([]float32, c.Formula.Elements)
	for i := range values {
		hash := uint32(i * 2654435761)
		values[i] = (float32(hash>>8)/(1<<24) - 0.5) * float32(1+i/BlockSize*c.Formula.Spread%8)
	}
	return values
}

func TestIndependentComputation(t *testing.T) {
	r := readReference(t)
	if !slices.Equal(dynamicMap[:], r.DynamicMap) {
		t.Errorf("dynamic map %v, want %v", dynamicMap, r.DynamicMap)
	}
	for _, c := range r.Cases {
		t.Run(c.Name, func(t *testing.T) {
			values := c.inputs()
			got, err := Quantise(values, len(values))
			if err != nil {
				t.Fatal(err)
			}
			if codes := hex.EncodeToString(got.Codes); codes != c.Codes {
				t.Errorf("codes  %s\nwant   %s", codes, c.Codes)
			}
			if scales := hex.EncodeToString(got.Scales); scales != c.Scales {
				t.Errorf("scales %s\nwant   %s", scales, c.Scales)
			}
			if !slices.Equal(got.ScaleScales, c.ScaleScales) || got.Offset != c.Offset {
				t.Errorf("scales of scales %v, offset %v; want %v, %v", got.ScaleScales, got.Offset, c.ScaleScales, c.Offset)
			}
			for b, want := range c.Restored {
				if got.scale(b) != want {
					t.Errorf("block %d: scale %v, want %v", b, got.scale(b), want)
				}
			}
			if dequantised := got.Dequantise(); c.Values != nil && !slices.Equal(dequantised, c.Dequantised) {
				t.Errorf("dequantised %v\nwant        %v", dequantised, c.Dequantised)
			}
		})
	}
}
