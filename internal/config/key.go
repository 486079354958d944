package config

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// key is one setting, read off the tags of its field.
type key struct {
	name     string // dotted
	field    []int  // place in Run
	kind     reflect.Kind
	defaults []methodDefault
	limits   interval // numbers only
	also     *float64 // a number allowed outside limits
	oneOf    []string
	help     string
	flag     string // name of the trainers' flag, "" for none
	required bool
}

// methodDefault is a default value as text; method is "" for every method that has none of its own.
type methodDefault struct{ method, text string }

// keys are all settings in the order of the struct.
var keys = tagged(reflect.TypeFor[Run](), "", nil)

var keyByName = func() map[string]key {
	byName := make(map[string]key, len(keys))
	for _, k := range keys {
		byName[k.name] = k
	}
	return byName
}()

func tagged(structure reflect.Type, prefix string, place []int) []key {
	var found []key
	for i := range structure.NumField() {
		field := structure.Field(i)
		name, ok := field.Tag.Lookup("yaml")
		if !ok || name == "-" {
			continue
		}
		at := append(place[:len(place):len(place)], i)
		if field.Type.Kind() == reflect.Struct {
			found = append(found, tagged(field.Type, prefix+name+".", at)...)
			continue
		}
		found = append(found, newKey(field, prefix+name, at))
	}
	return found
}

func newKey(field reflect.StructField, name string, place []int) key {
	k := key{
		name: name, field: place, kind: field.Type.Kind(),
		limits: parseInterval(field.Tag.Get("range")),
		oneOf:  strings.Fields(field.Tag.Get("oneof")),
		help:   field.Tag.Get("help"),
	}
	if text, ok := field.Tag.Lookup("also"); ok {
		number, err := strconv.ParseFloat(text, 64)
		if err != nil {
			panic(fmt.Errorf("config: %s: also: %w", name, err))
		}
		k.also = &number
	}
	for i, part := range strings.Split(field.Tag.Get("default"), ";") {
		if method, text, own := strings.Cut(strings.TrimSpace(part), " "); own && i > 0 {
			k.defaults = append(k.defaults, methodDefault{method, text})
		} else {
			k.defaults = append(k.defaults, methodDefault{"", method})
		}
	}
	if field.Tag.Get("flag") != "" {
		k.flag = strings.ReplaceAll(name, "_", "-")
	}
	k.required = field.Tag.Get("required") != ""
	return k
}

// defaultFor returns the default as text, or the key whose value it follows.
func (k key) defaultFor(method string) (text, follows string) {
	for _, d := range k.defaults {
		if d.method == "" || d.method == method {
			text = d.text
		}
	}
	if followed, ok := strings.CutPrefix(text, "="); ok {
		return "", followed
	}
	return text, ""
}

// of returns the key's field of run.
func (k key) of(run *Run) reflect.Value { return reflect.ValueOf(run).Elem().FieldByIndex(k.field) }

// expected describes the values that are allowed.
func (k key) expected() string {
	choice := strings.Join(k.oneOf, ", ")
	switch {
	case k.kind == reflect.Slice && choice == "":
		return "a list of names or patterns, such as [c_attn, c_proj]"
	case k.kind == reflect.Slice:
		return "a list of " + choice
	case k.kind == reflect.Bool:
		return "true or false"
	case len(k.oneOf) > 0:
		return "one of " + choice
	case k.kind == reflect.String:
		return "text"
	}
	text := "a number " + k.limits.String()
	if k.kind == reflect.Int {
		text = "a whole number " + k.limits.String()
	}
	if k.also != nil {
		text += fmt.Sprintf(", or %g", *k.also)
	}
	return text
}

// interval is a range of numbers; open ends are not part of it.
type interval struct {
	low, high         float64
	openLow, openHigh bool
}

// parseInterval reads "[0,1)" and the like; no text stands for every finite number. It panics on anything else, at the
// program's start.
func parseInterval(text string) interval {
	if text == "" {
		return interval{math.Inf(-1), math.Inf(1), true, true}
	}
	low, high, _ := strings.Cut(text[1:len(text)-1], ",")
	r := interval{openLow: text[0] == '(', openHigh: text[len(text)-1] == ')'}
	for _, end := range []struct {
		text string
		to   *float64
	}{{low, &r.low}, {high, &r.high}} {
		number, err := strconv.ParseFloat(end.text, 64)
		if err != nil {
			panic(fmt.Errorf("config: range %q: %w", text, err))
		}
		*end.to = number
	}
	return r
}

func (r interval) contains(x float64) bool {
	return (x > r.low || x == r.low && !r.openLow) && (x < r.high || x == r.high && !r.openHigh)
}

func (r interval) String() string {
	switch {
	case math.IsInf(r.high, 1) && r.openLow:
		return fmt.Sprintf("above %g", r.low)
	case math.IsInf(r.high, 1):
		return fmt.Sprintf("of %g or more", r.low)
	case r.openHigh:
		return fmt.Sprintf("from %g to below %g", r.low, r.high)
	}
	return fmt.Sprintf("from %g to %g", r.low, r.high)
}

// suggestion returns " (did you mean …?)" for a key that does not exist, or nothing.
func suggestion(unknown string) string {
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = k.name
		if _, last, nested := strings.Cut(k.name, "."); nested && last == unknown {
			return fmt.Sprintf(" (did you mean %q?)", k.name)
		}
	}
	if near := usage.Nearest(unknown, names); near != "" {
		return fmt.Sprintf(" (did you mean %q?)", near)
	}
	return ""
}
