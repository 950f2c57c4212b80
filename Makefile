# The whole working life of the project; `make help` lists it. CI runs the same targets.
# Cargo is always asked for the whole workspace: a part of it would build the dependencies anew with other features.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help run test check fmt-check clippy docs-check rooms shell-check fmt proto-lint proto-baseline build bench fuzz demo-reset docs deny

CARGO ?= cargo
FUZZ_SECONDS ?= 60

help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' Makefile

run: ## start everything in one process with the demo, on http://127.0.0.1:8080
	@echo "Building HostelPulse; the first time takes some minutes …"
	@$(CARGO) build --release --workspace --bins --locked
	@exec target/release/hostelpulse up --demo

test: ## every test on embedded stores, then the integration tests on PostgreSQL, Redis and RabbitMQ
	@deploy/test/run.sh

check: fmt-check shell-check rooms clippy docs-check proto-lint ## everything a machine can say without running the product: format, lints, docs, protos, rooms

fmt-check:
	$(CARGO) fmt --all --check

clippy:
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings

docs-check:
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --locked

rooms:
	@deploy/test/rooms.sh

shell-check:
	@if command -v shellcheck >/dev/null; then shellcheck deploy/test/*.sh .ci/run; \
	else echo "shellcheck is not installed: the shell scripts are not checked"; fi

fmt: ## format the code
	$(CARGO) fmt --all

proto-lint: ## hold the protos against our rules and against the contract that clients rely on
	$(CARGO) test --workspace --locked --test lint

proto-baseline: ## accept the protos as they are now as the contract that clients rely on
	ACCEPT_BASELINE=1 $(CARGO) test --workspace --locked --test lint

build: ## the release binaries, in target/release
	$(CARGO) build --release --workspace --bins --locked

bench: build ## load and fault measurements; ARGS say which: hop, login, students, scans, reports, tickets, import, upload
	target/release/bench $(ARGS)

fuzz: ## throw garbage at the reader of roll calls' tokens for FUZZ_SECONDS, 60 unless said; needs cargo-fuzz and a nightly compiler
	@command -v cargo-fuzz >/dev/null || { echo "cargo-fuzz is not installed: cargo install --locked cargo-fuzz@0.13.1" >&2; exit 1; }
	cp Cargo.lock crates/attendance/fuzz/Cargo.lock
	cd crates/attendance && $(CARGO) +nightly fuzz run --sanitizer none token -- -max_total_time=$(FUZZ_SECONDS)

demo-reset: ## start over: put ./data aside as ./data.previous; the next `make run` seeds it anew
	@if [ -d data ]; then rm -rf data.previous && mv data data.previous && echo "data is now data.previous"; \
	else echo "nothing to reset: there is no ./data"; fi

docs: ## the API documentation of the code, in target/doc
	$(CARGO) doc --workspace --no-deps --locked

deny: ## licences, sources and known vulnerabilities of the dependencies; DENY_FLAGS=--offline takes the database as it is
	@command -v cargo-deny >/dev/null || { echo "cargo-deny is not installed: cargo install --locked cargo-deny" >&2; exit 1; }
	$(CARGO) deny $(DENY_FLAGS) --locked check
