"""Where things are: from the environment, with defaults inside the project."""

import os
from dataclasses import dataclass
from pathlib import Path

PROJECT_MARKER = "dbt_project.yml"


@dataclass(frozen=True)
class Places:
    """The project's folders and files."""

    project: Path
    warehouse: Path
    landing: Path
    published: Path
    ledger: Path
    erasures: Path

    @property
    def seeds(self) -> Path:
        """The folder of the rule sheets."""
        return self.project / "seeds"

    @property
    def staging(self) -> Path:
        """The folder of the feeds' contracts."""
        return self.project / "models" / "staging"

    @property
    def syncs(self) -> Path:
        """The folder of the files that say what is sent where."""
        return self.project / "syncs"

    @property
    def refused(self) -> Path:
        """The folder of the rows that were refused, beside the landing folder."""
        return self.landing.parent / "refused"

    @property
    def audit(self) -> Path:
        """The folder of what syncs came to, beside the landing folder."""
        return self.landing.parent / "sync_audit"


def find_project(start: Path) -> Path:
    """Return the nearest folder at or above `start` that holds the dbt project.

    Falls back to the checkout that this file stands in.
    """
    for folder in (start, *start.parents):
        if (folder / PROJECT_MARKER).is_file():
            return folder
    return Path(__file__).resolve().parents[2]


def places() -> Places:
    """Read the places from the environment; relative ones start where we are."""
    project = find_project(Path.cwd())
    data = project / "data"
    return Places(
        project=project,
        warehouse=place("INTENT_DUCKDB_PATH", data / "intent.duckdb"),
        landing=place("INTENT_LANDING", data / "landing"),
        published=place("INTENT_PUBLISHED", data / "published"),
        ledger=place("INTENT_LEDGER", data / "ledger.duckdb"),
        erasures=place("INTENT_ERASURES", data / "erasures"),
    )


def place(variable: str, default: Path) -> Path:
    """The absolute path that an environment variable gives; dbt changes its folder."""
    return Path(os.environ.get(variable) or default).absolute()
