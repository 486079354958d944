package hub

import (
	"context"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gomlx/go-huggingface/hub"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// publicHub is the endpoint where nothing else is said.
const publicHub = "https://huggingface.co"

// Options say where repositories come from and go to. The zero value follows the environment, as Hugging Face's programs do.
type Options struct {
	Endpoint string    // the hub's address; default HF_ENDPOINT, else the public hub
	Token    string    // for private and gated repositories; default HF_TOKEN, else the file HF_TOKEN_PATH or HF_HOME/token
	Cache    string    // folder; default HF_HUB_CACHE, else HF_HOME/hub, else ~/.cache/huggingface/hub
	Log      io.Writer // progress: a bar on a terminal, plain lines elsewhere; nil shows nothing
	Offline  bool      // use the cache alone; also on with HF_HUB_OFFLINE=1

	idle  time.Duration // longest time without a byte
	sleep func(ctx context.Context, d time.Duration) error
	free  func(folder string) (bytes int64, known bool)
}

// resolved fills what is left open from the environment.
func (o Options) resolved() (Options, error) {
	o.Endpoint = strings.TrimRight(firstOf(o.Endpoint, os.Getenv("HF_ENDPOINT"), publicHub), "/")
	if u, err := url.Parse(o.Endpoint); err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return o, usage.Errorf("HF_ENDPOINT: %q is no address; it looks like %s", o.Endpoint, publicHub)
	}
	home := expand(os.Getenv("HF_HOME"))
	if home == "" {
		home = filepath.Dir(hub.DefaultCacheDir())
	}
	o.Token = cleanToken(firstOf(o.Token, os.Getenv("HF_TOKEN"), os.Getenv("HUGGING_FACE_HUB_TOKEN")))
	if o.Token == "" {
		path := firstOf(expand(os.Getenv("HF_TOKEN_PATH")), filepath.Join(home, "token"))
		if content, err := os.ReadFile(path); err == nil { // most people have no token
			o.Token = cleanToken(string(content))
		}
	}
	cache := firstOf(o.Cache, expand(os.Getenv("HF_HUB_CACHE")), expand(os.Getenv("HUGGINGFACE_HUB_CACHE")), filepath.Join(home, "hub"))
	o.Cache = filepath.Clean(cache)
	o.Offline = o.Offline || isOn("HF_HUB_OFFLINE") || isOn("TRANSFORMERS_OFFLINE")
	if o.Log == nil {
		o.Log = io.Discard
	}
	return o.withDefaults(), nil
}

func (o Options) withDefaults() Options {
	if o.idle == 0 {
		o.idle = 30 * time.Second
	}
	if o.sleep == nil {
		o.sleep = sleep
	}
	if o.free == nil {
		o.free = FreeBytes
	}
	return o
}

// firstOf returns the first value that is not empty.
func firstOf(values ...string) string {
	if i := slices.IndexFunc(values, func(v string) bool { return v != "" }); i >= 0 {
		return values[i]
	}
	return ""
}

// expand replaces variables and a leading ~ in a path from the environment.
func expand(path string) string {
	path = os.ExpandEnv(path)
	rest, found := strings.CutPrefix(path, "~")
	if !found || (rest != "" && rest[0] != '/') {
		return path
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return path
	}
	return home + rest
}

func cleanToken(token string) string {
	return strings.TrimSpace(strings.NewReplacer("\r", "", "\n", "").Replace(token))
}

func isOn(variable string) bool {
	switch strings.ToUpper(os.Getenv(variable)) {
	case "1", "ON", "YES", "TRUE":
		return true
	}
	return false
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
