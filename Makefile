# One command for each task; the environment is built on first use and renewed when the lock or pyproject changes.

UV = 0.13.9
BIN = .venv/bin
AXE = .venv/axe/pytest_playwright_axe/resources/axe.min.js

# The first of these that runs and is new enough. In this folder `.python-version` decides what pyenv's python3 is.
PYTHON = $(shell for python in python3 python3.13 python3.12; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null && echo $$python && break; done)

.DELETE_ON_ERROR:

.PHONY: help demo panes synthetic certificates renew identify mutants benchmarks rows peers favour support transfer pages test lint clean
.DEFAULT_GOAL := help

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

demo: .venv/.ready  ## run the synthetic Hyesan study from survey file to page
	$(BIN)/largesse run reports/hyesan

panes: .venv/.ready  ## run the study of Uruguay's PANES transfers, on public data
	$(BIN)/python reports/panes/survey.py
	$(BIN)/largesse run reports/panes

synthetic: .venv/.ready  ## draw the synthetic survey of reports/hyesan anew from its world
	$(BIN)/largesse simulate --world data/synthetic/hyesan/world.toml --out data/synthetic/hyesan

certificates: .venv/.ready  ## calibrate every model and store the certificates (two hours on two cores; goes on where it stopped)
	$(BIN)/largesse calibrate gift_allocation --out models/gift_allocation/calibration
	$(BIN)/largesse calibrate reported_loyalty --replicates 1000 --out models/reported_loyalty/calibration
	$(BIN)/largesse calibrate reported_loyalty --replicates 100 --out models/reported_loyalty/calibration/hyesan \
		--world models/reported_loyalty/calibration/hyesan/world.toml
	$(BIN)/largesse calibrate market_participation --out models/market_participation/calibration
	$(BIN)/largesse calibrate anchored_loyalty --out models/anchored_loyalty/calibration \
		--world models/anchored_loyalty/calibration/world.toml
	$(BIN)/largesse calibrate joint --replicates 300 --out models/joint/calibration
	$(BIN)/largesse calibrate joint --replicates 100 --out models/joint/calibration/support \
		--world models/joint/calibration/support/world.toml
	for asked in . list randomised; do \
		$(BIN)/largesse calibrate sincere_support --out models/sincere_support/calibration/$$asked \
			--world models/sincere_support/calibration/$$asked/world.toml; \
	done
	for favour in 00 10; do \
		$(BIN)/largesse calibrate joint --replicates 300 --out models/joint/calibration/favour_$$favour \
			--world models/joint/calibration/favour_$$favour/world.toml; \
	done

renew: .venv/.ready  ## replay stale certificates: an edit that moves no digit needs no new proof (minutes each)
	@failed=0; for held in $$(find models -name specification.json | sort); do \
		model=$${held#models/}; \
		$(BIN)/largesse calibrate $${model%%/*} --renew --out $$(dirname $$held) || failed=1; \
	done; exit $$failed

identify: .venv/.ready  ## clone data: is what models declare estimable, is what they call prior driven? (an hour; goes on where it stopped)
	@failed=0; for model in gift_allocation reported_loyalty anchored_loyalty market_participation sincere_support joint; do \
		$(BIN)/largesse identify $$model --out models/$$model/identification || failed=1; \
	done; exit $$failed

mutants: .venv/.ready  ## break the package on purpose and tell which test of calibration catches it (half an hour)
	PYTHONPATH=tests $(BIN)/python -m mutants.run

benchmarks: .venv/.ready  ## calibrate here and in simuk, in turns, and write benchmarks/README.md (a quarter of an hour)
	$(BIN)/python benchmarks/sbc.py

rows: .venv/.ready  ## what ten million respondents cost, from file to fit, and write benchmarks/README.md (a quarter of an hour)
	$(BIN)/python benchmarks/rows.py

peers: .venv/.ready  ## the same fit here and in PyMC, Bambi and brms (where R has it), in turns (two hours on two cores)
	$(BIN)/python benchmarks/peers.py

favour: .venv/.ready  ## fit the joint model over a grid of favour where the truth is known (ten minutes)
	$(BIN)/python benchmarks/favour.py

support: .venv/.ready  ## who supports and who only says so: cloned answers; alone and jointly, where offices favour (ten minutes)
	$(BIN)/python benchmarks/prevalence.py
	$(BIN)/python benchmarks/support.py

transfer: .venv/.ready  ## lend a posterior to the other half of its survey and see what is lost (a quarter of an hour)
	$(BIN)/python benchmarks/transfer.py

pages: .venv/.ready $(AXE)  ## open the pages in Chromium: accessibility, requests, pictures (a minute, once the study is made)
	$(BIN)/largesse run --quiet reports/hyesan
	PYTHONPATH=tests $(BIN)/python -m pages.run --axe $(AXE)

# axe-core alone, without the browser driver that the package would bring along
$(AXE): | .venv/.ready
	$(BIN)/uv pip install --no-deps --target .venv/axe pytest-playwright-axe==4.14.0

test: .venv/.ready  ## run all tests, on two cores; the longest files first
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder tests/test_studies.py tests/test_third_party.py tests

lint: .venv/.ready  ## check style, types and layers
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

clean:  ## remove caches and built packages; the environment, fits and pages stay
	rm -rf build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

# uv is pinned above, the rest in requirements.lock. Compiled bytecode: every process starts in 3 seconds, not 9.
.venv/.ready: requirements.lock pyproject.toml | $(BIN)/uv
	$(BIN)/uv pip install --compile-bytecode --requirements requirements.lock
	$(BIN)/uv pip install --no-deps --no-build-isolation --editable .
	touch $@

$(BIN)/uv:
	@test -n "$(PYTHON)" || { echo 'largesse needs Python 3.12 or newer, found under none of the names python3,' \
		'python3.13, python3.12. Install one, or put it first on PATH, and run make again.' >&2; exit 2; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet uv==$(UV)
