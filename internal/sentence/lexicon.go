package sentence

import "strings"

func set(words string) map[string]bool {
	list := map[string]bool{}
	for _, word := range strings.Fields(words) {
		list[word] = true
	}
	return list
}

// abbreviations are words whose period is part of them, as business newspapers have them. Shorthand of other kinds of text
// (e.g., etc., fig., vol., no.) is left out: Punkt's English parameters do not have it either, and split after it. State
// names that are English words too (ill, miss, wash) are left out as well.
var abbreviations = set(`
	mr mrs ms dr prof gen sen rep gov rev hon sgt lt col maj capt cmdr adm st jr sr messrs
	inc corp co cos ltd bros plc
	jan feb mar apr aug sept oct nov dec
	a.m p.m u.s u.k u.n u.s.a u.s.s.r d.c n.y n.j n.h n.c n.m n.d s.c s.d r.i w.va
	ala ariz calif colo conn del fla ga ind kan ky md mich minn mont neb nev okla tenn tex va vt wis wyo
	ave blvd vs ph.d m.d b.a m.a j.d m.b.a
`)

// names are words that business newspapers often write with a capital inside a sentence, so that a capital says little.
var names = set(`
	new first federal national american general international big bank street house state united south north east west local
	king may will bill mark march white black brown green young long
`)

// openers are frequent words that have a capital only where a sentence or a title starts.
var openers = set(`
	a about after all also although among an and another any are as at because been before being both but by can could despite did
	do does during each either even ever every few finally for from furthermore had has have he her here hers him his how however i
	if in indeed instead is it its just last later like many maybe me meanwhile more moreover most much my neither never
	nevertheless no nobody none nor not nothing now of off often oh on once one only or other our over overall perhaps please rather
	really seems several she should similarly since so some somebody someone something sometimes somewhat soon still such than thank
	thanks that that's the their them then there there's therefore these they they're thing things this those though through thus to
	today together too under unless unlike until up very was watch we well we're were what when whenever where whether which while
	who whose why with within without would yes yet you you're your
`)
