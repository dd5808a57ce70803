"""Several files changed as one: all of them, or none, whatever happens in between.

The new files are first written aside, then a journal is put beside them, then one
after the other is renamed into its place. A crash before the journal leaves the old
files. After it, whoever comes next finishes the renames: see `recover`.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from pydantic import BaseModel, ValidationError

from intent.errors import BadInputError, UnavailableError
from intent.rules.csv_files import fingerprint

ASIDE = ".rules_change"
JOURNAL = "journal.json"


class Rename(BaseModel):
    """A file that waits for its place."""

    path: str
    """The file's place, inside the folder."""
    aside: str
    """Its name while it waits. Not .csv, which dbt would take for a seed."""
    before: str | None
    """The fingerprint of what is replaced; None where nothing is."""
    after: str


class Journal(BaseModel):
    """What is left to be done."""

    renames: list[Rename]


def replace_all(
    folder: Path,
    contents: Mapping[PurePosixPath, bytes],
    expected: Mapping[PurePosixPath, str | None],
) -> None:
    """Replace files below `folder`, all or none.

    Args:
        folder: where the files are.
        contents: the new content of each file.
        expected: the fingerprint of each file as the caller knows it. A file that
            somebody changed meanwhile is not overwritten.

    Raises:
        BadInputError: a file isn't what the caller knows.
        UnavailableError: another change is being written, or the disk says no.
    """
    with _disk_faults(folder), _locked(folder):
        _finish(folder)
        _refuse_stale(folder, expected)
        journal = _write_aside(folder, contents, expected)
        _commit(folder, journal)
        _finish(folder)


def recover(folder: Path) -> list[str]:
    """Finish what a crashed change left, and return the files put in place.

    Raises:
        BadInputError: a file was changed by others since, so that finishing would
            overwrite it.
        UnavailableError: another change is being written, or the disk says no.
    """
    if not (folder / ASIDE).exists():
        return []
    with _disk_faults(folder), _locked(folder):
        return _finish(folder)


@contextmanager
def _disk_faults(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UnavailableError(
            f"The rule sheets in {folder} can't be written: {error.strerror}."
        ) from error


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder against other changes; a crash lets go of it."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UnavailableError(
                "Another change of rule sheets is being written. Try again when it is "
                "done."
            ) from error
        yield
    finally:
        os.close(handle)


def _refuse_stale(folder: Path, expected: Mapping[PurePosixPath, str | None]) -> None:
    for path, known in expected.items():
        if _fingerprint(folder / path) != known:
            raise BadInputError(
                f"{path} was changed by somebody else meanwhile. Nothing was written. "
                "Give the command again to see what it changes now."
            )


def _write_aside(
    folder: Path,
    contents: Mapping[PurePosixPath, bytes],
    expected: Mapping[PurePosixPath, str | None],
) -> Journal:
    aside = folder / ASIDE
    aside.mkdir()
    renames: list[Rename] = []
    for number, (path, content) in enumerate(contents.items()):
        waiting = aside / f"{number}.new"
        _write_through(waiting, content)
        if (folder / path).exists():
            shutil.copymode(folder / path, waiting)
        renames.append(
            Rename(
                path=str(path),
                aside=waiting.name,
                before=expected.get(path),
                after=fingerprint(content),
            )
        )
    return Journal(renames=renames)


def _commit(folder: Path, journal: Journal) -> None:
    aside = folder / ASIDE
    draft = aside / f"{JOURNAL}.new"
    _write_through(draft, journal.model_dump_json(indent=1).encode())
    _rename(draft, aside / JOURNAL)


def _finish(folder: Path) -> list[str]:
    """Do what the journal says; without one, drop what was written aside."""
    aside = folder / ASIDE
    journal = _read_journal(aside / JOURNAL)
    done: list[str] = []
    if journal is not None:
        waiting = [item for item in journal.renames if _is_waiting(folder, item)]
        for item in waiting:
            _rename(aside / item.aside, folder / item.path)
            done.append(item.path)
        (aside / JOURNAL).unlink()
    if aside.exists():
        shutil.rmtree(aside)
    return done


def _read_journal(path: Path) -> Journal | None:
    try:
        return Journal.model_validate(json.loads(path.read_bytes()))
    except FileNotFoundError:
        return None
    except (ValueError, ValidationError) as error:
        raise BadInputError(
            f"{path} can't be read, so an interrupted change can't be finished. Delete "
            f"the folder {path.parent} and give the command again."
        ) from error


def _is_waiting(folder: Path, item: Rename) -> bool:
    """Return whether a file is still to be renamed.

    Raises:
        BadInputError: its place holds neither the old nor the new content.
    """
    present = _fingerprint(folder / item.path)
    if present == item.after:
        return False
    waiting = folder / ASIDE / item.aside
    if present == item.before and _fingerprint(waiting) == item.after:
        return True
    raise BadInputError(
        f"A change was interrupted, and {item.path} was changed since: it can't be "
        f"finished without overwriting that. Delete the folder {folder / ASIDE}, look "
        "at the rule sheets, and give the command again."
    )


def _fingerprint(path: Path) -> str | None:
    try:
        return fingerprint(path.read_bytes())
    except FileNotFoundError:
        return None


def _write_through(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _rename(source: Path, target: Path) -> None:
    """Rename, and see that the disk knows of it before anything else happens."""
    target.parent.mkdir(exist_ok=True)
    source.replace(target)
    for folder in {source.parent, target.parent}:
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
