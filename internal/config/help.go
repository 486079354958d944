package config

import (
	"fmt"
	"strings"
)

// Help lists every setting with its default, meaning and allowed values, and the presets, for a command's help text.
// Where reads is not nil, settings that only some of the methods read say which.
func Help(reads Reads, methods []string) string {
	var text strings.Builder
	text.WriteString("Settings, for --set KEY=VALUE and the --config file:\n")
	for _, k := range keys {
		fmt.Fprintf(&text, "  %-28s %s (%s)\n", k.name, k.help, k.details(reads, methods))
	}
	text.WriteString("\nPresets, the paper's settings (arXiv 2410.05102):\n")
	for _, p := range Presets() {
		fmt.Fprintf(&text, "  %-28s %s\n", p.Name, p.describe())
	}
	return text.String()
}

// Markdown returns the same list of settings as a table for the documentation.
func Markdown(reads Reads, methods []string) string {
	var text strings.Builder
	text.WriteString("| key | default | values | meaning | read by |\n| --- | --- | --- | --- | --- |\n")
	for _, k := range keys {
		readBy := "all"
		if readers := k.readers(reads, methods); len(readers) > 0 {
			readBy = strings.Join(readers, ", ")
		}
		fmt.Fprintf(&text, "| `%s` | %s | %s | %s | %s |\n", k.name, k.describeDefault(), k.expected(), k.help, readBy)
	}
	return text.String()
}

func (k key) readers(reads Reads, methods []string) []string {
	if reads == nil {
		return nil
	}
	return readersOf(k.name, reads, methods)
}

// details gives the allowed values, the default and the methods that read the key.
func (k key) details(reads Reads, methods []string) string {
	parts := []string{k.expected()}
	switch standard := k.describeDefault(); {
	case k.required:
		parts = append(parts, "required")
	case standard != "":
		parts = append(parts, "default "+standard)
	}
	if readers := k.readers(reads, methods); len(readers) > 0 {
		parts = append(parts, "for "+strings.Join(readers, ", "))
	}
	return strings.Join(parts, "; ")
}

func (k key) describeDefault() string {
	var parts []string
	for _, d := range k.defaults {
		switch followed, follows := strings.CutPrefix(d.text, "="); {
		case follows:
			parts = append(parts, "that of "+followed)
		case d.method != "":
			parts = append(parts, d.method+" "+d.text)
		case d.text != "":
			parts = append(parts, d.text)
		}
	}
	return strings.Join(parts, ", ")
}

func (p PresetInfo) describe() string {
	switch {
	case len(p.Betas) > 0:
		return fmt.Sprintf("%s; β swept over %s", p.Summary, strings.Trim(fmt.Sprint(p.Betas), "[]"))
	}
	return p.Summary
}
