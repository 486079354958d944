# The commands of this project; `make` lists them. They need Go, a C compiler and make; npm fetches the fast engine.

export GOEXPERIMENT := simd
export GOMLX_NO_AUTO_INSTALL := 1
export GOFLAGS := -buildvcs=false $(GOFLAGS)

GO ?= go
GOLANGCI_LINT := $(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.12.2
BIN := bin/sparsepo
OUT ?= demo-out
IMDB_OUT ?= imdb-out
FUZZTIME ?= 30s

# Packages whose tests know -update.
SNAPSHOTS := ./cmd/sparsepo

.DEFAULT_GOAL := help
.PHONY: help build engine engine-if-possible test race lint fmt golden fuzz bench bench-peer gpu cover demo imdb check

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-10s %s\n", $$1, $$2 }'

build: ## build bin/sparsepo
	$(GO) build -o $(BIN) ./cmd/sparsepo

engine: ## install ONNX Runtime, the fast compute engine, for this user
	@scripts/engine.sh

engine-if-possible:
	@scripts/engine.sh || echo "engine: going on with the Go engine" >&2

test: engine-if-possible ## run the tests, on every engine that is or can be installed
	$(GO) test ./...

race: ## run the tests with the race detector
	$(GO) test -race ./...

lint: ## report what the linters find
	$(GOLANGCI_LINT) run ./...

fmt: ## format the sources
	$(GOLANGCI_LINT) fmt ./...

golden: ## rewrite the snapshots of our own output (read the difference before you commit it)
	$(GO) test $(SNAPSHOTS) -update

fuzz: ## run every fuzz test for FUZZTIME (30s)
	@for package in $$($(GO) list ./...); do \
		for name in $$($(GO) test -list '^Fuzz' $$package | grep '^Fuzz'); do \
			echo "$$package $$name"; \
			$(GO) test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) $$package || exit 1; \
		done; \
	done

bench: ## run the benchmarks
	$(GO) test -run '^$$' -bench . -benchmem ./...

bench-peer: engine-if-possible build ## compare speed and memory with a PyTorch trainer: make bench-peer PEER=peer.py
	@scripts/bench-peer.sh

gpu: ## check and measure on an NVIDIA GPU (docs/gpu.md)
	@scripts/gpu.sh

cover: ## write coverage.out and print the coverage of each package
	$(GO) test -coverprofile coverage.out ./...
	@$(GO) tool cover -func coverage.out | tail -n 1

demo: engine-if-possible build ## run the whole experiment, small, and write its page to OUT (demo-out)
	$(BIN) demo --out $(OUT)
	@echo "the page is $(OUT)/report.html"

imdb: engine-if-possible build ## run the experiment on real film reviews into IMDB_OUT (imdb-out); takes about an hour
	scripts/imdb.sh $(IMDB_OUT)

check: ## what a change must pass: formatting, linters, tests
	$(GOLANGCI_LINT) fmt --diff ./...
	$(MAKE) --no-print-directory lint test
