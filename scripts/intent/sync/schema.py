"""Prints what `syncs/schema.json` must hold: `python -m intent.sync.schema`."""

import json
import sys

from intent.sync.spec import json_schema


def schema_text() -> str:
    """What `syncs/schema.json` must hold."""
    return json.dumps(json_schema(), indent=2) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema_text())
