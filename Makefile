# make lab: the course in JupyterLab.  make test: every check.  make help: the rest.
PYTHON ?= python3
VENV ?= .venv
PORT ?= 8888
# Another package index for torch, for example the CPU-only builds; see the README.
TORCH_INDEX ?=
# INSTRUCTOR=1 shows nbgrader's formgrader and assignment tools in JupyterLab.
INSTRUCTOR ?=
# Further options of `jupyter lab`, for example --no-browser.
LAB_ARGS ?=

BIN := $(VENV)/bin
STAMP := $(VENV)/.setup-done
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt \
  $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX))
THREADS := OMP_NUM_THREADS=1 MKL_NUM_THREADS=1
# Compiled modules are kept: tests start some hundred processes that would each compile the course again.
export PYTHONDONTWRITEBYTECODE :=
NBVAL := --nbval-lax --nbval-current-env --nbval-cell-timeout=120
STEAL := -n 2 --dist worksteal
# the cells of a notebook belong to one worker; the later lectures, which take longer, go first
XDIST := -n 2 --dist loadscope
reversed = $(if $(1),$(call reversed,$(wordlist 2,$(words $(1)),$(1))) $(firstword $(1)))
NOTEBOOKS := $(wildcard lectures/*.ipynb)
FIGURES := build/figures

.DEFAULT_GOAL := help
.PHONY: help setup lab formgrader lint quick test figures lectures release docs address bench clean

help:
	@echo "make setup     the environment in $(VENV) (done once; seconds when nothing changed)"
	@echo "make lab       JupyterLab with the lectures (PORT=8888, INSTRUCTOR=1)"
	@echo "make quick     lint, types and the fast tests, in a minute and a half: the loop while working"
	@echo "make test      lint, tests, and every lecture and solution run from top to bottom"
	@echo "make figures   run the lectures and look at every figure (NOTEBOOKS=lectures/NN_name.ipynb for one)"
	@echo "make lectures  run all lectures, store their outputs, refresh lectures/text"
	@echo "make release   regenerate assignments/ from solutions/"
	@echo "make docs      redraw what docs/ and README.md take from the code: the rooms, the table of techniques"
	@echo "make address   write another address of the repository everywhere (REPOSITORY=https://github.com/OWNER/NAME)"
	@echo "make bench     measure against other libraries into benchmarks/README.md"
	@echo "make clean     remove caches (the environment stays; delete $(VENV) to start afresh)"

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) not found. Name a Python 3.11 or newer: make setup PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import sys; v = sys.version.split()[0]; sys.exit(0 if sys.version_info >= (3, 11) else \
	  "This course needs Python 3.11 or newer; $(PYTHON) is " + v + ". Name another with: make setup PYTHON=python3.12")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) --editable '.[lab,test]'
	@touch $@

# The extra `tf`, two gigabytes that no lecture needs (09 compares with Keras where it is there): for the tests.
$(VENV)/.tf-done: $(STAMP)
	$(PIP) --editable '.[tf]'
	@touch $@

lab: setup
	$(BIN)/python course/lab.py $(if $(INSTRUCTOR),--instructor) --port=$(PORT) $(LAB_ARGS)

formgrader:
	$(MAKE) lab INSTRUCTOR=1

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

quick: lint
	$(THREADS) $(BIN)/python -m pytest $(STEAL) -m "not slow" tests

test: lint $(VENV)/.tf-done
	$(THREADS) $(BIN)/python -m pytest $(STEAL) tests
	$(if $(NOTEBOOKS),$(MAKE) --no-print-directory figures)

# The kernels look at each figure when they draw it (tests/support/watching.py), so that no lecture runs twice.
figures: setup
	rm -rf $(FIGURES)
	ADVCOURSE_FIGURES=$(CURDIR)/$(FIGURES) PYTHONSTARTUP=$(CURDIR)/tests/notebooks/startup.py \
	  $(THREADS) $(BIN)/python -m pytest $(XDIST) $(NBVAL) $(call reversed,$(NOTEBOOKS)); ran=$$?; \
	$(BIN)/python -m tests.notebooks.figure_report $(FIGURES) $(NOTEBOOKS) && exit $$ran

lectures: setup
	$(BIN)/jupytext --quiet --sync $(NOTEBOOKS)
	$(BIN)/ruff format --quiet $(NOTEBOOKS)
	$(BIN)/jupyter nbconvert --to notebook --inplace --execute --ExecutePreprocessor.record_timing=False \
	  --ExecutePreprocessor.timeout=300 $(NOTEBOOKS)
	$(BIN)/jupytext --quiet --sync $(NOTEBOOKS)

release: setup
	$(BIN)/python course/release.py

docs: setup
	$(BIN)/python docs/architecture.py
	$(BIN)/python -m docs.techniques

address: setup
	$(BIN)/python course/address.py "$(REPOSITORY)"

# Peers that cannot be resolved beside the rest: torchattacks asks for requests 2.25, cleverhans for nose and
# tensorflow-probability, adv-lib for visdom, whose source needs an older setuptools to build. None of this is
# needed by the attacks compared, so they come without their dependencies, at the versions of constraints.txt.
PEERS := $(shell grep -E '^(torchattacks|cleverhans|adv-lib|visdom)==' constraints.txt)

$(VENV)/.bench-done: $(STAMP)
	$(PIP) --editable '.[bench]'
	echo 'setuptools<81' > $(VENV)/build-constraints.txt
	PIP_CONSTRAINT=$(VENV)/build-constraints.txt PIP_BUILD_CONSTRAINT=$(VENV)/build-constraints.txt \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps \
	  $(PEERS)
	@touch $@

bench: setup $(VENV)/.bench-done
	$(BIN)/python -m benchmarks

clean:
	rm -rf .pytest_cache .ruff_cache .mypy_cache .hypothesis build dist *.egg-info
	find . -name $(VENV) -prune -o \( -name __pycache__ -o -name .ipynb_checkpoints \) -prune -exec rm -rf {} +
