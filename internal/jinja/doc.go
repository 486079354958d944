// Package jinja runs templates in the language of Jinja2, as chat templates are written in it.
//
// The environment is the one in which Hugging Face's libraries render them: blocks swallow the line feed after them and the blanks before
// them (trim_blocks, lstrip_blocks), break and continue exist, {% generation %} renders its body (RenderGenerated says where), nothing is escaped,
// tojson writes characters beyond ASCII as they are, and values cannot be changed by the template (Jinja2's immutable sandbox).
// Values behave as Python's do, down to the text of errors: a template may print a list, compare a number with a text, or ask
// for a field that is missing, and all of these have an outcome that a renderer has to share.
//
// Left out are what needs other templates (extends, include, import), extensions that nobody turns on for chats (do, trans, debug), and
// the filters random, pprint, urlize and xmlattr.
package jinja
