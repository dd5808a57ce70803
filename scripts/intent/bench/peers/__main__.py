"""Runs one peer."""

import json
import sys
from importlib import import_module
from pathlib import Path

from intent.bench.peers.inputs import largest_difference

MODULES = {
    "duckdb": "handwritten",
    "polars": "with_polars",
    "chdb": "with_chdb",
    "pandas": "with_pandas",
}

if __name__ == "__main__":
    name, inputs, output = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    import_module(f"intent.bench.peers.{MODULES[name]}").score(inputs, output)
    difference = largest_difference(inputs, output)
    print(json.dumps({"largest_difference": difference}))
