package config

import (
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// value is what a source gave for a setting.
type value struct {
	text   string   // of a single value
	items  []string // of a list
	isList bool
	quoted bool // in quotes, so neither number nor truth value
}

func (v value) String() string {
	if v.isList {
		return "[" + strings.Join(v.items, ", ") + "]"
	}
	if _, err := strconv.ParseFloat(v.text, 64); err == nil && !v.quoted {
		return v.text
	}
	return strconv.Quote(v.text)
}

// assign parses v, checks it against the key's limits and puts it into run.
func (k key) assign(run *Run, v value) error {
	wrong := fmt.Errorf("found %v, expected %s", v, k.expected())
	field := k.of(run)
	if k.kind == reflect.Slice {
		items := v.list()
		if !k.allowsItems(items) {
			return wrong
		}
		field.Set(reflect.ValueOf(items))
		return nil
	}
	if v.isList {
		return wrong
	}
	switch k.kind {
	case reflect.String:
		if !k.allowsText(v.text) {
			return wrong
		}
		field.SetString(v.text)
	case reflect.Bool:
		truth := strings.ToLower(v.text)
		if v.quoted || truth != "true" && truth != "false" {
			return wrong
		}
		field.SetBool(truth == "true")
	case reflect.Int:
		number, err := strconv.Atoi(v.text)
		if err != nil || v.quoted || !k.allowsNumber(float64(number)) {
			return wrong
		}
		field.SetInt(int64(number))
	case reflect.Float64:
		number, err := strconv.ParseFloat(v.text, 64)
		if err != nil || v.quoted || !k.allowsNumber(number) {
			return wrong
		}
		field.SetFloat(number)
	}
	return nil
}

// list returns the items; a single text is split at commas, with or without brackets around it.
func (v value) list() []string {
	if v.isList {
		return slices.Clone(v.items)
	}
	text := strings.TrimSpace(v.text)
	if inner, ok := strings.CutPrefix(text, "["); ok {
		text = strings.TrimSuffix(inner, "]")
	}
	if text == "" {
		return nil
	}
	var items []string
	for item := range strings.SplitSeq(text, ",") {
		items = append(items, strings.TrimSpace(item))
	}
	return items
}

// check reports what is wrong with the key's value in run, which may have been set without assign.
func (k key) check(run *Run) error {
	field := k.of(run)
	ok := true
	switch k.kind {
	case reflect.Slice:
		ok = k.allowsItems(field.Interface().([]string))
	case reflect.String:
		ok = k.allowsText(field.String())
	case reflect.Int:
		ok = k.allowsNumber(float64(field.Int()))
	case reflect.Float64:
		ok = k.allowsNumber(field.Float())
	}
	if !ok {
		return fmt.Errorf("found %v, expected %s", field.Interface(), k.expected())
	}
	return nil
}

func (k key) allowsNumber(x float64) bool {
	return !math.IsNaN(x) && !math.IsInf(x, 0) && (k.limits.contains(x) || k.also != nil && x == *k.also)
}

// allowsText refuses text that a line of YAML or a path cannot carry faithfully: control characters and broken UTF-8.
// Empty text unsets a setting that has no default.
func (k key) allowsText(text string) bool {
	if len(k.oneOf) > 0 {
		return slices.Contains(k.oneOf, text)
	}
	standard, _ := k.defaultFor("")
	control := strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f })
	return (text != "" || standard == "") && !control && utf8.ValidString(text)
}

func (k key) allowsItems(items []string) bool {
	for i, item := range items {
		known := slices.Contains(k.oneOf, item) || len(k.oneOf) == 0 && pattern.MatchString(item)
		if !known || slices.Contains(items[:i], item) {
			return false
		}
	}
	return len(items) > 0 || len(k.oneOf) == 0
}

// pattern is a name or a regular expression that a list in YAML holds without quotes.
var pattern = regexp.MustCompile(`^[\w.(^][\w.()|+?*^$\\-]*$`)

// text returns the key's value in run as a source would give it; "" for an empty text.
func (k key) text(run *Run) string {
	field := k.of(run)
	switch k.kind {
	case reflect.Slice:
		if field.Len() == 0 {
			return ""
		}
		return "[" + strings.Join(field.Interface().([]string), ", ") + "]"
	case reflect.Float64:
		return formatNumber(field.Float())
	}
	return fmt.Sprint(field.Interface())
}

// formatNumber writes the shortest text that reads back as x, with a point in it where there is an exponent: YAML 1.1
// takes 1e-06 for a text.
func formatNumber(x float64) string {
	text := strconv.FormatFloat(x, 'g', -1, 64)
	if mantissa, exponent, ok := strings.Cut(text, "e"); ok && !strings.Contains(mantissa, ".") {
		return mantissa + ".0e" + exponent
	}
	return text
}
