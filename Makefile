# The commands that people and CI share. `make help` lists them.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
EVENTS ?= 1e6

# Other engines than DuckDB, each in a virtual environment of its own.
ENGINES := postgres
SKIP_ENGINES ?=
export SKIP_ENGINES

.PHONY: help demo docs test test-proofs test-faults test-engines test-live bench bench-syncs lint clean

help: ## List the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-12s %s\n", $$1, $$2}'

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv

.venv/installed: .venv/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	touch $@

.venv/installed-dev: .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

.venv/installed-bench: .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[bench]'
	touch $@

demo: .venv/installed ## An invented shop, from raw files to what a CRM is sent
	$(BIN)/intent demo

docs: .venv/installed ## The data docs as one page, target/static_index.html
	scripts/docs.sh

lint: .venv/installed-dev ## Check style and types
	scripts/lint.sh

test: .venv/installed-dev ## Check what it does
	$(BIN)/pytest

test-proofs: .venv/installed-dev ## Check the same at length: long histories, real shops
	$(BIN)/pytest -m proofs

test-faults: .venv/installed-dev ## Kill syncs at every point, and see what is lost
	$(BIN)/pytest -m faults --dist worksteal

.engines/%/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .engines/$*
	.engines/$*/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[$*]' pytest pytest-xdist
	touch $@

test-engines: .venv/installed-dev ## Build on other engines, but SKIP_ENGINES="..."
	scripts/test_engines.sh $(ENGINES)

bench-syncs: .venv/installed-dev ## How close syncs come to what destinations allow
	$(BIN)/python tests/python/bench/sync.py

bench: .venv/installed-bench ## How fast it is, next to what; EVENTS=1e7 FOLDER=/tmp
	$(BIN)/intent bench --events $(EVENTS) $(if $(FOLDER),--folder $(FOLDER))

test-live: .venv/installed-dev ## Try an invented contact in accounts of your own
	$(BIN)/pytest -o addopts='-q --strict-markers' -m live -rs tests/python/test_sync_live.py

clean: ## Remove what was built and installed
	rm -rf .venv .engines target logs data/*
