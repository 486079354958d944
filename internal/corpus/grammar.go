package corpus

// sentences are the templates of each kind of sentence; see expand for their notation.
var sentences = map[string][]string{
	// What the film is, and when it was seen: no sentiment.
	"opening": {
		"{viewer} {saw} {title} {when} {company}",
		"{viewer} {saw} {film} {when} {company}",
		"{when} {viewer} {saw} {title} {company}",
		"{title} is a {genre} about a {manner} {role} who {quest}",
		"{film} follows a {manner} {role} who {quest} {where}",
		"{film} is about a {manner} {role} and a {role} {where}",
		"in {title} a {manner} {role} {quest} {where}",
		"{actor} plays a {manner} {role} who {journey}",
		"{actor} and {actor} star in this {genre} about a {role} {where}",
		"this {genre} by {actor} is set {where} and follows a {role}",
		"the story of {title} begins {where} when a {role} {quest}",
	},
	// More about the film that is neither praise nor blame.
	"aside": {
		"it runs for about {number} hours",
		"most of it takes place {where}",
		"it was made {number} years ago from a book by {actor}",
		"there are {number} songs and a chase {where}",
		"halfway through, the {role} meets a {manner} {role}",
		"{actor} appears for {number} minutes as the {role}",
	},
	// One or two remarks that point the same way.
	"opinion": {
		"the {subject} {measure} [quality]",
		"the {subject} {measure} [quality] and the {subject} [quality]",
		"the {subject} [quality] and [quality] {extent}",
		"the {subject} {measure} [quality], {extent}",
		"{actor} gives a {degree} [quality] performance as the {role}",
		"I [reaction] the {aspect} and the way {actor} plays the {role}",
		"I {earnestly} [reaction] the {aspect} {extent}",
		"we [reaction] the scene {where}",
		"with its [quality] {aspect} and [quality] {aspect} it is a [thing]",
		"the scene {where} is [quality], and {actor} is {measure} [quality]",
		"the director brings a {degree} [quality] touch to the {aspect}",
	},
	// Two remarks that point different ways.
	"contrast": {
		"the {subject} [quality] but the {subject} {measure} [quality]",
		"the {subject} {measure} [quality], but {actor} is [quality] as the {role}",
		"although the {subject} [quality], the {subject} {measure} [quality] {extent}",
		"I [reaction] the {aspect} but [reaction] the {aspect}",
		"{actor} is [quality] while {actor} is {measure} [quality]",
		"some call it a [thing], but I [reaction] the {aspect} {extent}",
	},
	// What it comes to.
	"verdict": {
		"{finally} it is a [quality] {genre}",
		"{finally} it is a {degree} [quality] picture and a [thing]",
		"{finally} I was [feeling]",
		"we left the cinema [feeling]",
		"what a [thing]",
		"[advice] it if you like a {genre}",
		"{finally} my advice to any {role} is to [advice] it",
	},
}

