package tokenizer_test

import (
	"fmt"
	"slices"

	"github.com/sparsepo/sparsepo/tokenizer"
)

// Learn a small vocabulary and look at the tokens of a text.
func ExampleTrain() {
	texts := slices.Values([]string{"a good film, a very good film", "not a good film"})
	tok, err := tokenizer.Train(texts, tokenizer.TrainOptions{
		VocabSize:     270,
		SpecialTokens: []string{"<|endoftext|>"},
		MinFrequency:  2,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ids := tok.Encode(" a good fool<|endoftext|>")
	for _, id := range ids {
		fmt.Printf("%q ", tok.Token(id))
	}
	fmt.Println(tok.Decode(ids))
	// Output: " a" " good" " " "f" "o" "o" "l" "<|endoftext|>"  a good fool<|endoftext|>
}
