# All commands; `make` alone lists them.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1 && { echo $$p; break; }; done)
GPU ?= $(shell nvidia-smi >/dev/null 2>&1 && echo 1 || echo 0)
ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
comma := ,
EXTRAS := dev$(if $(filter 1,$(GPU)),$(comma)gpu)
STAMP := $(VENV)/.ready-gpu$(GPU)
PORT ?= 5000
FORMAT ?= savedmodel
FORMS := a run id, models:/NAME@ALIAS, best:EXPERIMENT or a folder
# The former names of MODEL= and INPUT= still work, with a line that says how they are called now.
predict register export: MODEL ?= $(RUN)
evaluate: INPUT ?= $(DATA)
renamed = $(if $(filter file,$(origin $2)),echo 'make: $1= is $2= now: make $@ $2=$($1)' >&2)

.DEFAULT_GOAL := help
.PHONY: help setup init train sweep tune study rerun compare export predict evaluate register promote ui serve sync \
	test test-all bench bench-ingredients bench-quality bench-search bench-sweeps bench-serve bench-setup fuzz check docs clean

help:  ## This text
	@echo 'Experiments with dense networks: from a table to a tracked run and a SavedModel.'
	@echo
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F'\t' '{printf "  make %-12s %s\n", $$1, $$2}'
	@echo
	@echo '  ARGS="key=value ..." changes the experiment: make train ARGS="model.units=[128,64] fit.epochs=50"'
	@echo '  PYTHON=python3.12 picks the interpreter, GPU=0 or 1 whether GPU libraries are installed.'

setup: $(STAMP)  ## Make .venv with everything in it (the other commands do this first by themselves)

$(STAMP): pyproject.toml constraints.txt
	@test -n '$(PYTHON)' || { echo 'No Python 3.11, 3.12 or 3.13 found. Install one (apt install python3, brew install python@3.13, or uv python install 3.13), or name it: make setup PYTHON=/path/to/python'; exit 1; }
	@'$(PYTHON)' -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { echo '$(PYTHON) is not Python 3.11, 3.12 or 3.13; name one: make setup PYTHON=/path/to/python'; exit 1; }
	@echo 'Setting up $(VENV) with $(PYTHON): some minutes, once'
	@if command -v uv >/dev/null 2>&1; then \
		{ test -x $(BIN)/python || uv venv --quiet --seed --python '$(PYTHON)' $(VENV); } && \
		uv pip install --quiet --compile-bytecode --python $(BIN)/python --constraint constraints.txt --editable '.[$(EXTRAS)]'; \
	else \
		{ test -x $(BIN)/pip || '$(PYTHON)' -m venv $(VENV) || { echo 'Python lacks venv: apt install python3-venv'; exit 1; }; } && \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[$(EXTRAS)]'; \
	fi
	@rm -f $(VENV)/.ready-* && touch $@

train: $(STAMP)  ## Train, log and export one experiment (the digits, unless ARGS say otherwise)
	@$(BIN)/python -m pipeline train $(ARGS)

sweep: $(STAMP)  ## Train one run per combination: make sweep ARGS="model.units=[32],[64,64] seed=0,1"
	@$(BIN)/python -m pipeline sweep $(ARGS)

tune: $(STAMP)  ## Best model in a given time: make tune ARGS="data=table data.path=my.csv data.target=price tune.minutes=10"
	@$(BIN)/python -m pipeline tune $(ARGS)

init: $(STAMP)  ## Write a config file for a table: make init INPUT=my.csv
	@test -n '$(INPUT)' || { echo 'Which table? make init INPUT=my.csv' >&2; exit 1; }
	@$(BIN)/python -m pipeline init '$(INPUT)' $(ARGS)

study: $(STAMP)  ## Answer a question of the textbooks by a sweep and a picture: make study NAME=width (without: which)
	@$(BIN)/python -m pipeline study $(NAME) $(ARGS)

rerun: $(STAMP)  ## Repeat a run from the config it logged: make rerun RUN=<run id>
	@test -n '$(RUN)' || { echo 'Which run? make rerun RUN=<run id>' >&2; exit 1; }
	@$(BIN)/python -m pipeline rerun '$(RUN)' $(ARGS)

compare: $(STAMP)  ## Rank finished runs, and test whether the lead of the best exceeds noise (ARGS="--experiment NAME"; ARGS=--help)
	@$(BIN)/python -m pipeline compare $(ARGS)

export: $(STAMP)  ## Export a model: make export MODEL=best:california [FORMAT=savedmodel, litert or onnx] [OUTPUT=exports]
	@test -n '$(MODEL)' || { echo 'Which model? make export MODEL=<$(FORMS)>' >&2; exit 1; }
	@$(call renamed,RUN,MODEL)
	@$(BIN)/python -m pipeline export '$(MODEL)' --format '$(FORMAT)' --output '$(or $(OUTPUT),exports)' $(ARGS)

predict: $(STAMP)  ## Predict a file's rows: make predict MODEL=best:california INPUT=new.csv [OUTPUT=predictions.csv]
	@test -n '$(MODEL)' -a -n '$(INPUT)' || { echo 'Which model and rows? make predict MODEL=<$(FORMS)> INPUT=new.csv [OUTPUT=predictions.csv]' >&2; exit 1; }
	@$(call renamed,RUN,MODEL)
	@$(BIN)/python -m pipeline predict '$(MODEL)' '$(INPUT)' '$(or $(OUTPUT),predictions.csv)' $(ARGS)

