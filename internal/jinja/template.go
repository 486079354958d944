package jinja

import (
	"strings"
	"time"
)

// Limits of one rendering: templates come from strangers.
const (
	maxSteps  = 5_000_000 // nodes run and items touched
	maxOutput = 32 << 20  // bytes of any text made on the way
	maxCalls  = 100       // macros inside macros
	maxRange  = 100_000   // as in Jinja2's sandbox
)

// Template is a parsed template. It may be rendered by several goroutines at once.
type Template struct{ body []statement }

// Parse reads a template. The error is an *Error, almost always a TemplateSyntaxError.
func Parse(source string) (template *Template, err error) {
	p := &parser{}
	defer catch(&err, func() int {
		if len(p.tokens) == 0 {
			return 0
		}
		return p.current().line
	})
	p.tokens = lex(source)
	return &Template{p.parse()}, nil
}

// Render runs the template on variables, which must be values of this package (ValueOf makes them). The variables raise_exception
// and strftime_now exist as they do for chat templates; now is the time that strftime_now tells.
// The error is an *Error.
func (t *Template) Render(variables *Dict, now time.Time) (result string, err error) {
	result, _, err = t.RenderGenerated(variables, now)
	return result, err
}

// Span is a stretch of a text: the bytes from First up to End, End excluded.
type Span struct{ First, End int }

// RenderGenerated is [Template.Render] that also tells where the blocks {% generation %} stand in the text: what the assistant
// wrote. There are none where the template has no such blocks or hides some in macros or captured text.
func (t *Template) RenderGenerated(variables *Dict, now time.Time) (result string, generated []Span, err error) {
	r := &renderer{out: &strings.Builder{}, globals: globals(now)}
	r.result = r.out
	defer catch(&err, func() int { return r.line })
	top := newScope(nil)
	for i, key := range variables.keys {
		name, _ := asText(key)
		top.variables[name] = variables.values[i]
	}
	r.run(t.body, newScope(top))
	if r.hidden {
		r.generated = nil
	}
	return r.out.String(), r.generated, nil
}

// renderer is the state of one rendering.
type renderer struct {
	out     *strings.Builder
	result  *strings.Builder // where out goes back to after what is captured
	globals map[string]any
	steps   int
	calls   int
	line    int // of the template, for errors

	generated []Span // of the result
	hidden    bool   // a block of generated text stands in what was captured
}

// scope holds variables; what it does not have is looked up in its parent.
type scope struct {
	variables map[string]any
	parent    *scope
}

func newScope(parent *scope) *scope { return &scope{map[string]any{}, parent} }

func (r *renderer) lookup(s *scope, name string) any {
	for ; s != nil; s = s.parent {
		if value, ok := s.variables[name]; ok {
			return value
		}
	}
	if value, ok := r.globals[name]; ok {
		return value
	}
	return undefinedName(name)
}

// spend counts work and ends rendering when it is too much.
func (r *renderer) spend(steps int) {
	if r.steps += steps; r.steps > maxSteps || steps < 0 {
		throw(limitError, "the template ran for more than %d steps", maxSteps)
	}
}

// made checks the size of a text before it is made, and counts it as work.
func (r *renderer) made(size int) {
	if size > maxOutput || size < 0 {
		throw(limitError, "the template makes a text of more than %d bytes", maxOutput)
	}
	r.spend(size / 16)
}

func (r *renderer) write(s string) {
	if r.out.Len()+len(s) > maxOutput {
		throw(limitError, "the template writes more than %d bytes", maxOutput)
	}
	r.spend(len(s) / 16)
	r.out.WriteString(s)
}

// capture gives what a function writes.
func (r *renderer) capture(write func()) string {
	out := r.out
	r.out = &strings.Builder{}
	defer func() { r.out = out }()
	write()
	return r.out.String()
}

// list reads the items of a value and counts them.
func (r *renderer) list(value any) []any {
	if s, ok := asText(value); ok {
		r.spend(len(s))
	}
	items := iterate(value)
	r.spend(len(items))
	return items
}
