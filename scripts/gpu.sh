#!/usr/bin/env bash
# Checks sparsepo on an NVIDIA GPU, through XLA, and compares its training with PyTorch's there. docs/gpu.md says more.
#
#   scripts/gpu.sh install         fetch the XLA plugin and its CUDA libraries for this user
#   scripts/gpu.sh test            the tests of graphs and the reference cases, on the GPU
#   scripts/gpu.sh bench           GPT-2 Large's shape, 8 pairs of 64 + 192 tokens, bfloat16, in turns with PyTorch
#   scripts/gpu.sh [all]           test, then bench
#
# The results are printed and written to OUT, a Markdown file.
#
# OUT      (gpu-results.md); logs of failed measurements are put beside it
# PLUGIN   the XLA plugin, an absolute path (else that of go-xla's installer is looked for)
# ENGINE   the engine (xla:PLUGIN); GoMLX's options may follow, as in xla:/path/to/plugin.so,memory_fraction=0.9
# GPU      which one, as nvidia-smi counts (0)
# PYTHON   an interpreter with PyTorch 2 built for CUDA (python3)
# METHODS  (sparse-independent dpo)
# SHAPE    (--layers 36 --dim 1280 --heads 20 --vocab 50257)
# DTYPE    bfloat16 or float32 (bfloat16)
# BATCH    pairs a step (8)
# TURNS    measurements of each (5)
# STEPS    counted steps of each measurement (10)
# PEERS    how PyTorch runs (eager compile)
# DEVICE   PyTorch's (cuda). ENGINE=go DEVICE=cpu with a small SHAPE rehearses the script on a machine without a GPU.
set -euo pipefail
cd "$(dirname "$0")/.."

export GOEXPERIMENT=simd GOMLX_NO_AUTO_INSTALL=1
out=${OUT:-gpu-results.md}
python=${PYTHON:-python3}
methods=${METHODS:-sparse-independent dpo}
shape=${SHAPE:---layers 36 --dim 1280 --heads 20 --vocab 50257}
dtype=${DTYPE:-bfloat16}
batch=${BATCH:-8}
turns=${TURNS:-5}
steps=${STEPS:-10}
peers=${PEERS:-eager compile}
device=${DEVICE:-cuda}
gpu=${GPU:-0}
export CUDA_DEVICE_ORDER=PCI_BUS_ID CUDA_VISIBLE_DEVICES=$gpu
sparsepo=bin/sparsepo
status=0

die() {
	echo "gpu: $1" >&2
	exit "${2:-1}"
}

# find_plugin prints the path of the plugin.
find_plugin() {
	local path
	for path in "${PLUGIN:-}" "$HOME/.local/lib/go-xla/nvidia/pjrt_c_api_cuda_plugin.so" /usr/local/lib/go-xla/nvidia/pjrt_c_api_cuda_plugin.so; do
		if [ -n "$path" ] && [ -f "$path" ]; then
			realpath "$path"
			return
		fi
		if [ -n "${PLUGIN:-}" ]; then
			die "PLUGIN $PLUGIN is no file" 2
		fi
	done
	die "no XLA plugin found; run scripts/gpu.sh install, or set PLUGIN to the path of one (docs/gpu.md)" 2
}

# prepare builds the program, opens the engine and begins the results.
prepare() {
	if [ -z "${ENGINE:-}" ]; then
		engine=xla:$(find_plugin)
	else
		engine=$ENGINE
	fi
	name="no GPU"
	if [[ $engine == xla:* && $device == cuda ]]; then
		command -v nvidia-smi >/dev/null || die "nvidia-smi is missing: there is no driver for an NVIDIA GPU here"
		name=$(nvidia-smi -i "$gpu" --query-gpu=name,memory.total,driver_version --format=csv,noheader) ||
			die "nvidia-smi finds no GPU $gpu; set GPU to the number of one"
	fi
	go build -buildvcs=false -o "$sparsepo" ./cmd/sparsepo
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	"$sparsepo" bench pairs --count 64 --vocab 50 --prompt 4:4 --response 6:6 --out "$work/tiny.jsonl" >/dev/null
	"$sparsepo" --engine "$engine" bench train --layers 1 --dim 16 --heads 2 --vocab 50 --batch 2 --steps 1 --pairs "$work/tiny.jsonl" >/dev/null ||
		die "the engine $engine does not work"
	{
		echo "# $name, $(date -u +%Y-%m-%d)"
		echo
		echo "Commit $(git rev-parse --short HEAD 2>/dev/null || echo unknown), engine $(basename "${engine%%,*}")."
		echo
	} >"$work/results"
}

