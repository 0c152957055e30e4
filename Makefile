# `make` alone lists the targets. Everything is installed into .venv; nothing outside of the project is touched.

VENV := .venv
BIN := $(VENV)/bin
# A path rather than an import hook: programs start some 15 ms earlier.
EDITABLE := --config-settings editable_mode=compat --editable
# python3 where it is new enough, else the newest python3.N on PATH; `make PYTHON=/some/python3` overrides.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
SOURCES := pyproject.toml $(wildcard engine/*/*.c engine/heap/allocator/*.[ch])

# Tests wait more than they work: two files of them at once take little more than half of the time.
JOBS ?= 2

.PHONY: help run test test-vm check screenshots bench clean
.DEFAULT_GOAL := help

help: ## list the targets
	@echo "make …"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

run: $(VENV)/.installed ## open the console (installs into .venv first)
	@$(BIN)/heliostui

test: $(VENV)/.installed-dev ## run the tests, JOBS=2 files at once; ARGS=… is passed to pytest
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile $(ARGS)

test-vm: $(VENV)/.installed-dev ## run the tests marked cgroup2 in a virtual machine with nothing but cgroup v2
	@.ci/vm/run $(BIN)/python -m pytest -m cgroup2 -p no:cacheprovider $(ARGS) \
		$$(grep -rl --include='test_*.py' 'mark\.cgroup2' tests) || [ $$? = 77 ]

check: $(VENV)/.installed-dev ## lint, format, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	MYPYPATH=benchmarks $(BIN)/mypy --explicit-package-bases benchmarks
	$(BIN)/lint-imports

screenshots: $(VENV)/.installed-dev ## draw screenshots/ anew, from a real engine
	$(BIN)/python -m heliostui.screenshots screenshots/

bench: $(VENV)/.installed-dev ## run the benchmarks, one after another
	@mkdir -p build && rm -f build/measured && export HELIOSTUI_MEASURED=build/measured && \
	for file in $(filter-out benchmarks/promises.py,$(wildcard benchmarks/*.py)); do \
		echo "$$file"; $(BIN)/python "$$file" || exit 1; echo; done; $(BIN)/python benchmarks/promises.py

clean: ## remove .venv, build products and caches
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find engine heliostui widgets tests benchmarks -name __pycache__ -prune -exec rm -rf {} +
	find engine -name '*.so' -delete

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "heliostui needs Python 3.11 or newer, and there is none on PATH: apt install python3" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) can't make virtual environments: apt install python3-venv" >&2; exit 1; }
	@echo "Making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(VENV)/.installed: $(SOURCES) | $(VENV)/bin/python
	@echo "Installing heliostui into $(VENV)"
	@$(BIN)/pip install --quiet --disable-pip-version-check $(EDITABLE) .
	@touch $@

$(VENV)/.installed-dev: $(SOURCES) | $(VENV)/bin/python
	@echo "Installing heliostui and its tools into $(VENV)"
	@$(BIN)/pip install --quiet --disable-pip-version-check $(EDITABLE) '.[dev]'
	@touch $@ $(VENV)/.installed
