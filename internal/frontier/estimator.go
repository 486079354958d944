package frontier

// Estimator names a way to measure the divergence of a policy π from its reference on sampled responses. The values are the
// fields of samples files, and of metrics records behind "eval_frontier/".
type Estimator string

const (
	// Exact sums KL(π ‖ π_ref) of the next token over the vocabulary, at each position of the response.
	Exact Estimator = "kl"
	// Sampled sums the log-ratios of the tokens that were drawn: without bias for the same expectation, and noisier. Its mean
	// over few responses may be below 0.
	Sampled Estimator = "kl_sampled"
)

// Estimators lists them, the one of the paper's figures first.
var Estimators = []Estimator{Exact, Sampled}

// Definition says what is measured, in a line.
func (e Estimator) Definition() string {
	if e == Sampled {
		return "Σ_t log π(y_t)/π_ref(y_t) of the sampled tokens"
	}
	return "Σ_t KL(π ‖ π_ref) over the vocabulary"
}
