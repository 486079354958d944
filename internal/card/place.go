package card

import (
	"path/filepath"
	"regexp"
	"strings"
)

// generic matches last names of paths that say little without the one before: those of a run's folders of weights.
var generic = regexp.MustCompile(`^(final|best|model|(step|checkpoint)-\d+)$`)

// absolute matches an absolute path, or one from the user's home, inside a text, with what stands before it. Two slashes
// follow the scheme of a web address, three that of a file.
var absolute = regexp.MustCompile(`(^|[^\w.~/\\$*+?)\]-])((?:~?/|[A-Za-z]:[/\\])[^\s,;"'()\[\]]*)`)

// shorten replaces the absolute paths in text by their last names.
func shorten(text string) string {
	if filepath.IsAbs(text) { // the whole text: spaces belong to it
		return lastNames(text)
	}
	return absolute.ReplaceAllStringFunc(text, func(match string) string {
		parts := absolute.FindStringSubmatch(match)
		before, path := parts[1], parts[2]
		if before == ":" && strings.HasPrefix(path, "//") && !strings.HasPrefix(path, "///") {
			return match
		}
		return before + lastNames(path)
	})
}

// lastNames is the last name of a path; the last two where the last is generic.
func lastNames(path string) string {
	names := strings.FieldsFunc(path, func(r rune) bool { return r == '/' || r == '\\' })
	if len(names) > 0 && (names[0] == "~" || strings.HasSuffix(names[0], ":")) {
		names = names[1:]
	}
	switch n := len(names); {
	case n == 0:
		return path[:1]
	case n > 1 && generic.MatchString(names[n-1]):
		return names[n-2] + "/" + names[n-1]
	default:
		return names[n-1]
	}
}
