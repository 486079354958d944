// Package leaderboard knows the 39 tasks of the Open LLM Leaderboard, version 2: their documents, the prompts that models
// are given with the examples in them, the answers, and how scores are made of what a model says.
//
// It follows EleutherAI's lm-evaluation-harness (task group "leaderboard") to the last character of every prompt, so that
// numbers can be compared, and the leaderboard's documentation in how scores are normalised. It knows nothing of models.
package leaderboard
