package safetensors

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// foreign are the formats in which models come besides safetensors, the ones with the easiest way out first.
var foreign = []struct {
	file   *regexp.Regexp
	format string
	advice func(dir, name string) string
}{
	{regexp.MustCompile(`^pytorch_model.*\.bin(\.index\.json)?$`), "PyTorch weights", func(dir, _ string) string { return convert(dir, "") }},
	{regexp.MustCompile(`\.gguf$`), "GGUF weights", func(dir, name string) string { return convert(dir, fmt.Sprintf(", gguf_file=%q", name)) }},
	{regexp.MustCompile(`^consolidated.*\.(pth|safetensors)$`), "weights in their author's own format", download},
	{regexp.MustCompile(`\.(pt|pth|ckpt)$`), "PyTorch weights without Hugging Face's names", download},
	{regexp.MustCompile(`^tf_model\.h5$`), "TensorFlow weights", download},
	{regexp.MustCompile(`^flax_model\.msgpack(\.index\.json)?$`), "Flax weights", download},
	{regexp.MustCompile(`\.onnx$`), "an ONNX graph", download},
}

// convert is the Python that writes the weights in dir as safetensors beside the others.
func convert(dir, options string) string {
	return fmt.Sprintf("convert it once, in Python: from transformers import AutoModelForCausalLM; "+
		"AutoModelForCausalLM.from_pretrained(%q%s).save_pretrained(%q, safe_serialization=True) "+
		"(AutoModelForSequenceClassification for a reward model)", dir, options, dir)
}

func download(string, string) string {
	return "download the model's version in Hugging Face layout: config.json with " + singleName + " or " + indexName + " and its shards"
}

// trainerFile matches what trainers leave beside the weights.
var trainerFile = regexp.MustCompile(`^(optimizer|scheduler|scaler|rng_state.*|training_args)\.(pt|pth|bin)$`)

// adapterFile matches the weights of an adapter in PEFT's format.
var adapterFile = regexp.MustCompile(`^adapter_(model\.(safetensors|bin)|config\.json)$`)

// noWeights says why dir cannot be opened as a model: what it holds instead, and how to come to a model from there.
func noWeights(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("open model folder: %w", usage.Wrap(err))
	}
	first := func(match func(name string) bool) string {
		for _, entry := range entries {
			if match(entry.Name()) && !trainerFile.MatchString(entry.Name()) {
				return entry.Name()
			}
		}
		return ""
	}
	if name := first(func(name string) bool { return name == singleName || name == indexName }); name != "" {
		return usage.Errorf("%s: %s is a link to a file that is not there; download the model again", dir, name)
	}
	if name := first(adapterFile.MatchString); name != "" {
		err := usage.Errorf("%s: has %s but no %s: it holds an adapter, not a whole model", dir, name, singleName)
		return usage.Hint(err, "give its base model (adapter_config.json names it) with the adapter, or make one model of both: see sparsepo merge --help")
	}
	for _, f := range foreign {
		if name := first(f.file.MatchString); name != "" {
			err := usage.Errorf("%s: has %s (%s) but no %s; weights are read as safetensors only", dir, name, f.format, singleName)
			return usage.Hint(err, f.advice(dir, name))
		}
	}
	if name := first(func(name string) bool { return filepath.Ext(name) == ".safetensors" }); name != "" {
		if shardName.MatchString(name) {
			return usage.Errorf("%s: has %s but no %s, which says what its shards hold; download the index or save the model again", dir, name, indexName)
		}
		return usage.Errorf("%s: has %s but neither %s nor %s; rename it or write the index", dir, name, singleName, indexName)
	}
	return usage.Errorf("%s: no model weights; expected %s or %s", dir, singleName, indexName)
}
