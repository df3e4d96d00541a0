# The two commands of the README are `make run` and `make test`; the others are for people who work on Hortus.
SHELL := /bin/sh
PY := .venv/bin/python

.PHONY: help run test test-fast check budgets format bench bench-dialects bench-usage bench-limits bench-failover bench-training bench-serving faults matrix docs coverage pins wheel seedling example clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s  %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## Install the core and the CPU engine, start Hortus, ask the first question (once=1: then stop)
	@tools/setup.sh local
	@.venv/bin/hortus up $(if $(once),--once) $(if $(port),--port $(port)) $(args)

test bench: export PATH := $(PATH):/usr/sbin:$(CURDIR)/.cache/bin
test: check ## Install what the tests need, then everything: checks, tests, documentation
	@tools/need_program.sh nginx
	@tools/need_program.sh curl
	@tools/need_wheels.sh
	$(PY) -m pytest -n 2 --dist loadscope
	@$(MAKE) --no-print-directory docs

test-fast: ## The tests that start no server of their own (3 minutes at most)
	@tools/setup.sh dev
	$(PY) -m pytest -n 2 --dist loadscope -m "not slow"

check: ## Lint, types, import floors, budgets, spelling
	@tools/setup.sh dev
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	@$(MAKE) --no-print-directory budgets
	@$(PY) tools/secrets_scan.py
	.venv/bin/codespell src docs tools README.md CONTRIBUTING.md SECURITY.md

budgets: ## Size and complexity of files and functions, against the limits
	@$(PY) tools/budgets.py

format: ## Let the formatter decide
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

bench: ## CPU per request and per streamed event, as ratios to nginx in the same run
	@tools/setup.sh dev
	$(PY) tests/bench/bench.py --nginx "$$(tools/need_program.sh nginx)"

bench-dialects: ## µs to translate a request of 20 messages and one stream event, for each pair of dialects
	@tools/setup.sh dev
	$(PY) tests/bench/dialects.py

faults: ## Kill everything under load and compare the books with the host's own count (KILLS=200 SEED=1; 9 minutes)
	@tools/setup.sh dev
	@PYTHONPATH=tests $(PY) -m faults.run --kills $(or $(KILLS),200) --seed $(or $(SEED),1)

bench-limits: ## The edge of a budget: overspend, false refusals, waits for leases (args="--workers 4 --requests 1000")
	@tools/setup.sh dev
	PYTHONPATH=tests $(PY) tests/bench/limits.py $(args)

bench-failover: ## Seconds until a client has its answer when the first endpoint fails, for each fault (args="--requests 50")
	@tools/setup.sh dev
	PYTHONPATH=tests $(PY) tests/bench/failover.py $(args)

bench-training: ## Tokens a second of the trainers over a plain TRL script in the same run (args="--gpu --steps 60")
	@tools/setup.sh dev
	$(PY) tests/bench/training.py $(args)

bench-serving: ## Tokens/s of a served model through Hortus over the bare engine, cold starts, failures while replaced (args="--folder DIR")
	@tools/setup.sh dev
	PYTHONPATH=tests $(PY) tests/bench/serving.py $(args)

bench-usage: ## Receipts a second with and without sums of usage; seconds to ask them (args="--absorb 1000000")
	@tools/setup.sh dev
	$(PY) tests/bench/usage.py $(args)

guard-figures: ## What the guards find in the published texts: print it and write docs/reference/guards.md
	@tools/setup.sh dev
	@$(PY) tools/guard_texts.py
	@$(PY) tools/guard_figures.py

bench-guards: ## µs that the guards take to look through clean and dirty texts of 1 kB and 100 kB
	@tools/setup.sh dev
	$(PY) tests/bench/guards.py

matrix: ## Ask every host through every official SDK and write docs/reference/matrix.md
	@tools/setup.sh dev
	@PYTHONPATH=tests $(PY) tests/sdk/write_matrix.py

docs: ## Build the documentation into docs/_build/html
	@tools/setup.sh dev
	$(PY) -m sphinx -q -n -W --keep-going -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

coverage: ## The whole suite with line and branch coverage, children included
	@tools/setup.sh dev
	$(PY) -m coverage erase
	$(PY) -m coverage run -m pytest
	$(PY) -m coverage combine -q
	$(PY) -m coverage report

wheel: ## Build the wheel into dist/
	@tools/setup.sh dev
	$(PY) -m build --no-isolation --wheel --outdir dist .

pins: ## Resolve requirements/*.in again (needs uv; leaves out releases younger than a week)
	@tools/pins.sh

seedling: ## Train the embedded model again (see examples/citizen-desk)
	@$(MAKE) --no-print-directory -C examples/citizen-desk seedling

example: ## Examples in, a better model out: the citizen desk, tuned, judged, served and asked (see examples/citizen-desk)
	@$(MAKE) --no-print-directory -C examples/citizen-desk example

clean: ## Remove what was built (never HORTUS_HOME)
	rm -rf .venv .cache dist build docs/_build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
