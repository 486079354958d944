package textmetric

// lcs is the table of the longest common subsequences of two lists' beginnings.
type lcs struct {
	a, b  []string
	table []int32 // [len(a)+1, len(b)+1], lengths
}

func newLCS(a, b []string) *lcs {
	t := &lcs{a: a, b: b, table: make([]int32, (len(a)+1)*(len(b)+1))}
	for i := range a {
		above, row := t.row(i), t.row(i+1)
		for j := range b {
			if a[i] == b[j] {
				row[j+1] = above[j] + 1
			} else {
				row[j+1] = max(above[j+1], row[j])
			}
		}
	}
	return t
}

func (t *lcs) row(i int) []int32 {
	width := len(t.b) + 1
	return t.table[i*width : (i+1)*width]
}

func (t *lcs) length() int { return int(t.table[len(t.table)-1]) }

// mark marks the items of a in one of the longest common subsequences: found from the end, and where either list could be
// shortened, a is.
func (t *lcs) mark(common []bool) {
	for i, j := len(t.a), len(t.b); i > 0 && j > 0; {
		switch {
		case t.a[i-1] == t.b[j-1]:
			common[i-1] = true
			i, j = i-1, j-1
		case t.row(i)[j-1] > t.row(i - 1)[j]:
			j--
		default:
			i--
		}
	}
}
