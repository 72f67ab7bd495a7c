# Shenbao (申报). `make` alone lists the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CACHE ?= $(if $(XDG_CACHE_HOME),$(XDG_CACHE_HOME),$(HOME)/.cache)/shenbao
DATA ?= ./var
STACK_DATA ?= ./var-stack
PORT ?= 8080
export SHENBAO_CACHE := $(CACHE)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
STAMP := $(VENV)/.stamp
WANTED := $(shell cat requirements.lock pyproject.toml tools/setup.sh 2>/dev/null | sha256sum | cut -c1-64)

.PHONY: fuzz fuzz-pdf hostile bench-hostile stack stack-down bench-tools bench-disc bench-pdf bench-pdf-quality bench-coach bench-opening bench-video bench-events bench-scale bench-live bench-upload bench-pages chaos screenshots words errors help setup run demo servers test lint types imports proto proto-check baseline lock format clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: ## Make .venv with everything pinned (PyPI only; does nothing when the lock is unchanged)
	@if [ "$$(cat $(STAMP) 2>/dev/null)" != "$(WANTED)" ]; then \
	  PYTHON="$(PYTHON)" VENV="$(VENV)" bash tools/setup.sh && echo "$(WANTED)" > $(STAMP); fi

run: setup ## Set up and start the platform on 127.0.0.1:8080, data under ./var
	@exec $(BIN)/shenbao serve --port $(PORT) --data $(DATA)

demo: setup ## Carry a generated dossier through every service and level, and print what happened
	@exec $(BIN)/shenbao demo

stack: setup servers ## Start the platform on Kafka, PostgreSQL and S3, in separate processes, in the background
	@PYTHONPATH=. $(BIN)/python -m tools.stack up --port $(PORT) --data $(STACK_DATA)

stack-down: setup ## Stop exactly what `make stack` started
	@PYTHONPATH=. $(BIN)/python -m tools.stack down --data $(STACK_DATA)

servers: ## Fetch once, into a cache outside the tree, what only tests and linting need
	@bash tools/servers.sh

test: setup servers ## Set up and run every test
	@$(BIN)/pytest -n 2 --dist loadgroup -m "not chaos" --durations 25 --durations-min 10

fuzz: setup ## 10,000 broken videos through the verdict, 200 through all stages: each must end in a finding, within its limits
	@PYTHONPATH=. $(BIN)/python -m tests.fuzz --keep fuzz-failures

fuzz-pdf: setup ## 10,000 broken documents and pictures, 1,000 of them through everything: each must end in findings, within its limits
	@PYTHONPATH=. $(BIN)/python -m tests.fuzz.documents --keep fuzz-pdf-failures

hostile: setup ## The hostile set of documents through everything that pdfcheck does: what each was told, and what it took
	@PYTHONPATH=. $(BIN)/python -m tests.hostile

bench-hostile: setup ## Honest documents a second, alone and with one hostile file always in flight
	@PYTHONPATH=. $(BIN)/python -m bench.pdf.hostile

bench-upload: setup servers ## The upload page against plain nginx: speed, and memory for a large file
	@PYTHONPATH=. $(BIN)/python -m bench.upload

bench-pages: setup servers ## A reviewer's next item: from the key press until it can be worked on
	@PYTHONPATH=. $(BIN)/python -m bench.pages

bench-live: setup servers ## A verdict on the page after its check, beside asking every second
	@PYTHONPATH=. $(BIN)/python -m bench.live

bench-events: setup servers ## Events from commit to effect: beside a bare Kafka producer, pgbench and the embedded log
	@PYTHONPATH=. $(BIN)/python -m bench.events

bench-disc: setup servers bench-tools ## A disc image: built, and built and read back, beside genisoimage and 7-Zip
	@PYTHONPATH=. $(BIN)/python -m bench.disc

bench-scale: setup servers ## One, two and four video workers: speed, order of jobs, handing over
	@PYTHONPATH=. $(BIN)/python -m bench.scale

bench-pdf: setup servers bench-tools ## Documents weighed, merged and shown, beside qpdf, mutool, pypdf and PyMuPDF
	@PYTHONPATH=. $(BIN)/python -m bench.pdf

bench-coach: setup bench-tools ## A page that is too large made smaller, beside Pillow, Ghostscript and jpegtran
	@PYTHONPATH=. $(BIN)/python -m bench.coach

bench-pdf-quality: setup bench-tools ## What hints find on 420 generated pages, beside the plain rules that people use
	@PYTHONPATH=. $(BIN)/python -m bench.pdf_quality

bench-opening: setup bench-tools ## What is read of 400 opening cards, beside plain RapidOCR and Tesseract
	@PYTHONPATH=. $(BIN)/python -m bench.opening

bench-tools: setup ## Fetch the programs that benchmarks compare with (ffprobe, MediaInfo, genisoimage, Tesseract, fonts)
	@bash tools/servers.sh bench

bench-video: setup servers bench-tools ## What a verdict on a film in an object store reads and takes, beside ffprobe, MediaInfo, PyAV
	@PYTHONPATH=. $(BIN)/python -m bench.video

screenshots: setup servers ## Take pictures of every page at three widths, into ./screenshots
	@SCREENSHOTS=$(CURDIR)/screenshots $(BIN)/pytest tests/e2e/browser/screenshots.py -v

chaos: setup servers ## Kill everything at each point of a journey and start again
	@$(BIN)/pytest tests/chaos -v

lint: setup servers types imports proto-check ## Everything that is checked without running the product
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@cd proto && $(CACHE)/bin/buf lint && $(CACHE)/bin/buf breaking --against baseline.binpb

types: setup ## mypy, strict
	@$(BIN)/mypy

imports: setup ## The architecture's import contracts
	@$(BIN)/lint-imports --config pyproject.toml

proto: setup ## Generate services/gen from proto/
	@$(BIN)/python proto/generate.py

proto-check: setup ## Fail when services/gen is not what proto/ says
	@$(BIN)/python proto/generate.py --check

errors: setup ## Write docs/errors.md from the wording of errors and findings
	@$(BIN)/python docs/make_errors.py

words: setup ## Bring the pages' English in line with their Chinese
	@PYTHONPATH=. $(BIN)/python tools/words.py

baseline: servers ## Renew, on purpose, the contract that breaking changes are measured against
	@cd proto && $(CACHE)/bin/buf build -o baseline.binpb

lock: setup ## Renew requirements.lock from pyproject.toml
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --all-extras --upgrade --custom-compile-command "make lock" pyproject.toml -o requirements.lock

format: setup ## Format the code
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

clean: ## Remove what can be made again (never ./var)
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
