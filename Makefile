# Every target does its own set-up: virtual environment, Python packages, web viewer. Stamps make the next run quick.
#
#   make demo                    the bundled speech moves a body in the browser: http://127.0.0.1:8765/
#   make demo ARGS='--mic'       the microphone instead; ARGS go to `gesturestream demo`
#   make test                    lint, types, viewer tests, Python tests; ARGS go to pytest
#
# PYTHON=python3.12 chooses the interpreter (3.11 to 3.13), VENV=somewhere the place of the virtual environment.

PYTHON ?= python3
VENV ?= .venv
ARGS ?=
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet install
TYPED := models realtime bridge training cli
NPM := VENV=$(VENV) .ci/npm
WEB := bridge/web
WEB_SOURCES := $(shell find $(WEB) -type f -not -path '*/node_modules/*' -not -path '*/dist/*' 2>/dev/null)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help demo test test-web test-python lint viewer bench clean

help:
	@sed -n 's/^#   //p' Makefile

demo: $(VENV)/.base viewer
	$(BIN)/gesturestream demo $(ARGS)

test: lint test-web test-python

test-python: $(VENV)/.dev viewer
	@.ci/system-packages
	$(BIN)/python -m pytest $(ARGS)

test-web: $(WEB)/node_modules/.stamp
	$(NPM) --prefix $(WEB) test

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --follow-imports=silent $(TYPED:%=-p gesturestream.%)
	$(BIN)/mypy --follow-imports=silent benchmarks

viewer: $(WEB)/dist/index.html

bench: $(VENV)/.dev
	$(BIN)/gesturestream bench latency $(ARGS)

clean:
	rm -rf $(VENV) $(WEB)/node_modules $(WEB)/dist .mypy_cache .pytest_cache .ruff_cache .hypothesis *.egg-info build

$(VENV)/.created:
	@.ci/venv $(PYTHON) $(VENV)
	@touch $@

$(VENV)/.base: pyproject.toml setup.py | $(VENV)/.created
	@echo 'Installing Python packages into $(VENV) (once) ...'
	$(PIP) --editable .
	@touch $@

$(VENV)/.dev: pyproject.toml setup.py | $(VENV)/.created
	@echo 'Installing Python packages for development into $(VENV) (once; PyTorch takes a few minutes) ...'
	$(PIP) --editable '.[dev]'
	@touch $@ $(VENV)/.base

$(WEB)/node_modules/.stamp: $(WEB)/package.json $(WEB)/package-lock.json $(WEB)/packages/client/package.json | $(VENV)/.created
	@echo 'Installing the web viewer'\''s packages (once) ...'
	$(NPM) --prefix $(WEB) ci --no-audit --no-fund --loglevel=error
	@touch $@

$(WEB)/dist/index.html: $(WEB)/node_modules/.stamp $(WEB_SOURCES)
	$(NPM) --prefix $(WEB) run --silent build
	@touch $@
