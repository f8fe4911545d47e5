# Development tasks; each target creates the virtual environment if there is none.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.made-from-pyproject
# Processes that run tests; `make test WORKERS=0` runs them in this one.
WORKERS ?= 3
# Pinned versions: `make test LOCK=requirements-ci.lock` installs exactly these files, checked by hash.
LOCK ?=
# Options for benchmarks, chaos, attack and fuzz runs, e.g. `make chaos ARGS="--kills 500"`.
ARGS ?=

.DEFAULT_GOAL := help
# The version to release, e.g. `make release VERSION=0.2.0`.
VERSION ?=

# Set in many container images; thousands of processes of the tests import etstats.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test test-fast coverage check docs manual bench chaos attack fuzz audit release clean

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r name text; do \
		printf '  make %-9s %s\n' "$$name" "$$text"; done

demo: $(STAMP) ## Run everything on this machine: game server, database, Discord stand-in
	@$(BIN)/etstats demo $(ARGS)

test: check ## Check style and types, then run all tests
	$(BIN)/pytest -n $(WORKERS) --dist worksteal $(ARGS)

coverage: $(STAMP) ## Run all tests and list the lines that none of them reaches
	$(BIN)/pytest -q -n $(WORKERS) --dist worksteal --cov --cov-report=term-missing:skip-covered $(ARGS)

# These tests wait for nothing, and each worker collects all tests first.
test-fast: WORKERS = 2
test-fast: $(STAMP) ## Run the tests that need no PostgreSQL and no other server
	$(BIN)/pytest -q -n $(WORKERS) --dist worksteal -m 'not postgres and not slow' $(ARGS)

check: $(STAMP) ## Check lint, format, spelling, types and import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

docs: $(STAMP) ## Write docs/commands.md from the help texts
	$(BIN)/python .ci/commands_page.py

manual: $(STAMP) ## Build the pages of docs/ as a site in build/manual
	$(PYTHON) -m venv $(VENV)/manual
	$(VENV)/manual/bin/python -m pip install --quiet --disable-pip-version-check 'mkdocs>=1.6,<2'
	$(VENV)/manual/bin/mkdocs build --strict --quiet

bench: $(STAMP) ## Measure speed and scale and write docs/benchmarks.md
	$(BIN)/python -m benchmarks $(ARGS)

chaos: $(STAMP) ## Kill and disconnect runs hundreds of times and count lost rounds
	$(BIN)/python -m benchmarks.chaos $(ARGS)

attack: $(STAMP) ## Kill each command at chosen moments, run the hostile tests, and count failures
	$(BIN)/python -m benchmarks.attack $(ARGS)

fuzz: $(STAMP) ## Feed the parser with generated invalid files
	$(BIN)/python -m benchmarks.fuzz $(ARGS)

audit: $(STAMP) ## Check the pinned dependencies for known vulnerabilities
	$(PYTHON) -m venv $(VENV)/audit
	$(VENV)/audit/bin/python -m pip install --quiet --disable-pip-version-check pip-audit
	$(VENV)/audit/bin/pip-audit --strict --disable-pip --requirement requirements-ci.lock

release: $(STAMP) ## Date the changelog, test, build, check, commit and tag VERSION
	@$(BIN)/python .ci/release.py --check '$(VERSION)'
	$(BIN)/python .ci/release.py '$(VERSION)'
	$(MAKE) test
	rm -rf dist
	$(BIN)/python -m build
	$(BIN)/python .ci/check_package.py dist --release
	git commit --all --message 'release: $(VERSION)'
	git tag --annotate 'v$(VERSION)' --message 'etstats $(VERSION)'

clean: ## Remove the virtual environment and all generated files
	rm -rf $(VENV) build dist .coverage .coverage.* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find etstats tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# Created once, and updated when pyproject.toml changes.
$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "etstats needs Python 3.11 or newer: make $(MAKECMDGOALS) PYTHON=python3.11" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV) ..."
	@$(if $(LOCK),$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(LOCK))
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@
