package jinja

// statementParsers holds a method for each word that begins a statement. It is filled by init because the methods use it.
var statementParsers map[string]func(*parser) statement

func init() {
	statementParsers = map[string]func(*parser) statement{
		"for": (*parser).forStatement, "if": (*parser).ifStatement, "set": (*parser).setStatement,
		"macro": (*parser).macroStatement, "call": (*parser).callStatement, "filter": (*parser).filterStatement,
		"with": (*parser).withStatement, "print": (*parser).printStatement, "block": (*parser).blockStatement,
		"autoescape": (*parser).autoescapeStatement, "generation": (*parser).generationStatement,
		"break": (*parser).loopControl, "continue": (*parser).loopControl,
		"include": (*parser).otherTemplate, "import": (*parser).otherTemplate,
		"from": (*parser).otherTemplate, "extends": (*parser).otherTemplate,
	}
}

func (p *parser) statement() statement {
	word := p.current()
	if word.kind != name {
		p.fail("tag name expected")
	}
	parse, ok := statementParsers[word.text]
	if !ok {
		p.unknown(word.text, nil)
	}
	p.tags = append(p.tags, word.text)
	defer func() { p.tags = p.tags[:len(p.tags)-1] }()
	return parse(p)
}

func (p *parser) forStatement() statement {
	s := &forStatement{line: p.next().line}
	s.target = p.target(tupleRules{end: "in"})
	p.expect("in")
	s.items = p.tuple(tupleRules{noCondition: true, end: "recursive"})
	if p.skip("if") {
		s.test = p.expression()
	}
	s.recursive = p.skip("recursive")
	p.loops++
	s.body = p.statements("endfor", "else")
	p.loops--
	if p.next().text == "else" {
		s.otherwise = p.closing("endfor")
	}
	return s
}

func (p *parser) ifStatement() statement {
	s := &ifStatement{}
	p.soft++
	defer func() { p.soft-- }()
	for {
		branch := branch{line: p.next().line, test: p.tuple(tupleRules{noCondition: true})}
		branch.body = p.statements("elif", "else", "endif")
		s.branches = append(s.branches, branch)
		switch p.current().text {
		case "elif":
			continue
		case "else":
			p.next()
			s.otherwise = p.closing("endif")
		default:
			p.next()
		}
		return s
	}
}

func (p *parser) setStatement() statement {
	line := p.next().line
	target := p.target(tupleRules{attributes: true})
	if p.skip("=") {
		return &setStatement{line, target, p.tuple(tupleRules{})}
	}
	s := &setBlock{line: line, target: target}
	if p.current().is("|") {
		s.filter = p.filters(&blockValue{}).(*filterExpression)
	}
	s.body = p.closing("endset")
	return s
}

func (p *parser) withStatement() statement {
	s := &withStatement{line: p.next().line}
	for p.current().kind != blockEnd {
		if len(s.targets) > 0 {
			p.expect(",")
		}
		s.targets = append(s.targets, p.target(tupleRules{}))
		p.expect("=")
		s.values = append(s.values, p.expression())
	}
	s.body = p.closing("endwith")
	return s
}

// signature reads the parameters of a macro or of a call block.
func (p *parser) signature(f *macroBody) {
	p.expect("(")
	for !p.current().is(")") {
		if len(f.parameters) > 0 {
			p.expect(",")
		}
		parameter := parameter{name: p.expectKind(name).text}
		if p.skip("=") {
			parameter.value = p.expression()
		} else if n := len(f.parameters); n > 0 && f.parameters[n-1].value != nil {
			p.fail("non-default argument follows default argument")
		}
		f.parameters = append(f.parameters, parameter)
	}
	p.expect(")")
}

// inMacro reads what belongs to a macro and notes which of the special names it uses.
func (p *parser) inMacro(f *macroBody, read func()) {
	loops, used := p.loops, map[string]bool{}
	p.loops, p.macros = 0, append(p.macros, used)
	read()
	p.loops, p.macros = loops, p.macros[:len(p.macros)-1]
	f.varargs, f.kwargs, f.caller = used["varargs"], used["kwargs"], used["caller"]
}

func (p *parser) macroStatement() statement {
	s := &macroStatement{line: p.next().line}
	s.macro.name = p.expectKind(name).text
	p.inMacro(&s.macro, func() {
		p.signature(&s.macro)
		s.macro.body = p.closing("endmacro")
	})
	return s
}

func (p *parser) callStatement() statement {
	s := &callStatement{line: p.next().line}
	s.caller.name = "caller"
	p.inMacro(&s.caller, func() {
		if p.current().is("(") {
			p.signature(&s.caller)
		}
	})
	call, ok := p.expression().(*callExpression)
	if !ok {
		throwAt(s.line, syntaxError, "expected call")
	}
	s.call = call
	p.inMacro(&s.caller, func() { s.caller.body = p.closing("endcall") })
	return s
}

func (p *parser) filterStatement() statement {
	line := p.next().line
	filter := p.filters(p.filter(&blockValue{})).(*filterExpression)
	return &filterStatement{line, filter, p.closing("endfilter")}
}

func (p *parser) printStatement() statement {
	s := &printStatement{line: p.next().line}
	for p.current().kind != blockEnd {
		if len(s.values) > 0 {
			p.expect(",")
		}
		s.values = append(s.values, p.expression())
	}
	return s
}

func (p *parser) blockStatement() statement {
	p.next()
	block := p.expectKind(name).text
	p.skip("scoped")
	p.skip("required")
	s := &scopeStatement{p.closing("endblock")}
	p.skip(block)
	return s
}

func (p *parser) autoescapeStatement() statement {
	line := p.next().line
	value, ok := p.expression().(*constant)
	if !ok || truth(value.value) {
		throwAt(line, syntaxError, "chat templates are not escaped: autoescape may only be false")
	}
	return &scopeStatement{p.closing("endautoescape")}
}

func (p *parser) generationStatement() statement {
	p.next()
	return &generationStatement{p.closing("endgeneration")}
}

func (p *parser) loopControl() statement {
	word := p.next()
	if p.loops == 0 {
		message := "'break' outside loop"
		if word.text == "continue" {
			message = "'continue' not properly in loop"
		}
		throwAt(word.line, "SyntaxError", "%s", message)
	}
	if word.text == "break" {
		return &controlStatement{leave}
	}
	return &controlStatement{again}
}

func (p *parser) otherTemplate() statement {
	throwAt(p.current().line, typeError, "no loader for this environment specified")
	return nil
}

// tupleRules say what p.tuple reads.
type tupleRules struct {
	simple      bool   // names and literals only
	attributes  bool   // names may be attributes of a namespace
	noCondition bool   // no inline if
	parentheses bool   // inside parentheses: may be empty
	end         string // a name that ends it
}

// target reads what a value is assigned to.
func (p *parser) target(rules tupleRules) assignable {
	rules.simple = true
	line := p.current().line
	node := p.tuple(rules)
	target, ok := asTarget(node)
	if !ok {
		throwAt(line, syntaxError, "can't assign to %s", repr(node.kind()))
	}
	return target
}

func asTarget(node expression) (assignable, bool) {
	switch n := node.(type) {
	case *variable:
		return &nameTarget{n.name}, true
	case *attributeTarget:
		return n, true
	case *tupleExpression:
		t := &tupleTarget{}
		for _, item := range n.items {
			target, ok := asTarget(item)
			if !ok {
				return nil, false
			}
			t.targets = append(t.targets, target)
		}
		return t, true
	}
	return nil, false
}
