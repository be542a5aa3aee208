# make run    install, score, and end with the path of a report
# make test   install everything and run all tests
# make lint   style and types

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
SUITE ?= ../shared/data/real-mini
PACKS ?= ../shared/models
OUT ?= runs/real-mini

.PHONY: run test lint clean

run: $(VENV)/.core
	@if [ -d "$(SUITE)" ] && [ -d "$(PACKS)" ]; then \
	  $(BIN)/idbench run --suite "$(SUITE)" --out "$(OUT)" --protocol both \
	    --recognizer "insightface:$(PACKS)/mini-a" --recognizer "insightface:$(PACKS)/mini-b" \
	    --images "natural=$(SUITE)/outputs/natural" --images "copy-paste=$(SUITE)/outputs/copy-paste" \
	    --images "swapped=$(SUITE)/outputs/swapped" --images "wrong-person=$(SUITE)/outputs/wrong-person"; \
	else \
	  echo "No photos at $(SUITE) and no recognizers at $(PACKS), and idbench ships neither."; \
	  echo "To score your images on MultiID-Bench:"; \
	  echo "  $(BIN)/idbench suites fetch multiid-bench     # says size and licence, and asks"; \
	  echo "  $(BIN)/idbench recognizers                    # where to put a face recognition pack"; \
	  echo "  $(BIN)/idbench run --suite multiid-bench --recognizer insightface:antelopev2 --images NAME=FOLDER"; \
	fi

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
	$(BIN)/python -m pip install --quiet --disable-pip-version-check torch torchvision -e '.[torch,dev]'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps facenet-pytorch==2.6.0
	@touch $@ $(VENV)/.core
