# make reproduce [SCALE=laptop]         every table, figure and claim of a scale of
#                                       workflow/scales/, and one page, the article
#   SCALE=path/to/mine.yaml             the same for a file of your own
#   RETRAIN=1                           train every model, those in released/ too
#   TRAINING=missing                    train those that released/ lacks
# make status [SCALE=...]               what is missing, changed or interrupted, and what a run
#                                       would do and cost
# make plan [SCALE=...]                 every job that reproduce would run, and why
# make verify [SCALE=...]               whether the folder of results is whole and untouched
# make trace FILE=results/...           what a file was made from, down to the seeds
# make train-released [MINUTES=25]      train what released/ lacks of the paper's grid
# make retrain MODEL=condition/run      train a released model again from its card, and compare
# make released                         the numbers, pages and figures of docs/
# make docs                             these pages as a site, to be read from the folder site/
# make bench [ARGS="--device cuda"]     what a training step costs, beside the plain way of it
# make beyond [ARGS="--seeds 3"]        what brings trained LSA nearer to the best polynomial
# make recipes [ARGS="--seconds 20"]    loss against seconds of training, recipe by recipe
# make notebooks                        notebooks/, run from top to bottom
# make test [ARGS="-m slow"]            the tests; each command makes its own environment first

# none of these is taken from the environment
PYTHON = python3
VENV = .venv
SCALE = laptop
RETRAIN = 0
TRAINING =
FILE =
MODEL =
MINUTES = 25
ARGS =
include $(dir $(lastword $(MAKEFILE_LIST)))workflow/words.mk
TRAINED = $(or $(TRAINING),$(if $(filter 1,$(RETRAIN)),all))

# what runs is this checkout in its environment, whatever variables of Python say; a make within
# inherits no words
unexport $(filter PYTHON%,$(.VARIABLES))
MAKEOVERRIDES =
export PYTHONPATH = $(CURDIR)/src
export PYTHONNOUSERSITE = 1
export PYTHONUTF8 = 1
export FILE MODEL MINUTES
RUN = "$(VENV)/bin/python" -m

.PHONY: $(COMMANDS)
.NOTPARALLEL:

reproduce: $(VENV)/installed
	@$(RUN) workflow.reproduce $(SCALE) "$(TRAINED)" $(ARGS)

plan: $(VENV)/installed
	@$(RUN) workflow.status $(SCALE) $(TRAINED:%=training=%) --jobs

status: $(VENV)/installed
	@$(RUN) workflow.status $(SCALE) $(TRAINED:%=training=%)

verify: $(VENV)/installed
	@$(RUN) icnewton verify results/$(basename $(notdir $(SCALE)))

trace: $(VENV)/installed
	@$(RUN) icnewton trace "$$FILE"

train-released: $(VENV)/installed
	@$(RUN) workflow.train_released --minutes "$$MINUTES" $(ARGS)

retrain: $(VENV)/installed
	@$(RUN) workflow.retrain "$$MODEL" $(ARGS)

released: $(VENV)/installed
	@$(RUN) workflow.released

docs: $(VENV)/docs
	@$(RUN) workflow.documents

notebooks: $(VENV)/installed
	@$(RUN) workflow.notebooks

bench: $(VENV)/installed
	@$(RUN) bench.run $(ARGS)

beyond recipes: $(VENV)/installed
	@$(RUN) studies.$@ $(ARGS)

test: $(VENV)/installed lint
	@$(RUN) pytest $(ARGS)

lint: $(VENV)/installed
	@$(RUN) ruff check .
	@$(RUN) ruff format --check .
	@PATH="$(VENV)/bin:$$PATH" $(RUN) snakefmt --check Snakefile workflow
	@$(RUN) mypy

# an environment that was copied or moved, or has lost its Python, is no environment
HAS_PIP = "$(VENV)/bin/python" -Ic "import pip" 2>/dev/null
PLACE := $(shell $(HAS_PIP) && cat "$(VENV)/installed" 2>/dev/null)
ifneq "$(PLACE)" "$(realpath $(VENV))"
.PHONY: $(VENV)/installed
endif

$(VENV)/installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) \
	    and "PYTHON: expected 3.11 or newer, found " + sys.version)'
	@$(PYTHON) -m workflow.environment "$(VENV)"

$(VENV)/docs: $(VENV)/installed requirements-docs.lock
	@$(PYTHON) -m workflow.environment "$(VENV)" docs

clean:
	@rm -rf results site .snakemake $(if $(wildcard $(VENV)/installed),"$(VENV)")
