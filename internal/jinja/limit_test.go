package jinja

import (
	"errors"
	"strings"
	"testing"
)

// TestLimits renders templates that would run, or grow, without end.
func TestLimits(t *testing.T) {
	nine := func(s string) string { return strings.Repeat(s, 9) }
	loops := strings.Repeat("{% for i in range(100000) %}", 3) + "x" + strings.Repeat("{% endfor %}", 3)
	for _, c := range []struct{ name, source, want string }{
		{"nested loops", loops, limitError},
		{"a text repeated", "{{ 'abc' * 1000000000 }}", limitError},
		{"a list repeated", "{{ [1] * 1000000000 }}", limitError},
		{"a text doubled", "{% set ns = namespace(s='ab') %}{% for i in range(60) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}", limitError},
		{"a list doubled", "{% set ns = namespace(s=[1]) %}{% for i in range(60) %}{% set ns.s = ns.s + ns.s %}{% endfor %}", limitError},
		{"a list in a list", "{% set ns = namespace(s=[1]) %}{% for i in range(60) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s }}", limitError},
		{"as JSON", "{% set ns = namespace(s=[1]) %}{% for i in range(60) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s|tojson }}", limitError},
		{
			"compared", "{% set ns = namespace(s=[1], t=[1]) %}{% for i in range(60) %}{% set ns.s = [ns.s, ns.s] %}" +
				"{% set ns.t = [ns.t, ns.t] %}{% endfor %}{{ ns.s == ns.t }}", limitError,
		},
		{
			"as a key", "{% set ns = namespace(s=(1,)) %}{% for i in range(60) %}{% set ns.s = (ns.s, ns.s) %}{% endfor %}{{ {ns.s: 1} }}",
			limitError,
		},
		{"a power", "{{ 9" + nine("**9") + " }}", limitError},
		{"a wide field", "{{ '%999999999d' % 1 }}", limitError},
		{"a wide field in braces", "{{ '{:999999999}'.format(1) }}", limitError},
		{"many decimals", "{{ '%.999999999f' % 1 }}", limitError},
		{"centred", "{{ 'a'.center(9999999999) }}", limitError},
		{"indented", "{{ 'a'|indent(9999999999) }}", limitError},
		{"replaced", "{% set s = 'a' * 10000 %}{{ s|replace('', s) }}", limitError},
		{"a macro that calls itself", "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "RecursionError"},
		{"a loop that calls itself", "{% for i in [1] recursive %}{{ loop([1]) }}{% endfor %}", "RecursionError"},
		{"parentheses", "{{ " + strings.Repeat("(", 100000) + " }}", syntaxError},
		{"signs", "{{ " + strings.Repeat("-", 100000) + "1 }}", limitError},
		{"nots", "{{ " + strings.Repeat("not ", 100000) + "1 }}", limitError},
		{"ifs", strings.Repeat("{% if 1 %}", 100000), limitError},
		{"a list that contains itself", "{% set ns = namespace() %}{% set ns.x = [ns] %}{{ ns.x }}", "RecursionError"},
		{"a big slice count", "{{ [1]|slice(999999999)|list }}", limitError},
		{"fill", "{{ [1]|batch(999999999, 0)|list }}", limitError},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := render(t, c.source)
			var raised *Error
			if !errors.As(err, &raised) || raised.Type != c.want {
				t.Errorf("got %d bytes and error %v, want a %s", len(got), err, c.want)
			}
		})
	}
}

func TestErrorTellsLine(t *testing.T) {
	for _, c := range []struct{ source, want string }{
		{"a\n{{ nope.x }}", "line 2: UndefinedError: 'nope' is undefined"},
		{"a\n\n{% if %}{% endif %}", "line 3: TemplateSyntaxError: Expected an expression, got 'end of statement block'"},
		{"{% set x = 1 %}\n{{ x }}\n{{ raise_exception('no') }}", "line 3: TemplateError: no"},
	} {
		if _, err := render(t, c.source); err == nil || err.Error() != c.want {
			t.Errorf("%q: error %v, want %s", c.source, err, c.want)
		}
	}
}

func TestTemplateIsReusable(t *testing.T) {
	template, err := Parse("{% set ns = namespace(i=n) %}{% set ns.i = ns.i + 1 %}{{ ns.i }}{{ cycler(1, 2).next() }}")
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if got, err := template.Render(referenceVariables(t), referenceNow); err != nil || got != "81" {
			t.Errorf("got %q and error %v, want 81", got, err)
		}
	}
}

// FuzzRender looks for panics, and for templates that do not end.
func FuzzRender(f *testing.F) {
	for _, source := range []string{
		"{% for m in messages %}{{ m.role|upper ~ loop.index }}{% else %}x{% endfor %}",
		"{% macro f(a, b=2) %}{{ caller(a) }}{% endmacro %}{% call(x) f(1) %}{{ x }}{% endcall %}",
		"{{ '%5.2f|{}'.format(n) % f }}{{ l[::-1] }}{{ d|tojson(indent=2) }}", "{%- raw -%}{{ x }}{% endraw %}{# c -#}",
		"{% set ns = namespace(a=l) %}{% set ns.b = ns.a + [1] %}{{ ns.b|sort|map('string')|join(',') }}",
		"{{ s.split('l', 1)|batch(2, 'x')|list }}{{ people|groupby('age')|list }}{{ 7 // -2 ** 3 % 2.5 }}",
		"{{ people|selectattr('tags')|map(attribute='tags.0')|first is defined and 1 < 2 <= 3 not in l }}",
	} {
		f.Add(source)
	}
	f.Fuzz(func(t *testing.T, source string) {
		got, err := render(t, source)
		if err != nil && got != "" {
			t.Errorf("text %q beside error %v", got, err)
		}
	})
}
