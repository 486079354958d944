package ifeval

import (
	"slices"
	"strings"
	"unicode"

	"github.com/abadojack/whatlanggo"
)

// languages are those that the reference tells apart, as far as the library knows them, with their codes of ISO 639-1.
var languages = map[whatlanggo.Lang]string{
	whatlanggo.Afr: "af", whatlanggo.Arb: "ar", whatlanggo.Ben: "bn", whatlanggo.Bul: "bg", whatlanggo.Ces: "cs",
	whatlanggo.Cmn: "zh", whatlanggo.Dan: "da", whatlanggo.Deu: "de", whatlanggo.Ell: "el", whatlanggo.Eng: "en",
	whatlanggo.Est: "et", whatlanggo.Fin: "fi", whatlanggo.Fra: "fr", whatlanggo.Guj: "gu", whatlanggo.Heb: "he",
	whatlanggo.Hin: "hi", whatlanggo.Hrv: "hr", whatlanggo.Hun: "hu", whatlanggo.Ind: "id", whatlanggo.Ita: "it",
	whatlanggo.Jpn: "ja", whatlanggo.Kan: "kn", whatlanggo.Kor: "ko", whatlanggo.Lav: "lv", whatlanggo.Lit: "lt",
	whatlanggo.Mal: "ml", whatlanggo.Mar: "mr", whatlanggo.Mkd: "mk", whatlanggo.Nep: "ne", whatlanggo.Nld: "nl",
	whatlanggo.Nob: "no", whatlanggo.Pan: "pa", whatlanggo.Pes: "fa", whatlanggo.Pol: "pl", whatlanggo.Por: "pt",
	whatlanggo.Ron: "ro", whatlanggo.Rus: "ru", whatlanggo.Slv: "sl", whatlanggo.Som: "so", whatlanggo.Spa: "es",
	whatlanggo.Swe: "sv", whatlanggo.Tam: "ta", whatlanggo.Tel: "te", whatlanggo.Tgl: "tl", whatlanggo.Tha: "th",
	whatlanggo.Tur: "tr", whatlanggo.Ukr: "uk", whatlanggo.Urd: "ur", whatlanggo.Vie: "vi",
}

// alphabets tell languages of one script apart where trigrams of a short text do not: a language does not have these letters.
var alphabets = []struct {
	letters string
	without []whatlanggo.Lang
}{
	{"ыэё", []whatlanggo.Lang{whatlanggo.Bul, whatlanggo.Mkd, whatlanggo.Ukr}},
	{"іїєґ", []whatlanggo.Lang{whatlanggo.Bul, whatlanggo.Mkd, whatlanggo.Rus}},
	{"ъ", []whatlanggo.Lang{whatlanggo.Mkd, whatlanggo.Ukr}},
	{"щьюя", []whatlanggo.Lang{whatlanggo.Mkd}},
	{"ѓќѕјљњџ", []whatlanggo.Lang{whatlanggo.Bul, whatlanggo.Rus, whatlanggo.Ukr}},
}

// swahili are frequent words of the one language of IFEval that the library does not know.
var swahili = strings.Fields("baada bila cha hakuna hii hiki hili hiyo hizi huu kama katika kila kuhusu kutoka kuwa kwa kwamba lakini ni " +
	"pia sana sasa sisi ili vya wa wake watu wengi wote ya yake yao za ambao ambayo na")

// speaks reports whether a text is in a language, named by its code of ISO 639-1. A text without letters speaks every language, as
// in the reference.
func speaks(text, code string) bool {
	language := Language(text)
	return language == code || strings.IndexFunc(text, unicode.IsLetter) < 0
}

// Language returns the code of ISO 639-1 of the language that most of a text is in, or "" if it is none that is known. The same
// text always gives the same answer.
func Language(text string) string {
	text = strings.ToLower(text)
	if isSwahili(text) {
		return "sw"
	}
	options := whatlanggo.Options{Whitelist: map[whatlanggo.Lang]bool{}}
	for language := range languages {
		options.Whitelist[language] = true
	}
	for _, alphabet := range alphabets {
		if strings.ContainsAny(text, alphabet.letters) {
			for _, language := range alphabet.without {
				delete(options.Whitelist, language)
			}
		}
	}
	// Of several languages that fit equally well the library returns any, with no confidence: the first code decides.
	best := ""
	for len(options.Whitelist) > 1 {
		found := whatlanggo.DetectWithOptions(text, options)
		if code := languages[found.Lang]; code != "" && (best == "" || code < best) {
			best = code
		}
		if !options.Whitelist[found.Lang] || found.Confidence > 0 {
			break
		}
		delete(options.Whitelist, found.Lang)
	}
	return best
}

// isSwahili reports whether at least three of the frequent words stand in a text and make up a sixth of it.
func isSwahili(text string) bool {
	words := word.FindAllString(text, -1)
	frequent := 0
	distinct := map[string]bool{}
	for _, w := range words {
		if slices.Contains(swahili, w) {
			frequent++
			distinct[w] = true
		}
	}
	return len(distinct) >= 3 && 6*frequent >= len(words)
}
