package data

// conversationsFormat is {"conversations": [messages], "chosen": message, "rejected": message}; for supervised training the
// conversation may end with the assistant instead.
var conversationsFormat = format{
	name: "conversations",
	fits: func(f fields, _ Task) bool { return f.has("conversations") },
	read: func(r *Record, f fields, task Task) error {
		if task == Supervised && !f.has("chosen") {
			r.responseField = "conversations"
			return r.takeConversation(f, "conversations")
		}
		contents := map[string]*Content{"conversations": &r.Prompt, "chosen": &r.Chosen}
		if task == Preference {
			contents["rejected"] = &r.Rejected
		}
		if err := r.take(f, contents); err != nil {
			return err
		}
		switch {
		case r.Chosen.IsZero():
			return r.missing("chosen", f, task)
		case task == Preference && r.Rejected.IsZero():
			return r.missing("rejected", f, task)
		case r.Prompt.Form != Messages || r.Prompt.Empty():
			return badRecord(r.Source, "conversations", ReasonType, "is %s; give a list of chat messages: %s", r.Prompt.Form, wantMessage)
		}
		return r.asMessages()
	},
}