// phrases are what the names in braces stand for; a phrase may itself be a template.
var phrases = map[string][]string{
	"viewer":  {"I", "we", "my {relative} and I"},
	"saw":     {"saw", "watched", "rented", "caught"},
	"when":    {"last night", "yesterday", "on {day}", "last {season}", "this {season}", "one {day} evening"},
	"company": {"at home", "alone", "with {number} friends", "at the festival", "on a plane", "in {city}"},
	"film":    {"the film", "this film", "the movie", "this movie", "this picture"},
	"title":   {"{shade} {emblem}", "The {shade} {emblem}", "The {emblem} of {city}"},
	"where":   {"in {city}", "on the {region}", "in a {setting}", "near the {setting}", "at the {setting}"},
	"quest":   {"{pursues} a {manner} {role}", "{pursues} a lost {relative}", "{handles} a {keepsake}"},
	"journey": {"returns to {city}", "travels to {city}", "moves to the {region}", "works in a {setting}", "sails along the {region}"},
	"actor":   {"{given} {family}"},
	"subject": {"{aspect} was", "{aspects} were"},
	"measure": {"{degree}", "{degree}", "often", "mostly", "always"},
	"finally": {"in the end", "on the whole", "all in all", "to sum up", "overall"},
	"extent": {
		"from start to finish", "in the second half", "throughout", "in nearly every scene", "for {number} hours",
		"right up to the end",
	},

	"degree":    {"very", "rather", "quite", "truly", "really", "fairly", "plainly"},
	"earnestly": {"really", "truly", "simply", "honestly"},
	"number":    {"two", "three", "four", "five", "six"},
	"day":       {"Monday", "Friday", "Saturday", "Sunday"},
	"season":    {"spring", "summer", "autumn", "winter", "week", "month"},
	"relative":  {"sister", "brother", "father", "mother", "cousin", "uncle", "daughter", "son", "neighbor"},
	"genre":     {"drama", "comedy", "thriller", "western", "romance", "mystery", "musical", "adventure", "fantasy", "cartoon"},
	"aspect": {
		"plot", "acting", "dialogue", "music", "pacing", "ending", "script", "cast", "lighting", "editing", "opening", "humor",
		"soundtrack", "direction", "camera work", "narration", "scenery", "setup",
	},
	"aspects": {"costumes", "effects", "songs", "jokes", "characters", "sets", "stunts", "voices"},
	"role": {
		"sailor", "baker", "teacher", "detective", "doctor", "farmer", "pianist", "soldier", "widow", "painter", "thief", "pilot",
		"nurse", "lawyer", "gardener", "clerk", "singer", "boxer", "librarian", "fisherman", "mechanic", "student", "reporter",
		"translator",
	},
	"manner":   {"young", "retired", "restless", "quiet", "former", "stubborn", "runaway", "wealthy", "homesick", "nameless"},
	"pursues":  {"hunts for", "looks for", "hides", "meets", "writes to", "steals from", "pays", "trusts"},
	"handles":  {"finds", "steals", "loses", "sells", "buries", "carries"},
	"keepsake": {"letter", "map", "painting", "ring", "violin", "diary", "photograph", "key"},
	"setting":  {"village", "lighthouse", "hotel", "school", "factory", "hospital", "station", "monastery", "market", "bakery"},
	"region":   {"coast", "border", "island", "river", "plains", "mountain"},
	"city":     {"Lisbon", "Vienna", "Oslo", "Tangier", "Quebec", "Kyoto", "Lima", "Naples", "Dublin", "Havana"},
	"shade":    {"Silver", "Crimson", "Winter", "Paper", "Silent", "Northern", "Hollow", "Second", "Amber", "Distant", "Iron", "Midnight"},
	"emblem": {
		"Harbor", "Orchard", "Compass", "Lantern", "Garden", "Letter", "Bridge", "Tide", "Clock", "Raven", "Mirror", "Railway",
		"Kingdom", "Window",
	},
	"given": {
		"Ada", "Bruno", "Clara", "Dario", "Edith", "Felix", "Greta", "Hugo", "Ines", "Jonas", "Karin", "Leo", "Mira", "Nils",
		"Olga", "Pavel", "Rosa", "Stefan", "Tilda", "Viktor",
	},
	"family": {
		"Abbot", "Brandt", "Calder", "Dorne", "Ekman", "Farrow", "Gantry", "Hallam", "Ibarra", "Juric", "Kessel", "Lorne", "Marsh",
		"Norwood", "Oakes", "Pell", "Quist", "Rourke", "Selby", "Tarn",
	},
}

// contents names the phrases that a review hardly uses twice.
var contents = []string{"aspect", "aspects", "role", "given", "family", "genre", "manner", "city", "setting"}

// opinions are the sentiment words by name and level. Each occurs once in the grammar, so that it has one level.
var opinions = map[string]map[int][]string{
	"quality": {
		2: {
			"brilliant", "superb", "stunning", "flawless", "magnificent", "outstanding", "wonderful", "masterful", "dazzling",
			"unforgettable", "perfect", "sublime", "exquisite", "glorious",
		},
		1: {
			"good", "charming", "solid", "pleasant", "clever", "warm", "engaging", "lively", "graceful", "tender", "witty", "likable",
			"inventive", "touching", "crisp", "decent",
		},
		-1: {
			"weak", "dull", "uneven", "thin", "clumsy", "flat", "slow", "forced", "predictable", "bland", "stale", "muddled", "tired",
			"wooden", "shallow", "tedious",
		},
		-2: {
			"dreadful", "terrible", "awful", "horrible", "unbearable", "atrocious", "appalling", "abysmal", "insulting", "pathetic",
			"ghastly", "hideous", "worthless", "disgraceful",
		},
	},
	"reaction": {
		2:  {"loved", "adored", "treasured"},
		1:  {"enjoyed", "liked", "admired", "welcomed"},
		-1: {"disliked", "regretted", "endured", "questioned"},
		-2: {"hated", "loathed", "despised"},
	},
	"thing": {
		2:  {"masterpiece", "triumph", "marvel", "gem"},
		1:  {"pleasure", "treat", "success", "delight"},
		-1: {"disappointment", "chore", "letdown", "bore"},
		-2: {"disaster", "catastrophe", "fiasco", "travesty"},
	},
	"feeling": {
		2:  {"overjoyed", "thrilled", "enchanted"},
		1:  {"pleased", "cheered", "satisfied"},
		-1: {"bored", "annoyed", "disappointed"},
		-2: {"disgusted", "furious", "miserable"},
	},
	"advice": {
		2:  {"cherish", "celebrate"},
		1:  {"recommend", "try"},
		-1: {"skip", "postpone"},
		-2: {"avoid", "shun"},
	},
}
