package data

import "strings"

// assistantTag begins the assistant's turns in the transcripts of Anthropic's HH data.
const assistantTag = "\n\nAssistant:"

// implicitFormat is {"chosen": …, "rejected": …}, two texts that begin alike. What they share is the prompt: in transcripts
// with "\n\nAssistant:" up to the last such tag, in other texts up to the last whole word.
var implicitFormat = format{
	name: "chosen and rejected with a shared beginning",
	fits: func(f fields, task Task) bool {
		isText := func(name string) bool { return f.has(name) && kindOf(f[name]) == "a string" }
		return !f.has("prompt") && isText("chosen") && (isText("rejected") || task == Supervised)
	},
	read: readImplicit,
}

func readImplicit(r *Record, f fields, task Task) error {
	chosen, err := r.text(f, "chosen")
	if err != nil {
		return err
	}
	rejected := chosen
	if f.has("rejected") && (task == Preference || !strings.Contains(chosen, assistantTag)) {
		if rejected, err = r.text(f, "rejected"); err != nil {
			return err
		}
	}
	if chosen == rejected && (task == Preference || !strings.Contains(chosen, assistantTag)) {
		return oddRecord(r.Source, "rejected", ReasonIdentical, `the same as "chosen"; a pair of identical sides prefers nothing`)
	}
	at, transcript := sharedPrompt(chosen, rejected)
	if at == 0 {
		return oddRecord(r.Source, "prompt", ReasonNoPrompt,
			`missing, and "chosen" and "rejected" share no beginning up to a turn of the assistant or a whole word; give the prompt as its own field`)
	}
	for _, side := range []struct{ name, text string }{{"chosen", chosen[at:]}, {"rejected", rejected[at:]}} {
		if side.text == "" || transcript && strings.TrimSpace(side.text) == "" {
			return oddRecord(r.Source, side.name, ReasonEmpty, "empty after the shared prompt; a record needs a response on both sides")
		}
	}
	r.Prompt, r.Chosen, r.Rejected = TextContent(chosen[:at]), TextContent(chosen[at:]), TextContent(rejected[at:])
	return nil
}

// sharedPrompt is the length of the prompt that two texts share, and whether they are transcripts. Where transcripts differ
// before their last turn, the prompt ends at the last tag that both have, and the responses are of several turns.
func sharedPrompt(chosen, rejected string) (length int, transcript bool) {
	i, j := strings.LastIndex(chosen, assistantTag), strings.LastIndex(rejected, assistantTag)
	if i >= 0 && i == j && chosen[:i] == rejected[:j] {
		return i + len(assistantTag), true
	}
	common := commonPrefix(chosen, rejected)
	if i >= 0 || j >= 0 {
		if last := strings.LastIndex(common, assistantTag); last >= 0 {
			return last + len(assistantTag), true
		}
		return 0, true
	}
	if len(common) < len(chosen) && len(common) < len(rejected) && isSpace(chosen[len(common)]) && isSpace(rejected[len(common)]) {
		return len(common), false // both go on with a new word
	}
	return len(strings.TrimRight(common[:strings.LastIndexAny(common, " \t\n\r")+1], " \t")), false
}

func isSpace(c byte) bool { return strings.IndexByte(" \t\n\r", c) >= 0 }
