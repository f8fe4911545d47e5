# Everything a checkout needs; each target makes its own virtual environment when there is none.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.made-from-pyproject
# Tests of two processes at a time; `make test WORKERS=0` runs them in one.
WORKERS ?= 2
# What CI pins: `make test LOCK=requirements-ci.lock` installs these very files, by their hashes.
LOCK ?=
# Options for benchmarks, chaos and fuzz runs, e.g. `make chaos ARGS="--kills 500"`.
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help demo test check docs bench chaos fuzz audit clean

help: ## Show what can be made
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r name text; do \
		printf '  make %-7s %s\n' "$$name" "$$text"; done

demo: $(STAMP) ## Show the whole line at work: game server, base, Discord, all on this machine
	@$(BIN)/etstats demo $(ARGS)

test: check ## Check the style and types, then run every test
	$(BIN)/pytest -n $(WORKERS) --cov --cov-report=term:skip-covered $(ARGS)

check: $(STAMP) ## Lint, format, types and the floors of the house
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

docs: $(STAMP) ## Write docs/commands.md from the commands themselves
	$(BIN)/python -m typer etstats.cli utils docs --name etstats --title Commands --output docs/commands.md

bench: $(STAMP) ## Measure speed and scale, and write docs/benchmarks.md
	$(BIN)/python -m benchmarks $(ARGS)

chaos: $(STAMP) ## Kill, cut and starve it hundreds of times, and count what was lost
	$(BIN)/python -m benchmarks.chaos $(ARGS)

fuzz: $(STAMP) ## Feed the parser what no game server ever wrote
	$(BIN)/python -m benchmarks.fuzz $(ARGS)

audit: $(STAMP) ## Ask the database of vulnerabilities about every pinned dependency
	$(PYTHON) -m venv $(VENV)/audit
	$(VENV)/audit/bin/python -m pip install --quiet --disable-pip-version-check pip-audit
	$(VENV)/audit/bin/pip-audit --strict --disable-pip --requirement requirements-ci.lock

clean: ## Remove the virtual environment and everything that was made
	rm -rf $(VENV) build dist .coverage .coverage.* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find etstats tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# Made when there is none, brought up to date when pyproject.toml has changed.
$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "etstats needs Python 3.11 or newer: make $(MAKECMDGOALS) PYTHON=python3.11" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV) ..."
	@$(if $(LOCK),$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(LOCK))
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@
