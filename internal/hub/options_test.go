package hub

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sparsepo/sparsepo/internal/usage"
)

func TestToken(t *testing.T) {
	h := newFakeHub(t)
	h.add("models/org/private", smallModel()).token = "hf_right"
	o := h.options(nil)
	t.Setenv("HF_TOKEN", "hf_right\n")
	if _, err := Model(t.Context(), "org/private", o); err != nil {
		t.Fatal(err)
	}
	storage := false
	for _, r := range h.log() {
		onHub := strings.HasPrefix(r.path, "/api/") || strings.HasPrefix(r.path, "/org/")
		storage = storage || !onHub
		if r.token != onHub {
			t.Errorf("%s: sent a token: %v, want %v", r.path, r.token, onHub)
		}
	}
	if !storage {
		t.Error("the storage was never asked")
	}
}

func TestOptionsFromEnvironment(t *testing.T) {
	home := t.TempDir()
	if err := os.WriteFile(filepath.Join(home, "token"), []byte("from-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		env  map[string]string
		set  Options
		want Options
	}{
		{"home", map[string]string{"HF_HOME": home}, Options{}, Options{Endpoint: publicHub, Token: "from-file", Cache: filepath.Join(home, "hub")}},
		{
			"environment",
			map[string]string{
				"HF_HOME": home, "HF_TOKEN": "from-env", "HF_HUB_CACHE": "$HF_HOME/elsewhere", "HF_ENDPOINT": "https://mirror.example/", "HF_HUB_OFFLINE": "true",
			},
			Options{},
			Options{Endpoint: "https://mirror.example", Token: "from-env", Cache: filepath.Join(home, "elsewhere"), Offline: true},
		},
		{
			"options first",
			map[string]string{"HF_HOME": home, "HF_TOKEN": "from-env", "HF_HUB_CACHE": "/x", "HF_ENDPOINT": "https://mirror.example", "HF_HUB_OFFLINE": "0"},
			Options{Endpoint: "http://localhost:1", Token: "mine", Cache: home},
			Options{Endpoint: "http://localhost:1", Token: "mine", Cache: home},
		},
		{"home folder", map[string]string{"HOME": home, "HF_HUB_CACHE": "~/models"}, Options{}, Options{Endpoint: publicHub, Cache: filepath.Join(home, "models")}},
		{"cache of the user", map[string]string{"XDG_CACHE_HOME": home}, Options{}, Options{Endpoint: publicHub, Cache: filepath.Join(home, "huggingface", "hub")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			clearEnvironment(t)
			for name, value := range c.env {
				t.Setenv(name, value)
			}
			got, err := c.set.resolved()
			if err != nil {
				t.Fatal(err)
			}
			if got.Endpoint != c.want.Endpoint || got.Token != c.want.Token || got.Cache != c.want.Cache || got.Offline != c.want.Offline {
				t.Errorf("got %+v want %+v", got, c.want)
			}
		})
	}
	t.Setenv("HF_ENDPOINT", "mirror.example")
	if _, err := (Options{}).resolved(); !usage.Is(err) || !strings.Contains(err.Error(), "HF_ENDPOINT") {
		t.Errorf("an endpoint without scheme: %v", err)
	}
}

func clearEnvironment(t *testing.T) {
	for _, name := range []string{
		"HF_HOME", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_TOKEN_PATH", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_ENDPOINT",
		"HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "XDG_CACHE_HOME",
	} {
		t.Setenv(name, "")
	}
}

func TestMain(m *testing.M) {
	// The tests must not depend on who runs them, nor find a cache or a token of theirs.
	for _, entry := range os.Environ() {
		if name, _, _ := strings.Cut(entry, "="); strings.HasPrefix(name, "HF_") || strings.HasPrefix(name, "HUGGING") || name == "TRANSFORMERS_OFFLINE" {
			must(os.Unsetenv(name))
		}
	}
	home, err := os.MkdirTemp("", "hub-test-home")
	must(err)
	must(os.Setenv("HF_HOME", home))
	if cache := os.Getenv(childCache); cache != "" {
		os.Exit(child(cache, os.Getenv(childEndpoint)))
	}
	code := m.Run()
	os.RemoveAll(home)
	os.Exit(code)
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
