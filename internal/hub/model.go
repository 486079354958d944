package hub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gomlx/go-huggingface/hub"

	"github.com/sparsepo/sparsepo/internal/usage"
)

const (
	configName        = "config.json"
	weightsName       = "model.safetensors"
	weightsIndexName  = "model.safetensors.index.json"
	adapterConfigName = "adapter_config.json"
	adapterName       = "adapter_model.safetensors"
)

// companions are the files of a model beside its weights that this program reads or hands on, as far as there are any.
var companions = []string{
	configName, adapterConfigName, "generation_config.json",
	"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "special_tokens.json", "added_tokens.json",
	"vocab.json", "merges.txt", "encoder.json", "vocab.bpe", "vocab.txt", "spiece.model", "sentencepiece.bpe.model", "spm.model", "tokenizer.model", "chat_template.jinja", "chat_template.json",
	"mask.safetensors", "reward.json", cardName, // the card has the license, which models made of it repeat
}

// Model returns the folder of a model: name itself where it is a folder, and otherwise the snapshot of the repository of
// that hub id, "org/name" or "org/name@revision", after downloading what the cache lacks of it: configuration, tokenizer,
// and weights or adapter as safetensors. Other weight formats, which many repositories hold as well, are left alone.
//
// What the cache holds whole is used without asking the hub. If the hub cannot be reached, or with Offline, configuration
// and weights in the cache are enough. Once ctx ends, so does the download; the next one continues it.
func Model(ctx context.Context, name string, o Options) (folder string, err error) {
	return o.modelFolder(ctx, name, (*repository).model)
}

// Tokenizer is Model for callers that read the tokenizer alone: it downloads a model's files but for the weights.
func Tokenizer(ctx context.Context, name string, o Options) (folder string, err error) {
	return o.modelFolder(ctx, name, (*repository).tokenizer)
}

// modelFolder is name where it is a folder, and otherwise what fetch returns for the repository of that hub id.
func (o Options) modelFolder(ctx context.Context, name string, fetch func(*repository, context.Context) (string, error)) (folder string, err error) {
	switch info, err := os.Stat(name); {
	case err == nil && info.IsDir():
		return name, nil
	case err == nil:
		return "", usage.Errorf("%s: is a file; a model is a folder (%s, %s, ...) or a hub id", name, configName, weightsName)
	case !errors.Is(err, fs.ErrNotExist):
		return "", usage.Wrap(err)
	}
	ref, ok := parse(name)
	if !ok {
		return "", unknownName(name, "folder")
	}
	if ref.path != "" {
		return "", usage.Errorf("%s: a model is a whole repository; leave out %q", name, ":"+ref.path)
	}
	if o, err = o.resolved(); err != nil {
		return "", err
	}
	return fetch(newRepository(hub.RepoTypeModel, ref, o), ctx)
}

func (r *repository) model(ctx context.Context) (string, error) {
	folder, found := r.cached()
	usable := found && holdsModel(folder)
	switch {
	case usable && holdsTokenizer(folder), usable && r.Offline:
		return folder, nil
	case r.Offline:
		return "", r.notCached(found, folder)
	}
	l, err := r.list(ctx)
	if usable && errors.Is(err, errUnavailable) {
		fmt.Fprintf(r.Log, "%v; using what the cache has\n", err)
		return folder, nil
	}
	if err != nil {
		return "", err
	}
	if err := r.checkWeights(l); err != nil {
		return "", err
	}
	if err := r.fetchModel(ctx, l); err != nil {
		return "", err
	}
	return r.keep(l)
}

// tokenizer returns the folder of a snapshot that has the files beside the weights.
func (r *repository) tokenizer(ctx context.Context) (string, error) {
	folder, found := r.cached()
	usable := found && holdsTokenizer(folder)
	switch {
	case usable:
		return folder, nil
	case r.Offline:
		return "", r.notCached(found, folder)
	}
	l, err := r.list(ctx)
	if err != nil {
		return "", err
	}
	if err := r.fetch(ctx, l, companions); err != nil {
		return "", err
	}
	return r.keep(l)
}

// keep remembers the commit that the revision stands for and returns its snapshot.
func (r *repository) keep(l listing) (folder string, err error) {
	if err := r.remember(l.commit); err != nil {
		return "", fmt.Errorf("%s: remember the commit: %w", r, err)
	}
	return r.snapshot(l.commit), nil
}

// fetchModel downloads a model's files. A list of shards has to be read before they can be named.
func (r *repository) fetchModel(ctx context.Context, l listing) error {
	names := slices.Clone(companions)
	switch {
	case l.has(weightsName):
		names = append(names, weightsName)
	case l.has(weightsIndexName):
		if err := r.fetch(ctx, l, []string{weightsIndexName}); err != nil {
			return err
		}
		shards, err := readShards(r.snapshot(l.commit))
		if err != nil {
			return fmt.Errorf("%s: %w", r, err)
		}
		for _, shard := range shards {
			if !l.has(shard) {
				return usage.Errorf("%s: %s names %s, which the repository lacks", r, weightsIndexName, shard)
			}
		}
		names = append(names, shards...)
	}
	if l.has(adapterName) {
		names = append(names, adapterName)
	}
	return r.fetch(ctx, l, names)
}

