# make setup    runtime packages and the Nextflow engine, all inside this folder
# make example  set-up, then the bundled cohort from VCFs to report in results/example
# make test     set-up with PyTorch and the test tools, then every test
# make images   container images of every process label, with podman or docker
# make test-faults  runs that are killed, starved and misled (needs minutes; see docs/clusters.md)
# make lint     style of the Python and Nextflow code
# make bench    scoring beside OpenSpliceAI and SpliceAI, on this machine
# make lock     pin requirements/*.in again
# make clean    remove what runs and tests left; `make distclean` removes the set-up too

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.SILENT:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := setup
.PHONY: setup setup-training setup-dev example images test test-faults lint lock bench clean distclean

VENV := .venv
STAMPS := $(VENV)/.installed
CACHE := $(CURDIR)/.cache
PYTHON := $(VENV)/bin/python
PYTEST_ARGS ?=

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYTHONDONTWRITEBYTECODE := 1
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

setup: $(STAMPS)/runtime $(STAMPS)/engine

setup-training: setup $(STAMPS)/training

setup-dev: setup-training $(STAMPS)/dev

example: setup
	nextflow run . -profile test --outdir results/example
	echo "report:  results/example/multiqc/multiqc_report.html"
	echo "VCFs:    results/example/annotated/"

test: setup-dev
	python -m pytest -n 2 --dist loadfile $(PYTEST_ARGS)
	if command -v nf-test >/dev/null; then nf-test test --ci; \
	else echo "nf-test is not on PATH: its specs were not run"; fi

test-faults: setup-dev
	SPLICEFLOW_FAULTS=1 python -m pytest tests/faults $(PYTEST_ARGS)

images:
	containers/build.sh $(IMAGES)

lint: setup-dev
	ruff check .
	ruff format --check .
	nextflow lint main.nf nextflow.config conf functions modules workflows

$(STAMPS)/python:
	for candidate in $${SPLICEFLOW_PYTHON:-python3.11 python3.12 python3.13 python3}; do
	    if "$$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' \
	        2>/dev/null; then found=$$candidate; break; fi
	done
	if [ -z "$${found:-}" ]; then
	    echo "error: no Python 3.11 or newer with venv was found: install python3.11 and python3.11-venv" >&2
	    exit 1
	fi
	"$$found" -m venv --clear $(VENV)
	mkdir -p $(STAMPS)
	touch $@

# Sets build on each other, in this order, so that pip never works on one folder twice at once.
# A stopped installation can leave half a package that pip takes for a whole one: when the process
# named in .started is gone, the folder is made again.
$(STAMPS)/runtime: requirements/runtime.txt | $(STAMPS)/python
$(STAMPS)/training: requirements/training.txt | $(STAMPS)/runtime
$(STAMPS)/dev: requirements/dev.txt | $(STAMPS)/training
$(STAMPS)/runtime $(STAMPS)/training $(STAMPS)/dev:
	if [ -e $@.started ]; then
	    if kill -0 "$$(<$@.started)" 2>/dev/null; then
	        echo "error: another make (process $$(<$@.started)) is installing into $(VENV): wait for it" >&2
	        exit 1
	    fi
	    rm -rf $(VENV)
	    exec $(MAKE) setup $@
	fi
	if [ $(@F) = training ] && ! command -v cc >/dev/null; then
	    echo "error: no C compiler was found, which mappy (minimap2) is built with: install gcc and zlib1g-dev" >&2
	    exit 1
	fi
	echo $$$$ >$@.started
	$(PYTHON) -m pip install --quiet --cache-dir $(CACHE)/pip --require-hashes -r $<
	mv $@.started $@

# The engine: nextflow from PATH if it is new enough, else its jars by Maven. Either way
# .venv/bin/nextflow puts the Python of this folder on the tasks' PATH.
$(STAMPS)/engine: pom.xml requirements/nextflow.sh | $(STAMPS)/runtime
	requirements/nextflow.sh $(VENV) $(CACHE)
	touch $@

# The peers get environments of their own below .cache/bench; BENCH_ARGS adds real data, --growth, …
bench: setup-training
	python benchmarks/scoring.py --peers openspliceai spliceai $(BENCH_ARGS)

lock: setup-dev
	cd requirements
	for set in runtime scoring scoring-cuda training dev; do
	    CUSTOM_COMPILE_COMMAND="make lock" pip-compile --quiet --generate-hashes --allow-unsafe \
	        --strip-extras --no-header --no-emit-index-url --no-emit-trusted-host \
	        --no-emit-find-links --no-emit-options --output-file $$set.txt $$set.in
	done

clean:
	rm -rf work results .nextflow .nextflow.log* .nf-test .nf-test.log .pytest_cache .ruff_cache .hypothesis
	find bin tests -name __pycache__ -prune -exec rm -rf {} +

distclean: clean
	rm -rf $(VENV) $(CACHE)
