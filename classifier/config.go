package classifier

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sparsepo/sparsepo/encoder"
	"github.com/sparsepo/sparsepo/internal/usage"
)

// Problem says what a classifier's logits stand for.
type Problem string

const (
	// SingleLabel says that exactly one class is right; the softmax over the logits are the classes' probabilities.
	SingleLabel Problem = "single_label_classification"
	// MultiLabel says that each class is right or not; the logistic function of a logit is its probability.
	MultiLabel Problem = "multi_label_classification"
	// Regression says that the logits themselves are the answers.
	Regression Problem = "regression"
)

// Config is what a classifier's config.json says.
type Config struct {
	*encoder.Config
	Labels  []string // the classes' names, by class
	Problem Problem
}

// headFile are the fields of config.json that describe the head.
type headFile struct {
	Architectures []string          `json:"architectures"`
	Labels        map[string]string `json:"id2label"`
	Classes       map[string]int    `json:"label2id"`
	NumLabels     *int              `json:"num_labels"`
	Problem       *string           `json:"problem_type"`
}

// ReadConfig reads FOLDER/config.json.
func ReadConfig(folder string) (*Config, error) {
	shared, err := encoder.ReadConfig(folder)
	if err != nil {
		return nil, err
	}
	c, err := parseHead(shared)
	if err != nil {
		return nil, usage.Errorf("model %s: config.json: %w", folder, err)
	}
	return c, nil
}

// ParseConfig reads the text of a config.json. Errors name the field.
func ParseConfig(text []byte) (*Config, error) {
	shared, err := encoder.ParseConfig(text)
	if err != nil {
		return nil, err
	}
	return parseHead(shared)
}

// architecture is how the names of models with a classification head end.
const architecture = "ForSequenceClassification"

func parseHead(shared *encoder.Config) (*Config, error) {
	var f headFile
	if err := shared.Fields(&f); err != nil {
		return nil, err
	}
	classifies := func(name string) bool { return strings.HasSuffix(name, architecture) }
	if len(f.Architectures) > 0 && !slices.ContainsFunc(f.Architectures, classifies) {
		return nil, fmt.Errorf("architectures: found %s, expected …%s: the model has no classification head", strings.Join(f.Architectures, ", "), architecture)
	}
	c := &Config{Config: shared}
	var err error
	if c.Labels, err = f.labels(); err != nil {
		return nil, err
	}
	if c.Problem, err = f.problem(len(c.Labels)); err != nil {
		return nil, err
	}
	return c, nil
}

// labels are the classes' names: those of id2label, else of label2id, else LABEL_0 and so on.
func (f *headFile) labels() ([]string, error) {
	byClass := map[int]string{}
	for key, label := range f.Labels {
		class, err := strconv.Atoi(key)
		if err != nil {
			return nil, fmt.Errorf("id2label: %q is not the number of a class", key)
		}
		byClass[class] = label
	}
	if len(f.Labels) == 0 {
		for label, class := range f.Classes {
			byClass[class] = label
		}
	}
	if len(byClass) == 0 {
		return f.unnamed()
	}
	labels := make([]string, len(byClass))
	for class := range labels {
		label, ok := byClass[class]
		if !ok {
			return nil, fmt.Errorf("id2label: %d classes, but none with the number %d", len(byClass), class)
		}
		labels[class] = label
	}
	return labels, nil
}

// maxLabels bounds what num_labels can ask for.
const maxLabels = 1 << 16

// unnamed are the labels of num_labels classes, two where it is not given.
func (f *headFile) unnamed() ([]string, error) {
	count := 2
	if f.NumLabels != nil {
		count = *f.NumLabels
	}
	if count < 1 || count > maxLabels {
		return nil, fmt.Errorf("num_labels: found %d, expected a number from 1 to %d", count, maxLabels)
	}
	labels := make([]string, count)
	for class := range labels {
		labels[class] = fmt.Sprintf("LABEL_%d", class)
	}
	return labels, nil
}

func (f *headFile) problem(numLabels int) (Problem, error) {
	if f.Problem == nil {
		if numLabels == 1 {
			return Regression, nil
		}
		return SingleLabel, nil
	}
	switch p := Problem(*f.Problem); {
	case p == SingleLabel && numLabels == 1:
		return "", fmt.Errorf("problem_type: %s with one label, whose probability is always 1", p)
	case p == SingleLabel, p == MultiLabel, p == Regression:
		return p, nil
	}
	return "", fmt.Errorf("problem_type: %q is not supported; known: %s, %s, %s", *f.Problem, SingleLabel, MultiLabel, Regression)
}

// Class returns the number of the class with that label, whatever its case, or with that number. An empty label stands for
// the only class of one, and for the positive one of two: that called POSITIVE or POS, else the second. Everything else is a
// usage error that lists the labels.
func (c *Config) Class(label string) (int, error) {
	switch n := len(c.Labels); {
	case label == "" && n == 1:
		return 0, nil
	case label == "" && n == 2 && c.Problem != Regression:
		if positive(c.Labels[0]) && !positive(c.Labels[1]) {
			return 0, nil
		}
		return 1, nil
	case label == "":
		return 0, usage.Errorf("the model has %d labels; say which one is good: %s", n, strings.Join(c.Labels, ", "))
	}
	if class := slices.Index(c.Labels, label); class >= 0 {
		return class, nil
	}
	if class := slices.IndexFunc(c.Labels, func(known string) bool { return strings.EqualFold(known, label) }); class >= 0 {
		return class, nil
	}
	if class, err := strconv.Atoi(label); err == nil && class >= 0 && class < len(c.Labels) {
		return class, nil
	}
	return 0, usage.Errorf("unknown label %q; the model's labels: %s", label, strings.Join(c.Labels, ", "))
}

func positive(label string) bool {
	return strings.EqualFold(label, "positive") || strings.EqualFold(label, "pos")
}
