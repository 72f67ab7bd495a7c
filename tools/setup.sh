#!/usr/bin/env bash
# Makes the virtual environment from the hashed lock. Called by `make setup` only when the lock has changed.
set -euo pipefail
python="${PYTHON:-python3}"
venv="${VENV:-.venv}"

if ! command -v "$python" >/dev/null; then
  echo "setup: no '$python' found; install Python 3.11 or later, or say: make setup PYTHON=/path/to/python3" >&2
  exit 1
fi
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
  echo "setup: $("$python" --version) is too old; Python 3.11 or later is needed (make setup PYTHON=…)" >&2
  exit 1
fi
if [ ! -x "$venv/bin/python" ]; then
  if ! "$python" -m venv "$venv"; then
    echo "setup: the venv module is missing; on Debian or Ubuntu it is in the package python3-venv" >&2
    exit 1
  fi
fi
echo "setup: installing pinned packages into $venv (once per lock)" >&2
"$venv/bin/python" -m pip install --quiet --require-hashes --only-binary :all: -r requirements.lock
"$venv/bin/python" -m pip install --quiet --no-deps --no-build-isolation --no-index -e .
"$venv/bin/python" -m compileall -q services
