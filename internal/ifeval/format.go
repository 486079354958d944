package ifeval

import (
	"encoding/json"
	"regexp"
	"strings"
)

var (
	starBullet = regexp.MustCompile(`(?m)^` + space + `*\*[^*].*$`)
	dashBullet = regexp.MustCompile(`(?m)^` + space + `*-.*$`)
)

func bullets(args arguments, response string) (bool, error) {
	wanted, err := args.number("num_bullets")
	n := len(starBullet.FindAllString(response, -1)) + len(dashBullet.FindAllString(response, -1))
	return err == nil && n == wanted, err
}

var (
	highlight       = regexp.MustCompile(`\*[^\n*]*\*`)
	doubleHighlight = regexp.MustCompile(`\*\*[^\n*]*\*\*`)
)

// highlights counts *this* and **this**, each kind on its own, where something stands between the asterisks.
func highlights(args arguments, response string) (bool, error) {
	wanted, err := args.number("num_highlights")
	n := 0
	for _, found := range append(highlight.FindAllString(response, -1), doubleHighlight.FindAllString(response, -1)...) {
		if strip(strings.Trim(found, "*")) != "" {
			n++
		}
	}
	return err == nil && n >= wanted, err
}

func sections(args arguments, response string) (bool, error) {
	word, err := args.text("section_spliter")
	if err != nil {
		return false, err
	}
	wanted, err := args.number("num_sections")
	if err != nil {
		return false, err
	}
	n, err := countMatches(space+`?`+word+space+`?\d+`+space+`?`, response, false)
	return n >= wanted, err
}

var heading = regexp.MustCompile(`<<[^\n]+>>`)

func title(_ arguments, response string) (bool, error) {
	for _, found := range heading.FindAllString(response, -1) {
		if strip(strings.TrimRight(strings.TrimLeft(found, "<"), ">")) != "" {
			return true, nil
		}
	}
	return false, nil
}

func constrainedResponse(_ arguments, response string) (bool, error) {
	for _, option := range []string{"My answer is yes.", "My answer is no.", "My answer is maybe."} {
		if strings.Contains(response, option) {
			return true, nil
		}
	}
	return false, nil
}

// twoResponses wants exactly two different answers with six asterisks between them.
func twoResponses(_ arguments, response string) (bool, error) {
	parts := strings.Split(response, "******")
	var answers []string
	for i, part := range parts {
		switch part = strip(part); {
		case part != "":
			answers = append(answers, part)
		case i > 0 && i < len(parts)-1:
			return false, nil
		}
	}
	return len(answers) == 2 && answers[0] != answers[1], nil
}

func jsonFormat(_ arguments, response string) (bool, error) {
	text := strip(response)
	for _, fence := range []string{"```json", "```Json", "```JSON", "```"} {
		text = strings.TrimPrefix(text, fence)
	}
	text = strip(strings.TrimSuffix(text, "```"))
	return json.Valid([]byte(withoutConstants(text))), nil
}

var constants = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|NaN|-?Infinity`)

// withoutConstants replaces NaN and Infinity, which Python's reader of JSON takes for numbers, by a number.
func withoutConstants(text string) string {
	return constants.ReplaceAllStringFunc(text, func(found string) string {
		if found[0] == '"' {
			return found
		}
		return " 0 "
	})
}
