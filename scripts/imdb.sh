#!/usr/bin/env bash
# Runs the sentiment experiment on real film reviews: BPE, a small GPT-2, a linear reward model, sampled pairs, a sweep over
# methods and β, the report. An interrupted run goes on where it stopped when the script is started again.
#
#   scripts/imdb.sh [OUT]            default imdb-out
#
# IMDB_DATA names the folder with train.jsonl.gz and test.jsonl.gz (fields text, label); default ../shared/data/imdb.
set -euo pipefail
cd "$(dirname "$0")/.."

out=${1:-imdb-out}
data=${IMDB_DATA:-../shared/data/imdb}
sparsepo=${SPARSEPO:-bin/sparsepo}

for part in train test; do
	if [ ! -f "$data/$part.jsonl.gz" ]; then
		echo "imdb: $data/$part.jsonl.gz is not there; set IMDB_DATA to the folder of the reviews" >&2
		exit 2
	fi
done
mkdir -p "$out"

# run RESULT COMMAND... runs a stage unless its result exists.
run() {
	local result=$1
	shift
	if [ -e "$result" ]; then
		echo "imdb: $result is there"
		return
	fi
	echo "$ sparsepo $*"
	"$sparsepo" "$@"
}

# HTML line breaks become line breaks, in the JSON strings themselves.
for part in train test; do
	if [ ! -f "$out/$part.jsonl" ]; then
		gzip -dc "$data/$part.jsonl.gz" | sed -e 's|<br /><br />|\\n|g' -e 's|<br />|\\n|g' >"$out/$part.tmp"
		mv "$out/$part.tmp" "$out/$part.jsonl"
	fi
done

run "$out/bpe" tokenizer train --data "$out/train.jsonl" --vocab-size 4096 --out "$out/bpe"
run "$out/base" init --tokenizer "$out/bpe" --layers 4 --hidden 256 --heads 4 --positions 96 --out "$out/base"

resume=()
if [ -e "$out/sft/metrics.jsonl" ]; then resume=(--resume); fi
run "$out/sft/final" sft --config scripts/imdb-sft.yaml --model "$out/base" --data "$out/train.jsonl" \
	--eval-data "$out/test.jsonl" --out "$out/sft" "${resume[@]}"
run "$out/reward" reward train --data "$out/train.jsonl" --eval-data "$out/test.jsonl" --out "$out/reward"
run "$out/prompts.jsonl" prompts --model "$out/sft/final" --data "$out/test.jsonl" --text-field text \
	--prefix-tokens 5:8 --limit 128 --seed 1 --out "$out/prompts.jsonl"
run "$out/pairs.jsonl" pairs --model "$out/sft/final" --reward "$out/reward" --data "$out/train.jsonl" --text-field text \
	--prefix-tokens 5:8 --limit 3000 --n 2 --max-new-tokens 48 --seed 2 --min-margin 0.1 --out "$out/pairs.jsonl"

echo "$ sparsepo sweep"
"$sparsepo" sweep --config scripts/imdb-sweep.yaml --methods dpo,tdpo2,mapo,sparse-common,sparse-independent --betas 0.1,0.8 \
	--model "$out/sft/final" --data "$out/pairs.jsonl" --out "$out/runs" \
	--set frontier.prompts="$out/prompts.jsonl" --set frontier.reward="$out/reward"
echo "imdb: the report is $out/runs/report.html"
