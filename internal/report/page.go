package report

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"

	"github.com/sparsepo/sparsepo/internal/frontier"
	"github.com/sparsepo/sparsepo/internal/inspection"
	"github.com/sparsepo/sparsepo/internal/report/chart"
)

var (
	//go:embed page/style.css
	styleSheet string
	//go:embed page/script.js
	script string
	//go:embed page/parts.html
	partsText string
	//go:embed page/evaluation.html
	evaluationText string
	//go:embed page/report.html
	reportText string
	//go:embed page/heatmap.html
	heatmapText string
)

var (
	pageTemplate    = parseTemplate("report page", reportText)
	heatmapTemplate = parseTemplate("heat map page", heatmapText)
)

// parseTemplate parses an embedded text together with the parts that the pages share; a mistake in them shows at start.
func parseTemplate(name, text string) *template.Template {
	parts := template.Must(template.New("parts").Parse(partsText))
	template.Must(parts.Parse(evaluationText))
	return template.Must(parts.New(name).Parse(text))
}

// frame is what both pages have.
type frame struct {
	Title  string
	Style  template.CSS
	Script template.JS
	// Policy is the content security policy: no network, and no script but the page's own.
	Policy string
}

func newFrame(title string, withScript bool) frame {
	f := frame{Title: title, Style: template.CSS(styleSheet), Policy: "default-src 'none'; style-src 'unsafe-inline'"}
	if withScript {
		f.Script = template.JS(script)
		sum := sha256.Sum256([]byte(script))
		f.Policy += "; script-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return f
}

// page is the data of the report's template.
type page struct {
	frame
	Sentences    []string
	Summary      []summaryRow
	Untouched    string
	Notes        []runNotes
	Legends      []legend // of lines
	DotLegends   []legend // of the frontier's points
	Settings     legend   // colours of settings in one-method panels
	Frontier     figure
	Hulls        hullTable
	Areas        areaTable
	Sampled      []figure
	Training     []figure
	HeldOut      []figure
	Thinned      int
	Masks        []figure
	Heat         []heatGroup
	HeatNote     string
	Prompts      []prompt
	Evaluation   *evaluationSection // nil without results
	Runs         []*run
	SettingRows  []settingRow
	SettingNames []string
}

// runNotes are what was missing or unreadable in a run.
type runNotes struct {
	Run   string
	Notes []string
}

func newPage(runs []*run, result *frontier.Result, models []*evaluated) page {
	if len(runs) == 0 {
		return page{frame: newFrame("sparsepo report", true), Evaluation: newEvaluation(models)}
	}
	s := newScheme(runs)
	base := newBaseline(runs)
	front := newPareto(runs, s, base, result)
	p := page{
		frame:       newFrame("sparsepo report", true),
		Sentences:   sentences(runs, s, base, front),
		Summary:     summaryRows(runs, s),
		Legends:     s.legends(false),
		DotLegends:  s.legends(true),
		Settings:    s.variantColours(usedVariants(runs)),
		Frontier:    front.figure(),
		Hulls:       front.table(),
		Areas:       front.areas(),
		Sampled:     sampledFigures(runs, s, base),
		Training:    trainingFigures(runs, s),
		HeldOut:     heldOutFigures(runs, s),
		Thinned:     thinned(runs, s.maxPoints),
		Masks:       maskFigures(runs, s),
		Prompts:     prompts(runs, s),
		Evaluation:  newEvaluation(models),
		Runs:        runs,
		SettingRows: settingRows(runs),
	}
	p.Heat, p.HeatNote = heatGroups(runs)
	if base.known() {
		p.Untouched = chart.Format(base.mean())
	}
	for _, r := range runs {
		p.SettingNames = append(p.SettingNames, r.Name)
		if len(r.Notes) > 0 {
			p.Notes = append(p.Notes, runNotes{r.Name, r.Notes})
		}
	}
	return p
}

// thinned is the limit of points above which lines are thinned, or 0 when no series is that long.
func thinned(runs []*run, limit int) int {
	for _, r := range runs {
		for _, points := range r.Metrics {
			if len(points) > limit {
				return limit
			}
		}
	}
	return 0
}

// heatmapPage is the data of the heat map's template.
type heatmapPage struct {
	frame
	Method, Beta, Loss string
	Pairs              []heatmap
}

func newHeatmapPage(inspect inspection.Inspect, title string) heatmapPage {
	p := heatmapPage{
		frame:  newFrame(title, false),
		Method: inspect.Method, Beta: numberText(inspect.Beta), Loss: numberText(inspect.Loss),
	}
	for i, pair := range inspect.Pairs {
		p.Pairs = append(p.Pairs, newHeatmap(fmt.Sprintf("heatmap-%d", i+1), fmt.Sprintf("Pair %d", i+1), pair, false, 0))
	}
	return p
}
