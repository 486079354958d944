package codebench

// PassAtK estimates the probability that at least one of k programs passes, without bias, from n programs of which c passed
// (Chen et al. 2021, arXiv 2107.03374, eq. 1): 1 - C(n-c, k) / C(n, k), as the product 1 - Π (1 - k/i) over i from n-c+1
// to n. It is 1 where fewer than k failed.
func PassAtK(n, c, k int) float64 {
	if n-c < k {
		return 1
	}
	miss := 1.0
	for i := n - c + 1; i <= n; i++ {
		miss *= 1 - float64(k)/float64(i)
	}
	return 1 - miss
}

// MeanPassAtK is the mean over tasks of PassAtK, for those of ks that no task has fewer programs than. n and c are the
// counts of each task.
func MeanPassAtK(n, c, ks []int) map[int]float64 {
	means := map[int]float64{}
	for _, k := range ks {
		sum, enough := 0.0, len(n) > 0
		for i := range n {
			enough = enough && n[i] >= k
			sum += PassAtK(n[i], c[i], k)
		}
		if enough {
			means[k] = sum / float64(len(n))
		}
	}
	return means
}
