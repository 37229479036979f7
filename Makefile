# Everything needs only Python 3.11+, a C/C++ compiler and pip: each target sets up .venv itself.

PYTHON := .venv/bin/python
MIDWATCH := .venv/bin/midwatch
TEST_MODELS := qwen2.5-coder-1.5b qwen2.5-coder-0.5b

.DEFAULT_GOAL := help
.PHONY: help demo test check fmt bench soak docs install models

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: install ## break a little shop and ask midwatch what is wrong with it
	@$(PYTHON) -m assistant.demo

test: install models ## run all tests, with the real models and real services
	$(PYTHON) -m pytest -rs

check: install ## lint, formatting, types, and the rules of who imports whom
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy
	$(PYTHON) -m pytest -q tests/test_layers.py

fmt: install ## format the code and sort its imports
	$(PYTHON) -m ruff check --fix --exit-zero .
	$(PYTHON) -m ruff format .

bench: install models ## measure how fast the model answers, alone and for many at once
	$(MIDWATCH) bench

soak: install models ## minutes of random load on the real model, and many random mixes
	MIDWATCH_SOAK_S=300 MIDWATCH_TEST_MIXES=20000 $(PYTHON) -m pytest -s \
		tests/assistant/engine/test_soak.py tests/assistant/engine/test_core.py

docs: install ## write the reference of commands and settings
	$(PYTHON) docs/generate.py

install:
	@.ci/install

models: install
	@for model in $(TEST_MODELS); do $(MIDWATCH) model pull $$model || exit; done
