# Two commands: `make run` starts the service, `make test` runs the whole test suite.
# Needs Python 3.11 or newer, make and a package registry; nothing else is downloaded.

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
HOST ?= 127.0.0.1
PORT ?= 8000
CORPUS ?= corpus
INDEX ?= build/index
# Where CPU builds of torch are published; `+cpu` sorts above the plain build, so pip prefers it wherever it is visible.
TORCH_CPU_INDEX ?= https://download.pytorch.org/whl/cpu
TORCH := torch==2.13.0
# Set to 1 to accept a CUDA build of torch on a machine with a GPU.
ALLOW_CUDA ?= 0
# Set to 1 to put every gold question to the gate, not a sample.
FULL ?= 0
GATE := build/gate
GATE_RUN := $(VENV)/bin/zhengwen eval run --jobs 2
PIP := $(PY) -m pip --disable-pip-version-check --quiet
# The CUDA side of torch never enters a lock.
NEVER := torch cuda-bindings cuda-pathfinder cuda-toolkit nvidia-cublas nvidia-cuda-cccl nvidia-cuda-nvrtc nvidia-cudnn-cu13 \
  nvidia-cusparselt-cu13 nvidia-nccl-cu13 nvidia-nvshmem-cu13 triton
COMPILE := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
  $(addprefix --no-emit-package ,$(NEVER)) pyproject.toml

.PHONY: run test lint gate audit index install lock web clean
.DELETE_ON_ERROR:

run: index
	$(VENV)/bin/zhengwen serve --index $(INDEX) --host $(HOST) --port $(PORT)

index: $(VENV)/.installed
	$(VENV)/bin/zhengwen index --corpus $(CORPUS) --index $(INDEX)

test: $(VENV)/.installed-dev
	HF_HUB_OFFLINE=1 $(PY) -m pytest $(PYTEST_ARGS)

lint: $(VENV)/.installed-dev
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

# Whether this may be released, see docs/releasing.md: a sample of the gold questions, with FULL=1 all of them, the
# hostile ones too, and a report.
gate: $(VENV)/.installed
	rm -rf $(GATE)
ifeq ($(FULL),1)
	$(GATE_RUN) --gold eval/gold/digests.jsonl --corpus corpus --out $(GATE)/digests
	$(GATE_RUN) --gold eval/gold/adversarial.jsonl --corpus eval/gold/adversarial --out $(GATE)/adversarial
	$(VENV)/bin/zhengwen eval report $(GATE)/digests
	$(VENV)/bin/zhengwen eval report $(GATE)/adversarial
	$(VENV)/bin/zhengwen eval gate $(GATE)/digests
	$(VENV)/bin/zhengwen eval gate $(GATE)/adversarial --baseline eval/baseline-adversarial.json
else
	$(GATE_RUN) --gold eval/gold/digests.jsonl --corpus corpus --out $(GATE)/digests --sample 60
	$(VENV)/bin/zhengwen eval gate $(GATE)/digests --allow-sample
endif

# Whether a locked package has a known hole; says so and passes where there is nobody to ask.
audit: $(VENV)/.installed-dev
	@mkdir -p build && echo '{"dependencies": []}' > build/audit.json
	-@$(PY) -m pip_audit --requirement requirements.lock --no-deps --disable-pip --progress-spinner off --timeout 10 \
	  --format json --output build/audit.json 2>build/audit.err
	@$(PY) -c 'import json, sys; known = [row for row in json.load(open("build/audit.json"))["dependencies"] if "vulns" in row]; holes = [row for row in known if row["vulns"]]; print(f"{len(known)} packages audited, {len(holes)} with known holes", *holes, sep="\n"); sys.exit(bool(holes))'

install: $(VENV)/.installed

$(VENV)/.torch:
	@echo "making $(VENV) (the first time takes a few minutes)" >&2
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else f"zhengwen needs Python 3.11 or newer, $(PYTHON) is {sys.version.split()[0]}: set PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --compile --retries 1 --timeout 5 --extra-index-url $(TORCH_CPU_INDEX) $(TORCH)
	@$(PY) -c 'import sys, torch; sys.exit(f"torch {torch.__version__} is a CUDA build (several GB): make the CPU index reachable (TORCH_CPU_INDEX=...), or accept it with ALLOW_CUDA=1" if torch.version.cuda and "$(ALLOW_CUDA)" != "1" else 0)'
	@touch $@

$(VENV)/.installed: $(VENV)/.torch requirements.lock pyproject.toml
	$(PIP) install --compile --no-deps --require-hashes -r requirements.lock
	$(PIP) install --no-deps --no-build-isolation --editable .
	$(PIP) check
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed requirements-dev.lock
	$(PIP) install --compile --no-deps --require-hashes -r requirements-dev.lock
	$(PIP) check
	@touch $@

# Maintainers: renew both locks (needs `pip install uv`).
lock:
	$(COMPILE) --output-file requirements.lock
	$(COMPILE) --extra dev --constraint requirements.lock --output-file requirements-dev.lock

# Maintainers: the chat page from its sources (needs Node 20 and npm); what it makes is checked in, so nobody else needs them.
web:
	cd service/web && npm ci --ignore-scripts && npm run --silent build

clean:
	rm -rf $(VENV) build
