package tokenizer

import "golang.org/x/text/unicode/norm"

// normalForms are the normalisers, named as in tokenizer.json.
var normalForms = map[string]norm.Form{"NFC": norm.NFC, "NFD": norm.NFD, "NFKC": norm.NFKC, "NFKD": norm.NFKD}

// A normalizer applies Unicode normal forms one after another; without any it leaves texts as they are.
type normalizer []norm.Form

func (n normalizer) apply(text string) string {
	for _, form := range n {
		text = form.String(text)
	}
	return text
}
