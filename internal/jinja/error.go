package jinja

import "fmt"

// Error is what a template did wrong or raised on purpose.
type Error struct {
	Type    string // the name of the exception that Jinja2 or Python raises, such as UndefinedError; LimitError is ours
	Message string // its message, in the same words
	Line    int    // of the template, from 1; 0 when the error belongs to none
}

// Error gives the line, the type and the message.
func (e *Error) Error() string {
	where := ""
	if e.Line > 0 {
		where = fmt.Sprintf("line %d: ", e.Line)
	}
	return where + e.Type + ": " + e.Message
}

// Names of exceptions.
const (
	syntaxError    = "TemplateSyntaxError"
	undefinedError = "UndefinedError"
	runtimeError   = "TemplateRuntimeError"
	securityError  = "SecurityError"
	typeError      = "TypeError"
	valueError     = "ValueError"
	overflowError  = "OverflowError"
	limitError     = "LimitError"
)

// throw ends parsing or rendering; catch turns it into an error of Parse or Render.
func throw(kind, format string, args ...any) {
	panic(&Error{Type: kind, Message: fmt.Sprintf(format, args...)})
}

func throwAt(line int, kind, format string, args ...any) {
	panic(&Error{Type: kind, Message: fmt.Sprintf(format, args...), Line: line})
}

// catch is deferred by the exported functions. What was not thrown here goes on as a panic.
func catch(err *error, line func() int) {
	switch thrown := recover().(type) {
	case nil:
	case *Error:
		if thrown.Line == 0 {
			thrown.Line = line()
		}
		*err = thrown
	default:
		panic(thrown)
	}
}
