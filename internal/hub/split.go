package hub

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// trainSplit is the split that is taken where none is asked for.
const trainSplit = "train"

// splitWords are the words in file and folder names that tell the split, as the hub reads them.
var splitWords = map[string]string{
	"train": trainSplit, "training": trainSplit,
	"test": "test", "testing": "test", "eval": "test", "evaluation": "test",
	"validation": "validation", "valid": "validation", "val": "validation", "dev": "validation",
}

// dataEndings are the kinds of data files; longer endings stand before those they end with.
var dataEndings = []string{".jsonl.gz", ".jsonl", ".json", ".parquet"}

// metadata are JSON files that describe data sets and hold no records.
var metadata = []string{"dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json", "package.json"}

var (
	shardNumber = regexp.MustCompile(`[-_.]?\d+(-of-\d+)?(-[0-9a-f]{16})?$`)
	shardOf     = regexp.MustCompile(`^(.*?)(\d{5})-of-(\d{5})(.*)$`)
	wildcard    = regexp.MustCompile(`(\\\*){2,}/?|\\[*?]`) // after QuoteMeta
	wordBreak   = regexp.MustCompile(`[^a-z]+`)
)

// dataEnding returns the ending that makes name a data file, or "".
func dataEnding(name string) string {
	base := strings.ToLower(path.Base(name))
	if slices.Contains(metadata, base) || strings.HasPrefix(name, ".") || strings.Contains(name, "/.") {
		return ""
	}
	for _, ending := range dataEndings {
		if strings.HasSuffix(base, ending) && base != ending {
			return ending
		}
	}
	return ""
}

func isData(name string) bool { return dataEnding(name) != "" }

// splitOf reads the split from a file's name, or else from the nearest folder that tells one. key is the name that told it,
// without number of the shard: "train_prefs" and "train_sft" are two keys of the split "train".
func splitOf(name string) (split, key string) {
	base := path.Base(name)
	base = shardNumber.ReplaceAllString(base[:len(base)-len(dataEnding(name))], "")
	for element, folder := base, path.Dir(name); ; element, folder = path.Base(folder), path.Dir(folder) {
		for _, word := range wordBreak.Split(strings.ToLower(element), -1) {
			if split := splitWords[word]; split != "" {
				return split, element
			}
		}
		if folder == "." || folder == "/" {
			return "", ""
		}
	}
}

// choose returns the data files that pick stands for among the names of a repository. The errors are the user's to mend;
// the caller marks them.
func choose(names []string, card card, pick string) ([]string, error) {
	data := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !isData(name) })
	slices.Sort(data)
	if len(data) == 0 {
		return nil, fmt.Errorf("no data files (%s)", strings.Join(dataEndings, ", "))
	}
	selected, err := choosePart(data, card, pick)
	if err != nil {
		return nil, err
	}
	if kinds := distinct(selected, dataEnding); len(kinds) > 1 {
		return nil, fmt.Errorf("%s holds more than one kind of file (%s); take one of them", described(pick), strings.Join(kinds, ", "))
	}
	return selected, nil
}

func choosePart(data []string, card card, pick string) ([]string, error) {
	if pick == "" {
		config, err := card.defaultConfig()
		if err != nil {
			return nil, err
		}
		if config != nil {
			return config.files(data, trainSplit)
		}
		return chooseSplit(data)
	}
	if slices.Contains(data, pick) {
		return []string{pick}, nil
	}
	if inside := matching(data, func(name string) bool { return strings.HasPrefix(name, pick+"/") }); len(inside) > 0 {
		return chooseSplit(inside)
	}
	if strings.ContainsAny(pick, "*?") {
		if found := matching(data, glob(pick)); len(found) > 0 {
			return found, nil
		}
		return nil, fmt.Errorf("no data file matches %q; there are %s", pick, some(data))
	}
	if config := card.config(pick); config != nil {
		return config.files(data, trainSplit)
	}
	return chooseNamedSplit(data, card, pick)
}

