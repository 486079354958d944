package classifier

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// sentiment is the configuration of siebert/sentiment-roberta-large-english (Hartmann et al. 2023): RoBERTa large with two
// labels.
const sentiment = `{"architectures": ["RobertaForSequenceClassification"], "attention_probs_dropout_prob": 0.1, "bos_token_id": 0,
	"eos_token_id": 2, "hidden_act": "gelu", "hidden_dropout_prob": 0.1, "hidden_size": 1024, "id2label": {"0": "NEGATIVE", "1": "POSITIVE"},
	"initializer_range": 0.02, "intermediate_size": 4096, "label2id": {"NEGATIVE": 0, "POSITIVE": 1}, "layer_norm_eps": 1e-05,
	"max_position_embeddings": 514, "model_type": "roberta", "num_attention_heads": 16, "num_hidden_layers": 24, "pad_token_id": 1,
	"position_embedding_type": "absolute", "type_vocab_size": 1, "use_cache": true, "vocab_size": 50265}`

func parse(t testing.TB, text string) *Config {
	t.Helper()
	c, err := ParseConfig([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// The reward model of the paper's sentiment experiment: its sizes, labels and number of parameters.
func TestSentimentConfig(t *testing.T) {
	c := parse(t, sentiment)
	if c.Layers != 24 || c.Hidden != 1024 || c.Heads != 16 || c.Vocab != 50265 || c.MaxTokens() != 512 {
		t.Errorf("got %+v", c.Config)
	}
	if diff := cmp.Diff([]string{"NEGATIVE", "POSITIVE"}, c.Labels); diff != "" || c.Problem != SingleLabel {
		t.Errorf("problem %s, labels (-want +got):\n%s", c.Problem, diff)
	}
	if class, err := c.Class(""); class != 1 || err != nil {
		t.Errorf("the positive class: got %d, %v; want 1", class, err)
	}
	const want = 355_361_794 // 354,310,144 of the encoder, 1024·1025 and 2·1025 of the head
	if got := Random(c, 1).NumParameters(); got != want {
		t.Errorf("got %d parameters, want %d", got, want)
	}
}

func TestLabels(t *testing.T) {
	tests := []struct {
		fields  string
		labels  []string
		problem Problem
	}{
		{`"_": 0`, []string{"LABEL_0", "LABEL_1"}, SingleLabel},
		{`"num_labels": 1`, []string{"LABEL_0"}, Regression},
		{`"num_labels": 3, "problem_type": null`, []string{"LABEL_0", "LABEL_1", "LABEL_2"}, SingleLabel},
		{`"id2label": {"1": "b", "0": "a"}, "num_labels": 7`, []string{"a", "b"}, SingleLabel},
		{`"label2id": {"b": 1, "a": 0, "c": 2}, "problem_type": "multi_label_classification"`, []string{"a", "b", "c"}, MultiLabel},
		{`"id2label": {"0": "score"}, "problem_type": "multi_label_classification"`, []string{"score"}, MultiLabel},
		{`"id2label": {"0": "x", "1": "y"}, "problem_type": "regression"`, []string{"x", "y"}, Regression},
	}
	for _, test := range tests {
		c := parse(t, `{"model_type": "roberta", `+test.fields+`}`)
		if diff := cmp.Diff(test.labels, c.Labels); diff != "" || c.Problem != test.problem {
			t.Errorf("%s: problem %s, want %s; labels (-want +got):\n%s", test.fields, c.Problem, test.problem, diff)
		}
	}
}

func TestConfigRefuses(t *testing.T) {
	tests := []struct{ fields, want string }{
		{`"architectures": ["RobertaForMaskedLM"]`, "architectures: found RobertaForMaskedLM, expected …ForSequenceClassification: the model has no classification head"},
		{`"id2label": {"0": "a", "2": "b"}`, "id2label: 2 classes, but none with the number 1"},
		{`"id2label": {"a": "0"}`, `id2label: "a" is not the number of a class`},
		{`"id2label": ["a"]`, "id2label: found array, expected an object"},
		{`"num_labels": 0`, "num_labels: found 0, expected a number from 1"},
		{`"problem_type": "ranking"`, `problem_type: "ranking" is not supported; known: single_label_classification, multi_label_classification, regression`},
		{`"problem_type": "single_label_classification", "num_labels": 1`, "with one label, whose probability is always 1"},
		{`"hidden_size": 0`, "hidden_size: found 0"},
	}
	for _, test := range tests {
		if c, err := ParseConfig([]byte(`{"model_type": "roberta", ` + test.fields + `}`)); c != nil || err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got error %v, want %q", test.fields, err, test.want)
		}
	}
}

func TestClass(t *testing.T) {
	config := func(problem Problem, labels ...string) *Config { return &Config{Labels: labels, Problem: problem} }
	tests := []struct {
		config *Config
		label  string
		want   int
		error  string
	}{
		{config(SingleLabel, "LABEL_0", "LABEL_1"), "", 1, ""},
		{config(SingleLabel, "POSITIVE", "NEGATIVE"), "", 0, ""},
		{config(SingleLabel, "neg", "pos"), "", 1, ""},
		{config(SingleLabel, "spam", "ham"), "", 1, ""},
		{config(SingleLabel, "spam", "ham"), "spam", 0, ""},
		{config(SingleLabel, "spam", "ham"), "SPAM", 0, ""},
		{config(SingleLabel, "1", "0"), "1", 0, ""},
		{config(SingleLabel, "a", "b", "c"), "2", 2, ""},
		{config(SingleLabel, "a", "b", "c"), "", 0, "the model has 3 labels; say which one is good: a, b, c"},
		{config(SingleLabel, "a", "b", "c"), "3", 0, `unknown label "3"; the model's labels: a, b, c`},
		{config(Regression, "value"), "", 0, ""},
		{config(Regression, "x", "y"), "", 0, "the model has 2 labels"},
	}
	for _, test := range tests {
		got, err := test.config.Class(test.label)
		switch {
		case test.error == "" && (err != nil || got != test.want):
			t.Errorf("%v, %q: got %d, %v; want %d", test.config.Labels, test.label, got, err, test.want)
		case test.error != "" && (!usage.Is(err) || !strings.Contains(err.Error(), test.error)):
			t.Errorf("%v, %q: got error %v, want %q", test.config.Labels, test.label, err, test.error)
		}
	}
}

func FuzzParseConfig(f *testing.F) {
	f.Add([]byte(sentiment))
	f.Add([]byte(`{"model_type": "roberta", "label2id": {"a": -1}, "problem_type": "regression"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := ParseConfig(text)
		if (c == nil) != (err != nil) {
			t.Fatalf("got %v and error %v", c, err)
		}
		if err == nil && (len(c.Labels) == 0 || c.Problem == SingleLabel && len(c.Labels) < 2) {
			t.Errorf("accepted labels %q of a %s problem", c.Labels, c.Problem)
		}
	})
}
