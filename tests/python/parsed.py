"""What dbt read of the project, kept for the commands of all tests.

dbt reads the whole project anew, which takes it longer than many a build, when its vars
or the path of the warehouse are others than before. The clock and the path change
nothing of what it reads. So it is told that they are those of before.
"""

import hashlib
import json
import os
import pprint
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgpack
from dbt.version import __version__

CLOCK = "intent_as_of"
Variables = Mapping[str, Any]


@dataclass
class Parsed:
    """Files that dbt wrote of what it read, by project and vars.

    The warehouses of one process go by one path, whose hash dbt tells at first.
    """

    folder: Path
    path_hash: str = field(default="", init=False)

    def keep(self, file: Path, project: Path, command: str, told: Variables) -> None:
        """Keep what a command had dbt write, that was told these vars."""
        state = msgpack.unpackb(file.read_bytes(), strict_map_key=False)["state_check"]
        self.path_hash = state["profile_hash"]["checksum"]
        # What else a command itself tells dbt, is known to that command.
        is_all = state["vars_hash"]["checksum"] == hash_of(told)
        kept = self.read_by_all(project, told) if is_all else None
        file.replace(kept or self.read_by(project, command, told))

    def lend(self, project: Path, command: str, told: Variables) -> Path | None:
        """The file of what was read with these vars, whatever the clock was."""
        own = self.read_by(project, command, told)
        if own.exists():
            return own
        kept = self.read_by_all(project, told)
        if not (kept.exists() and self.path_hash and is_clock(told.get(CLOCK))):
            return None
        parsed = msgpack.unpackb(kept.read_bytes(), strict_map_key=False)
        parsed["state_check"]["profile_hash"]["checksum"] = self.path_hash
        parsed["state_check"]["vars_hash"]["checksum"] = hash_of(told)
        lent = self.folder / f"lent_{os.getpid()}.msgpack"
        lent.write_bytes(msgpack.packb(parsed))
        return lent

    def read_by_all(self, project: Path, told: Variables) -> Path:
        others = {name: value for name, value in told.items() if name != CLOCK}
        return self.file_of(str(project), others)

    def read_by(self, project: Path, command: str, told: Variables) -> Path:
        return self.file_of(str(project), command, dict(told), os.getpid())

    def file_of(self, *key: Any) -> Path:
        text = json.dumps(key, sort_keys=True)
        return self.folder / f"{hashlib.sha256(text.encode()).hexdigest()}.msgpack"


def hash_of(told: Variables) -> str:
    """What dbt makes of vars, to know if they changed."""
    text = "\x00".join([pprint.pformat(dict(told)), "", "", __version__])
    return hashlib.sha256(text.encode()).hexdigest()


def is_clock(value: object) -> bool:
    """Tell if dbt takes it for a clock; of others it says why not as it reads."""
    try:
        return value is None or (
            date.fromisoformat(str(value)) <= datetime.now(UTC).date()
        )
    except ValueError:
        return False
