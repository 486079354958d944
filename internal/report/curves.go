package report

import (
	"strings"

	"github.com/sparsepo/sparsepo/internal/report/chart"
)

// curve is a metric that is drawn over the steps.
type curve struct {
	metric, title, axis string
	low, high           float64 // fixed range where high > low
	log                 bool    // a logarithmic axis where the values spread far
}

var curves = []curve{
	{metric: "loss", title: "Loss", axis: "loss (nats)", log: true},
	{metric: "rewards/accuracies", title: "Reward accuracy", axis: "share of pairs", high: 1},
	{metric: "rewards/margins", title: "Reward margin, chosen minus rejected", axis: "reward margin"},
	{metric: "rewards/chosen", title: "Reward of chosen responses", axis: "reward"},
	{metric: "rewards/rejected", title: "Reward of rejected responses", axis: "reward"},
	{metric: "logps/chosen", title: "Log-probability of chosen responses", axis: "log-probability (nats)"},
	{metric: "logps/rejected", title: "Log-probability of rejected responses", axis: "log-probability (nats)"},
	{metric: "kl/chosen", title: "KL on chosen responses", axis: "KL(reference ‖ policy) a response (nats)"},
	{metric: "kl/rejected", title: "KL on rejected responses", axis: "KL(reference ‖ policy) a response (nats)"},
	{metric: "grad_norm", title: "Gradient norm", axis: "norm", log: true},
}

// figureID makes an id of a metric's name.
func figureID(prefix, metric string) string {
	return prefix + "-" + strings.ReplaceAll(metric, "/", "-")
}

// draw makes the figure of a metric; ok is false when no run has it.
func (c curve) draw(prefix, metric string, runs []*run, s scheme) (f figure, ok bool) {
	series := overSteps(runs, s, metric)
	if len(series) == 0 {
		return figure{}, false
	}
	drawing := chart.Chart{
		X:      chart.Axis{Label: "step", Integers: true},
		Y:      chart.Axis{Label: c.axis, Fixed: c.high > c.low, Low: c.low, High: c.high},
		Series: series,
	}
	if c.log && chart.PrefersLog(chart.Values(series)) {
		drawing.Y.Log = true
		drawing.Y.Label += ", logarithmic"
	}
	f = singlePanel(figureID(prefix, c.metric), c.title, "", drawing, "Every value is missing (NaN).")
	return f, true
}

// trainingFigures are the training curves that at least one run has.
func trainingFigures(runs []*run, s scheme) []figure {
	return curveFigures("training", "", runs, s)
}

// heldOutFigures are the same metrics on held-out pairs.
func heldOutFigures(runs []*run, s scheme) []figure {
	return curveFigures("held-out", "eval_", runs, s)
}

func curveFigures(prefix, metricPrefix string, runs []*run, s scheme) []figure {
	var figures []figure
	for _, c := range curves {
		if f, ok := c.draw(prefix, metricPrefix+c.metric, runs, s); ok {
			figures = append(figures, f)
		}
	}
	return figures
}

// sampledFigures are reward and KL of sampled responses over the steps.
func sampledFigures(runs []*run, s scheme, base baseline) []figure {
	const missing = "Not measured: no run has frontier records in metrics.jsonl."
	reward := chart.Chart{
		X:      chart.Axis{Label: "step", Integers: true},
		Y:      chart.Axis{Label: "mean reward of samples"},
		Series: withDots(overSteps(runs, s, frontierReward)),
		Rules:  base.rules(),
	}
	kl := chart.Chart{
		X:      chart.Axis{Label: "step", Integers: true},
		Y:      chart.Axis{Label: "KL(policy ‖ reference) a response (nats)"},
		Series: withDots(overSteps(runs, s, frontierKL)),
	}
	if len(reward.Series) == 0 {
		reward.Rules = nil
	}
	reward.Width, reward.Height = 600, 340
	kl.Width, kl.Height = 600, 340
	return []figure{
		twoSizes(singlePanel("reward-steps", "Mean reward of sampled responses", "", reward, missing), reward),
		twoSizes(singlePanel("kl-steps", "Response-level KL of sampled responses", "", kl, missing), kl),
	}
}

// twoSizes adds the drawing for narrow pages to a figure of one wide chart.
func twoSizes(f figure, c chart.Chart) figure {
	if len(f.Panels) == 0 {
		return f
	}
	f.Panels[0].Views[0].Class = "wide"
	c.ID, c.Title, c.Width, c.Height = "chart-"+f.ID+"-narrow", f.Title, panelWidth, 300
	f.Panels[0].Views = append(f.Panels[0].Views, view{Class: "narrow", SVG: c.SVG()})
	return f
}

func withDots(series []chart.Series) []chart.Series {
	for i := range series {
		series[i].Dots = len(series[i].Points) <= 60
	}
	return series
}
