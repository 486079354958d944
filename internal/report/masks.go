package report

import (
	"slices"
	"strings"

	"github.com/sparsepo/sparsepo/internal/report/chart"
)

// sideMetric is a metric that is logged for chosen and for rejected responses, drawn in one panel a method.
type sideMetric struct {
	title, axis string
	// chosen and rejected are the names in metrics.jsonl.
	chosen, rejected string
	low, high        float64 // fixed range where high > low
}

func maskMetric(mask, value, title, axis string, high float64) sideMetric {
	name := "mask/" + mask + "_" + value + "_"
	return sideMetric{title: title, axis: axis, chosen: name + "chosen", rejected: name + "rejected", high: high}
}

var (
	sparsityMetrics = []sideMetric{
		maskMetric("reward", "sparsity", "reward mask", "share of tokens with mask 0", 1),
		maskMetric("kl", "sparsity", "KL mask", "share of tokens with mask 0", 1),
	}
	maskMeanMetrics = []sideMetric{
		maskMetric("reward", "mean", "reward mask", "mean mask value", 0),
		maskMetric("kl", "mean", "KL mask", "mean mask value", 0),
	}
	tokenKLMetrics = []sideMetric{
		{title: "", axis: "KL(reference ‖ policy) a token (nats)", chosen: "token_kl/chosen", rejected: "token_kl/rejected"},
	}
)

const (
	sideCaption = "Colours are settings; solid lines are chosen responses, dashed lines rejected ones."
	bothCaption = "“Both masks” where the reward and the KL mask have the same values. "
)

// maskFigures are sparsity, mean and token KL over the steps, one panel a method, one colour a setting.
func maskFigures(runs []*run, s scheme) []figure {
	return []figure{
		sideFigure("sparsity", "Mask sparsity", "Share of response tokens whose mask is exactly 0. "+bothCaption+sideCaption,
			"Not measured: no run logs mask sparsity (only the masked methods do).", sparsityMetrics, runs, s),
		sideFigure("mask-mean", "Mean mask value", "Mean of the mask over response tokens. "+bothCaption+sideCaption,
			"Not measured: no run logs mask means (only the masked methods do).", maskMeanMetrics, runs, s),
		sideFigure("token-kl", "Token-level KL", "Mean over response tokens of KL(reference ‖ policy). "+sideCaption,
			"Not measured: no run logs token_kl/chosen or token_kl/rejected.", tokenKLMetrics, runs, s),
	}
}

func sideFigure(id, title, caption, missing string, metrics []sideMetric, runs []*run, s scheme) figure {
	f := figure{ID: id, Title: title}
	for _, method := range s.methods {
		ofMethod := slices.DeleteFunc(slices.Clone(runs), func(r *run) bool { return r.Method != method })
		drawn := metrics
		if len(metrics) == 2 && sameEverywhere(ofMethod, metrics[0], metrics[1]) {
			common := metrics[0]
			common.title = "both masks"
			drawn = []sideMetric{common}
		}
		for _, m := range drawn {
			name := strings.TrimSuffix(method+", "+m.title, ", ")
			c := m.chart(ofMethod, s)
			c.ID = "chart-" + id + "-" + method + "-" + strings.ReplaceAll(m.chosen, "/", "-")
			c.Title = title + ", " + name
			if svg := c.SVG(); svg != "" {
				f.Panels = append(f.Panels, panel{Title: name, Views: []view{{SVG: svg}}})
			}
		}
	}
	if len(f.Panels) == 0 {
		f.Missing = missing
		return f
	}
	f.Caption = caption
	return f
}

func (m sideMetric) chart(runs []*run, s scheme) chart.Chart {
	c := chart.Chart{
		Width: panelWidth, Height: panelHeight,
		X: chart.Axis{Label: "step", Integers: true},
		Y: chart.Axis{Label: m.axis, Fixed: m.high > m.low, Low: m.low, High: m.high},
	}
	for _, r := range runs {
		for side, metric := range []string{m.chosen, m.rejected} {
			points := r.Metrics[metric]
			if len(points) == 0 {
				continue
			}
			style := s.variant(r.Variant)
			style.Dash = side
			c.Series = append(c.Series, chart.Series{
				Name: r.label() + ", " + []string{"chosen", "rejected"}[side], Keys: r.keys(), Style: style, Line: true,
				Points: chart.Thin(points, s.maxPoints),
			})
		}
	}
	return c
}

// sameEverywhere reports whether two metrics have equal values in all runs, as those of a common mask do.
func sameEverywhere(runs []*run, a, b sideMetric) bool {
	for _, r := range runs {
		if !slices.Equal(r.Metrics[a.chosen], r.Metrics[b.chosen]) || !slices.Equal(r.Metrics[a.rejected], r.Metrics[b.rejected]) {
			return false
		}
	}
	return true
}

// usedVariants are the variants of runs that have at least one of the metrics drawn by maskFigures.
func usedVariants(runs []*run) map[string]bool {
	used := map[string]bool{}
	for _, r := range runs {
		for _, metrics := range [][]sideMetric{sparsityMetrics, maskMeanMetrics, tokenKLMetrics} {
			for _, m := range metrics {
				if len(r.Metrics[m.chosen])+len(r.Metrics[m.rejected]) > 0 {
					used[r.Variant] = true
				}
			}
		}
	}
	return used
}
