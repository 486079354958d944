package config

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
)

func TestYAML(t *testing.T) {
	run := resolve(t, needed, Set("method=mapo"), Set("mask.groups=resid"), Set("model=hub/it's: a #1"), Set("out=true"))
	if err := run.Validate(testReads, testMethods); err != nil {
		t.Fatal(err)
	}
	got := string(run.YAML())
	for _, want := range []string{
		"model: \"hub/it's: a #1\"\n", "data: d.jsonl\n", "out: \"true\"\n", "learning_rate: 1.0e-06\n", "max_steps: -1\n",
		"mask:\n  source: method\n  map: minmax\n  groups: [resid]\n", "frontier:\n  every: 0\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("lacks %q:\n%s", want, got)
		}
	}
	for _, unread := range []string{"alpha", "l1_u", "depth", "eval_data", "max_new_tokens", "resume"} {
		if strings.Contains(got, "\n"+unread+":") || strings.Contains(got, " "+unread+":") {
			t.Errorf("holds %s, which the run does not read:\n%s", unread, got)
		}
	}
}

// The settings that a run reads are listed with the defaults of its method, written the same way as the values.
func TestSettings(t *testing.T) {
	run := resolve(t, needed, Set("method=mapo"), Set("mask.groups=resid"), Set("learning_rate=0.000001"), Set("reference=elsewhere"))
	if err := run.Validate(testReads, testMethods); err != nil {
		t.Fatal(err)
	}
	got := map[string]Setting{}
	for _, s := range run.Settings() {
		got[s.Key] = s
	}
	for key, want := range map[string]Setting{
		"method":        {"method", "mapo", ""},
		"mask.groups":   {"mask.groups", "[resid]", "[mlp, attn, resid]"},
		"learning_rate": {"learning_rate", "1.0e-06", "1.0e-06"},
		"beta":          {"beta", "0.1", "0.1"},
		"use_peft":      {"use_peft", "false", "false"},
		"reference":     {"reference", "elsewhere", run.Model},
		"max_steps":     {"max_steps", "-1", "-1"},
	} {
		if got[key] != want {
			t.Errorf("%s: got %+v, want %+v", key, got[key], want)
		}
	}
	for _, key := range []string{"alpha", "lora_r", "eval_data", "frontier.limit"} {
		if s, listed := got[key]; listed {
			t.Errorf("%+v is listed, and the run does not read it", s)
		}
	}
}

// randomText returns a value the key allows, as text.
func randomText(k key, random *rand.Rand) string {
	letters := []rune("ab/._-~ :#'\"\\{}[]&*!|>%@`,=?0é漢🙂\u00a0\u2028\u0085\ufeffXY")
	choose := func(options []string) string { return options[random.IntN(len(options))] }
	number := func(limit float64) float64 {
		low, high := max(k.limits.low, -1e6), min(k.limits.high, limit)
		return low + (high-low)*(0.001+0.998*random.Float64()*math.Pow(10, -6*random.Float64()))
	}
	switch {
	case k.kind == reflect.Slice && len(k.oneOf) == 0:
		return choose([]string{"c_attn", "c_attn,c_proj", `.*\.attn\.(q|v)_proj`, ""})
	case k.kind == reflect.Slice:
		n := 1 + random.IntN(len(k.oneOf))
		var items []string
		for _, i := range random.Perm(len(k.oneOf))[:n] {
			items = append(items, k.oneOf[i])
		}
		return strings.Join(items, ",")
	case k.kind == reflect.Bool:
		return choose([]string{"true", "false"})
	case len(k.oneOf) > 0:
		return choose(k.oneOf)
	case k.kind == reflect.Int:
		return fmt.Sprint(int(max(k.limits.low, math.Round(number(1e9)))))
	case k.kind == reflect.Float64:
		return fmt.Sprint(number(1e6))
	}
	if random.IntN(4) == 0 {
		return choose([]string{"true", "no", "~", "null", "1", "1e5", "-.5", ".inf", "<<", "- a", "a: b", "0x1F", "2020-01-01", "=", "|", "...", "---"})
	}
	var text strings.Builder
	for range 1 + random.IntN(12) {
		text.WriteRune(letters[random.IntN(len(letters))])
	}
	return text.String()
}

