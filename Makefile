# make run    install, score simulated models on synthetic people, end with the path of a report
# make test   install everything and run all tests
# make lint   style and types

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
OUT ?= runs/latest

.PHONY: run test lint clean

run: $(VENV)/.core
	$(BIN)/idbench run --out "$(OUT)"

test: $(VENV)/.full
	$(BIN)/python -m pytest -n 2 --dist loadfile

lint: $(VENV)/.full
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf $(VENV) dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

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
