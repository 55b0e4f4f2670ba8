# `make` alone lists what can be done. Every target does its own set-up; a second call skips it.
PYTHON ?= python3
VENV ?= .venv
# A machine with a GPU may want another build: make install TORCH=...
TORCH ?= torch==2.13.0
EXTRAS ?= dev,docs
JOBS ?= 2

# The quick ones first; the last two train the models that they measure.
SPEED := $(addsuffix .py,start_up sizes where_time_goes runtime one_text predict training linear static nearest wide taxonomy \
	precision optimise)

BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help install demo test coverage mutation release lint bench speed serve frontend docs clean security

help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-9s %s\n", $$1, $$2}'

install: $(INSTALLED) ## virtual environment, PyTorch, textaxa with everything needed here

demo: $(INSTALLED) ## train on the packaged app descriptions, show the result, classify what you type
	$(BIN)/textaxa demo

test: $(INSTALLED) ## the tests, and every example of the documentation, a process for each of $(JOBS) cores
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(JOBS) --dist loadfile

coverage: $(INSTALLED) ## which lines and branches the tests run; fails below 88 %, and below 95 % of the light core
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(JOBS) --dist loadfile --cov --cov-report=
	$(BIN)/python -m coverage report --skip-covered
	$(BIN)/python benchmarks/release/covered.py

mutation: $(INSTALLED) ## how many small faults in taxonomy, decoding and evaluation the tests find (an hour; mutmut)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[mutation]"
	$(BIN)/python benchmarks/mutation/mutants.py

release: $(INSTALLED) ## wheel and sources into dist/, checked by twine
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[release]"
	rm -rf dist
	$(BIN)/python -m build --no-isolation
	$(BIN)/python -m twine check --strict dist/*

lint: $(INSTALLED) ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(INSTALLED) ## the numbers of benchmarks/results, measured again (hours; see benchmarks/)
	@for script in benchmarks/bench_*.py; do \
		[ -e "$$script" ] || { echo "no benchmarks/bench_*.py here"; exit 1; }; \
		echo "== $$script"; $(BIN)/python "$$script" || exit 1; \
	done
	$(BIN)/python benchmarks/accuracy
	$(BIN)/python benchmarks/living/hidden_leaves.py
	$(BIN)/python benchmarks/living/merged.py
	@for script in benchmarks/decisions/[a-z]*.py; do \
		echo "== $$script"; $(BIN)/python "$$script" || exit 1; \
	done
	$(MAKE) speed
	$(MAKE) serve

serve: $(INSTALLED) ## of these, those of the service: latency, load, memory, lost answers (see benchmarks/serve)
	@for run in load rivals integrity memory; do \
		echo "== $$run"; $(BIN)/python benchmarks/serve/$$run.py || exit 1; \
	done

speed: $(INSTALLED) ## of these, those of speed and size (see benchmarks/speed)
	@for run in $(SPEED); do \
		echo "== $$run"; $(BIN)/python benchmarks/speed/$$run || exit 1; \
	done
	$(BIN)/python benchmarks/speed/plots.py

frontend: ## the pages of the report and of the service, built again from frontend/ (Node 20 or newer)
	cd frontend/report && npm ci --ignore-scripts && npm run check && npm run build
	cd frontend/service && npm ci --ignore-scripts && npm run check && npm run build

security: $(INSTALLED) ## bandit on the source; pip-audit on the pinned packages, which needs a network
	$(BIN)/python -m pip install --quiet --constraint constraints.txt bandit pip-audit
	$(BIN)/bandit --quiet --recursive src/textaxa
	$(BIN)/pip-audit --requirement constraints.txt --no-deps --disable-pip

docs: $(INSTALLED) ## the documentation as pages, the Python interface among them: build/site/index.html
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

clean: ## remove the environment and what was built
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

# PyTorch goes first and alone, so that the build that is meant is already there when the extras ask for torch.
$(INSTALLED): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11) and "textaxa needs Python 3.11 or newer: make PYTHON=python3.11 ...")'
	$(BIN)/python -m pip install --quiet --constraint constraints.txt "$(TORCH)"
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[$(EXTRAS)]"
	touch $@
