# The one entry for people and machines. `make help` lists the targets.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV ?= .venv
BIND ?= 127.0.0.1:3000
MOCK_PORT ?= 4010
CONFIG ?= config/tensorzero.toml
DATA_DIR ?= .tzproxy
PYTEST_ARGS ?=

BIN := $(VENV)/bin
SPEEDUPS := $(wildcard _speedups/*.pyx _speedups/*.pxd)
# What tool.tzproxy.compiled of pyproject.toml names.
MODULES := $(addsuffix .py,$(subst .,/,$(shell sed -n 's/^    "\(tzproxy\.[a-z_.]*\)",$$/\1/p' pyproject.toml)))
PACKAGING := pyproject.toml setup.py
CHECKED := tzproxy tests benchmarks setup.py .ci

# Python 3.11 by name, else whatever `python3` is, if it is new enough.
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for python in python3.11 python3 python3.14 python3.13 python3.12; do \
	if "$$python" -c '$(NEW_ENOUGH)' 2>/dev/null; then echo "$$python"; break; fi; done)

.PHONY: help serve test check lint fix build e2e conformance bench interpreted clean

help: ## List the targets.
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | column -t -s '|' 2>/dev/null \
		|| sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  make \1: \2/p' $(MAKEFILE_LIST)

serve: $(VENV)/.installed $(VENV)/.compiled ## Start the gateway on http://localhost:3000, with a built-in mock model.
	@exec $(BIN)/tzproxy serve --config-file $(CONFIG) --bind-address $(BIND) --mock-port $(MOCK_PORT) \
		--data-dir $(DATA_DIR)

test: $(VENV)/.installed-test $(VENV)/.compiled ## Run all tests, those with real processes included.
	@$(BIN)/python -m pytest $(PYTEST_ARGS)

check: lint test ## Run what CI runs: format, lint, types, tests.

lint: $(VENV)/.installed-test $(VENV)/.compiled ## Check format, lint and types; the fast half of `check`.
	@$(BIN)/ruff format --check $(CHECKED)
	@$(BIN)/ruff check $(CHECKED)
	@$(BIN)/mypy

fix: $(VENV)/.installed-test $(VENV)/.compiled ## Format the code, repair what ruff can, rewrite generated tables.
	@$(BIN)/ruff format $(CHECKED)
	@$(BIN)/ruff check --fix $(CHECKED)
	@$(BIN)/python .ci/provider_table.py --write README.md

build: $(VENV)/.installed ## Build the source archive and the wheel into dist/.
	@$(BIN)/pip install --quiet build
	@$(BIN)/python -m build --outdir dist .

e2e: $(VENV)/.installed-test $(VENV)/.compiled ## Run only the tests with real processes.
	@$(BIN)/python -m pytest -m e2e $(PYTEST_ARGS)

conformance: $(VENV)/.installed-test $(VENV)/.compiled ## Play the conformance suite: make conformance SUITE=DIR
	@test -n "$(SUITE)" || { echo "error: say where the suite is: make conformance SUITE=DIR" >&2; exit 2; }
	@$(BIN)/python .ci/conformance.py "$(SUITE)"

bench: $(VENV)/.installed-bench $(VENV)/.compiled ## Measure the compiled parts, then the gateway against the original.
	@$(BIN)/python -m pytest benchmarks --benchmark-only -p no:cacheprovider
	@$(BIN)/python -m benchmarks.e2e

interpreted: ## Run the Python modules as Python until the next `make`: for a debugger, or while you change them.
	@rm -f $(patsubst %.py,%.*.so,$(MODULES)) $(VENV)/.compiled

clean: interpreted ## Remove what was built; the environment and the recorded data stay.
	@rm -rf build dist *.egg-info _speedups/*.so

# ---- How the environment comes about. Each step leaves a stamp, so that a second run starts at once.

$(BIN)/pip:
	@test -n "$(PYTHON)" || { echo "error: Python 3.11 or newer is needed" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null \
		|| { echo "error: $(PYTHON) cannot make environments; on Debian: apt-get install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)

# What the build needs lives in the environment too: recompiling one file then asks no package index.
$(VENV)/.build-tools: $(BIN)/pip pyproject.toml
	@command -v cc >/dev/null \
		|| { echo "error: a C compiler is needed; on Debian: apt-get install build-essential python3-dev" >&2; exit 1; }
	@$(BIN)/python -c 'import tomllib; print("\n".join(tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"]))' \
		> $(VENV)/build-requirements.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --requirement $(VENV)/build-requirements.txt
	@touch $@

define install
	@echo "installing tzproxy[$(EXTRAS)] into $(VENV)"
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-build-isolation --editable '.[$(EXTRAS)]'
	@touch $(VENV)/.installed $(VENV)/.compiled $@
endef

$(VENV)/.installed: EXTRAS := embedded
$(VENV)/.installed-test: EXTRAS := embedded,aws,gcp,test
$(VENV)/.installed-bench: EXTRAS := embedded,bench

$(VENV)/.installed $(VENV)/.installed-test $(VENV)/.installed-bench: $(VENV)/.build-tools $(PACKAGING)
	$(install)

$(VENV)/.compiled: $(SPEEDUPS) $(MODULES) $(PACKAGING) | $(VENV)/.build-tools
	@echo "compiling what requests go through"
	@$(BIN)/python setup.py --quiet build_ext --inplace
	@touch $@
