# Everything a newcomer types. The work itself is in scripts/, which can be run without make too.

.DEFAULT_GOAL := help
.PHONY: help build demo test bench lint format

executable := .build/release/postrider

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## Build the executable for release: .build/release/postrider
	@scripts/prepare build
	swift build -c release --product postrider

demo: ## Show the whole story on a throw-away database
	@scripts/prepare demo
	swift build -c release --product postrider
	$(executable) demo

test: ## Check formatting and layering, build everything, run all tests
	@scripts/test

bench: ## Measure throughput and latency on this machine
	@scripts/prepare bench
	swift build -c release --product postrider
	scripts/bench

lint: ## Check formatting and layering only
	@scripts/lint

format: ## Format all Swift files in place
	swift format --in-place --parallel --recursive Sources Tests Package.swift