// readShards returns the names of the files that the index in folder spreads the weights over.
func readShards(folder string) ([]string, error) {
	text, err := os.ReadFile(filepath.Join(folder, weightsIndexName))
	if err != nil {
		return nil, err
	}
	var index struct {
		Shards map[string]string `json:"weight_map"`
	}
	if err := json.Unmarshal(text, &index); err != nil {
		return nil, usage.Errorf("%s: %w", weightsIndexName, err)
	}
	shards := slices.Compact(slices.Sorted(maps.Values(index.Shards)))
	if len(shards) == 0 {
		return nil, usage.Errorf("%s: weight_map is missing or empty; it must name the shard of every tensor", weightsIndexName)
	}
	for _, shard := range shards {
		if !validFileName(shard) || strings.Contains(shard, "/") {
			return nil, usage.Errorf("%s: %q is not a file name; shards lie beside the index", weightsIndexName, shard)
		}
	}
	return shards, nil
}

// checkWeights says before a download whether the repository has weights that can be read.
func (r *repository) checkWeights(l listing) error {
	if l.has(weightsName) || l.has(weightsIndexName) || l.has(adapterName) {
		return r.checkConfig(l)
	}
	ends := func(ending string) bool {
		return len(l.names(func(name string) bool { return strings.HasSuffix(name, ending) })) > 0
	}
	switch {
	case l.has("adapter_model.bin"):
		return usage.Hint(usage.Errorf("%s: the adapter has no safetensors, only adapter_model.bin", r),
			fmt.Sprintf(`convert it once, in Python with PEFT: AutoPeftModelForCausalLM.from_pretrained("%s").save_pretrained("FOLDER")`, r.id))
	case l.has("pytorch_model.bin"), l.has("pytorch_model.bin.index.json"):
		return usage.Hint(usage.Errorf("%s: the repository has no safetensors, only pytorch_model.bin", r), r.conversion())
	case ends(".gguf"):
		return usage.Errorf("%s: the repository has GGUF files only; take the repository that they were made from", r)
	case ends(".safetensors"):
		return usage.Errorf("%s: the repository has neither %s nor %s in its root folder", r, weightsName, weightsIndexName)
	}
	return usage.Errorf("%s: the repository holds no model weights (%s)", r, weightsName)
}

// conversion is what to run once for weights in PyTorch's own format.
func (r *repository) conversion() string {
	return fmt.Sprintf(`convert it once, in Python: AutoModelForCausalLM.from_pretrained("%s").save_pretrained("FOLDER"), `+
		`AutoTokenizer.from_pretrained("%[1]s").save_pretrained("FOLDER"); then give FOLDER. Some have a converted revision: "%[1]s@refs/pr/N"`, r.id)
}

func (r *repository) checkConfig(l listing) error {
	if l.has(configName) || l.has(adapterConfigName) {
		return nil
	}
	return usage.Errorf("%s: the repository has weights but no %s; it is no model in Hugging Face layout", r, configName)
}

// holdsModel reports whether folder has a configuration and all weights it names.
func holdsModel(folder string) bool {
	if isFile(folder, adapterConfigName) && isFile(folder, adapterName) {
		return true
	}
	if !isFile(folder, configName) {
		return false
	}
	if isFile(folder, weightsName) {
		return true
	}
	shards, err := readShards(folder)
	return err == nil && !slices.ContainsFunc(shards, func(shard string) bool { return !isFile(folder, shard) })
}

// holdsTokenizer reports whether folder has a tokenizer, or is an adapter, whose base model has one.
func holdsTokenizer(folder string) bool {
	return isFile(folder, "tokenizer.json") || isFile(folder, "vocab.json") && isFile(folder, "merges.txt") ||
		isFile(folder, "encoder.json") && isFile(folder, "vocab.bpe") || isFile(folder, "vocab.txt") || isFile(folder, "spiece.model") ||
		isFile(folder, "sentencepiece.bpe.model") || isFile(folder, "spm.model") || isFile(folder, "tokenizer.model") ||
		isFile(folder, adapterConfigName)
}

// notCached is the error for what cannot be used offline.
func (r *repository) notCached(found bool, folder string) error {
	text := fmt.Sprintf("it is not in the cache %s", r.Cache)
	if found {
		text = fmt.Sprintf("only a part of it is in the cache (%s)", folder)
	}
	err := usage.Errorf("%s: no such %s, offline (HF_HUB_OFFLINE), and %s", r, r.local(), text)
	return usage.Hint(withLocalHint(err, r.id), "download it once without HF_HUB_OFFLINE, or give a local folder")
}