# finish prints the results and puts them into OUT.
finish() {
	cp "$work/results" "$out.part"
	mv "$out.part" "$out"
	echo
	cat "$out"
	echo "gpu: written to $out" >&2
}

# run_tests LABEL PATTERN COMMAND... runs tests and notes how many of those that match the pattern passed, failed and were skipped.
run_tests() {
	local label=$1 pattern=$2 ok=yes passed failed skipped
	shift 2
	echo "gpu: $label" >&2
	"$@" >"$work/log" 2>&1 || ok=no
	passed=$(grep -c -E -- "--- PASS: $pattern" "$work/log" || true)
	failed=$(grep -c -E -- "--- FAIL: $pattern" "$work/log" || true)
	skipped=$(grep -c -E -- "--- SKIP: " "$work/log" || true)
	echo "| $label | $passed | $failed | $skipped |" >>"$work/results"
	if [ "$ok" = no ] || [ "$passed" = 0 ]; then
		status=1
		cp "$work/log" "$out.tests.log"
		echo "gpu: $label: $passed tests passed, $failed failed; see $out.tests.log" >&2
	fi
}

test_all() {
	local kind=${engine%%:*} plugin=${engine#*:}
	printf '%s\n' "| tests on $kind | passed | failed | skipped |" "| --- | --- | --- | --- |" >>"$work/results"
	if [ "$kind" = xla ]; then
		run_tests "operations and their gradients against the Go engine" "TestParity/xla" \
			env PJRT_PLUGIN_LIBRARY_PATH="$(dirname "${plugin%%,*}")" go test -count=1 -v -timeout 60m -run 'TestParity' ./engine
	fi
	run_tests "reference cases: values, gradients, AdamW" "TestGolden/.*/$kind/" \
		env GOLDEN_ENGINES="$engine" go test -count=1 -v -timeout 120m -run 'TestGolden' ./internal/step
	run_tests "other tests of steps, models, masks, losses and sampling" ".*/$kind(/|$| )" \
		env GOLDEN_ENGINES="$engine" go test -count=1 -v -timeout 120m -skip 'TestGolden|TestLoading' \
		./internal/step ./model ./mask ./loss ./internal/nf4 ./internal/activation ./internal/likelihood ./internal/sample
	echo >>"$work/results"
}

# field NAME FILE prints the number under a name of a line of JSON.
field() {
	# shellcheck disable=SC2020 # three characters, each to the same
	tr ',{}' '\n\n\n' <"$2" | sed -n "s/^ *\"$1\": *\([0-9.e+-]*\).*/\1/p" | head -n 1
}

# middle FILE prints the median of a column of numbers, or nothing.
middle() {
	sort -n "$1" | awk '{ x[NR] = $1 } END { if (NR % 2) print x[(NR + 1) / 2]; else if (NR) print (x[NR / 2] + x[NR / 2 + 1]) / 2 }'
}

# measure WHO COMMAND... runs a command once and keeps its speed and the most memory that the GPU had in use.
measure() {
	local who=$1 sampler=""
	shift
	if [ "$device" = cuda ]; then
		nvidia-smi -i "$gpu" --query-gpu=memory.used --format=csv,noheader,nounits -lms 200 >"$work/used" &
		sampler=$!
	fi
	if "$@" >"$work/json" 2>"$work/log"; then
		field tokens_per_s "$work/json" >>"$work/speed-$who"
		echo "gpu: $who: $(tail -n 1 "$work/speed-$who") tokens/s" >&2
	else
		status=1
		cp "$work/log" "$out.$who.log"
		echo "gpu: $who failed: $(tail -n 1 "$work/log"); see $out.$who.log" >&2
	fi
	if [ -n "$sampler" ]; then
		kill "$sampler" 2>/dev/null || true
		wait "$sampler" 2>/dev/null || true
		sort -n "$work/used" | tail -n 1 >>"$work/memory-$who"
	fi
}

# row METHOD prints a row of the table from the measurements.
row() {
	local ours who theirs
	ours=$(middle "$work/speed-sparsepo")
	awk -v name="$1" -v a="$ours" 'BEGIN { printf "| %s | %s |", name, a ? sprintf("%.1f", a) : "failed" }'
	for who in $peers; do
		theirs=$(middle "$work/speed-$who")
		awk -v a="$ours" -v b="$theirs" 'BEGIN { if (a && b) printf " %.1f | %.2f |", b, a / b; else printf " %s | |", b ? b : "failed" }'
	done
	for who in sparsepo $peers; do
		printf ' %s |' "$(middle "$work/memory-$who")"
	done
	echo
}

bench_method() {
	local method=$1 who turn options
	read -r -a options <<<"$shape --method $method --batch $batch --steps $steps --dtype $dtype --pairs $work/pairs.jsonl"
	for who in sparsepo $peers; do
		: >"$work/speed-$who"
		: >"$work/memory-$who"
	done
	for turn in $(seq "$turns"); do
		echo "gpu: $method, turn $turn of $turns" >&2
		measure sparsepo "$sparsepo" --engine "$engine" bench train "${options[@]}" --json
		for who in $peers; do
			case $who in
			eager) measure "$who" "$python" scripts/torch_step.py "${options[@]}" --device "$device" ;;
			compile) measure "$who" "$python" scripts/torch_step.py "${options[@]}" --device "$device" --compile ;;
			*) die "PEERS: unknown way $who to run PyTorch; known: eager compile" 2 ;;
			esac
		done
	done
	row "$method" >>"$work/results"
}

