package step

import (
	"context"
	"slices"
	"testing"

	gomodel "github.com/gomlx/gomlx/ml/model"

	"github.com/sparsepo/sparsepo/data"
	"github.com/sparsepo/sparsepo/internal/golden"
	"github.com/sparsepo/sparsepo/internal/reference"
	"github.com/sparsepo/sparsepo/loss"
	"github.com/sparsepo/sparsepo/mask"
	"github.com/sparsepo/sparsepo/model"
)

// eachOf yields pairs.
func eachOf(pairs []data.TokenPair) reference.Pairs {
	return func(yield func(data.TokenPair, error) bool) {
		for _, p := range pairs {
			if !yield(p, nil) {
				return
			}
		}
	}
}

// cached fills a cache of the reference's values, two pairs at a time, and opens it again.
func cached(t *testing.T, e golden.Engine, store *gomodel.Store, network *model.Network, s Settings) *reference.Cache {
	t.Helper()
	options := reference.Options{
		Folder: t.TempDir(), Key: reference.Key{Model: "test", Fields: s.Fields(network.Config)}, Limit: 1 << 20,
		Log: func(format string, args ...any) { t.Errorf(format, args...) },
	}
	open := func() *reference.Cache {
		c, err := reference.Open(options)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	cache := open()
	batches := 0
	err := Fill(context.Background(), cache, eachOf(invariantPairs), 2, func() (*ReferencePass, data.Work, error) {
		pass, err := NewReferencePass(e.Backend, store, network, s)
		return pass, Work(network.Config), err
	}, func(done, total int) {
		if batches++; done != batches || total != 2 {
			t.Errorf("batch %d of %d is done, want %d of 2", done, total, batches)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := cache.Close(); err != nil {
		t.Fatal(err)
	}
	cache = open()
	t.Cleanup(func() { cache.Close() })
	err = Fill(context.Background(), cache, eachOf(invariantPairs), 2, func() (*ReferencePass, data.Work, error) {
		t.Error("the pass is opened although nothing is missing")
		return nil, data.Work{}, context.Canceled
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return cache
}

// With given values of the reference an objective has the values and gradients that it has where the reference runs, however
// the batches are arranged. The token KL is missing where the log-probabilities alone are given.
func TestGivenReference(t *testing.T) {
	config, err := model.GPT2Config(11, 16, 2, 2, 32, 0)
	if err != nil {
		t.Fatal(err)
	}
	golden.Engines(t, func(t *testing.T, e golden.Engine) {
		for _, o := range loss.All() {
			if !o.Reference || e.Name != "go" && slices.Contains([]string{"dpop", "tdpo2", "sparse-common", "sparse-binary"}, o.Name) {
				continue // preparing a graph takes long; the others' graphs have all of theirs
			}
			t.Run(o.Name, func(t *testing.T) {
				checkGiven(t, e, smallProgramOf(t, e, config, o, Settings{}), smallProgramOf(t, e, config, o, Settings{}))
			})
		}
	})
}

// The same for every family, by the objectives that read the most of a model.
func TestGivenReferenceOfFamilies(t *testing.T) {
	golden.Engines(t, func(t *testing.T, e golden.Engine) {
		if e.Name != "go" {
			t.Skip("preparing a graph takes long")
		}
		for name, text := range golden.TinyConfigs(golden.Size{Vocab: 11, Hidden: 16, Layers: 2, Heads: 4, Positions: 32}) {
			config, err := model.ParseConfig(text)
			if err != nil {
				t.Fatal(err)
			}
			for _, method := range []string{"dpo", "mapo", "sparse-independent"} {
				t.Run(name+" "+method, func(t *testing.T) {
					o, _ := loss.Lookup(method)
					checkGiven(t, e, smallProgramOf(t, e, config, o, Settings{}), smallProgramOf(t, e, config, o, Settings{}))
				})
			}
		}
	})
}

// checkGiven compares a program whose reference runs with one that is like it.
func checkGiven(t *testing.T, e golden.Engine, runs, given *Program) {
	t.Helper()
	give(given, cached(t, e, runs.store, runs.Reference, runs.settings))
	tight := data.Fit(invariantPairs, len(invariantPairs), data.SharedPrompt)
	packed, separate := tight, data.Fit(invariantPairs, len(invariantPairs), data.Separate)
	packed.Slots, packed.Rows, packed.Seq, packed.Responses = 4, 2, 17, tight.Responses+3
	b := collate(t, invariantPairs, packed)
	want := runs.outcome(t, valuesAndGradients(t, e, runs), b, noiseOf(b))
	if !HeadNeeded(given.fields) {
		delete(want.tokens, "forward KL")
		delete(want.tokens, "reverse KL")
	}
	exec := valuesAndGradients(t, e, given)
	for name, shape := range map[string]data.Shape{"packed": packed, "separate": separate} {
		b := collate(t, invariantPairs, shape)
		compare(t, name, given.outcome(t, exec, b, noiseOf(b)), want, 1e-6*e.Slack)
	}
	stranger := collate(t, []data.TokenPair{{Prompt: []int32{1}, Chosen: []int32{2}, Rejected: []int32{3}}}, packed)
	if _, err := given.Evaluate(stranger, noiseOf(stranger)); err == nil {
		t.Error("no error for a pair that no values were computed of")
	}
}

// give has a program read the reference's values.
func give(p *Program, values Given) {
	p.settings.Given = values
	p.fields = p.settings.Fields(p.Reference.Config)
	if !HeadNeeded(p.fields) {
		p.Reference = nil
	}
}

// A mask of the last layer needs no other state than the LM head does; one of all layers needs all.
func TestFields(t *testing.T) {
	config, err := model.GPT2Config(11, 16, 3, 2, 32, 0)
	if err != nil {
		t.Fatal(err)
	}
	hidden := func(names ...string) (list []reference.Field) {
		for _, name := range names {
			list = append(list, reference.Field{Name: name, Width: 16})
		}
		return list
	}
	one := func(name string) reference.Field { return reference.Field{Name: name, Width: 1} }
	for _, test := range []struct {
		method    string
		allLayers bool
		want      []reference.Field
	}{
		{"dpo", false, []reference.Field{one("log_prob")}},
		{"dpop", false, []reference.Field{one("log_prob")}},
		{"tdpo2", false, hidden("hidden.2")},
		{"sparse-random", false, hidden("hidden.2")},
		{"mapo", false, append(hidden("hidden.2"), one("mask"))},
		{"sparse-common", false, hidden("hidden.2")},
		{"sparse-independent", true, hidden("hidden.0", "hidden.1", "hidden.2")},
	} {
		o, _ := loss.Lookup(test.method)
		got := Settings{Objective: o, Learned: mask.Learned{AllLayers: test.allLayers}}.Fields(config)
		if !slices.Equal(got, test.want) {
			t.Errorf("%s, all layers %v: %v, want %v", test.method, test.allLayers, got, test.want)
		}
	}
}

// The same for a mask of the last layer and a policy that is an adapter on the reference.
func TestGivenReferenceOfTheLastLayer(t *testing.T) {
	config, err := model.GPT2Config(11, 16, 2, 2, 32, 0)
	if err != nil {
		t.Fatal(err)
	}
	golden.Engines(t, func(t *testing.T, e golden.Engine) {
		if e.Name != "go" {
			t.Skip("preparing a graph takes long")
		}
		o, _ := loss.Lookup("sparse-independent")
		var programs [2]*Program
		for i := range programs {
			policy, network, store := smallNetworks(t, e, config)
			s := Settings{Objective: o, Options: loss.Options{Beta: 0.5}, Learned: mask.Learned{Hidden: 16, Layers: 2, Depth: 1, Norm: true, Eps: 1e-5}}
			var err error
			if programs[i], err = New(e.Backend, store, policy, network, s, nil, 3); err != nil {
				t.Fatal(err)
			}
		}
		checkGiven(t, e, programs[0], programs[1])
	})
}

// smallNetworks are random networks, the policy an adapter on the reference.
func smallNetworks(t *testing.T, e golden.Engine, config *model.Config) (policy, network *model.Network, store *gomodel.Store) {
	t.Helper()
	store = gomodel.NewStore()
	network, err := model.Random(config, 1).Bind(e.Backend, store, "/policy", model.Binding{})
	if err != nil {
		t.Fatal(err)
	}
	shake(t, e, network, 1)
	if policy, err = network.Adapt(e.Backend, store, "/adapter", model.NewAdapter(model.LoRA{Rank: 2, Alpha: 4, Targets: []string{model.AllLinear}}, "", 5), true); err != nil {
		t.Fatal(err)
	}
	return policy, network, store
}
