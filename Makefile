# camsync: what a person types. Every target does its own set-up; CI calls the same ones (.ci/run).
#
#   make demo            a living demo on loopback (ONCE=1: play it through and end; MEMBERS=200; LANG_=zh)
#   make test            every test of the workspace
#   make fuzz            each fuzz target for FUZZ=60 seconds; an hour each before a release (FUZZ=3600)
#   make simulate SEEDS=n  drawn histories of the pipeline, in virtual time
#   make lint docs audit what CI checks besides
#   make soak nightly    what takes an hour; what takes a night
#   make build install   the release program; PREFIX=/usr/local
#   make deb             the Debian package

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PREFIX ?= /usr/local
ONCE ?=
MEMBERS ?=
LANG_ ?=
FUZZ ?= 60
SEEDS ?= 1000
FROM ?=
SHARD ?=
CARGO ?= cargo
TARGET_DIR = $(or $(CARGO_TARGET_DIR),target)

# One set of compiled dependencies serves demo, test, lint and docs: all take the whole workspace in the dev profile,
# and all name a target that needs dev-dependencies (the examples, for demo and docs), because those switch on features
# that would otherwise compile half of the dependencies twice.
WHOLE := --workspace --locked

.PHONY: help
help: ## What there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: ## Look for what the build needs, and install what is missing
	@./.ci/setup

.PHONY: demo
demo: setup ## The living demo; ONCE=1 plays it through and ends
	@$(CARGO) build $(WHOLE) --bins --examples
	@exec $(TARGET_DIR)/debug/camsync $(if $(LANG_),--lang $(LANG_)) demo $(if $(ONCE),--once) $(if $(MEMBERS),--members $(MEMBERS))

.PHONY: test
test: setup ## Every test of the workspace, doc tests too
	@$(CARGO) test $(WHOLE) --doc
	@if $(CARGO) nextest --version >/dev/null 2>&1; then \
	  $(CARGO) nextest run $(WHOLE) --no-fail-fast; \
	else \
	  $(CARGO) test $(WHOLE) --lib --bins --tests --examples --no-fail-fast; \
	fi

.PHONY: fuzz
fuzz: setup ## Each fuzz target for FUZZ seconds, with libFuzzer, and two tests through the real binary without
	@./tests/fuzz/run.sh $(FUZZ)
	@CAMSYNC_FUZZ=$(FUZZ) $(CARGO) test $(WHOLE) --package camsync --test e2e mutated:: -- --nocapture

.PHONY: simulate
simulate: setup ## Histories drawn from SEEDS seeds (from FROM on), against the oracle; a failure prints its replay
	@$(CARGO) build $(WHOLE) --bin camsync-simulation --test seeds
	@$(TARGET_DIR)/debug/camsync-simulation --seeds $(SEEDS) $(if $(FROM),--from $(FROM))

.PHONY: format
format: ## Write the code as rustfmt wants it
	@$(CARGO) fmt --all

.PHONY: lint
lint: setup ## Formatting, and clippy with warnings as errors
	@$(CARGO) fmt --all --check
	@$(CARGO) clippy $(WHOLE) --all-targets -- --deny warnings

.PHONY: docs
docs: setup ## The API documentation, with warnings as errors
	@RUSTDOCFLAGS='--deny warnings' $(CARGO) doc $(WHOLE) --lib --examples --no-deps --document-private-items

.PHONY: audit
audit: ## Licences, bans, sources and advisories of the dependencies
	@./.ci/audit

.PHONY: bench
bench: setup ## The benchmarks; figures are in docs/benchmarks.md
	@./tests/benchmarks/run.sh

SOAK ?= 3600
.PHONY: soak
soak: setup ## The daemon under churn and faults for SOAK=3600 seconds: what it holds must stay flat
	@$(CARGO) build $(WHOLE) --bins --examples
	@exec $(TARGET_DIR)/debug/camsync-benchmarks soak $(SOAK)

# What takes hours. Each part goes on after one that failed, and the whole fails then.
.PHONY: mutants
mutants: setup ## Mutation testing of the pure steps, the CAM client and the pipeline; SHARD=1/20 for a part of it
	@$(CARGO) mutants --version >/dev/null 2>&1 || $(CARGO) install --locked cargo-mutants
	@$(CARGO) mutants --package camsync-core --package camsync-cam --cap-lints true $(if $(SHARD),--shard $(SHARD))
	@$(CARGO) build $(WHOLE) --bin camsync-mutants
	@$(TARGET_DIR)/debug/camsync-mutants --least 85 $(if $(SHARD),--shard $(SHARD))

.PHONY: nightly
nightly: setup ## What takes hours: 10,000 seeds, 1,000 kills, mutants, an hour of fuzzing and one of soak
	@failed=; \
	part() { echo "== $$*"; "$$@" || failed="$$failed [$$*]"; }; \
	part $(MAKE) simulate SEEDS=10000; \
	part env CAMSYNC_KILLS=1000 $(CARGO) nextest run $(WHOLE) -E 'binary(e2e) and test(kills)'; \
	part $(MAKE) fuzz FUZZ=450; \
	part $(MAKE) mutants; \
	part $(MAKE) soak SOAK=3600; \
	[ -z "$$failed" ] || { echo "failed:$$failed" >&2; exit 1; }

.PHONY: build
build: setup ## The release program, complete in target/release/camsync
	@$(CARGO) build --release --locked --package camsync

.PHONY: install
install: build ## Install the program, its manual pages and completions under PREFIX
	@install -d '$(DESTDIR)$(PREFIX)/bin' '$(DESTDIR)$(PREFIX)/share/man/man1' \
	  '$(DESTDIR)$(PREFIX)/share/bash-completion/completions' '$(DESTDIR)$(PREFIX)/share/zsh/site-functions' \
	  '$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d'
	@install -m 755 $(TARGET_DIR)/release/camsync '$(DESTDIR)$(PREFIX)/bin/camsync'
	@$(TARGET_DIR)/release/camsync man '$(DESTDIR)$(PREFIX)/share/man/man1'
	@$(TARGET_DIR)/release/camsync completions bash > '$(DESTDIR)$(PREFIX)/share/bash-completion/completions/camsync'
	@$(TARGET_DIR)/release/camsync completions zsh > '$(DESTDIR)$(PREFIX)/share/zsh/site-functions/_camsync'
	@$(TARGET_DIR)/release/camsync completions fish > '$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/camsync.fish'
	@echo 'installed $(DESTDIR)$(PREFIX)/bin/camsync'

.PHONY: deb
deb: build ## The Debian package, in target/debian
	@./config/debian/build $(TARGET_DIR)/release/camsync $(TARGET_DIR)/debian

.PHONY: uninstall
uninstall: ## Remove what `make install` installed
	@rm -f '$(DESTDIR)$(PREFIX)/bin/camsync' '$(DESTDIR)$(PREFIX)/share/man/man1/'camsync*.1 \
	  '$(DESTDIR)$(PREFIX)/share/bash-completion/completions/camsync' \
	  '$(DESTDIR)$(PREFIX)/share/zsh/site-functions/_camsync' \
	  '$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/camsync.fish'

.PHONY: clean
clean: ## Remove everything that was built
	@$(CARGO) clean
