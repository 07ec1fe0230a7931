# Every target sets up what it needs; a second run starts in seconds. ARGS="…" goes to the command itself.
.DEFAULT_GOAL := help
.PHONY: help demo test lint format bench matrix serve web setup reference docs clean

BIN := .venv/bin
ARGS ?=

help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "make %-8s %s\n", $$1, $$2 }'

demo: setup ## show real digits on a map in the FiftyOne App, at http://localhost:5151
	@$(BIN)/labelscape demo $(ARGS)

test: setup web ## run every test, the browser's too
	@scripts/setup browser
	@scripts/setup label-studio
	@$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder $(ARGS)

lint: setup ## check style, types, the arrows between packages
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@scripts/typecheck
	@$(BIN)/lint-imports

format: setup ## bring the code into its style
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: setup ## run every benchmark: we and our peers on the same work
	@scripts/setup label-studio
	@for benchmark in $$(grep -l __main__ benchmarks/*.py); do echo "== $$benchmark"; $(BIN)/python $$benchmark $(ARGS) || exit 1; done

matrix: setup ## run all but the end-to-end tests with every supported Python that is installed here
	@scripts/matrix $(ARGS)

serve: setup ## serve the Label Studio backend
	@$(BIN)/labelscape serve $(ARGS)

reference: setup ## write the generated pages of docs/reference
	@WRITE_REFERENCE=1 $(BIN)/python -m pytest -q tests/test_reference.py

docs: setup ## build the documentation site in build/site, with its links checked
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

web: ## check the panel's TypeScript and its committed bundle (needs Node.js)
	@scripts/check-web

setup: ## make the environment in .venv
	@scripts/setup

clean: ## remove what the other targets made
	rm -rf .venv .venv-label-studio .venv-matrix-* build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis plugin/web/node_modules
