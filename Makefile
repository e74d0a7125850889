# Two commands matter: `make demo` and `make test`. Each does all its own set-up in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip --disable-pip-version-check --quiet
PYTEST := $(BIN)/python -m pytest
LOWEST := .venv-lowest

.PHONY: demo test test-lowest test-peers test-long lint types docs bench guard clean

demo: $(VENV)/.demo
	$(BIN)/eessi replay examples/scenarios/s_buc_01.buc.yaml examples/scenarios/la_buc_01.buc.yaml --report demo.html
	@echo "To type the tutorials, put the command on your path first: . $(BIN)/activate"

test: $(VENV)/.dev
	$(PYTEST) -n auto -m "not peers and not long"

test-lowest: $(LOWEST)/.installed
	$(LOWEST)/bin/python -m pytest -n auto -m "not peers and not long"

test-peers: $(VENV)/.dev
	tools/install_peers.sh
	$(PYTEST) -m "peers and not long"

test-long: $(VENV)/.dev
	$(PYTEST) -m long

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(MAKE) types
	$(BIN)/python -m tools.licences
	$(BIN)/python -m tools.vulnerabilities

types: $(VENV)/.dev
	$(BIN)/mypy
	$(BIN)/mypy tests/typing
	$(BIN)/basedpyright --level error

docs: $(VENV)/.dev
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html

bench: $(VENV)/.bench
	tools/install_peers.sh --bench
	$(BIN)/python -m benchmarks.run

guard: $(VENV)/.dev
	$(BIN)/python -m benchmarks.guard

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; try: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: pyproject.toml | $(VENV)/bin/python
	$(PIP) install -e '.[all]'
	@touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/bin/python
	$(PIP) install -e '.[dev]'
	@touch $@ $(VENV)/.demo

$(VENV)/.bench: pyproject.toml | $(VENV)/bin/python
	$(PIP) install -e '.[dev,bench]'
	@touch $@

# The oldest version of each dependency that pyproject.toml allows; what the tests themselves need is as new as goes with it.
$(LOWEST)/.installed: pyproject.toml | $(VENV)/.dev
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(LOWEST)
	$(BIN)/uv pip compile --quiet --python $(LOWEST) --resolution lowest-direct --extra all --extra postgresql \
		--output-file $(LOWEST)/versions.txt pyproject.toml
	$(BIN)/uv pip install --quiet --python $(LOWEST) --constraint $(LOWEST)/versions.txt -e '.[dev]'
	@touch $@

clean:
	rm -rf $(VENV) $(LOWEST) .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist docs/_build demo.html
