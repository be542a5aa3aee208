# make run    install, score simulated models on synthetic people, end with the path of a report
# make test   install everything and run all tests
# make lint   style and types
# make check  style, types and the quick tests: the inner loop, under a minute once it is installed
# make docs   build the documentation into site/, every link checked

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
OUT ?= runs/latest
SITE ?= site
QUICK := tests/metrics tests/stats tests/protocols tests/summary tests/render tests/test_architecture.py tests/test_layers.py tests/test_options.py

.PHONY: run test lint check docs clean

run: $(VENV)/.core
	$(BIN)/idbench run --out "$(OUT)"

test: $(VENV)/.full
	$(BIN)/python -m pytest -n 2 --dist loadfile

lint: $(VENV)/.full
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

check: lint
	$(BIN)/python -m pytest -q -p no:xdist -m "not slow and not golden" $(QUICK)

docs: $(VENV)/.full
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet --site-dir "$(SITE)"
	@echo "$(SITE)/index.html"

clean:
	rm -rf $(VENV) dist site .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.core: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

# torch and torchvision are installed together so that their versions fit; facenet-pytorch's own pins
# are older than everything else here although it works, hence --no-deps.
$(VENV)/.full: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check torch torchvision -e '.[generate,dev]'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps facenet-pytorch==2.6.0
	@touch $@ $(VENV)/.core
