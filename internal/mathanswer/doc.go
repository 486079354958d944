// Package mathanswer judges answers to competition problems (MATH, Hendrycks et al., arXiv:2103.03874) as the task
// leaderboard_math_hard of lm-evaluation-harness does: its exact_match, which reads answers as Math-Verify does, and its
// exact_match_original, the older rule of Lewkowycz et al. (arXiv:2206.14858).
//
// There is no computer algebra here. Expressions are read into trees and compared by value: exactly where they are rational, else at
// several values of their variables. Integrals, sums and limits are not read; docs/evaluation-checks.md lists what else differs.
package mathanswer
