"""Our own models from cleaned events to scores, as a process like those of the peers.

    python -m intent.bench.ours WAREHOUSE MANIFEST SCRATCH

The manifest is that of a full build, whose models make everything anew.
"""

import json
import sys
from pathlib import Path

from intent.bench.compiled import CompiledModels
from intent.bench.database import open_database
from intent.bench.scoring import CHAIN

FACTS = "int_activity_days"


def score(warehouse: Path, manifest: Path, scratch: Path) -> dict[str, int]:
    """Score all contacts, and return how many scores there are."""
    with open_database(scratch) as connection:
        connection.execute(f"attach '{warehouse}' (read_only)")
        CompiledModels(manifest).create(connection, [FACTS, *CHAIN])
        found = connection.execute("select count(*) from contact_scores").fetchone()
    return {"scores": int(found[0]) if found else 0}


if __name__ == "__main__":
    print(json.dumps(score(*map(Path, sys.argv[1:4]))))
