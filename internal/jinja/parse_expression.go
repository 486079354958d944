package jinja

func (p *parser) expression() expression {
	defer p.enter()()
	result := p.or()
	for p.current().is("if") {
		e := &conditional{line: p.next().line, then: result, test: p.or()}
		if p.skip("else") {
			e.otherwise = p.expression()
		}
		result = e
	}
	return result
}

func (p *parser) or() expression {
	left := p.and()
	for p.skip("or") {
		left = &logical{left: left, right: p.and(), or: true}
	}
	return left
}

func (p *parser) and() expression {
	left := p.not()
	for p.skip("and") {
		left = &logical{left: left, right: p.not()}
	}
	return left
}

func (p *parser) not() expression {
	if p.current().is("not") {
		defer p.enter()()
		p.next()
		return &negation{p.not()}
	}
	return p.compare()
}

func (p *parser) compare() expression {
	e := &comparison{line: p.current().line, first: p.sum()}
	for {
		t := p.current()
		switch {
		case t.kind == operator && contains([]string{"==", "!=", "<", "<=", ">", ">="}, t.text), t.is("in"):
			p.next()
			e.rest = append(e.rest, operand{t.text, p.sum()})
		case t.is("not") && p.look().is("in"):
			p.next()
			p.next()
			e.rest = append(e.rest, operand{"not in", p.sum()})
		case len(e.rest) == 0:
			return e.first
		default:
			return e
		}
	}
}

// leftToRight reads operands joined by operators of one precedence.
func (p *parser) leftToRight(next func() expression, operators ...string) expression {
	left := next()
	for p.current().kind == operator && contains(operators, p.current().text) {
		t := p.next()
		left = &binary{t.line, t.text, left, next()}
	}
	return left
}

func (p *parser) sum() expression { return p.leftToRight(p.concatenation, "+", "-") }

func (p *parser) concatenation() expression {
	first := p.product()
	if !p.current().is("~") {
		return first
	}
	parts := []expression{first}
	for p.skip("~") {
		parts = append(parts, p.product())
	}
	return &concatenation{parts}
}

func (p *parser) product() expression { return p.leftToRight(p.power, "*", "/", "//", "%") }

func (p *parser) power() expression {
	return p.leftToRight(func() expression { return p.unary(true) }, "**")
}

func (p *parser) unary(filters bool) expression {
	defer p.enter()()
	var node expression
	if t := p.current(); t.kind == operator && (t.text == "-" || t.text == "+") {
		p.next()
		node = &signed{t.line, t.text, p.unary(false)}
	} else {
		node = p.primary(false)
	}
	node = p.postfix(node)
	if filters {
		node = p.filtered(node)
	}
	return node
}

func (p *parser) primary(attributes bool) expression {
	switch t := p.current(); {
	case t.kind == name:
		return p.name(attributes)
	case t.kind == text:
		value := ""
		for p.current().kind == text {
			value += p.next().text
		}
		return &constant{value}
	case t.kind == integer || t.kind == float:
		return &constant{p.next().value}
	case t.is("("):
		p.next()
		node := p.tuple(tupleRules{parentheses: true})
		p.expect(")")
		return node
	case t.is("["):
		p.next()
		return &listExpression{p.items("]")}
	case t.is("{"):
		return p.dict()
	}
	p.fail("unexpected %s", repr(p.current().String()))
	return nil
}

func (p *parser) name(attributes bool) expression {
	t := p.next()
	switch t.text {
	case "true", "True":
		return &constant{true}
	case "false", "False":
		return &constant{false}
	case "none", "None":
		return &constant{nil}
	}
	if attributes && p.skip(".") {
		return &attributeTarget{t.line, t.text, p.expectKind(name).text}
	}
	for _, used := range p.macros {
		used[t.text] = true
	}
	return &variable{t.text}
}

// tuple reads one expression, or several between commas as a tuple.
func (p *parser) tuple(rules tupleRules) expression {
	defer p.enter()()
	read := p.expression
	switch {
	case rules.simple:
		read = func() expression { return p.primary(rules.attributes) }
	case rules.noCondition:
		read = p.or
	}
	var items []expression
	isTuple := false
	for {
		if isTuple {
			p.expect(",")
		}
		t := p.current()
		if t.kind == variableEnd || t.kind == blockEnd || t.is(")") || rules.end != "" && t.is(rules.end) {
			break
		}
		items = append(items, read())
		if !p.current().is(",") {
			break
		}
		isTuple = true
	}
	if !isTuple && len(items) == 1 {
		return items[0]
	}
	if !isTuple && !rules.parentheses {
		p.fail("Expected an expression, got %s", repr(p.current().String()))
	}
	return &tupleExpression{items}
}

// items reads expressions between commas up to the closing bracket, which it passes.
func (p *parser) items(closing string) []expression {
	var items []expression
	for !p.current().is(closing) {
		if len(items) > 0 {
			p.expect(",")
		}
		if p.current().is(closing) {
			break
		}
		items = append(items, p.expression())
	}
	p.expect(closing)
	return items
}