evaluate: $(STAMP)  ## Score a model on newly labelled rows: make evaluate MODEL=best:california INPUT=new.csv [LOG=1]
	@test -n '$(MODEL)' -a -n '$(INPUT)' || { echo 'Which model and rows? make evaluate MODEL=<$(FORMS)> INPUT=new.csv [LOG=1]' >&2; exit 1; }
	@$(call renamed,DATA,INPUT)
	@$(BIN)/python -m pipeline evaluate '$(MODEL)' '$(INPUT)' $(if $(LOG),--log) $(ARGS)

register: $(STAMP)  ## Register a run's model: make register MODEL=best:california NAME=houses [ALIAS=champion] [FORCE=1]
	@test -n '$(MODEL)' -a -n '$(NAME)' || { echo 'Which model, under which name? make register MODEL=<run id or best:EXPERIMENT> NAME=houses [ALIAS=champion]' >&2; exit 1; }
	@$(call renamed,RUN,MODEL)
	@$(BIN)/python -m pipeline register '$(MODEL)' '$(NAME)' $(if $(ALIAS),--alias '$(ALIAS)') $(if $(FORCE),--force) $(ARGS)

promote: $(STAMP)  ## Give a registered version an alias: make promote NAME=houses VERSION=2 [ALIAS=champion]
	@test -n '$(NAME)' -a -n '$(VERSION)' || { echo 'Which version of what? make promote NAME=houses VERSION=2 [ALIAS=champion]' >&2; exit 1; }
	@$(BIN)/python -m pipeline promote '$(NAME)' '$(VERSION)' $(if $(ALIAS),--alias '$(ALIAS)') $(ARGS)

serve: $(STAMP)  ## Serve a model over HTTP, port 8080: make serve MODEL=best:california [ARGS="--port 8081"]
	@test -n '$(MODEL)' || { echo 'Which model? make serve MODEL=<$(FORMS)>' >&2; exit 1; }
	@exec $(BIN)/python -m pipeline serve '$(MODEL)' $(ARGS)

ui: $(STAMP)  ## Open MLflow on the runs, http://127.0.0.1:5000 (PORT= for another; RUN=<run id or best:EXPERIMENT>)
	@exec $(BIN)/python -m pipeline ui '$(PORT)' $(if $(RUN),--run '$(RUN)') $(ARGS)

sync: $(STAMP)  ## Send the rest of runs whose store was unavailable, or which were killed
	@$(BIN)/python -m pipeline sync $(ARGS)

test: $(STAMP)  ## The tests, a few minutes
	@$(BIN)/python -m pytest $(ARGS)

test-all: $(STAMP)  ## The slow tests as well
	@$(BIN)/python -m pytest -m '' $(ARGS)

bench: $(STAMP)  ## Measure the speed beside other libraries, 15 minutes (WORK=mnist: one work; WORK=--help)
	@$(BIN)/python -m benchmarks $(WORK)

bench-ingredients: $(STAMP)  ## Compare data=table with each of its parts left out, hours (TABLE=titanic SEEDS=1: a part)
	@$(BIN)/python -m benchmarks.quality.ingredients $(if $(TABLE),--table $(TABLE)) $(if $(PEER),--peer $(PEER)) $(if $(SEEDS),--seeds $(SEEDS)) $(ARGS)

bench-quality: $(STAMP)  ## Compare scores with boosting and other networks, hours (TABLE=penguins PEER=lightgbm SEEDS=1: a part)
	@$(BIN)/python -m benchmarks.quality $(if $(TABLE),--table $(TABLE)) $(if $(PEER),--peer $(PEER)) $(if $(SEEDS),--seeds $(SEEDS)) $(ARGS)

bench-serve: $(STAMP)  ## Measure the server beside mlflow models serve, 8 minutes
	@$(BIN)/python -m benchmarks.serving $(ARGS)

bench-search: $(STAMP)  ## Compare TPE with pruning to random search (ARGS="--seeds 1": a part of it)
	@$(BIN)/python -m benchmarks.search $(ARGS)

bench-sweeps: $(STAMP)  ## Measure parallel sweeps and the cost of tracking, 15 minutes (PART=mlflow: one part)
	@$(BIN)/python -m benchmarks.sweeps $(PART)

bench-setup: $(STAMP)  ## Install the other libraries that bench compares with
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[bench]'

fuzz: $(STAMP)  ## Look for differences in drawn cells and tables: make fuzz CELLS=2000 TABLES=500 TRAINED=300 SEED=0
	@PYTHONPATH=tests $(BIN)/python -m fuzz --cells $(or $(CELLS),0) --tables $(or $(TABLES),0) --trained $(or $(TRAINED),0) --seed $(or $(SEED),0)

check: $(STAMP)  ## Lint, types, complexity, and which folder imports which
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy
	@$(BIN)/complexipy && $(BIN)/lint-imports --no-cache --no-logo

docs: $(STAMP)  ## Build the documentation, docs/_build/index.html; a warning is an error
	@$(BIN)/python -m sphinx --quiet --fresh-env --fail-on-warning --keep-going docs docs/_build

clean:  ## Remove .venv and caches; what runs left under mlruns/ stays
	@rm -rf $(VENV) build dist docs/_build *.egg-info .pytest_cache .mypy_cache .ruff_cache .complexipy_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
