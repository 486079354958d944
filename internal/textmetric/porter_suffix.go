package textmetric

// suffixRule replaces a suffix where what stands before it meets a condition; nil is always met.
type suffixRule struct {
	suffix, ending string
	condition      func(stem letters) bool
}

// apply applies the first rule whose suffix the word has; where its condition is not met, the word stays.
func (w letters) apply(rules []suffixRule) letters {
	for _, rule := range rules {
		if stem, ok := w.before(rule.suffix); ok {
			if rule.condition == nil || rule.condition(stem) {
				return stem.with(rule.ending)
			}
			return w
		}
	}
	return w
}

func measured(stem letters) bool    { return stem.measure() > 0 }
func measuredTwo(stem letters) bool { return stem.measure() > 1 }

var doubleSuffixes = []suffixRule{
	{"ational", "ate", measured},
	{"tional", "tion", measured},
	{"enci", "ence", measured},
	{"anci", "ance", measured},
	{"izer", "ize", measured},
	{"bli", "ble", measured},
	{"alli", "al", measured},
	{"entli", "ent", measured},
	{"eli", "e", measured},
	{"ousli", "ous", measured},
	{"ization", "ize", measured},
	{"ation", "ate", measured},
	{"ator", "ate", measured},
	{"alism", "al", measured},
	{"iveness", "ive", measured},
	{"fulness", "ful", measured},
	{"ousness", "ous", measured},
	{"aliti", "al", measured},
	{"iviti", "ive", measured},
	{"biliti", "ble", measured},
	{"fulli", "ful", measured},
	{"logi", "log", func(stem letters) bool { return stem.with("l").measure() > 0 }}, // the l counts as part of the stem
}

// doubleSuffix is step 2; what "alli" leaves goes through it again.
func (w letters) doubleSuffix() letters {
	if stem, ok := w.before("alli"); ok && measured(stem) {
		return stem.with("al").doubleSuffix()
	}
	return w.apply(doubleSuffixes)
}

var simpleSuffixes = []suffixRule{
	{"icate", "ic", measured},
	{"ative", "", measured},
	{"alize", "al", measured},
	{"iciti", "ic", measured},
	{"ical", "ic", measured},
	{"ful", "", measured},
	{"ness", "", measured},
}

// simpleSuffix is step 3.
func (w letters) simpleSuffix() letters { return w.apply(simpleSuffixes) }

var longSuffixes = []suffixRule{
	{"al", "", measuredTwo},
	{"ance", "", measuredTwo},
	{"ence", "", measuredTwo},
	{"er", "", measuredTwo},
	{"ic", "", measuredTwo},
	{"able", "", measuredTwo},
	{"ible", "", measuredTwo},
	{"ant", "", measuredTwo},
	{"ement", "", measuredTwo},
	{"ment", "", measuredTwo},
	{"ent", "", measuredTwo},
	{"ion", "", func(stem letters) bool {
		return measuredTwo(stem) && (stem[len(stem)-1] == 's' || stem[len(stem)-1] == 't')
	}},
	{"ou", "", measuredTwo},
	{"ism", "", measuredTwo},
	{"ate", "", measuredTwo},
	{"iti", "", measuredTwo},
	{"ous", "", measuredTwo},
	{"ive", "", measuredTwo},
	{"ize", "", measuredTwo},
}

// longSuffix is step 4.
func (w letters) longSuffix() letters { return w.apply(longSuffixes) }
