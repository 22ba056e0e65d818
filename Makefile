# What a developer and the build gate run. `make help` lists it.

.DEFAULT_GOAL := help
PEERS := bench/peers
PG ?= 18
# Tests of what reaches the database: statements, the protocol, daemons.
ON_POSTGRES := --test store --test protocol --test faults --test walk --test orders --test fairness
.PHONY: help demo test test-pooled test-postgres lint fmt chaos soak bench bench-peers bench-parts check-all manifests image-test deny sbom

help: ## List the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

demo: ## See it work: a private Postgres, sample candles, a bundle, live progress
	@scripts/ensure-tools
	cargo run --locked -- demo

test: ## Run all tests that are not slow
	@scripts/ensure-tools cargo-nextest influxdb psycopg pg
	cargo nextest run --locked

# One test is left out: it freezes a daemon's server processes, which are the pooler's here.
test-pooled: ## Run the tests of store, protocol and daemons through pgbouncer in transaction mode
	@scripts/ensure-tools cargo-nextest pgbouncer
	SLUICEGATE_TEST_POOLER=1 cargo nextest run --locked $(ON_POSTGRES) \
		-E 'not test(/connections_that_fall_silent/)'

test-postgres: ## Run the same on another Postgres, from npm: make test-postgres PG=18 (14, 16, 17)
	@scripts/ensure-tools cargo-nextest
	SLUICEGATE_PG_BIN="$$(scripts/postgres-binaries $(PG))" cargo nextest run --locked $(ON_POSTGRES)

lint: ## Check format, clippy and documentation; warnings are errors
	@scripts/ensure-tools
	cargo fmt --check
	cargo clippy --all-targets --locked -- -D warnings
	RUSTDOCFLAGS=-Dwarnings cargo doc --no-deps --document-private-items --locked

fmt: ## Format the code
	cargo fmt

chaos: ## 200 schedules of faults from a seed, and recovery after kills; CHAOS_SEED=n repeats one, docs/faults.md says more
	@scripts/ensure-tools cargo-nextest libfaketime
	cargo nextest run --locked --test chaos --run-ignored ignored-only --no-capture \
		-E 'test(/^suite|^recovery/)'

soak: ## Mixed load with faults for MINUTES=n; sizes, dead rows and memory over time stay flat
	@scripts/ensure-tools cargo-nextest
	SOAK_MINUTES=$(or $(MINUTES),10) cargo nextest run --locked --test chaos --run-ignored ignored-only \
		--no-capture -E 'test(/^soak/)'

bench: ## Measure the whole path against what it must reach; docs/benchmarks.md says what that is
	@scripts/ensure-tools
	cargo bench --locked --bench whole_path

bench-peers: ## Measure other job queues beside ours; needs Node and npm
	@scripts/ensure-tools
	cargo build --release --locked --manifest-path $(PEERS)/rust/Cargo.toml --target-dir $(PEERS)/rust/target
	npm ci --prefix $(PEERS)/node --no-audit --no-fund
	cargo bench --locked --bench peers

bench-parts: ## Measure engine, checkpoints, candles, metrics, signals and pipes alone
	@scripts/ensure-tools
	cargo bench --locked --bench engine --bench checkpoint --bench candles --bench metrics --bench signals --bench pipe

manifests: ## Build all manifests and hold them against the schemas of Kubernetes; needs kubectl and python3
	scripts/check-manifests

image-test: ## Build the image and run a job in it; needs docker
	scripts/image-test

deny: ## Licences and origins of dependencies; needs cargo-deny
	cargo deny --locked check bans licenses sources

sbom: ## What the program is made of, as CycloneDX JSON: target/sluicegate.cdx.json; needs python3
	@mkdir -p target
	scripts/sbom > target/sluicegate.cdx.json

check-all: lint ## Everything but the soak: lint, slow tests and all of make chaos too, each bench once
	@scripts/ensure-tools cargo-nextest pgbouncer influxdb libfaketime promtool psycopg pg chromium
	cargo nextest run --locked --run-ignored all -E 'not test(/^soak/)'
	$(MAKE) test-pooled
	cargo test --doc --locked
	cargo test --benches --locked
