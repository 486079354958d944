package loss

import (
	"fmt"
	"slices"

	. "github.com/gomlx/gomlx/core/graph"
)

// MaskKind says which token mask an objective weights its terms with.
type MaskKind int

// The kinds of masks.
const (
	NoMask          MaskKind = iota
	ActivationMask           // read off the reference model's activations
	CommonMask               // one learned mask for rewards and KL
	IndependentMask          // two learned masks
	BinaryMask               // one learned mask, rounded to 0 or 1
	RandomMask               // uniform on [0, 1], drawn anew at every step
	FileMask                 // given with the records, in place of an objective's own
)

// Learned reports whether the mask has parameters.
func (k MaskKind) Learned() bool { return k == CommonMask || k == IndependentMask || k == BinaryMask }

// Objective describes one objective.
type Objective struct {
	Name    string
	Summary string   // one line: the formula of the per-pair loss
	Source  string   // the paper
	Reads   []string // the settings it reads
	Mask    MaskKind
	// Reference reports whether the loss needs the reference model.
	Reference bool
	// Pairs reports whether rejected responses take part.
	Pairs bool
	// TokenKL reports whether the loss needs the vocabulary-wide KL of every token.
	TokenKL bool
	// Build adds the loss to the graph of the terms.
	Build func(t Terms, o Options) Output
}

// Options are the settings of the objectives. Each objective reads the ones its description lists.
type Options struct {
	Beta      float64 // strength of the implicit KL constraint
	Alpha     float64 // tdpo2: weight of the KL term
	Gamma     float64 // simpo, sparse-simpo: target margin, outside β
	Lambda    float64 // dpop, sparse-dpop: weight of the penalty
	ReverseKL bool    // masked objectives: KL(pi ‖ pi_ref) with the sign of Eq. 8 as printed
	L1U, L1D  float64 // masked objectives: L1 coefficients of the reward and the KL mask

	LabelSmoothing float64 // dpo, robust: share of labels taken to be wrong, ε in [0, ½)
	RPOAlpha       float64 // objectives on pairs: weight of the chosen response's mean negative log-likelihood
}

// Terms are what the objectives are made of: one value a response token.
type Terms struct {
	LogProb   *Node // [tokens] log pi(y_t), nats
	Reference *Node // [tokens] log pi_ref(y_t); nil without a reference model
	ForwardKL *Node // [tokens] KL(pi_ref ‖ pi), never negative; nil where not computed
	ReverseKL *Node // [tokens] KL(pi ‖ pi_ref), never negative; nil where not computed

	RewardMask *Node // [tokens] m_u; nil stands for ones
	KLMask     *Node // [tokens] m_d; nil stands for ones

	Sides Sides
}

// LogRatio is log pi(y_t) - log pi_ref(y_t), [tokens]. No gradient reaches the reference.
func (t Terms) LogRatio() *Node { return Sub(t.LogProb, StopGradient(t.Reference)) }

// Output of an objective, one value a pair.
type Output struct {
	Loss             *Node // [pairs]
	Chosen, Rejected *Node // [pairs] the logged rewards: what the loss compares; nil where there is no reference model to compare with
}

var registry []Objective

func register(o Objective) {
	for _, other := range registry {
		if other.Name == o.Name {
			panic(fmt.Sprintf("loss: objective %q registered twice", o.Name))
		}
	}
	if o.Pairs {
		o.Reads = append(o.Reads[:len(o.Reads):len(o.Reads)], "rpo_alpha")
		o.Build = withNLL(o.Build)
	}
	if o.Mask != NoMask {
		o.Reads = append(o.Reads[:len(o.Reads):len(o.Reads)], "mask.source")
	}
	registry = append(registry, o)
	slices.SortStableFunc(registry, func(a, b Objective) int { return order(a.Name) - order(b.Name) })
}

// listing is the order in which documents list the objectives: those of the paper in the order of its story, then the others.
var listing = []string{
	"sft", "dpo", "simpo", "dpop", "tdpo1", "tdpo2", "mapo", "sparse-common", "sparse-independent", "sparse-binary", "sparse-random",
	"ipo", "robust", "hinge", "kto-pair", "orpo", "sparse-dpop", "sparse-simpo",
}

func order(name string) int {
	if i := slices.Index(listing, name); i >= 0 {
		return i
	}
	return len(listing)
}

// All lists the objectives.
func All() []Objective { return slices.Clone(registry) }

// Names lists the names of the objectives.
func Names() []string {
	names := make([]string, len(registry))
	for i, o := range registry {
		names[i] = o.Name
	}
	return names
}

// Lookup finds an objective by name.
func Lookup(name string) (Objective, bool) {
	for _, o := range registry {
		if o.Name == name {
			return o, true
		}
	}
	return Objective{}, false
}
