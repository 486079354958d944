package jinja

import (
	"fmt"
	"strings"
	"time"
)

// strftime formats a time by the directives of C, in the language of the C locale. A minus after the percent sign drops
// padding, as it does in glibc. Unknown directives stay as they are.
func strftime(t time.Time, format string) string {
	var out strings.Builder
	for {
		at := strings.IndexByte(format, '%')
		if at < 0 || at == len(format)-1 {
			break
		}
		out.WriteString(format[:at])
		directive := format[at+1 : at+2]
		bare := directive == "-" && at+2 < len(format)
		if bare {
			directive = format[at+2 : at+3]
			format = format[at+3:]
		} else {
			format = format[at+2:]
		}
		text, ok := timePart(t, directive)
		switch {
		case !ok && bare:
			text = "%-" + directive
		case !ok:
			text = "%" + directive
		case bare && len(text) > 1:
			if trimmed := strings.TrimLeft(text, "0 "); trimmed != "" {
				text = trimmed
			} else {
				text = "0"
			}
		}
		out.WriteString(text)
	}
	return out.String() + format
}

// timeLayouts are directives that Go's layouts can express.
var timeLayouts = map[string]string{
	"a": "Mon", "A": "Monday", "b": "Jan", "h": "Jan", "B": "January", "d": "02", "e": "_2", "H": "15", "I": "03", "j": "002", "m": "01",
	"M": "04", "p": "PM", "S": "05", "y": "06", "Y": "2006", "D": "01/02/06", "x": "01/02/06", "T": "15:04:05",
	"X": "15:04:05", "F": "2006-01-02", "R": "15:04", "c": "Mon Jan _2 15:04:05 2006", "r": "03:04:05 PM",
}

func timePart(t time.Time, directive string) (string, bool) {
	if layout, ok := timeLayouts[directive]; ok {
		return t.Format(layout), true
	}
	isoYear, isoWeek := t.ISOWeek()
	day, weekday := t.YearDay()-1, int(t.Weekday())
	switch directive {
	case "f":
		return fmt.Sprintf("%06d", t.Nanosecond()/1000), true
	case "k":
		return fmt.Sprintf("%2d", t.Hour()), true
	case "l":
		return fmt.Sprintf("%2d", (t.Hour()+11)%12+1), true
	case "w":
		return fmt.Sprint(weekday), true
	case "u":
		return fmt.Sprint((weekday+6)%7 + 1), true
	case "U":
		return fmt.Sprintf("%02d", (day+7-weekday)/7), true
	case "W":
		return fmt.Sprintf("%02d", (day+7-(weekday+6)%7)/7), true
	case "C":
		return fmt.Sprintf("%02d", t.Year()/100), true
	case "G":
		return fmt.Sprintf("%04d", isoYear), true
	case "g":
		return fmt.Sprintf("%02d", isoYear%100), true
	case "V":
		return fmt.Sprintf("%02d", isoWeek), true
	case "s":
		return fmt.Sprint(t.Unix()), true
	case "n":
		return "\n", true
	case "t":
		return "\t", true
	case "%":
		return "%", true
	case "z", "Z":
		return "", true // Python's clock says nothing of zones unless asked
	}
	return "", false
}
