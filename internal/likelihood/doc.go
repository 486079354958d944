// Package likelihood scores given continuations of given texts by their log-probability under a language model, as
// multiple-choice benchmarks and perplexities need it.
//
// A text that several continuations share is read once: it stands in a row of tokens with its continuations behind it, each
// of which sees the text and itself, at positions that go on after the text. The last token of a continuation is not read at
// all, so that answers of one token cost nothing besides their text. Rows hold as many texts as fit, the longest first, and
// their numbers and lengths come from a few sizes, because every new shape costs the engine a compilation. Logits exist for
// the tokens of continuations only, and of those for a few hundred at a time.
//
// What many texts have in common at their beginning, such as the examples of a few-shot prompt, is read once: its keys and
// values stay in memory, up to 1 GiB, and every row goes on from them. They are kept from one call to the next, for the next
// items of the same task.
package likelihood
