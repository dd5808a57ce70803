#!/usr/bin/env bash
# Style and types of everything: SQL, YAML, Python. Developers and CI run this.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH"
# dbt looks at a place of its own, where nothing has landed and nothing is built.
export INTENT_DUCKDB_PATH="$PWD/target/lint.duckdb" DBT_TARGET_PATH="$PWD/target/lint"
mkdir -p target

ruff check scripts tests
ruff format --check scripts tests
mypy
yamllint .
dbt --warn-error parse --no-partial-parse --show-all-deprecations
sqlfluff lint --processes 2 analyses models tests
