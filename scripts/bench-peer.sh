#!/usr/bin/env bash
# Compare bin/sparsepo with an eager PyTorch trainer on the same pairs, in turns, and print the ratios of their medians.
#
#   PEER=peer.py scripts/bench-peer.sh
#
# PEER takes the options --layers --dim --heads --vocab --pairs --method --batch --steps --threads, and --sample with --prompt
# A:B --new, and prints one line of JSON with tokens_per_s or new_tokens_per_s, and peak_rss_mb.
#
# SPARSEPO the program (bin/sparsepo)
# PYTHON   the interpreter (python3)
# THREADS  PyTorch's threads (as many as there are CPUs, as ONNX Runtime does)
#
# To compare on fewer CPUs, run it in a container or machine that has no more: ONNX Runtime starts a thread for every core of
# the machine, whatever taskset says.
#
# TURNS    measurements of each (3)
# STEPS    counted steps of each measurement (8)
set -euo pipefail

if [ -z "${PEER:-}" ]; then
	echo "bench-peer: set PEER to the path of a PyTorch script to compare with, as in: make bench-peer PEER=peer.py" >&2
	exit 2
fi
program=${SPARSEPO:-bin/sparsepo}
python=${PYTHON:-python3}
threads=${THREADS:-$(nproc)}
turns=${TURNS:-3}
steps=${STEPS:-8}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM

# field NAME < JSON prints the number under a name.
field() {
	tr ',{}' '\n\n\n' | sed -n "s/^ *\"$1\": *\([0-9.e+-]*\).*/\1/p" | head -n 1
}

# middle FILE prints the median of a column of numbers.
middle() {
	sort -n "$1" | awk '{ x[NR] = $1 } END { if (NR % 2) print x[(NR + 1) / 2]; else print (x[NR / 2] + x[NR / 2 + 1]) / 2 }'
}

# compare NAME FIELD OURS THEIRS measures two commands in turns and prints a row of the table.
compare() {
	: >"$work/ours" && : >"$work/theirs" && : >"$work/ours-mb" && : >"$work/theirs-mb"
	turn=0
	while [ "$turn" -lt "$turns" ]; do
		turn=$((turn + 1))
		# The commands are made of words without spaces.
		# shellcheck disable=SC2086
		$program $3 --json >"$work/out"
		field "$2" <"$work/out" >>"$work/ours"
		field peak_rss_mb <"$work/out" >>"$work/ours-mb"
		# shellcheck disable=SC2086
		$python "$PEER" $4 --threads "$threads" >"$work/out"
		field "$2" <"$work/out" >>"$work/theirs"
		field peak_rss_mb <"$work/out" >>"$work/theirs-mb"
	done
	awk -v name="$1" -v a="$(middle "$work/ours")" -v b="$(middle "$work/theirs")" \
		-v am="$(middle "$work/ours-mb")" -v bm="$(middle "$work/theirs-mb")" 'BEGIN {
		printf "%-52s %10.1f %10.1f %7.2f %8d %8d %7.2f\n", name, a, b, a / b, am, bm, am / bm }'
}

train() { # NAME SHAPE METHOD BATCH PAIRS
	options="$2 --method $3 --batch $4 --steps $steps --pairs $5"
	compare "$1, $3" tokens_per_s "bench train $options" "$options"
}

$program bench pairs --count 512 --vocab 8192 --prompt 8:32 --response 16:96 --out "$work/short.jsonl" >&2
$program bench pairs --count 128 --vocab 50257 --prompt 192:256 --response 16:64 --out "$work/long.jsonl" >&2

printf '%-52s %10s %10s %7s %8s %8s %7s\n' '' 'tokens/s' 'peer' 'ratio' 'MiB' 'peer' 'ratio'
for method in sparse-independent dpo; do
	train "6x512, vocabulary 8192, 8 pairs" "--layers 6 --dim 512 --heads 8 --vocab 8192" "$method" 8 "$work/short.jsonl"
	train "6x256, vocabulary 50257, 4 pairs" "--layers 6 --dim 256 --heads 4 --vocab 50257" "$method" 4 "$work/long.jsonl"
done
shape="--layers 6 --dim 256 --heads 4 --vocab 8192 --batch 32 --new 64 --steps $steps"
compare "sampling, 6x256, 32 rows, 64 tokens" new_tokens_per_s "bench sample $shape --prompt 16" "--sample $shape --prompt 16:16"
