package data

// Work says what the parts of a batch cost an engine, in any unit: floating-point operations, say. A plan chooses shapes by it.
type Work struct {
	Position float64 // one cell of a row through the layers, but for the products of attention
	Pairing  float64 // those products, for one cell and one cell of the same row that it is compared with
	Response float64 // one response token through the LM head and what comes after it
}

// defaultWork has the proportions of GPT-2 Small: per layer 24·768² operations a position and 4·768 for each position of its
// row, of 12 layers; 2·768·50257 a response token.
var defaultWork = Work{Position: 12 * 24 * 768 * 768, Pairing: 12 * 4 * 768, Response: 2 * 768 * 50257}

// Cost is the work that a batch of the shape costs, its padding included.
func (w Work) Cost(s Shape) float64 {
	cells, compared := float64(s.Rows*s.Seq), float64(s.Rows*s.Seq*s.Seq)
	// The conversions forbid fused operations, so that plans are the same on every machine.
	return float64(cells*w.Position) + float64(compared*w.Pairing) + float64(float64(s.Responses)*w.Response)
}
