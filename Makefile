# Every target is one line of what you would type. `make demo` first, `make test` second.

CARGO ?= cargo

.PHONY: help demo run test ci golden sheets docs fuzz conformance cross-check bench lint setup
.PHONY: check-format clippy doctest tidy check-docs check-deny nextest

help: ## What can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /  make \1\t/' | expand -t 20

demo: ## Build, serve, run a pipeline on a photograph, show the result
	@scripts/setup.sh build
	@scripts/demo.sh

run: ## Build and serve in the foreground on http://127.0.0.1:8080
	@scripts/setup.sh build
	$(CARGO) run --package cli -- serve

test: setup ## All tests
	$(CARGO) nextest run --workspace
	$(CARGO) test --workspace --doc --quiet

lint: check-format clippy tidy check-docs check-deny ## Everything that is checked without running the product

ci: setup lint doctest ## What must pass before a change lands
	@scripts/demo.sh
	$(CARGO) nextest run --workspace

golden: ## Accept the pictures that the golden tests make as the expected ones
	GOLDEN=accept $(CARGO) nextest run --workspace golden

sheets: ## Draw what every filter does into docs/images/filters
	$(CARGO) run --package imaging --example sheets

docs: ## Write docs/operations.md, errors.md, configuration.md and openapi.json again
	$(CARGO) xtask docs

fuzz: ## Fuzz the reader of each format for a minute (nightly Rust and cargo-fuzz)
	scripts/fuzz.sh

conformance: ## Read the public test files of other projects, and tell how it went
	$(CARGO) build --quiet --package cli
	scripts/conformance.sh

cross-check: ## Read what we write with independent tools, and compare
	$(CARGO) build --quiet --package cli
	scripts/cross-check.sh

bench: ## Measure against sharp (Node.js and npm)
	bench/run.sh

setup: ## Install what is missing to build and test on Debian
	@scripts/setup.sh

check-format:
	$(CARGO) fmt --all --check

clippy:
	$(CARGO) clippy --workspace --all-targets --quiet -- -D warnings

doctest:
	$(CARGO) test --workspace --doc --quiet

tidy:
	$(CARGO) xtask tidy

check-docs:
	$(CARGO) xtask docs --check

check-deny:
	@if command -v cargo-deny >/dev/null; then $(CARGO) deny check bans licenses sources; fi
