# Two commands: `make run` starts the studio, `make test` proves it.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin

run: .venv/ready
	@$(BIN)/python manage.py studio

test: .venv/ready-dev
	@./tests/run.sh

bench: .venv/ready-dev
	@$(BIN)/python -m tests.bench

bench-ledger: .venv/ready-dev
	@$(BIN)/python -m tests.bench.books 1000000

bench-drill: .venv/ready-dev
	@$(BIN)/python -m tests.bench.drill 1000000
bench-delivery: .venv/ready-dev
	@$(BIN)/python -m tests.bench.delivery 20000

chaos: .venv/ready-dev
	@$(BIN)/python -m tests.chaos.run
	@$(BIN)/python -m tests.chaos.matrix
	@$(BIN)/python -m tests.chaos.bot

deploy-test: .venv/ready-dev
	@$(BIN)/python -m tests.deploy.run

lint: .venv/ready-dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/djlint --lint --quiet templates
	@ENV_FILE=/dev/null $(BIN)/python manage.py makemigrations --check --dry-run

messages: .venv/ready-dev
	@$(BIN)/python manage.py makemessages -l ru --no-location --no-wrap --ignore=.venv
	@$(BIN)/python manage.py compilemessages --ignore=.venv

requirements: .venv/ready-dev
	@cd requirements && ../$(BIN)/uv pip compile -q --no-header base.in -o base.txt
	@cd requirements && ../$(BIN)/uv pip compile -q --no-header dev.in -o dev.txt
	@cd requirements && ../$(BIN)/uv pip compile -q --no-header s3.in -o s3.txt
	@cd requirements && ../$(BIN)/uv pip compile -q --no-header diffusers.in -o diffusers.txt

.venv/bin/pip:
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 is missing: apt-get install python3"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed, this is $$($(PYTHON) --version)"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "The venv module is missing: apt-get install python3-venv"; exit 1; }
	@$(PYTHON) -m venv .venv

.venv/ready: .venv/bin/pip requirements/base.txt
	@echo "Installing what the studio needs…"
	@$(BIN)/pip install --quiet --disable-pip-version-check -r requirements/base.txt
	@touch $@

.venv/ready-dev: .venv/ready requirements/dev.txt
	@echo "Installing what the tests need…"
	@$(BIN)/pip install --quiet --disable-pip-version-check -r requirements/dev.txt
	@touch $@

.PHONY: run test bench bench-ledger bench-drill bench-delivery chaos deploy-test lint messages requirements
