# make reproduce [SCALE=smoke|laptop|paper]   every table, figure and claim, and one HTML report
# make plan [SCALE=...]                       what reproduce would run, and why
# make bench [ARGS="--device cuda"]           what a training step costs, beside the plain way of writing it
# make recipes                                loss against seconds of training, recipe by recipe
# make test [ARGS="-m slow"]                  the tests; each command makes its own environment first

PYTHON ?= python3
VENV ?= .venv
SCALE ?= laptop
ARGS ?=
REPORT = results/$(SCALE)/report.html
# without bytecode every job would compile torch anew, which took longer than most jobs
RUN = PATH="$(abspath $(VENV))/bin:$$PATH" PYTHONNOUSERSITE=1 PYTHONDONTWRITEBYTECODE=
SNAKEMAKE = $(RUN) snakemake --config scale=$(SCALE) --quiet rules host reason

.PHONY: reproduce plan bench recipes test lint clean

reproduce: $(VENV)/installed
	$(SNAKEMAKE)
	$(SNAKEMAKE) --report $(REPORT)
	@echo "$(abspath $(REPORT))"

plan: $(VENV)/installed
	$(SNAKEMAKE) --dry-run

bench: $(VENV)/installed
	$(RUN) python -m bench.run $(ARGS)

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
