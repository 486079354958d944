package encoder

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	. "github.com/gomlx/gomlx/core/graph"
)

// deBERTa is DeBERTa of versions 2 and 3 (He et al. 2021): in place of positions it has embeddings of how far two tokens lie
// apart, which take part in attention.
var deBERTa = family{
	prefix:  "deberta.",
	modules: bertModules,
	defaults: configFile{
		Vocab: 128100, Hidden: 1536, Layers: 24, Heads: 24, Inner: 6144, Positions: 512, NormEps: 1e-7,
		Activation: "gelu", PositionBy: "absolute", Std: 0.02,
	},
	block:    deBERTaBlock,
	untyped:  true,
	relative: true,
}

func deBERTaBlock(c *Config, layer int) block {
	b := bertBlock(c, layer)
	p := fmt.Sprintf("encoder.layer.%d.attention.self.", layer)
	b.query, b.key, b.value = p+"query_proj", p+"key_proj", p+"value_proj"
	return b
}

const (
	distanceTable = "encoder.rel_embeddings.weight"
	distanceNorm  = "encoder.LayerNorm"
)

// distances is how the distances of tokens are told apart.
type distances struct {
	span    int // as many embeddings are there in either direction
	buckets int // far distances share embeddings from half of this on; 0: none do
	most    int // the distance that has the last embedding
}

// names is a list of strings, or one string with bars between them.
type names []string

func (n *names) UnmarshalJSON(raw []byte) error {
	if raw[0] == '[' {
		var list []string
		err := json.Unmarshal(raw, &list)
		*n = list
		return err
	}
	var text string
	err := json.Unmarshal(raw, &text)
	*n = strings.FieldsFunc(strings.ToLower(text), func(char rune) bool { return char == '|' })
	return err
}

// relativeFile are the fields of config.json that DeBERTa has for itself.
type relativeFile struct {
	Relative   bool  `json:"relative_attention"`
	Buckets    int   `json:"position_buckets"`
	Most       int   `json:"max_relative_positions"`
	Terms      names `json:"pos_att_type"`
	Shared     bool  `json:"share_att_key"`
	Norm       names `json:"norm_rel_ebd"`
	Biased     bool  `json:"position_biased_input"`
	Types      int   `json:"type_vocab_size"`
	Kernel     int   `json:"conv_kernel_size"`
	Embedding  *int  `json:"embedding_size"`
	HeadSize   *int  `json:"attention_head_size"`
	PoolerSize *int  `json:"pooler_hidden_size"`
}

// readDistances reads what DeBERTa's config.json says of distances. Settings other than those of DeBERTa-v3 and of
// DeBERTa-v2 without a convolution are refused.
func (c *Config) readDistances() error {
	f := relativeFile{Buckets: -1, Most: -1, Biased: true}
	if err := c.Fields(&f); err != nil {
		return err
	}
	slices.Sort(f.Terms)
	other := func(size *int, want int) bool { return size != nil && *size != want }
	switch {
	case !f.Relative:
		return fmt.Errorf("relative_attention: false is not supported; supported: true")
	case !slices.Equal(f.Terms, []string{"c2p", "p2c"}):
		return fmt.Errorf("pos_att_type: %q is not supported; supported: p2c|c2p", strings.Join(f.Terms, "|"))
	case !f.Shared:
		return fmt.Errorf("share_att_key: false is not supported; supported: true")
	case !slices.Equal(f.Norm, []string{"layer_norm"}):
		return fmt.Errorf("norm_rel_ebd: %q is not supported; supported: layer_norm", strings.Join(f.Norm, "|"))
	case f.Biased:
		return fmt.Errorf("position_biased_input: true is not supported; supported: false")
	case f.Types != 0:
		return fmt.Errorf("type_vocab_size: %d is not supported; supported: 0", f.Types)
	case f.Kernel > 0:
		return fmt.Errorf("conv_kernel_size: %d, a convolution after the first layer, is not supported; supported: 0", f.Kernel)
	case other(f.Embedding, c.Hidden) || other(f.PoolerSize, c.Hidden):
		return fmt.Errorf("embedding_size and pooler_hidden_size: other sizes than hidden_size, %d, are not supported", c.Hidden)
	case other(f.HeadSize, c.Hidden/c.Heads):
		return fmt.Errorf("attention_head_size: %d is not supported; supported: %d, hidden_size over the heads", *f.HeadSize, c.Hidden/c.Heads)
	}
	c.distances = distances{buckets: max(f.Buckets, 0), most: f.Most}
	if f.Most < 1 {
		c.distances.most = c.MaxPositions
	}
	c.distances.span = c.distances.buckets
	if f.Buckets < 1 {
		c.distances.span = c.distances.most
	}
	if d := c.distances; d.span < 2 || d.span > maxSize || d.most <= d.buckets/2+1 || d.most > maxSize {
		return fmt.Errorf("position_buckets %d and max_relative_positions %d do not go together", f.Buckets, d.most)
	}
	return nil
}

