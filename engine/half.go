package engine

import (
	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
)

// wideProducts computes products of bfloat16 and float16 in float32. The Go backend's own kernels for small ones (compute
// v0.1.2, with SIMD) drop half of each vector and give wrong numbers.
type wideProducts struct{ compute.Function }

// DotGeneral is the product in the operands' type, summed in float32.
func (f *wideProducts) DotGeneral(x compute.Value, xContracting, xBatch []int, y compute.Value, yContracting, yBatch []int, config compute.DotGeneralConfig) (compute.Value, error) {
	shape, err := f.Shape(x)
	if err != nil {
		return nil, err
	}
	if shape.DType != dtypes.BFloat16 && shape.DType != dtypes.Float16 {
		return f.Function.DotGeneral(x, xContracting, xBatch, y, yContracting, yBatch, config)
	}
	if x, err = f.ConvertDType(x, dtypes.Float32); err != nil {
		return nil, err
	}
	if y, err = f.ConvertDType(y, dtypes.Float32); err != nil {
		return nil, err
	}
	product, err := f.Function.DotGeneral(x, xContracting, xBatch, y, yContracting, yBatch, compute.DotGeneralConfig{})
	if err != nil {
		return nil, err
	}
	if config.OutputDType == dtypes.InvalidDType {
		config.OutputDType = shape.DType
	}
	return f.ConvertDType(product, config.OutputDType)
}
