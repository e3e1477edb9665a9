# `make` lists the targets. Needs Python >= 3.11 as $(PYTHON) and the network once; everything else is set up in .make.

PYTHON ?= python3
VENV   := .make/venv
BIN    := $(VENV)/bin
READY  := $(VENV)/ready
WHEELS := .make/wheels
USED   := .make/used# lugnut as its users have it: not editable, and nothing else in its environment that a start would load
ROUNDS ?= 20
LINE   ?=
SEED   ?= 1
ORDERS ?= --preemptions 1 --deaths
CRASH  ?=
DEATHS ?= --every 13
MUTANTS ?=
STRESS ?= --processes 6 --minutes 10 --seed $(SEED)
BOXES  ?= --rounds 8 --seed $(SEED)
DISKS  ?= --seed $(SEED)
POWER  ?= --cuts 50 --seed $(SEED)
HOSTS  ?= --seed $(SEED)
REDIS  ?= --rounds 21 --seed $(SEED)
EVIDENCE ?=# a file to which campaigns append what they have shown; tools/evidence.py makes a table of it
TOLD   := $(if $(EVIDENCE),--evidence $(EVIDENCE))
CODE   := src tools tests

.DEFAULT_GOAL := help
.PHONY: help demo installed test lint types check races peers kills together shown orders crash deaths mutants stress \
	containers filesystems power hosts redis proof model bench benchslice afar clean

help:  ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "lugnut needs Python >= 3.11: make PYTHON=...")'
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

demo: $(READY)  ## install the three founding cases, shown and judged
	$(BIN)/python tools/demo.py --wheels $(WHEELS)

test: $(READY)  ## pass the tests
	$(BIN)/python -m pytest -n auto

lint: $(READY)  ## ruff, its formatter, and mypy for Linux and Windows
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy
	$(BIN)/mypy --platform win32

check: lint test  ## lint, types and tests

races: $(READY)  ## the three founding races, lugnut held to its promise (ROUNDS=20)
	$(BIN)/python tools/races.py --self-test
	$(BIN)/python tools/races.py --peer lugnut --strict --rounds $(ROUNDS) --wheels $(WHEELS)/races $(TOLD)

peers: $(READY)  ## the same races, lugnut beside uv and pip, measured only (ROUNDS=20)
	$(BIN)/python tools/races.py --peer lugnut --peer uv --peer pip --rounds $(ROUNDS) --wheels $(WHEELS)/races $(TOLD)

kills: $(READY)  ## SIGKILL at random moments of install, upgrade, uninstall, reinstall (ROUNDS=20 of each, SEED=1)
	$(BIN)/python tools/kills.py --rounds $(ROUNDS) --seed $(SEED) --what all $(TOLD)

together: $(READY)  ## 2, 8 and 32 processes at once on one environment (ROUNDS=20 of each)
	$(BIN)/python tools/together.py --rounds $(ROUNDS) $(TOLD)

shown: $(READY)  ## every promise, a line of figures each, in full (LINE="jwt six", ROUNDS=n of each)
	$(BIN)/python tools/shown.py --wheels $(WHEELS) $(if $(filter-out file,$(origin ROUNDS)),--rounds $(ROUNDS)) $(LINE)

orders: $(READY)  ## two and three runs in every order of their calls, killed too (ORDERS="--random 1000 --seed 1")
	$(BIN)/python tools/schedules.py $(ORDERS) $(TOLD)

crash: $(READY)  ## killed, and failed, at every file-system call of every command (CRASH="--every 50 --append FILE"; cc)
	$(BIN)/python tools/crash.py $(CRASH) $(TOLD)

deaths: $(READY)  ## uv, pip and lugnut killed at their calls, then the same command again (DEATHS="--every 13"; cc)
	$(BIN)/python tools/crash.py --installer uv --installer pip --installer lugnut $(DEATHS) $(TOLD)

mutants: $(READY)  ## guards taken out of the code, each caught by one of orders and crash (MUTANTS="--only M5")
	$(BIN)/python tools/mutants.py $(MUTANTS)

stress: $(READY)  ## clients at random on one environment, nemeses, a serial oracle (STRESS="--minutes 60 --installer uv")
	$(BIN)/python tools/stress.py $(STRESS) $(TOLD)

containers: $(READY)  ## two and four containers share one environment (BOXES="--rounds 8 --engine podman"; root)
	$(BIN)/python tools/containers.py $(BOXES) $(TOLD)

filesystems: $(READY)  ## the promise on all that can be mounted here (DISKS="--only xfs --rounds 2"; root)
	$(BIN)/python tools/filesystems.py $(DISKS) $(TOLD)

power: $(READY)  ## power cuts on ext4 and xfs, with --durable and without (POWER="--cuts 50"; root, cc, mkfs.xfs)
	$(BIN)/python tools/power.py $(POWER) $(TOLD)

hosts: $(READY)  ## two hosts on MooseFS and GlusterFS, killed and cut off, or refused (HOSTS="--on moosefs"; root, their Debian packages)
	$(BIN)/python tools/hosts.py $(HOSTS) $(TOLD)

redis: $(READY)  ## two hosts that flock does not reach, a Redis server between them (REDIS="--rounds 21"; redis-server)
	$(BIN)/python tools/redislocks.py $(REDIS) $(TOLD)

proof: $(READY)  ## all campaigns in full, one after the other, for hours; what they show is appended to .make/evidence.jsonl
	PATH="$(CURDIR)/$(BIN):$$PATH" bash tools/proof.sh $(or $(EVIDENCE),.make/evidence.jsonl)

model:  ## check the transaction protocol's model, and that each guard taken out is caught (spin, cc; some minutes)
	EVIDENCE=$(EVIDENCE) bash tools/model/check.sh all

bench: installed  ## the table of speed, beside uv and above the floor (CASE="W2 warm", ROUNDS=n, FROM=directory of w1/ w2/ w3/)
	$(USED)/bin/python tools/bench.py $(if $(filter-out file,$(origin ROUNDS)),--rounds $(ROUNDS) --cold-rounds $(ROUNDS)) \
		$(if $(FROM),--from $(FROM)) $(if $(CASE),--case "$(CASE)") $(if $(APPEND),--append $(APPEND))

benchslice: $(READY)  ## every mode of it once, on small wheels made here, whatever else the machine does
	$(BIN)/python tools/bench.py --case "W0 *" --rounds 1 --cold-rounds 1 --idle 99

installed: $(READY)
	@test -x $(USED)/bin/python || $(PYTHON) -m venv $(USED)
	@$(USED)/bin/python -m pip install --quiet --disable-pip-version-check --upgrade '.[fast]' uv matplotlib
	@$(USED)/bin/python -m pip install --quiet --disable-pip-version-check --force-reinstall --no-deps .

afar: $(READY)  ## from an index on loopback by a lock with hashes, beside uv; eight syncs at once (ROUNDS=20, FROM=directory)
	$(BIN)/python tools/afar.py --rounds $(ROUNDS) $(if $(FROM),--wheels $(FROM))

clean:  ## remove what make set up
	rm -rf .make
