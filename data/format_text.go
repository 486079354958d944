package data

// completionFormat is {"prompt": …, "completion": …}.
var completionFormat = format{
	name: "prompt and completion",
	fits: func(f fields, task Task) bool { return task == Supervised && f.has("completion") },
	read: func(r *Record, f fields, task Task) error { return r.takeCompletion(f, "completion", task) },
}

// textFormat is {"text": …}, running text, or {"prompt": …, "text": …}.
var textFormat = format{
	name: "text",
	fits: func(fields, Task) bool { return true },
	read: func(r *Record, f fields, task Task) error {
		switch {
		case !f.has("text"):
			return r.missing("text", f, task)
		case f.has("prompt"):
			return r.takeCompletion(f, "text", task)
		}
		r.responseField = "text"
		if err := r.take(f, map[string]*Content{"text": &r.Chosen}); err != nil {
			return err
		}
		if r.Chosen.Form == Messages {
			return badRecord(r.Source, "text", ReasonMessages, `is chat messages; name the field "messages"`)
		}
		return nil
	},
}

// takeCompletion reads a prompt and a response.
func (r *Record) takeCompletion(f fields, name string, task Task) error {
	r.responseField = name
	if !f.has("prompt") {
		return r.missing("prompt", f, task)
	}
	if err := r.take(f, map[string]*Content{"prompt": &r.Prompt, name: &r.Chosen}); err != nil {
		return err
	}
	if r.Prompt.Form == Messages || r.Chosen.Form == Messages {
		return r.asMessages()
	}
	return nil
}
