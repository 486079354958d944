package jinja

import (
	"strings"
	"testing"
	"time"
)

// TestRenderGenerated: the text of each block, in brackets, as the spans tell it.
func TestRenderGenerated(t *testing.T) {
	const block = "{% generation %}a{{ i }}{% endgeneration %}"
	for _, c := range []struct{ name, source, want string }{
		{"none", "x{{ 1 }}", "x1"},
		{"one", "é" + block + "y", "é[a]y"},
		{"in a loop", "{% for i in [1, 2] %}-" + block + "{% endfor %}", "-[a1]-[a2]"},
		{"empty", "x{% generation %}{% endgeneration %}y", "x[]y"},
		{"left by break", "{% for i in [1, 2] %}{% generation %}a{% break %}{% endgeneration %}{% endfor %}z", "[a]z"},
		{"captured", "{% set x %}" + block + "{% endset %}{{ x }}" + block, "aa"},
		{"in a macro", "{% macro f() %}" + block + "{% endmacro %}{{ f() }}", "a"},
		{"after what was captured", "{% set x %}long text{% endset %}{{ x }}" + block, "long text[a]"},
	} {
		template, err := Parse(c.source)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		text, spans, err := template.RenderGenerated(NewDict(), time.Time{})
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		var b strings.Builder
		from := 0
		for _, s := range spans {
			b.WriteString(text[from:s.First] + "[" + text[s.First:s.End] + "]")
			from = s.End
		}
		if got := b.String() + text[from:]; got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}
