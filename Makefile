# One way to do each chore. `make` alone lists them.
#
# Needed: Python 3.11 or newer, this make, a package index that pip reaches. `policies` (and with it
# `test`) also needs OPA, which scripts/opa finds or builds with Go.

PYTHON ?=
VENV ?= .venv
# Processes that tests run in: one for each core, but not more than memory has room for, as each
# starts servers of its own.
WORKERS ?= auto
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# One environment in two steps, so that a first look need not wait for the tools of development.
RUN := $(VENV)/.installed-run
DEV := $(VENV)/.installed-dev

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

.PHONY: help
help: ## List what make can do
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: install
install: $(DEV) ## Make .venv with the runtime, the tools of development and this tree

.PHONY: demo
demo: $(RUN) ## Run a week of a fictional county through the broker, and check its log
	@$(BIN)/concordat demo

.PHONY: test
test: $(DEV) ## Check the policies, run every test, require 95 % branch coverage
	@scripts/policies check --if-possible
	@mkdir -p build/coverage
	$(BIN)/python -m pytest --cov --numprocesses $(WORKERS) --maxprocesses 4 --dist loadfile

.PHONY: soak
soak: $(DEV) ## Kill servers and parts again and again under load; CONCORDAT_SOAK_S=28800 for a night
	$(BIN)/python -m pytest -m soak --override-ini faulthandler_timeout=0

.PHONY: lint
lint: $(DEV) ## Check style, formatting and layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-logo

.PHONY: format
format: $(DEV) ## Format Python, and Rego where OPA is at hand
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .
	@scripts/policies format --if-possible

.PHONY: types
types: $(DEV) ## Check types
	$(BIN)/mypy

.PHONY: policies
policies: ## Check the policies: format, types, tests with full coverage, the committed module
	@scripts/policies check

.PHONY: module
module: ## Build policies/module.wasm anew, after a change of the Rego
	@scripts/policies build

.PHONY: bench
bench: $(DEV) ## Measure; each benchmark writes build/bench/NAME.json
	$(BIN)/python -m benchmarks

.PHONY: bench-kafka
bench-kafka: $(DEV) ## Measure on Kafka beside a bare copy and a pipeline by hand
	$(BIN)/python -m benchmarks.kafka

.PHONY: bench-adapters
bench-adapters: $(DEV) ## Measure the agencies' adapters: formats, publishing, a dropped file, MLLP
	$(BIN)/python -m benchmarks.adapters

.PHONY: bench-log
bench-log: $(DEV) ## Measure the log: searches of a large index, appends, proofs
	$(BIN)/python -m benchmarks.log

.PHONY: bench-check
bench-check: $(DEV) ## Try what the benchmarks start: a few records through each
	$(BIN)/python -m pytest -m bench

.PHONY: asyncapi
asyncapi: $(DEV) ## Make docs/asyncapi.yaml anew, after a change of the catalogue of topics
	$(BIN)/python -m broker.runtimes.asyncapi > docs/asyncapi.yaml

.PHONY: lock
lock: $(DEV) ## Resolve requirements/ anew; UPGRADE=1 takes the newest versions
	@UV=$(BIN)/uv scripts/lock $(if $(UPGRADE),--upgrade)

.PHONY: wheel
wheel: $(DEV) ## Build the wheel into dist/
	$(BIN)/python -m hatchling build -t wheel -d dist

.PHONY: up
up: ## Start Eastshire in containers, one for each party, with Kafka, OPA and PostgreSQL
	@deploy/make-secrets
	docker compose up --build --detach --wait

.PHONY: down
down: ## End the containers; VOLUMES=1 deletes what they hold, too
	docker compose --profile '*' down $(if $(VOLUMES),--volumes)

.PHONY: compose-check
compose-check: ## Start the containers under another name, try them, take them down
	@scripts/compose-check

.PHONY: clean
clean: ## Remove what make has built, and .venv
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis

$(BIN)/python:
	@python=$$(PYTHON=$(PYTHON) scripts/find-python) && "$$python" -m venv $(VENV)

$(RUN): requirements/run.txt requirements/build.txt pyproject.toml | $(BIN)/python
	@echo "Installing the runtime into $(VENV) (once; under a minute)"
	@$(PIP) install --require-hashes -r requirements/run.txt -r requirements/build.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(DEV): requirements/dev.txt $(RUN)
	@echo "Installing the tools of development into $(VENV) (once; under a minute)"
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@