// chooseSplit takes the training files, or all where the names tell no split or one only.
func chooseSplit(data []string) ([]string, error) {
	splits := distinct(data, func(name string) string { split, _ := splitOf(name); return split })
	switch {
	case slices.Contains(splits, trainSplit):
		return oneKey(data, trainSplit)
	case len(splits) == 1:
		return data, nil
	}
	named := slices.DeleteFunc(splits, func(split string) bool { return split == "" })
	return nil, fmt.Errorf("no training split among %s; there is %s", some(data), strings.Join(named, ", "))
}

// chooseNamedSplit takes the files of a split that the card or the files' names tell.
func chooseNamedSplit(data []string, card card, split string) ([]string, error) {
	config, err := card.defaultConfig()
	if err != nil {
		return nil, err
	}
	if config != nil {
		return config.files(data, split)
	}
	key := func(name string) string { _, key := splitOf(name); return key }
	if found := matching(data, func(name string) bool { return key(name) == split }); len(found) > 0 {
		return found, nil
	}
	if found, err := oneKey(data, split); err != nil || len(found) > 0 {
		return found, err
	}
	known := slices.Concat(distinct(data, key), data, distinct(data, path.Dir))
	if near := usage.Nearest(split, known); near != "" {
		return nil, fmt.Errorf("no file, folder or split %q (did you mean %q?)", split, near)
	}
	return nil, fmt.Errorf("no file, folder or split %q; there are %s", split, some(data))
}

// oneKey returns the files of a split, which must go by one name: the split's own where there is one.
func oneKey(data []string, split string) ([]string, error) {
	byKey := map[string][]string{}
	for _, name := range data {
		if s, key := splitOf(name); s == split {
			byKey[key] = append(byKey[key], name)
		}
	}
	if own := byKey[split]; len(own) > 0 {
		return own, nil
	}
	if len(byKey) > 1 {
		keys := distinct(matching(data, func(name string) bool { s, _ := splitOf(name); return s == split }),
			func(name string) string { _, key := splitOf(name); return key })
		return nil, fmt.Errorf("more than one %s split (%s); take one of them", split, strings.Join(keys, ", "))
	}
	for _, files := range byKey {
		return files, nil
	}
	return nil, nil
}

// missingShard returns the name of a file that those given announce ("-00000-of-00003") and that is not among them, or "".
func missingShard(names []string) string {
	for _, name := range names {
		parts := shardOf.FindStringSubmatch(name)
		if parts == nil {
			continue
		}
		count, err := strconv.Atoi(parts[3])
		if err != nil {
			continue
		}
		for i := range count {
			prefix := fmt.Sprintf("%s%05d-of-%s", parts[1], i, parts[3])
			if !slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(n, prefix) }) {
				return prefix + parts[4]
			}
		}
	}
	return ""
}

// glob returns what tells whether a name matches a pattern, in which * stands for anything but / and ** for anything.
func glob(pattern string) func(name string) bool {
	quoted := regexp.QuoteMeta(strings.ToValidUTF8(pattern, "\ufffd"))
	quoted = wildcard.ReplaceAllStringFunc(quoted, func(w string) string {
		switch w {
		case `\?`:
			return `[^/]`
		case `\*`:
			return `[^/]*`
		case `\*\*/`:
			return `(.*/)?`
		}
		return `.*`
	})
	expression, err := regexp.Compile("^" + quoted + "$")
	if err != nil { // too large to be meant
		return func(name string) bool { return name == pattern }
	}
	return expression.MatchString
}

func matching(names []string, keep func(string) bool) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !keep(name) })
}

// distinct returns the values of f over names, sorted, each once.
func distinct(names []string, f func(string) string) []string {
	var values []string
	for _, name := range names {
		values = append(values, f(name))
	}
	slices.Sort(values)
	return slices.Compact(values)
}

func described(pick string) string {
	if pick == "" {
		return "the selection"
	}
	return fmt.Sprintf("%q", pick)
}

// some lists the first names, for messages.
func some(names []string) string {
	const shown = 5
	if len(names) > shown {
		return strings.Join(names[:shown], ", ") + fmt.Sprintf(" and %d more", len(names)-shown)
	}
	return strings.Join(names, ", ")
}
