package hub

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What a user can get wrong, in the words that they see. No case may download anything large.
func TestModelMistakes(t *testing.T) {
	h := newFakeHub(t)
	h.add("models/org/small", smallModel())
	h.add("models/org/private", smallModel()).token = "hf_right"
	gated := h.add("models/org/gated", smallModel())
	gated.token, gated.gated = "hf_right", true
	without := func(drop ...string) map[string]string {
		files := smallModel()
		for _, name := range drop {
			delete(files, name)
		}
		return files
	}
	h.add("models/org/pickle", without("model.safetensors"))
	h.add("models/org/adapter-pickle", map[string]string{"adapter_config.json": "{}", "adapter_model.bin": "pickle"})
	h.add("models/org/gguf", map[string]string{"small.Q4_0.gguf": "gguf"})
	h.add("models/org/nothing", map[string]string{"README.md": "soon"})
	h.add("models/org/elsewhere", map[string]string{"config.json": "{}", "unet/model.safetensors": weights("w", 5000)})
	h.add("models/org/unconfigured", without("config.json"))
	index := without("model.safetensors")
	index[weightsIndexName] = `{"weight_map": {"a": "model-00001-of-00001.safetensors"}}`
	h.add("models/org/shardless", index)
	index = without("model.safetensors")
	index[weightsIndexName] = `{"weight_map": {"a": "../../../../token"}}`
	h.add("models/org/hostile", index)

	t.Chdir(t.TempDir())
	if err := os.MkdirAll(filepath.Join("runs", "final"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("weights.bin", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, model, token string
		want               []string
	}{
		{"no name", "", "", []string{`"": no such folder, and not a hub id; a hub id looks like org/name`}},
		{"a path", "./runs/finale", "", []string{"no such folder, and not a hub id", "did you mean runs/final?"}},
		{"a file", "weights.bin", "", []string{"weights.bin: is a file; a model is a folder"}},
		{"a file's name", "model.safetensors", "", []string{"no such folder, and not a hub id"}},
		{"a part", "org/small:config.json", "", []string{`a model is a whole repository; leave out ":config.json"`}},
		{"a folder misspelt", "runs/finl", "", []string{"runs/finl: no such folder here, and no such repository on the hub, or it is private", "did you mean runs/final?", "HF_TOKEN"}},
		{"unknown without token", "org/none", "", []string{"org/none: no such folder here, and no such repository on the hub, or it is private", "401 Unauthorized", "set HF_TOKEN", h.hub.URL + "/settings/tokens"}},
		{"unknown with token", "org/none", "hf_right", []string{"org/none: no such folder here, and no such repository on the hub, or it is private", "404 Not Found", "the token in use (HF_TOKEN) may not read it"}},
		{"private without token", "org/private", "", []string{"no such repository on the hub, or it is private", "set HF_TOKEN"}},
		{"private with another token", "org/private", "hf_other", []string{"no such repository on the hub, or it is private", "may not read it"}},
		{"expired token", "org/small", "expired", []string{"the hub does not accept the token", "Invalid credentials", "correct HF_TOKEN"}},
		{"gated without token", "org/gated", "", []string{"org/gated: the repository is gated", "accept the conditions on its page, " + h.hub.URL + "/org/gated, then set HF_TOKEN"}},
		{"gated with another token", "org/gated", "hf_other", []string{"the repository is gated", "403 Forbidden", "accept the conditions", "belongs to that account"}},
		{"no revision", "org/small@v9", "", []string{`org/small@v9: the repository has no revision "v9"`, "/org/small/tree/main"}},
		{"pickle only", "org/pickle", "", []string{"org/pickle: the repository has no safetensors, only pytorch_model.bin", `AutoModelForCausalLM.from_pretrained("org/pickle").save_pretrained("FOLDER")`}},
		{"pickled adapter", "org/adapter-pickle", "", []string{"only adapter_model.bin", "PEFT"}},
		{"gguf only", "org/gguf", "", []string{"GGUF files only"}},
		{"no weights", "org/nothing", "", []string{"holds no model weights (model.safetensors)"}},
		{"weights elsewhere", "org/elsewhere", "", []string{"neither model.safetensors nor model.safetensors.index.json in its root folder"}},
		{"no config", "org/unconfigured", "", []string{"has weights but no config.json"}},
		{"shards are missing", "org/shardless", "", []string{"names model-00001-of-00001.safetensors, which the repository lacks"}},
		{"shards outside", "org/hostile", "", []string{`"../../../../token" is not a file name`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := h.options(nil)
			o.Token = c.token
			_, err := Model(t.Context(), c.model, o)
			errorWith(t, err, true, c.want...)
			for _, r := range h.log() {
				if r.sent > 5000 {
					t.Errorf("%s: %d bytes were sent before the error", r.path, r.sent)
				}
			}
		})
	}
}

func TestNoNetwork(t *testing.T) {
	h := newFakeHub(t)
	o := h.options(nil)
	h.hub.Close()
	_, err := Model(t.Context(), "org/small", o)
	errorWith(t, err, true, "org/small: no such folder here, and no way to "+o.Endpoint+" to look for it there", "give a local folder", "HF_HUB_OFFLINE=1")
	o.Endpoint = "http://hub.invalid"
	_, err = Model(t.Context(), "org/small", o)
	errorWith(t, err, true, "no way to http://hub.invalid")
}

func TestUntrustedCertificate(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // the handshake that fails
	server.StartTLS()
	defer server.Close()
	o := newFakeHub(t).options(nil)
	o.Endpoint = server.URL
	_, err := Model(t.Context(), "org/small", o)
	errorWith(t, err, true, "certificate", "SSL_CERT_FILE")
}

func TestOfflineWithoutCache(t *testing.T) {
	h := newFakeHub(t)
	h.add("models/org/small", smallModel())
	o := h.options(nil)
	t.Setenv("HF_HUB_OFFLINE", "1")
	_, err := Model(t.Context(), "org/small", o)
	errorWith(t, err, true, "org/small: no such folder, offline (HF_HUB_OFFLINE), and it is not in the cache "+o.Cache, "without HF_HUB_OFFLINE")
	if got := h.log(); len(got) > 0 {
		t.Errorf("requests offline:\n%s", paths(got))
	}
}

func TestCacheThatCannotBeWritten(t *testing.T) {
	h := newFakeHub(t)
	h.add("models/org/small", smallModel())
	o := h.options(nil)
	o.Cache = filepath.Join(o.Cache, "file")
	if err := os.WriteFile(o.Cache, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := Model(t.Context(), "org/small", o)
	errorWith(t, err, true, o.Cache, "HF_HUB_CACHE names the cache's folder")
}

func TestParseListing(t *testing.T) {
	sha, git := strings.Repeat("ab", 32), strings.Repeat("cd", 20)
	l, err := parseListing([]byte(`{"sha": "` + commitA + `", "cardData": {"license": ["mit"]}, "siblings": [
		{"rfilename": "config.json", "size": 12, "blobId": "` + git + `"},
		{"rfilename": "a/b.bin", "size": 12, "blobId": "` + git + `", "lfs": {"sha256": "` + sha + `", "size": 99}},
		{"rfilename": "bare"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	want := []file{{"config.json", git, 12}, {"a/b.bin", sha, 99}, {"bare", "", 0}}
	for i, f := range l.files {
		if f != want[i] {
			t.Errorf("file %d: got %+v want %+v", i, f, want[i])
		}
	}
	for _, c := range []struct{ name, text, want string }{
		{"not JSON", "<html>", "is not what a hub answers"},
		{"no commit", `{"siblings": []}`, `sha is ""`},
		{"a path as commit", `{"sha": "../../x"}`, "no commit"},
		{"a file outside", `{"sha": "` + commitA + `", "siblings": [{"rfilename": "../x"}]}`, "outside the repository"},
		{"an absolute file", `{"sha": "` + commitA + `", "siblings": [{"rfilename": "/etc/x"}]}`, "outside the repository"},
		{"nothing as file", `{"sha": "` + commitA + `", "siblings": [null]}`, "outside the repository"},
	} {
		if _, err := parseListing([]byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
}

func FuzzParseListing(f *testing.F) {
	f.Add([]byte(`{"sha": "` + commitA + `", "siblings": [{"rfilename": "config.json", "size": 12, "blobId": "x"}]}`))
	f.Add([]byte(`{"sha": "` + commitA + `", "siblings": [{"rfilename": "a/../b", "lfs": {"sha256": "..", "size": -1}}]}`))
	f.Add([]byte(`[`))
	f.Fuzz(func(t *testing.T, text []byte) {
		l, err := parseListing(text)
		if err != nil {
			if l.commit != "" || l.files != nil {
				t.Errorf("error %v with result %+v", err, l)
			}
			return
		}
		for _, one := range l.files {
			joined := filepath.Join("cache", filepath.FromSlash(one.name))
			if !strings.HasPrefix(joined, "cache"+string(filepath.Separator)) || strings.ContainsAny(one.etag, "/\\") || one.etag == ".." {
				t.Errorf("file %+v leaves the cache", one)
			}
		}
	})
}

// Renamed repositories are answered with a redirect inside the hub, which keeps the token.
func TestRedirectWithinTheHub(t *testing.T) {
	h := newFakeHub(t)
	h.add("models/new/name", smallModel()).token = "hf_right"
	renamed := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if moved := strings.Replace(r.URL.Path, "old/name", "new/name", 1); moved != r.URL.Path {
			http.Redirect(w, r, moved+"?"+r.URL.RawQuery, http.StatusTemporaryRedirect)
			return
		}
		h.serveHub(w, r)
	}))
	defer renamed.Close()
	for _, bare := range []bool{false, true} {
		h.repos["models/new/name"].bare = bare
		o := h.options(nil)
		o.Endpoint, o.Token = renamed.URL, "hf_right"
		folder, err := Model(t.Context(), "old/name", o)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(folder, "models--old--name") {
			t.Errorf("folder %s; it must go by the name that was asked for", folder)
		}
	}
}
