PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: up install lint test compose-test bench lock

# From a clone to a stack one can ask; Ctrl-C stops it.
up: $(VENV)/.runs
	@$(BIN)/chatgate up

install: $(VENV)/.develops

# The stamps make every target install first, and only when a lock or the package list has changed.
$(VENV)/.runs: requirements/run.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "chatgate needs Python 3.11 or newer: name one with make PYTHON=python3.12")'
	@$(PYTHON) -c 'import venv, ensurepip' || (echo "Python lacks its venv module: on Debian, apt-get install python3-venv"; exit 1)
	@echo "Installing into $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) --require-hashes -r requirements/run.lock
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.develops: requirements/dev.lock $(VENV)/.runs
	@$(PIP) --require-hashes -r requirements/dev.lock
	@touch $@

lint: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Two at a time, as most of them wait for servers; those of one module stay together, and so do their servers.
test: install
	$(BIN)/pytest -n 2 --dist loadscope

# The stack of docker-compose.yml in an engine of its own; as root on Debian it installs one.
compose-test: install
	$(BIN)/pytest -m compose tests/compose

bench: install
	$(BIN)/python -m bench

# No index and no address of a file gets into a lock.
lock: install
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  pyproject.toml requirements/build.in -o requirements/run.lock
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  pyproject.toml requirements/build.in requirements/dev.in -c requirements/run.lock -o requirements/dev.lock
