package onnxgraph

import (
	"slices"
	"strings"

	"github.com/gomlx/compute/dtypes"
)

// contributed is the domain of ONNX Runtime's own operations.
const contributed = "com.microsoft"

// lowerProducts turns Einsum into operations that read transposed matrices as they lie, and takes the transpositions before
// and after them away.
func (g *graph) lowerProducts() {
	for _, n := range g.nodes {
		p, ok := productOf(n)
		if !ok {
			continue
		}
		if p.batch == 0 {
			g.lowerMatrix(n, p)
			continue
		}
		attributes := map[string]any{"transA": flag(p.transposed[0]), "transB": flag(p.transposed[1])}
		n.become("FusedMatMul", contributed, n.inputs, attributes)
	}
}

// product is a matrix product, or many of them over the leading axes of both operands: rows × inner times inner × columns.
type product struct {
	batch      int     // leading axes
	transposed [2]bool // operands that are stored the other way round
}

// productOf reads an Einsum of compute-onnx that is such a product. Its results have the leading axes first, then the
// left operand's axis, then the right one's.
func productOf(n *node) (product, bool) {
	if n.op != "Einsum" || n.dtype != dtypes.Float32 || len(n.inputs) != 2 {
		return product{}, false
	}
	operands, result, _ := strings.Cut(n.text("equation"), "->")
	left, right, _ := strings.Cut(operands, ",")
	batch := len(left) - 2
	if len(left) < 2 || len(right) != len(left) || len(result) != len(left) || left[:batch] != right[:batch] || result[:batch] != left[:batch] {
		return product{}, false
	}
	row, column := result[batch], result[batch+1]
	inner := strings.Trim(left[batch:], string(row))
	if len(inner) != 1 || !strings.Contains(left[batch:], string(row)) || !strings.Contains(right[batch:], string(column)) || !strings.Contains(right[batch:], inner) {
		return product{}, false
	}
	return product{batch, [2]bool{left[batch] == inner[0], right[batch] == column}}, true
}

// lowerMatrix makes a Gemm. Where its result is only used transposed it computes that: (A·B)ᵀ = Bᵀ·Aᵀ.
func (g *graph) lowerMatrix(n *node, p product) {
	inputs, turned := slices.Clone(n.inputs), p.transposed
	for i, input := range inputs {
		if flips(input) {
			inputs[i], turned[i] = input.inputs[0], !turned[i]
		}
	}
	target := n
	if len(n.users) == 1 && flips(n.users[0]) && !slices.Contains(g.returns, n) {
		target = n.users[0]
		inputs[0], inputs[1] = inputs[1], inputs[0]
		turned = [2]bool{!turned[1], !turned[0]}
	}
	target.become("Gemm", "", inputs, map[string]any{"transA": flag(turned[0]), "transB": flag(turned[1])})
}

// flips says whether a node transposes a matrix.
func flips(n *node) bool {
	return n.op == "Transpose" && slices.Equal(n.permutation(), []int64{1, 0})
}

func flag(set bool) int64 {
	if set {
		return 1
	}
	return 0
}
