package data

// chatPairFormat is {"chosen": [messages], "rejected": [messages]}, with or without "prompt". Without a prompt of messages, the
// turns that both sides begin with are the prompt, up to where the assistant speaks on both; a prompt given as a string is
// then the first turn of the user, unless the sides repeat it.
var chatPairFormat = format{
	name: "chat messages, chosen and rejected",
	fits: func(f fields, task Task) bool {
		return f.has("chosen") && (f.isMessages("prompt") || f.isMessages("chosen"))
	},
	read: func(r *Record, f fields, task Task) error {
		contents := map[string]*Content{"prompt": &r.Prompt, "chosen": &r.Chosen}
		if task == Preference {
			contents["rejected"] = &r.Rejected
		}
		if err := r.take(f, contents); err != nil {
			return err
		}
		if task == Preference && r.Rejected.IsZero() {
			return r.missing("rejected", f, task)
		}
		return r.asMessages()
	},
}

// asMessages makes all parts of a pair messages and finds its prompt.
func (r *Record) asMessages() error {
	prompt, lists := r.Prompt, []*Content{&r.Chosen}
	if !r.Rejected.IsZero() {
		lists = append(lists, &r.Rejected)
	}
	for i, c := range lists {
		switch c.Form {
		case Text:
			*c = MessagesContent([]Message{{roleAssistant, c.Text}})
		case IDs:
			return badRecord(r.Source, []string{"chosen", "rejected"}[i], ReasonType, "is %s beside chat messages; give all fields of a record in one form", c.Form)
		}
	}
	if prompt.Form == IDs {
		return badRecord(r.Source, "prompt", ReasonType, "is %s beside chat messages; give all fields of a record in one form", prompt.Form)
	}
	if prompt.Form == Messages && !prompt.Empty() {
		return r.checkTurns()
	}
	if len(lists) == 2 && r.Chosen.Equal(r.Rejected) {
		return oddRecord(r.Source, "rejected", ReasonIdentical, `the same as "chosen"; a pair of identical sides prefers nothing`)
	}
	shared := sharedTurns(lists)
	r.Prompt = MessagesContent(r.Chosen.Messages[:max(0, shared)])
	if prompt.Form == Text && shared == 0 {
		r.Prompt = MessagesContent([]Message{{roleUser, prompt.Text}})
	}
	if shared < 0 || r.Prompt.Empty() {
		return oddRecord(r.Source, "prompt", ReasonNoPrompt,
			`missing, and the messages of the sides begin with no shared turns that the assistant follows; give the prompt as its own field`)
	}
	for _, c := range lists {
		c.Messages = c.Messages[shared:]
	}
	return r.checkTurns()
}

// sharedTurns is the number of first messages that are in all lists and after which the assistant speaks in each; -1 where
// the assistant's turn is nowhere.
func sharedTurns(lists []*Content) int {
	first := lists[0].Messages
	for n := len(first) - 1; n >= 0; n-- {
		fits := true
		for _, c := range lists {
			m := c.Messages
			fits = fits && n < len(m) && m[n].Role == roleAssistant && MessagesContent(m[:n]).Equal(MessagesContent(first[:n]))
		}
		if fits {
			return n
		}
	}
	return -1
}

// checkTurns refuses responses that are not the assistant's or say nothing.
func (r *Record) checkTurns() error {
	for _, side := range []struct {
		name    string
		content Content
	}{{"chosen", r.Chosen}, {"rejected", r.Rejected}} {
		messages := side.content.Messages
		switch {
		case side.content.IsZero():
		case len(messages) == 0 || messages[len(messages)-1].Content == "":
			return oddRecord(r.Source, side.name, ReasonEmpty, "empty; a record needs a response")
		case messages[0].Role != roleAssistant:
			return badRecord(r.Source, side.name, ReasonMessages, "the response begins with a turn of the %s; after the prompt the assistant must speak", messages[0].Role)
		}
	}
	return nil
}

// messagesFormat is {"messages": [messages]}, of which all turns of the assistant's are learned.
var messagesFormat = format{
	name: "messages",
	fits: func(f fields, task Task) bool { return task == Supervised && f.has("messages") },
	read: func(r *Record, f fields, _ Task) error {
		r.responseField = "messages"
		return r.takeConversation(f, "messages")
	},
}

// takeConversation reads a conversation that ends with the assistant. Its prompt is what stands before the first answer, a turn
// in which the assistant opens the conversation included.
func (r *Record) takeConversation(f fields, name string) error {
	content, err := r.content(f, name)
	if err != nil {
		return err
	}
	if content.Empty() {
		return badRecord(r.Source, name, ReasonEmpty, "empty; %s", wantMessage)
	}
	if content.Form != Messages {
		return badRecord(r.Source, name, ReasonType, "is %s; give a list of chat messages: %s", content.Form, wantMessage)
	}
	last := len(content.Messages) - 1
	switch m := content.Messages[last]; {
	case m.Role != roleAssistant:
		return badRecord(r.Source, name, ReasonMessages, "the last turn is the %s's; a conversation to learn from ends with the assistant", m.Role)
	case m.Content == "":
		return oddRecord(r.Source, name, ReasonEmpty, "the last turn is empty; a record needs a response")
	case last == 0:
		return badRecord(r.Source, name, ReasonMessages, "nothing stands before the assistant's turn; give the user's first")
	}
	first := 1
	for content.Messages[first].Role != roleAssistant {
		first++
	}
	r.Prompt, r.Chosen = MessagesContent(content.Messages[:first]), MessagesContent(content.Messages[first:])
	return nil
}
