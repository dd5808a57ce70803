#!/usr/bin/env bash
# Installs each engine that is named, and tests the project on it. The variable
# SKIP_ENGINES names those to leave out; the output says which were not tested, and why.
set -euo pipefail
cd "$(dirname "$0")/.."
failed=0
for engine in "$@"; do
    if [[ " ${SKIP_ENGINES//,/ } " == *" $engine "* ]]; then
        echo "engine $engine: skipped by SKIP_ENGINES"
    elif ! make --no-print-directory ".engines/$engine/installed"; then
        echo "engine $engine: not tested, as it can not be installed"
    else
        echo "engine $engine: testing"
        ".engines/$engine/bin/python" -m pytest -n 0 -m engines -rs \
            tests/python/test_engines.py || failed=1
    fi
done
exit $failed
