#!/usr/bin/env bash
# How the cost of a training step grows: with the length of responses, the vocabulary, the batch, the width and the depth, one
# at a time from a middle shape. Prints a Markdown table. Takes some minutes and 3 GB.
#
#   scripts/scaling.sh     SPARSEPO names another binary, ENGINE another engine, STEPS the counted steps (4)
set -euo pipefail
program=${SPARSEPO:-bin/sparsepo}
steps=${STEPS:-4}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM

# measure NAME LAYERS DIM HEADS VOCAB BATCH RESPONSE
measure() {
	pairs="$work/$5-$7.jsonl"
	# The commands are made of words without spaces.
	# shellcheck disable=SC2086
	[ -f "$pairs" ] || $program bench pairs --count 64 --vocab "$5" --prompt 32:32 --response "$7:$7" --out "$pairs" >&2
	# shellcheck disable=SC2086
	$program --engine "${ENGINE:-auto}" bench train --layers "$2" --dim "$3" --heads "$4" --vocab "$5" --batch "$6" --ctx 1024 --steps "$steps" \
		--method sparse-independent --pairs "$pairs" --json |
		awk -v name="$1" -F '[:,]' '
			/"params"/ { p = $2 / 1e6 } /"median_step_s"/ { s = $2 } /"tokens_per_s"/ { t = $2 } /"peak_rss_mb"/ { m = $2 }
			/"first_step_s"/ { f = $2 } /"useful_gflops"/ { u = $2 } /"product_gflops"/ { g = $2 }
			END { printf "| %s | %.1f | %.3f | %.0f | %.0f %% | %d | %.1f |\n", name, p, s, t, 100 * u / g, m, f }'
}

echo "| changed | parameters, M | step, s | tokens/s | of a plain product | peak, MiB | first step, s |"
echo "| --- | --- | --- | --- | --- | --- | --- |"
measure "nothing" 4 256 4 8192 8 64
measure "responses of 32 tokens" 4 256 4 8192 8 32
measure "responses of 128 tokens" 4 256 4 8192 8 128
measure "responses of 256 tokens" 4 256 4 8192 8 256
measure "vocabulary of 2048" 4 256 4 2048 8 64
measure "vocabulary of 50257" 4 256 4 50257 8 64
measure "2 pairs" 4 256 4 8192 2 64
measure "32 pairs" 4 256 4 8192 32 64
measure "width 512, 8 heads" 4 512 8 8192 8 64
measure "width 768, 12 heads" 4 768 12 8192 8 64
measure "8 layers" 8 256 4 8192 8 64
measure "12 layers" 12 256 4 8192 8 64
