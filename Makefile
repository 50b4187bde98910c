PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# With its reason where it fails, and else nothing.
NPM_QUIET := --loglevel error --no-audit --no-fund --no-progress >/dev/null

.PHONY: help up site site-port better-auth better-auth-ports node-20 widget install format lint test test-fast coverage attack compose-test bench bench-peers lock

help: ## Show the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

up: $(VENV)/.runs ## Start the whole stack over a sample book; Ctrl-C stops it
	@$(BIN)/chatgate up

WIDGET := widget/dist/chatgate-widget.js
FAST := tests/tokens tests/edge/http tests/edge/config tests/edge/telemetry tests/chat_proxy/questions \
  tests/chat_proxy/backends tests/rag_backend/book tests/rag_backend/search tests/broker/sessions
SITE := examples/docusaurus

# Against the stack of `make up` in another terminal. Needs Node 20.
site: node-20 site-port $(SITE)/node_modules/chatgate-widget ## Serve the sample book as a Docusaurus site
	@$(BIN)/python -m chatgate.stack.pages.docs_site $(SITE)

better-auth: node-20 better-auth-ports $(SITE)/node_modules/chatgate-widget examples/better-auth/node_modules/.package-lock.json ## Start the stack, and serve the sample book with a Better Auth server of its own
	@node examples/better-auth/start.mjs

# A port that is taken is named before anything is built.
site-port: $(VENV)/.runs
	@$(BIN)/python -m chatgate.stack.free_ports site

better-auth-ports: node-20 $(VENV)/.runs
	@node examples/better-auth/start.mjs --check-ports

widget: node-20 $(VENV)/.runs $(WIDGET) ## Build the npm package, and the one file of it that Python serves
	$(BIN)/python generators/widget_asset.py

$(WIDGET): widget/node_modules/.package-lock.json $(shell find widget/src widget/scripts -type f) \
  widget/build.mjs widget/package.json examples/callback/chatgate-callback.html
	@echo "Building the widget ..."
	@cd widget && npm run --silent build

node-20:
	@command -v npm >/dev/null && node -e 'process.exit(+(parseInt(process.versions.node) < 20))' 2>/dev/null || \
	  (echo "Node 20 or newer is needed on PATH, with its npm: https://nodejs.org/en/download" >&2; exit 1)

# npm writes the file that stands for a folder of packages last.
%/node_modules/.package-lock.json: %/package-lock.json | node-20
	@echo "Installing the packages of $* ..."
	@cd $* && npm ci $(if $(filter $(SITE),$*),--omit=dev) $(NPM_QUIET)
	@touch $@

# A copy, as an installed package is, and taken anew when the widget was built anew.
$(SITE)/node_modules/chatgate-widget: $(WIDGET) $(SITE)/node_modules/.package-lock.json
	@rm -rf $@ && mkdir $@ && cd widget && npm pack --pack-destination ../$@ $(NPM_QUIET)
	@cd $@ && tar -xzf *.tgz --strip-components 1 && rm *.tgz

install: $(VENV)/.develops ## Install everything that development needs into .venv

# The stamps make every target install first, and only when a lock or the package list has changed.
$(VENV)/.runs: requirements/run.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || (echo "chatgate needs Python 3.11 or newer: $(PYTHON) is not on PATH" >&2; exit 1)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "chatgate needs Python 3.11 or newer: name one with make PYTHON=python3.12")'
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || (echo "Python lacks its venv module: on Debian, apt-get install python3-venv" >&2; exit 1)
	@echo "Installing into $(VENV) (180 MB, about a minute) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) --require-hashes -r requirements/run.lock
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.develops: requirements/dev.lock $(VENV)/.runs
	@echo "Installing what development needs into $(VENV) (over 1 GB, some minutes) ..."
	@$(PIP) --require-hashes -r requirements/dev.lock
	@touch $@

format: install widget/node_modules/.package-lock.json ## Format Python and TypeScript
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix-only .
	cd widget && npm run --silent format

lint: install widget/node_modules/.package-lock.json ## Check formats, types and import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	cd widget && npm run --silent lint

# One more at a time than a small machine has processors, as tests often wait: 15 minutes on two, and 21 by two at
# a time. What is timed runs alone. Those of one module stay together, and so do their servers; modules keep their
# order, and so a folder has one browser.
TESTS_AT_ONCE ?= 3
# Some machines keep no compiled modules, and each of the hundreds of services would compile its own anew.
test: export PYTHONDONTWRITEBYTECODE :=
test: install ## Run every test but those in containers
	$(BIN)/pytest -n $(TESTS_AT_ONCE) --dist loadscope --no-loadscope-reorder

test-fast: install ## Run the tests that start no process but the embedded Valkey, in under a minute
	$(BIN)/pytest -n 2 --dist loadscope -m "not compose and not alone and not system and not node" $(FAST)

# No deadline under test is missed for it: a branch costs 20 ns more, and the start of a process nothing.
coverage: install ## Run `make test`, print the share of branches that it takes, and fail below the floors
	$(BIN)/python -m branches $(MAKE) --no-print-directory test

attack: install ## Search for what the services do not withstand, in under two minutes
	$(BIN)/python -m attack

# As root on Debian it installs the engine.
compose-test: install ## Run the tests of docker-compose.yml in a container engine of their own
	$(BIN)/pytest -m compose --timeout 900 tests/compose

# AGAINST=REV compares with the build of that revision instead.
bench: install ## Measure, beside the figures asked for
ifdef AGAINST
	$(BIN)/python -m bench --against $(AGAINST)
else
	$(BIN)/python -m bench; missed=$$?; $(BIN)/python generators/sizing_docs.py && exit $$missed
endif

# HAProxy is taken from PATH, and so are nginx and Envoy where they are there.
bench-peers: install ## Measure beside Better Auth, LiteLLM, Envoy, HAProxy, nginx and bare ASGI
	$(BIN)/python -m bench --peers --install

# No index and no address of a file gets into a lock.
lock: install ## Renew the hash-locked requirements
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  pyproject.toml requirements/build.in -o requirements/run.lock
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  pyproject.toml requirements/build.in requirements/dev.in -c requirements/run.lock -o requirements/dev.lock
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  requirements/peers.in -o requirements/peers.lock
