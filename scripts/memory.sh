#!/bin/sh
# Peak memory of one training set-up after the other on a GPT-J of full width and few layers: all weights, LoRA adapters,
# adapters on a base in four bits, each with and without gradient checkpointing. Takes up to 12 GB and some minutes.
#
#   scripts/memory.sh [LAYERS]     default 2; SPARSEPO names another binary, ENGINE another engine
set -eu
layers=${1:-2}
program=${SPARSEPO:-bin/sparsepo}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# GPT-J 6B's sizes but for the vocabulary, which is cut so that the layers weigh.
cat > "$folder/config.json" <<'JSON'
{"model_type": "gptj", "vocab_size": 8192, "n_positions": 2048, "n_embd": 4096, "n_layer": 28, "n_head": 16, "rotary_dim": 64,
 "activation_function": "gelu_new", "layer_norm_epsilon": 1e-05, "tie_word_embeddings": false}
JSON
"$program" bench pairs --count 16 --vocab 8192 --prompt 64:64 --response 64:64 --out "$folder/pairs.jsonl" > /dev/null

echo "| GPT-J's width, $layers layers, dpo, 2 pairs of 64 + 2 x 64 tokens | parameters, M | peak, MiB |"
echo "| --- | --- | --- |"
measure() {
	name=$1
	shift
	"$program" --engine "${ENGINE:-auto}" bench train --model-config "$folder/config.json" --layers "$layers" --pairs "$folder/pairs.jsonl" \
		--method dpo --batch 2 --steps 1 --json "$@" |
		awk -v name="$name" -F '[:,]' '/"params"/ {p = $2} /"peak_rss_mb"/ {m = $2} END {printf "| %s | %.0f | %d |\n", name, p / 1e6, m}'
}
measure "all weights" # float32
measure "all weights, gradient checkpointing" --gradient-checkpointing
measure "LoRA, rank 16" --lora-r 16
measure "LoRA, gradient checkpointing" --lora-r 16 --gradient-checkpointing
measure "QLoRA" --lora-r 16 --load-in-4bit
measure "QLoRA, gradient checkpointing" --lora-r 16 --load-in-4bit --gradient-checkpointing
