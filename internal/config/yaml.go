package config

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/sparsepo/sparsepo/internal/atomicfile"
)

func readFile(path string) ([]setting, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read settings: %w", err)
	}
	return parseYAML(path, content)
}

// parseYAML returns the settings in content and every problem with its form; name is for messages.
func parseYAML(name string, content []byte) ([]setting, error) {
	file, err := parser.ParseBytes(content, 0)
	if err != nil {
		var positioned yaml.Error
		if errors.As(err, &positioned) && positioned.GetToken() != nil {
			return nil, fmt.Errorf("%s:%d: %s", name, positioned.GetToken().Position.Line, positioned.GetMessage())
		}
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	w := walker{name: name, lines: map[string]int{}}
	for i, document := range file.Docs {
		switch {
		case document.Body == nil:
		case i > 0:
			w.problem(document.Body, "", "a second document begins; settings are one")
		default:
			w.document(document.Body)
		}
	}
	return w.settings, errors.Join(w.problems...)
}

// walker collects the settings of a YAML tree.
type walker struct {
	name     string
	settings []setting
	lines    map[string]int // where each key was given
	problems []error
}

func (w *walker) origin(node ast.Node) origin {
	line := 1
	if t := node.GetToken(); t != nil && t.Position != nil {
		line = t.Position.Line
	}
	return origin{place: fmt.Sprintf("%s:%d", w.name, line), explicit: true}
}

func (w *walker) problem(node ast.Node, key, message string) {
	at := w.origin(node)
	if key == "" {
		w.problems = append(w.problems, fmt.Errorf("%s: %s", at.place, message))
		return
	}
	w.problems = append(w.problems, at.at(key, message))
}

func (w *walker) document(body ast.Node) {
	if _, isComment := body.(*ast.CommentGroupNode); isComment {
		return
	}
	if mapping, ok := body.(ast.MapNode); ok {
		w.mapping(mapping, "")
		return
	}
	w.problem(body, "", fmt.Sprintf("found %s, expected lines of \"key: value\"", nodeKind(body)))
}

func (w *walker) mapping(mapping ast.MapNode, prefix string) {
	for entries := mapping.MapRange(); entries.Next(); {
		w.entry(entries.Key(), entries.Value(), prefix)
	}
}

func (w *walker) entry(keyNode ast.MapKeyNode, node ast.Node, prefix string) {
	name, ok := scalar(keyNode)
	if !ok || keyNode.IsMergeKey() {
		w.problem(keyNode, "", fmt.Sprintf("found %s where the name of a setting belongs", nodeKind(keyNode)))
		return
	}
	key := prefix + name.text
	if inner, isMapping := node.(ast.MapNode); isMapping {
		if !isGroup(key) {
			w.problem(keyNode, key, w.notAGroup(key))
			return
		}
		w.mapping(inner, key+".")
		return
	}
	from := w.origin(keyNode)
	switch v, ok := valueOf(node); {
	case isGroup(key):
		w.problem(keyNode, key, fmt.Sprintf("found %s, expected settings indented below it", nodeKind(node)))
	case w.lines[key] != 0:
		w.problem(keyNode, key, fmt.Sprintf("given a second time; first in line %d", w.lines[key]))
	case !ok:
		w.problem(keyNode, key, fmt.Sprintf("found %s, expected %s", nodeKind(node), expectedFor(key)))
	default:
		w.settings = append(w.settings, setting{key, v, from})
		w.lines[key] = keyNode.GetToken().Position.Line
	}
}

func (w *walker) notAGroup(key string) string {
	if k, known := keyByName[key]; known {
		return "found a mapping, expected " + k.expected()
	}
	return "no such setting" + suggestion(key)
}

func expectedFor(key string) string {
	if k, known := keyByName[key]; known {
		return k.expected()
	}
	return "a value"
}

// isGroup reports whether settings are nested under key.
func isGroup(key string) bool {
	for _, k := range keys {
		if strings.HasPrefix(k.name, key+".") {
			return true
		}
	}
	return false
}

func valueOf(node ast.Node) (value, bool) {
	sequence, isList := node.(*ast.SequenceNode)
	if !isList {
		return scalar(node)
	}
	list := value{isList: true}
	for _, item := range sequence.Values {
		v, ok := scalar(item)
		if !ok {
			return value{}, false
		}
		list.items = append(list.items, v.text)
	}
	return list, true
}

// scalar returns a single value as it stands in the file, so that numbers are parsed in one place only.
func scalar(node ast.Node) (value, bool) {
	switch node := node.(type) {
	case *ast.LiteralNode:
		return value{text: strings.TrimSuffix(node.Value.Value, "\n"), quoted: true}, true
	case *ast.StringNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		t := node.GetToken()
		return value{text: t.Value, quoted: t.Type == token.DoubleQuoteType || t.Type == token.SingleQuoteType}, true
	}
	return value{}, false
}

func nodeKind(node ast.Node) string {
	switch node.(type) {
	case nil, *ast.NullNode:
		return "nothing"
	case ast.MapNode:
		return "a mapping"
	case *ast.SequenceNode:
		return "a list"
	case *ast.AnchorNode, *ast.AliasNode, *ast.MergeKeyNode:
		return "an anchor or alias"
	case *ast.TagNode:
		return "a tag"
	case *ast.StringNode, *ast.LiteralNode:
		return "a text"
	case *ast.BoolNode:
		return "a truth value"
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return "a number"
	}
	return "something else"
}

// YAML returns the settings as a file that Resolve reads back to the same run. Settings that Validate found not to be
// read by the run's method are left out, and so are empty texts.
func (r *Run) YAML() []byte {
	var text strings.Builder
	group := ""
	for _, s := range r.Settings() {
		k := keyByName[s.Key]
		indent, name := "", k.name
		if outer, inner, nested := strings.Cut(k.name, "."); nested {
			if outer != group {
				fmt.Fprintf(&text, "%s:\n", outer)
			}
			group, indent, name = outer, "  ", inner
		}
		content := s.Value
		if k.kind == reflect.String {
			content = quote(content)
		}
		fmt.Fprintf(&text, "%s%s: %s\n", indent, name, content)
	}
	return []byte(text.String())
}

// plain matches texts that YAML reads as texts without quotes, whatever its version.
var plain = regexp.MustCompile(`^[A-Za-z_/.~][A-Za-z0-9_/.@+-]*$`)

// typed matches the plain texts that some version of YAML reads as something else.
var typed = regexp.MustCompile(`^(?i:true|false|yes|no|on|off|y|n|null|~|\.inf|\.nan|\.[0-9_.+-]*(e[0-9+-]*)?)$`)

func quote(text string) string {
	if plain.MatchString(text) && !typed.MatchString(text) {
		return text
	}
	return strconv.Quote(text)
}

// WriteYAML writes the settings to path (see YAML), so that "--config path" repeats the run.
func (r *Run) WriteYAML(path string) error {
	if err := atomicfile.WriteFile(path, r.YAML()); err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	return nil
}