bench() {
	local vocab method who
	vocab=$(echo "$shape" | sed -n 's/.*--vocab \([0-9]*\).*/\1/p')
	[ -n "$vocab" ] || die "SHAPE: --vocab is missing" 2
	"$python" -c 'import torch' || die "$python has no PyTorch; set PYTHON to an interpreter that has"
	"$sparsepo" bench pairs --count 64 --vocab "$vocab" --prompt 64:64 --response 192:192 --out "$work/pairs.jsonl" >/dev/null
	{
		echo "\`$shape\`, $dtype, $batch pairs of 64 + 192 tokens, PyTorch $("$python" -c 'import torch; print(torch.__version__)')."
		echo "Medians of $turns measurements of $steps steps each, in turns; tokens/s of both sides; MiB as nvidia-smi counts them, at most."
		echo
		printf '| method | sparsepo, tokens/s |'
		for who in $peers; do printf ' PyTorch %s | ratio |' "$who"; done
		for who in sparsepo $peers; do printf ' MiB, %s |' "$who"; done
		printf '\n| --- | --- |'
		for who in $peers; do printf ' --- | --- |'; done
		for who in sparsepo $peers; do printf ' --- |'; done
		echo
	} >>"$work/results"
	for method in $methods; do bench_method "$method"; done
}

case "${1:-all}" in
install)
	[ "$(uname -s)-$(uname -m)" = Linux-x86_64 ] || die "the plugin is packaged for Linux on amd64"
	go run scripts/plugin.go
	;;
test)
	prepare
	test_all
	finish
	;;
bench)
	prepare
	bench
	finish
	;;
all)
	prepare
	test_all
	bench
	finish
	;;
*) die "unknown part $1; known: install, test, bench, all" 2 ;;
esac
exit "$status"
