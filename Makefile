# Two commands do all the set-up: `make demo` and `make test`.

PYTHON ?= python3
BIN := .venv/bin
INDEX ?= demo.idx

.PHONY: demo test lint ui screenshots wheel sbom pins clean

demo: $(INDEX)/store
	@echo
	$(BIN)/engine ask "Who discovered radium?" --index $(INDEX)
	@echo
	@echo 'Ask your own: $(BIN)/engine ask "Which goatherd is said to have discovered coffee?" --index $(INDEX)'
	@echo 'Index your own: $(BIN)/indexer build ~/papers --index papers.idx'
	@echo 'A search page: make ui'

$(INDEX)/store: .venv/installed
	$(BIN)/indexer build data/sample/documents --index $(INDEX) --overwrite

# torch is installed alone and first, so that a CPU build at hand is taken.
.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

test: .venv/installed lint
	$(BIN)/pytest

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache --no-logo

ui: $(INDEX)/store
	$(BIN)/foreread-ui --index $(INDEX) --questions data/sample/questions.json

# Pictures of the search page's states, into runs/screenshots; needs Chromium.
screenshots: $(INDEX)/store
	$(BIN)/python tests/ui/browser/screenshots.py $(INDEX) data/sample/questions.json

# A wheel in dist/, built twice to show that it is the same bytes.
wheel: .venv/installed
	rm -rf dist
	$(BIN)/hatchling build -t wheel -d dist
	$(BIN)/hatchling build -t wheel -d dist/again
	cmp dist/*.whl dist/again/*.whl
	rm -r dist/again
	sha256sum dist/*.whl

# What requirements.txt installs, as a CycloneDX bill of materials; its tool comes from PyPI.
sbom: .venv/installed
	mkdir -p dist
	$(BIN)/uvx --quiet --from cyclonedx-bom==7.5.0 cyclonedx-py requirements requirements.txt \
		--pyproject pyproject.toml --output-reproducible --output-file dist/foreread.cdx.json

# requirements.txt anew, after a change of pyproject.toml or constraints.txt; asks PyPI. Torch stands in
# a file of its own.
pins: .venv/installed
	head -5 requirements.txt > requirements.partial
	$(BIN)/uv pip compile pyproject.toml --extra full --config-file requirements.uv.toml --upgrade \
		--constraint constraints.txt --python-version 3.11 --no-emit-package torch --quiet \
		--generate-hashes --no-header --no-annotate >> requirements.partial
	mv requirements.partial requirements.txt

clean:
	rm -rf .venv demo.idx
