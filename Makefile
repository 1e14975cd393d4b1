# Gatehouse. `make serve` runs it, `make test` checks it; both make what they need first.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes

unexport PYTHONDONTWRITEBYTECODE # what many processes import is compiled once

.PHONY: help setup serve test prove bench clean
.DEFAULT_GOAL := help

help: ## Show this list.
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(VENV)/.installed ## Make the environment: Python packages, pinned and checked by hash.

serve: setup ## Migrate, load demo data the first time, and serve on http://127.0.0.1:8000.
	@exec $(BIN)/python server.py start

test: $(VENV)/.installed-for-tests ## Run every check and every test, on SQLite and PostgreSQL.
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy --strict
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not prove"

prove: $(VENV)/.installed-for-tests ## Run the long proofs: races, crashes, load.
	@$(BIN)/python -m pytest -m prove || { code=$$?; [ $$code -eq 5 ] || exit $$code; echo "There are no long proofs yet."; }

bench: $(VENV)/.installed-for-tests ## Measure orders, scans, find, reads beside PostGraphile and from more data; into bench/README.md.
	$(BIN)/python -m bench.places --write
	$(BIN)/python -m bench.gates --write
	$(BIN)/python -m bench.find --write
	$(BIN)/python -m bench.reads --write
	$(BIN)/python -m bench.sizes --write

clean: ## Remove the environment and what checks and tests left behind; the data stays.
	rm -rf $(VENV) tests/node/node_modules bench/peers/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed; PYTHON=... says which.")'
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(VENV)/.installed: requirements.txt | $(VENV)/bin/python
	$(INSTALL) -r requirements.txt
	@touch $@

$(VENV)/.installed-for-tests: requirements-test.txt | $(VENV)/bin/python
	$(INSTALL) -r requirements-test.txt
	@touch $@ $(VENV)/.installed