func (p *parser) dict() expression {
	e := &dictExpression{line: p.next().line}
	for !p.current().is("}") {
		if len(e.keys) > 0 {
			p.expect(",")
		}
		if p.current().is("}") {
			break
		}
		e.keys = append(e.keys, p.expression())
		p.expect(":")
		e.values = append(e.values, p.expression())
	}
	p.expect("}")
	return e
}

func (p *parser) postfix(node expression) expression {
	for {
		switch t := p.current(); {
		case t.is("."):
			p.next()
			switch attribute := p.next(); attribute.kind {
			case name:
				node = &attributeExpression{t.line, node, attribute.text}
			case integer:
				node = &itemExpression{t.line, node, &constant{attribute.value}}
			default:
				throwAt(attribute.line, syntaxError, "expected name or number")
			}
		case t.is("["):
			p.next()
			node = &itemExpression{t.line, node, p.subscript()}
		case t.is("("):
			node = p.call(node)
		default:
			return node
		}
	}
}

func (p *parser) subscript() expression {
	var items []expression
	for !p.current().is("]") {
		if len(items) > 0 {
			p.expect(",")
		}
		items = append(items, p.subscripted())
	}
	p.expect("]")
	if len(items) == 1 {
		return items[0]
	}
	return &tupleExpression{items}
}

// subscripted reads an index or a slice.
func (p *parser) subscripted() expression {
	var bounds [3]expression
	if !p.current().is(":") {
		node := p.expression()
		if !p.current().is(":") {
			return node
		}
		bounds[0] = node
	}
	for i := 1; i < 3 && p.skip(":"); i++ {
		if !p.current().is(":") && !p.current().is("]") && !p.current().is(",") {
			bounds[i] = p.expression()
		}
	}
	return &sliceExpression{bounds}
}

func (p *parser) call(callee expression) expression {
	return &callExpression{p.current().line, callee, p.arguments()}
}

// arguments reads the arguments of a call with their parentheses.
func (p *parser) arguments() argumentList {
	var list argumentList
	line := p.expect("(").line
	ensure := func(ok bool) {
		if !ok {
			throwAt(line, syntaxError, "invalid syntax for function call expression")
		}
	}
	for first := true; !p.current().is(")"); first = false {
		if !first {
			p.expect(",")
			if p.current().is(")") {
				break
			}
		}
		switch t := p.current(); {
		case t.is("*"):
			ensure(list.more == nil && list.moreNamed == nil)
			p.next()
			list.more = p.expression()
		case t.is("**"):
			ensure(list.moreNamed == nil)
			p.next()
			list.moreNamed = p.expression()
		case t.kind == name && p.look().is("="):
			ensure(list.moreNamed == nil)
			p.next()
			p.next()
			list.named = append(list.named, namedExpression{t.text, p.expression()})
		default:
			ensure(list.more == nil && list.moreNamed == nil && len(list.named) == 0)
			list.values = append(list.values, p.expression())
		}
	}
	p.expect(")")
	return list
}

// filtered reads filters, tests and calls after an expression.
func (p *parser) filtered(node expression) expression {
	for {
		switch t := p.current(); {
		case t.is("|"):
			node = p.filters(node)
		case t.is("is"):
			node = p.test(node)
		case t.is("("):
			node = p.call(node)
		default:
			return node
		}
	}
}

func (p *parser) filters(node expression) expression {
	for p.skip("|") {
		node = p.filter(node)
	}
	return node
}

func (p *parser) filter(node expression) expression {
	t := p.expectKind(name)
	e := &filterExpression{line: t.line, value: node, name: p.dotted(t.text)}
	if p.current().is("(") {
		e.arguments = p.arguments()
	}
	if _, known := filters[e.name]; !known && p.soft == 0 {
		throwAt(t.line, "TemplateAssertionError", "No filter named %s.", repr(e.name))
	}
	return e
}

func (p *parser) dotted(word string) string {
	for p.skip(".") {
		word += "." + p.expectKind(name).text
	}
	return word
}

func (p *parser) test(node expression) expression {
	e := &testExpression{line: p.next().line, value: node}
	negated := p.skip("not")
	e.name = p.dotted(p.expectKind(name).text)
	switch t := p.current(); {
	case t.is("("):
		e.arguments = p.arguments()
	case t.is("is"):
		p.fail("You cannot chain multiple tests with is")
	case t.is("else"), t.is("or"), t.is("and"):
	case t.kind == name, t.kind == text, t.kind == integer, t.kind == float, t.is("["), t.is("{"):
		e.arguments.values = []expression{p.postfix(p.primary(false))}
	}
	if _, known := tests[e.name]; !known && p.soft == 0 {
		throwAt(e.line, "TemplateAssertionError", "No test named %s.", repr(e.name))
	}
	if negated {
		return &negation{e}
	}
	return e
}
