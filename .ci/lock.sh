#!/usr/bin/env bash
# Renews the two locks from pyproject.toml; `.ci/lock.sh --upgrade` moves every version on.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

compile() {
  .venv/bin/uv pip compile pyproject.toml --quiet --universal --python-version 3.12 \
    --group build --generate-hashes --no-header --no-annotate "$@"
}

# what an extra cannot do with, running does without too: both locks name the same versions
compile --all-extras --output-file requirements-dev.lock "$@"
compile --constraint requirements-dev.lock --output-file requirements.lock "$@"
