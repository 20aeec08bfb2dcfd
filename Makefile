# Needs git, make and one Python of SUPPORTED; everything else goes into .venv, pinned by requirements.lock.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

SUPPORTED := 3.11 3.12 3.13
SPEECH ?=
SCALE ?= demo
OUT ?= runs/$(SCALE)
UV_VERSION := 0.13.8

VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.installed
PACKAGES := search_spaces lightning_modules deploy benchmarks

.PHONY: help setup demo runner test lint format types lock clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 16
	@echo "  demo takes SPEECH=DIR (default: voices of espeak-ng), SCALE=smoke|demo|reference|few|many, OUT=DIR"

setup: $(STAMP) ## install into .venv what requirements.lock pins (a second run does nothing)

demo: $(STAMP) ## speech with few labels -> measured models and a report
	@$(PY) -m deploy run $(if $(SPEECH),--speech "$(SPEECH)") --scale "$(SCALE)" --out "$(OUT)"

runner: ## the Android runner's package (needs a JDK and Maven, no Android SDK): android_runner/target/runner.apk
	@android_runner/build.sh package -DskipTests

test: $(STAMP) ## every test; no GPU, phone or dataset; the runner's where java and mvn are
	@code=3; if command -v java >/dev/null && command -v mvn >/dev/null; then code=0; android_runner/build.sh verify || code=$$?; fi; \
	if [ $$code -eq 3 ] && [ -z "$(REQUIRE_RUNNER)" ]; then \
	  echo "skipped: the tests of android_runner/ need java, mvn and, the first time, Maven's registry" >&2; \
	elif [ $$code -ne 0 ]; then exit 2; fi
	$(PY) -m pytest

lint: $(STAMP) ## ruff: lint and format, changing nothing
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

format: $(STAMP) ## ruff: mend what it can
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

types: $(STAMP) ## mypy
	$(PY) -m mypy $(PACKAGES)

lock: ## write requirements.lock anew from pyproject.toml (UPGRADE=1 takes newer versions)
	@$(find_python); "$$python" -m venv .cache/lock
	@.cache/lock/bin/pip install --quiet uv==$(UV_VERSION)
	.cache/lock/bin/uv pip compile pyproject.toml --extra dev --universal --fork-strategy fewest --generate-hashes --quiet \
	  --custom-compile-command "make lock" $(if $(UPGRADE),--upgrade) --output-file requirements.lock

clean: ## remove tools' caches and build leftovers; runs/, .venv and prepared speech (.cache) stay
	rm -rf build dist android_runner/target *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

# Sets $$python to the interpreter that PYTHON= names, else to the first supported one that starts.
define find_python
python=; for candidate in $(if $(PYTHON),"$(PYTHON)",$(SUPPORTED:%=python%) python3); do \
  version=$$("$$candidate" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue; \
  case " $(SUPPORTED) " in *" $$version "*) python=$$candidate; break;; esac; \
done; \
if [ -z "$$python" ]; then \
  echo "error: no supported Python $(if $(PYTHON),at PYTHON=$(PYTHON),on PATH); this kit runs on $(SUPPORTED): install one, or name it: make setup PYTHON=/path/to/python3.11" >&2; exit 2; \
fi
endef

$(STAMP): requirements.lock
	@if [ -x $(PY) ]; then \
	  version=$$($(PY) -c 'import sys; print("%d.%d" % sys.version_info[:2])') || exit 2; \
	  case " $(SUPPORTED) " in *" $$version "*) ;; \
	    *) echo "error: $(VENV) holds Python $$version; this kit runs on $(SUPPORTED): remove $(VENV) and run make setup again" >&2; exit 2;; \
	  esac; \
	else \
	  $(find_python); \
	  "$$python" -m venv $(VENV) >&2 || { rm -rf $(VENV); echo "error: $$python cannot make a virtual environment; install its venv module (Debian: apt install $$(basename "$$python")-venv)" >&2; exit 2; }; \
	fi
	@echo "Installing what requirements.lock pins into $(VENV) (about 6 GB, a few minutes)" >&2
	$(PY) -m pip install --disable-pip-version-check --require-hashes -r requirements.lock
	$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	$(PY) -m pip check
	@touch $@
