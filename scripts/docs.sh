#!/usr/bin/env bash
# The data docs as one page that works offline: target/static_index.html. dbt reads the
# columns' types from a warehouse, here that of a small invented shop, kept apart.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH"
export DBT_TARGET_PATH="$PWD/target/docs" DBT_LOG_PATH="$PWD/target/docs/logs"
export INTENT_DUCKDB_PATH="$DBT_TARGET_PATH/intent.duckdb"
export INTENT_LANDING="$DBT_TARGET_PATH/landing"
export INTENT_PUBLISHED="$DBT_TARGET_PATH/published"

rm -rf "$DBT_TARGET_PATH"
intent demo --contacts 100 --days 60 --json > /dev/null
dbt --quiet docs generate --static
mv "$DBT_TARGET_PATH/static_index.html" target/static_index.html
echo "The data docs are in target/static_index.html: open it in a browser."
