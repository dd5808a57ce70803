"""The project's own SQL, as dbt compiles it, kept for the next time.

dbt takes seconds to start. What it compiles depends on the project's files and on the
environment alone, so it is kept under a hash of all of them.
"""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from intent.dbt import run_dbt
from intent.errors import IntentError
from intent.settings import Places

ANALYSES = (
    "calibrated_days",
    "diffed_changes",
    "explained_audiences",
    "explained_drivers",
    "explained_fit",
)
SOURCES = ("dbt_project.yml", "profiles.yml", "packages.yml", "package-lock.yml")
FOLDERS = ("analyses", "macros", "models", "seeds")
PREFIXES = ("DBT_", "INTENT_")


def compiled_queries(places: Places) -> dict[str, str]:
    """The SQL of the analyses, by name.

    Raises:
        IntentError: dbt can't compile them.
    """
    target = target_folder(places)
    kept = target / "explained" / state_of(places)
    if not kept.is_dir():
        compile_into(kept, target, places)
    return {name: (kept / f"{name}.sql").read_text("utf-8") for name in ANALYSES}


def compile_into(kept: Path, target: Path, places: Places) -> None:
    """Let dbt compile the analyses, and keep what comes of it in a folder."""
    run_dbt(
        places,
        ["compile", "--no-introspect", "--no-populate-cache", "--select", *ANALYSES],
    )
    found = {
        file.stem: file
        for file in (target / "compiled").glob("*/analyses/*.sql")
        if file.stem in ANALYSES
    }
    if missing := set(ANALYSES) - set(found):
        raise IntentError(f"dbt compiled no {', '.join(sorted(missing))} in {target}.")
    # Written aside and renamed: whoever sees the folder sees all of it.
    aside = kept.with_name(f"{kept.name}.{os.getpid()}")
    aside.mkdir(parents=True, exist_ok=True)
    for name, file in found.items():
        (aside / f"{name}.sql").write_bytes(file.read_bytes())
    if not kept.is_dir():
        aside.rename(kept)


def target_folder(places: Places) -> Path:
    """The folder that dbt writes to."""
    return places.project / os.environ.get("DBT_TARGET_PATH", "target")


def state_of(places: Places) -> str:
    """A hash of all that decides what dbt compiles."""
    state = hashlib.sha256(str(places.warehouse).encode())
    for name, value in sorted(os.environ.items()):
        if name.startswith(PREFIXES):
            state.update(f"\0{name}={value}".encode())
    for file in source_files(places.project):
        state.update(f"\0{file.relative_to(places.project)}\0".encode())
        state.update(file.read_bytes())
    return state.hexdigest()[:32]


def source_files(project: Path) -> Iterator[Path]:
    """The files that the project is made of, in a fixed order."""
    yield from (project / name for name in SOURCES if (project / name).is_file())
    for folder in FOLDERS:
        for file in sorted((project / folder).rglob("*")):
            if file.suffix in {".sql", ".yml"}:
                yield file