// index is the embedding of the distance from one token to another: the nearest ones have one each, and those further away
// share more and more of them, by logarithm.
func (d distances) index(from, to int) int {
	distance := from - to
	if middle := d.buckets / 2; d.buckets > 0 && (distance > middle || distance < -middle) {
		far := math.Abs(float64(distance)) / float64(middle)
		steps := math.Log(far) / math.Log(float64(d.most-1)/float64(middle)) * float64(middle-1)
		bucket := int(math.Ceil(steps)) + middle
		if distance < 0 {
			bucket = -bucket
		}
		distance = bucket
	}
	return min(max(distance+d.span, 0), 2*d.span-1)
}

// relation is what the layers of a graph share of the distances.
type relation struct {
	table *Node // [distances, hidden]: embeddings of those that occur
	query *Node // int64 [seq*seq, 1]: for each query and key, the place of the query and their distance in [seq * distances]
	key   *Node // the same with the place of the key
}

// relation adds the embeddings of distances to the graph; nil where the model has none.
func (e *Encoder) relation(g *Graph, seq int) *relation {
	if !e.Config.family.relative {
		return nil
	}
	d := e.Config.distances
	lowest, highest := d.index(0, seq-1), d.index(seq-1, 0)
	number := highest - lowest + 1
	query, key := make([]int64, 0, seq*seq), make([]int64, 0, seq*seq)
	for from := range seq {
		for to := range seq {
			index := d.index(from, to) - lowest
			query = append(query, int64(from*number+index))
			key = append(key, int64(to*number+index))
		}
	}
	table := Slice(e.Parameter(g, distanceTable), AxisRange(lowest, highest+1), AxisRange())
	places := func(list []int64) *Node { return Reshape(Const(g, list), seq*seq, 1) }
	return &relation{table: e.normalise(table, distanceNorm), query: places(query), key: places(key)}
}

// scores are what the distances add to the products of queries and keys: those of queries with the distances as keys, and of
// keys with the distances as queries.
//
//	query, key [rows, heads, seq, dim]
//	returns    [rows, heads, seq, seq]
func (r *relation) scores(e *Encoder, query, key *Node, b block) *Node {
	rows, heads, seq, dim := query.Shape().Dim(0), query.Shape().Dim(1), query.Shape().Dim(2), query.Shape().Dim(3)
	distances := r.table.Shape().Dim(0)
	term := func(x *Node, module string, places *Node) *Node { // [seq*seq, rows*heads]
		table := Reshape(e.Apply(r.table, module), distances, heads, dim)
		all := Einsum("bhqd,phd->bhqp", x, table)
		return Gather(Reshape(TransposeAllDims(all, 2, 3, 0, 1), seq*distances, rows*heads), places)
	}
	sum := Add(term(query, b.key, r.query), term(key, b.query, r.key))
	return TransposeAllDims(Reshape(sum, seq, seq, rows, heads), 2, 3, 0, 1)
}
