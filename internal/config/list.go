package config

// Setting is one setting of a run as text.
type Setting struct {
	Key, Value string
	Default    string // "" for none
}

// Settings lists the settings that the run reads, in the order of the struct, with the defaults of its method. Those that
// Validate found not to be read are left out, and so are empty texts.
func (r *Run) Settings() []Setting {
	var list []Setting
	for _, k := range keys {
		if _, unread := r.unread[k.name]; unread || k.text(r) == "" {
			continue
		}
		list = append(list, Setting{Key: k.name, Value: k.text(r), Default: k.defaultText(r)})
	}
	return list
}

// defaultText is the key's default for the run, in the form in which values are written.
func (k key) defaultText(r *Run) string {
	text, followed := k.defaultFor(r.Method)
	if followed != "" {
		return keyByName[followed].text(r)
	}
	var scratch Run
	if text == "" || k.assign(&scratch, value{text: text}) != nil {
		return ""
	}
	return k.text(&scratch)
}
