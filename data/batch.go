package data

// Batch is what one step of the model sees: rows of tokens, and the response tokens of all rows as one flat list.
//
// A segment of a row is a prompt or a response. A position attends to earlier positions of its own segment and of its
// pair's prompt, so that the two responses of a pair can share one copy of the prompt, and pairs can share a row. Position
// numbers start at 0 with every prompt, and those of both responses continue after it.
type Batch struct {
	Rows, Seq int // shape of the token arrays
	Pairs     int // pair slots; slots past the last real pair are padding
	Responses int // length of the flat response arrays, padding included

	Tokens    []int64 // [Rows*Seq]; 0 at padding
	Positions []int64 // [Rows*Seq] position number inside the sequence; 0 at padding
	Pair      []int64 // [Rows*Seq] slot of the pair + 1; 0 at padding
	Side      []int64 // [Rows*Seq] 0 prompt, 1 chosen, 2 rejected

	Predict []int64   // [Responses] flat index (row*Seq + column) of the position whose logits predict the token
	Target  []int64   // [Responses] the response token
	Owner   []int64   // [Responses] slot for chosen tokens, Pairs+slot for rejected ones; 2*Pairs at padding
	Mask    []float32 // [Responses] the token's weight in its record, 0 at padding; nil where the pairs have no masks
	Weight  []float32 // [Pairs] what each pair's loss counts; 1/(number of real pairs in the whole optimiser batch), 0 at padding

	Index      []int // [real pairs] place of each pair in the data set
	RealTokens int   // prompt and response tokens of both sides (the prompt counted once a side); padding never
}
