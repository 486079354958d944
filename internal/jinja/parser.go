package jinja

import "strings"

// maxDepth bounds how deep expressions and statements may stand inside each other.
const maxDepth = 200

// parser turns tokens into statements.
type parser struct {
	tokens  []token
	pos     int
	depth   int
	loops   int               // loops around the current statement inside its macro
	soft    int               // conditions around the current node: unknown filters are errors only when they run
	tags    []string          // open statements, for messages
	endings [][]string        // words that end them
	macros  []map[string]bool // names read in the macros around the current node
}

func (p *parser) current() token { return p.tokens[p.pos] }

func (p *parser) look() token { return p.tokens[min(p.pos+1, len(p.tokens)-1)] }

func (p *parser) next() token {
	t := p.tokens[p.pos]
	if p.pos < len(p.tokens)-1 {
		p.pos++
	}
	return t
}

// skip passes the current token when it is this word.
func (p *parser) skip(word string) bool {
	if p.current().is(word) {
		p.next()
		return true
	}
	return false
}

func (p *parser) fail(format string, args ...any) {
	throwAt(p.current().line, syntaxError, format, args...)
}

func (p *parser) unexpected(wanted string) {
	if p.current().kind == end {
		p.fail("unexpected end of template, expected %s.", repr(wanted))
	}
	p.fail("expected token %s, got %s", repr(wanted), repr(p.current().String()))
}

func (p *parser) expect(word string) token {
	if !p.current().is(word) {
		p.unexpected(word)
	}
	return p.next()
}

func (p *parser) expectKind(kind kind) token {
	if p.current().kind != kind {
		wanted := token{kind: kind}.String()
		if kind == name {
			wanted = "name"
		}
		p.unexpected(wanted)
	}
	return p.next()
}

// enter guards recursion; the result undoes it.
func (p *parser) enter() func() {
	if p.depth++; p.depth > maxDepth {
		throwAt(p.current().line, limitError, "the template nests deeper than %d levels", maxDepth)
	}
	return func() { p.depth-- }
}

// parse reads the whole template.
func (p *parser) parse() []statement {
	return p.body(nil)
}

// statements reads the body of a statement up to one of the ending words, at which it stops.
func (p *parser) statements(endings ...string) []statement {
	p.skip(":")
	p.expectKind(blockEnd)
	body := p.body(endings)
	if p.current().kind == end {
		p.unknown("", endings)
	}
	return body
}

// closing reads the body of a statement and its ending word.
func (p *parser) closing(ending string) []statement {
	body := p.statements(ending)
	p.next()
	return body
}

func (p *parser) body(endings []string) []statement {
	defer p.enter()()
	if endings != nil {
		p.endings = append(p.endings, endings)
		defer func() { p.endings = p.endings[:len(p.endings)-1] }()
	}
	var body []statement
	for {
		switch t := p.current(); t.kind {
		case end:
			return body
		case data:
			body = append(body, &textStatement{p.next().text})
		case variableBegin:
			p.next()
			body = append(body, &printStatement{t.line, []expression{p.tuple(tupleRules{})}})
			p.expectKind(variableEnd)
		case blockBegin:
			p.next()
			if p.current().kind == name && contains(endings, p.current().text) {
				return body
			}
			body = append(body, p.statement())
			p.expectKind(blockEnd)
		default:
			p.fail("unexpected %s", repr(t.String()))
		}
	}
}

// unknown fails for a tag that does not exist here, or, without a tag, for the template's end.
func (p *parser) unknown(tag string, endings []string) {
	stack := p.endings
	if endings != nil {
		stack = append(stack[:len(stack):len(stack)], endings)
	}
	message := []string{"Unexpected end of template."}
	if tag != "" {
		message = []string{"Encountered unknown tag " + repr(tag) + "."}
	}
	if len(stack) > 0 {
		var wanted []string
		nested := false
		for _, word := range stack[len(stack)-1] {
			wanted = append(wanted, repr(word))
		}
		for _, words := range stack {
			nested = nested || tag != "" && contains(words, tag)
		}
		looking := strings.Join(wanted, " or ") + "."
		if nested {
			message = append(message, "You probably made a nesting mistake. Jinja is expecting this tag, but currently looking for "+looking)
		} else {
			message = append(message, "Jinja was looking for the following tags: "+looking)
		}
	}
	if len(p.tags) > 0 {
		message = append(message, "The innermost block that needs to be closed is "+repr(p.tags[len(p.tags)-1])+".")
	}
	p.fail("%s", strings.Join(message, " "))
}

func contains(words []string, word string) bool {
	for _, w := range words {
		if w == word {
			return true
		}
	}
	return false
}
