# make reproduce [SCALE=laptop]               every table, figure and claim of a scale of workflow/scales/, and one HTML report
#   RETRAIN=1                                 train every model, those in released/ too; TRAINING=missing: those that it lacks
# make status [SCALE=...]                     what is missing, changed or interrupted, and what a run would do and cost
# make plan [SCALE=...]                       every job that reproduce would run, and why
# make verify [SCALE=...]                     whether the folder of results is whole and untouched
# make trace FILE=results/...                 what a file was made from, down to the seeds
# make train-released [MINUTES=25]            train what released/ lacks of the paper's grid, for the minutes there are
# make retrain MODEL=condition/run            train a released model again from its card, and compare
# make released                               docs/released.md, claims.md and figures, from released/ and results/paper
# make bench [ARGS="--device cuda"]           what a training step costs, beside the plain way of writing it
# make kills [ARGS="--kills 50"]              interruptions at random moments, each mended by one run
# make beyond [ARGS="--seeds 3"]              what brings trained LSA nearer to the best polynomial of its depth
# make mask                                   where depth stops paying for LSA that attends to its query, and why
# make recipes                                loss against seconds of training, recipe by recipe
# make test [ARGS="-m slow"]                  the tests; each command makes its own environment first

PYTHON ?= python3
VENV ?= .venv
SCALE ?= laptop
ARGS ?=
MINUTES ?= 25
REPORT = results/$(SCALE)/report.html
# without bytecode every job would compile torch anew, which took longer than most jobs
RUN = PATH="$(abspath $(VENV))/bin:$$PATH" PYTHONNOUSERSITE=1 PYTHONDONTWRITEBYTECODE=
CACHE = $(if $(SNAKEMAKE_OUTPUT_CACHE),--cache train)
TRAINING ?= $(if $(filter-out 0,$(RETRAIN)),all)
SETTINGS = $(if $(TRAINING),training=$(TRAINING))
SNAKEMAKE = $(RUN) snakemake --config scale=$(SCALE) $(SETTINGS) --quiet rules host reason $(CACHE)

.PHONY: reproduce status plan verify trace train-released retrain released bench kills beyond mask recipes test lint clean

reproduce: $(VENV)/installed
	$(RUN) python -m icnewton.records set-aside results/$(SCALE)
	$(SNAKEMAKE) $(ARGS)
	$(SNAKEMAKE) --report $(REPORT)
	@echo "$(abspath $(REPORT))"

plan: $(VENV)/installed
	$(RUN) python -m workflow.status $(SCALE) $(SETTINGS) --jobs

status: $(VENV)/installed
	$(RUN) python -m workflow.status $(SCALE) $(SETTINGS)

verify: $(VENV)/installed
	$(RUN) python -m icnewton.records verify results/$(SCALE)

trace: $(VENV)/installed
	$(RUN) python -m icnewton.records trace $(FILE)

train-released: $(VENV)/installed
	$(RUN) python -m workflow.train_released --minutes $(MINUTES) $(ARGS)

retrain: $(VENV)/installed
	$(RUN) python -m workflow.retrain $(MODEL) $(ARGS)

released: $(VENV)/installed
	$(RUN) python -m workflow.released

bench: $(VENV)/installed
	$(RUN) python -m bench.run $(ARGS)

kills: $(VENV)/installed
	$(RUN) python -m bench.kills $(ARGS)

beyond: $(VENV)/installed
	$(RUN) python -m bench.beyond $(ARGS)

mask: $(VENV)/installed
	$(RUN) python -m bench.mask $(ARGS)

recipes: $(VENV)/installed
	$(RUN) python -m bench.recipes $(ARGS)

test: $(VENV)/installed lint
	$(RUN) python -m pytest $(ARGS)

lint: $(VENV)/installed
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) snakefmt --check Snakefile workflow
	$(RUN) mypy

$(VENV)/installed: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, found " + sys.version if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(RUN) pip install --quiet --disable-pip-version-check --no-compile -r requirements.lock
	$(RUN) pip install --quiet --disable-pip-version-check --no-deps -e .
	touch $@

clean:
	rm -rf results .snakemake $(VENV)
