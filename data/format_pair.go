package data

// pairFormat is {"prompt": …, "chosen": …, "rejected": …}, all texts or all lists of token ids.
var pairFormat = format{
	name: "prompt, chosen and rejected",
	fits: func(f fields, task Task) bool { return task == Preference || f.has("chosen") },
	read: func(r *Record, f fields, task Task) error {
		contents := map[string]*Content{"prompt": &r.Prompt, "chosen": &r.Chosen}
		names := []string{"prompt", "chosen"}
		if task == Preference {
			contents["rejected"] = &r.Rejected
			names = append(names, "rejected")
		}
		if err := r.take(f, contents); err != nil {
			return err
		}
		for _, name := range names {
			if contents[name].IsZero() {
				return r.missing(name, f, task)
			}
		}
		return nil
	},
}
