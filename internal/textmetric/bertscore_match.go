package textmetric

import "math"

// embedded is a text as BERTScore sees it.
type embedded struct {
	vectors [][]float64 // per token, of length 1
	weights []float64   // per token
	empty   bool        // the text has no tokens of its own
}

// unitVectors scales each of the vectors of a width to length 1.
func unitVectors(flat []float32, width int) [][]float64 {
	vectors := make([][]float64, len(flat)/width)
	for i := range vectors {
		vector := make([]float64, width)
		square := 0.0
		for j, x := range flat[i*width : (i+1)*width] {
			vector[j] = float64(x)
			square += vector[j] * vector[j]
		}
		if square > 0 {
			for j := range vector {
				vector[j] /= math.Sqrt(square)
			}
		}
		vectors[i] = vector
	}
	return vectors
}

// match gives each token the highest cosine similarity with a token of the other text, those around the text included, and
// returns the weighted means over the candidate's tokens (precision) and the reference's (recall): equations in section 3
// of the paper. An empty text scores 0; so does a side whose tokens all have weight 0.
func match(reference, candidate embedded) Overlap {
	if reference.empty || candidate.empty {
		return Overlap{}
	}
	forCandidate, forReference := lowest(len(candidate.vectors)), lowest(len(reference.vectors))
	for i, x := range candidate.vectors {
		for j, y := range reference.vectors {
			similarity := dot(x, y)
			forCandidate[i] = max(forCandidate[i], similarity)
			forReference[j] = max(forReference[j], similarity)
		}
	}
	o := Overlap{Precision: weightedMean(forCandidate, candidate.weights), Recall: weightedMean(forReference, reference.weights)}
	if sum := o.Precision + o.Recall; sum != 0 {
		o.F1 = 2 * o.Precision * o.Recall / sum
	}
	return o
}

func lowest(n int) []float64 {
	values := make([]float64, n)
	for i := range values {
		values[i] = math.Inf(-1)
	}
	return values
}

func dot(x, y []float64) float64 {
	sum := 0.0
	for i := range x {
		sum += x[i] * y[i]
	}
	return sum
}

func weightedMean(values, weights []float64) float64 {
	sum, total := 0.0, 0.0
	for i, weight := range weights {
		sum += weight * values[i]
		total += weight
	}
	if total == 0 {
		return 0
	}
	return sum / total
}

// idf is how rare tokens are in a collection of texts.
type idf struct {
	texts int
	in    map[int32]int // how many texts have the token
}

func newIDF(texts []string, encode func(text string) []int32) *idf {
	f := &idf{texts: len(texts), in: map[int32]int{}}
	for _, text := range texts {
		seen := map[int32]bool{}
		for _, id := range encode(text) {
			if !seen[id] {
				seen[id] = true
				f.in[id]++
			}
		}
	}
	return f
}

// weight is ln((N + 1) / (n + 1)) for a token in n of the N texts.
func (f *idf) weight(id int32) float64 {
	return math.Log(float64(f.texts+1) / float64(f.in[id]+1))
}