// Whatever valid settings a run has, the file it writes resolves to the same run, needs no other source, passes
// validation, and says the same to another YAML reader.
func TestYAMLRepeatsRun(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	path := filepath.Join(t.TempDir(), "config.yaml")
	written := 0
	for range 400 {
		assignments := map[string]string{}
		for _, k := range keys {
			if k.required || random.IntN(2) == 0 {
				assignments[k.name] = randomText(k, random)
			}
		}
		assignments["method"] = testMethods[random.IntN(len(testMethods))]
		run, err := Resolve(Values("random", assignments).Optional())
		if err != nil {
			t.Fatalf("%v: %v", assignments, err)
		}
		if err := run.Validate(testReads, testMethods); err != nil {
			continue // settings that exclude each other
		}
		written++
		if err := run.WriteYAML(path); err != nil {
			t.Fatal(err)
		}
		again, err := Resolve(File(path))
		if err != nil {
			t.Fatalf("%s\n%v", run.YAML(), err)
		}
		if err := again.Validate(testReads, testMethods); err != nil {
			t.Fatalf("%s\n%v", run.YAML(), err)
		}
		if !bytes.Equal(run.YAML(), again.YAML()) {
			t.Fatalf("written again (-first +second):\n%s", cmp.Diff(string(run.YAML()), string(again.YAML())))
		}
		for _, k := range keys {
			was, is := k.of(run).Interface(), k.of(again).Interface()
			if _, unread := run.unread[k.name]; !unread && !reflect.DeepEqual(was, is) {
				t.Fatalf("%s: was %#v, is %#v", k.name, was, is)
			}
		}
		sameElsewhere(t, run)
	}
	if written < 50 {
		t.Errorf("only %d random runs were valid", written)
	}
}

// sameElsewhere checks that the YAML library's own decoder finds the values.
func sameElsewhere(t *testing.T, run *Run) {
	t.Helper()
	var tree struct {
		Model        string  `yaml:"model"`
		Out          string  `yaml:"out"`
		LearningRate float64 `yaml:"learning_rate"`
		Mask         struct {
			Groups []string `yaml:"groups"`
		} `yaml:"mask"`
	}
	if err := yaml.Unmarshal(run.YAML(), &tree); err != nil {
		t.Fatalf("%s\n%v", run.YAML(), err)
	}
	groups := run.Mask.Groups
	if run.Method != "mapo" || run.Mask.Source == "file" {
		groups = nil
	}
	if tree.Model != run.Model || tree.Out != run.Out || tree.LearningRate != run.LearningRate || !reflect.DeepEqual(tree.Mask.Groups, groups) {
		t.Fatalf("decoded as %+v:\n%s", tree, run.YAML())
	}
}

// Whatever the bytes: no panic, and every message names the file.
func FuzzParseYAML(f *testing.F) {
	for _, seed := range []string{
		"", "beta: 0.1\n", "mask:\n  groups: [mlp, attn]\n  depth: 2\n", "a: &x 1\nb: *x\n", "? [a]\n: b\n", "<<: {a: 1}\n", "- 1\n",
		"beta: |\n  x\n", "---\n...\n---\na: 1\n", "{beta: 1, mask: {depth: 1}}", "beta: !!int 1\n", "# c\n", "a: 'x\n", "\"\\x\": 1", "%YAML 1.2\n",
		"*a : 1", "{*x: 1}", "! a: 1", "[]: 1", "a:\n- b:\n", "null: 1", ": 1",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		settings, err := parseYAML("f.yaml", content)
		if err != nil {
			for line := range strings.SplitSeq(err.Error(), "\n") {
				if !strings.HasPrefix(line, "f.yaml:") && !strings.Contains(err.Error(), "f.yaml:") {
					t.Fatalf("no place in %q", line)
				}
			}
			return
		}
		run := &Run{origins: map[string]origin{}}
		for _, s := range settings {
			if err := run.apply(s); err != nil && !strings.HasPrefix(err.Error(), "f.yaml:") {
				t.Fatalf("no place in %v", err)
			}
		}
	})
}
