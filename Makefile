# The package lives in .venv, made again whenever pyproject.toml changes.
PYTHON ?= python3
PIP := .venv/bin/pip --quiet --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help check lint test test-all test-kernels mutants bench bench-why bench-plans book setup clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1	\2/p' Makefile | expand -t 20

check: .venv/installed ## prove everything
	@.venv/bin/memhp check

lint: setup ## lint, check types
	@.ci/programs
	.venv/bin/ruff check .
	.venv/bin/mypy

test: lint ## lint, check types, run the tests (minutes)
	.venv/bin/pytest -n 2 --dist loadgroup -m "not slow and not kernel"

test-all: lint ## the same, and what takes long: guests, mutants
	.venv/bin/pytest -n 2 --dist loadgroup

book: setup ## the specification as a site of static files, in book/
	.venv/bin/memhp book book

test-kernels: setup ## boot every kernel that was fetched
	@.ci/programs
	.venv/bin/pytest -m kernel --kernels all -ra tests

mutants: .venv/installed ## make every small mistake (half an hour)
	@.venv/bin/memhp check --mutants --quiet

bench: .venv/installed-dev ## measure everything (twenty minutes)
	@.venv/bin/python tests/bench/run.py

bench-why: .venv/installed-dev ## hold what inspect says against guests of every kernel (two hours)
	@.ci/programs
	@.venv/bin/python tests/bench/why.py

bench-plans: .venv/installed-dev ## make plans and do them inside guests (hours; goes on where it was)
	@.ci/programs
	@.venv/bin/python tests/bench/plans.py

setup: .venv/installed-dev ## make .venv, with the development tools

clean: ## remove what tools leave behind
	rm -rf .venv build memhp.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis

.venv/made: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "memhp needs Python 3.11 or newer, and $(PYTHON) is: $$($(PYTHON) --version 2>&1)." \
	    "Name another one: make PYTHON=python3.12 …" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "$(PYTHON) cannot make virtual environments." \
	    "On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@echo "Making .venv (once; needs the network)"
	@$(PYTHON) -m venv --clear .venv
	@mkdir .venv/src && ln -s ../.. .venv/src/memhp
	@touch $@

.venv/installed: .venv/made
	@$(PIP) install --editable .
	@touch $@

.venv/installed-dev: .venv/made
	@$(PIP) install --editable '.[dev]'
	@touch .venv/installed $@
