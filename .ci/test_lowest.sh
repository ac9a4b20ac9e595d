#!/usr/bin/env bash
# Runs the tests on the oldest versions that pyproject.toml allows, in an environment of its own.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

environment=$(mktemp -d)
trap 'rm -rf "$environment"' EXIT
uv=$PWD/.venv/bin/uv

"$uv" venv --quiet --python 3.12 "$environment/venv"
export VIRTUAL_ENV=$environment/venv
"$uv" pip install --quiet --compile-bytecode --resolution lowest-direct --group build -e '.[test]'
"$environment/venv/bin/python" -m pytest "$@"
