"""Files written whole: aside, to the disk, then renamed over the one before."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from intent.errors import UnavailableError

ASIDE = ".forget-"
"""Names of files that grow begin so; the feeds' globs pass names with a dot by."""


@contextmanager
def written_aside(file: Path) -> Iterator[Path]:
    """Give a path to write to; at the end it takes the place of `file`.

    If nothing was written there, or a fault comes up, `file` stays as it was.
    """
    aside = file.with_name(f"{ASIDE}{file.name}")
    try:
        with full_disk_told(file):
            file.parent.mkdir(parents=True, exist_ok=True)
            aside.unlink(missing_ok=True)
            yield aside
            if aside.exists():
                if file.exists():
                    aside.chmod(file.stat().st_mode & 0o777)
                sync(aside)
                aside.replace(file)
                sync(file.parent)
    finally:
        with suppress(OSError):
            aside.unlink(missing_ok=True)


@contextmanager
def full_disk_told(file: Path) -> Iterator[None]:
    """Word what keeps a file from being written."""
    try:
        yield
    except OSError as error:
        raise UnavailableError(
            f"{file} can't be written: {error.strerror or error}. Each file is whole, "
            "as it was or as it is to be. Mend that, and give the same command again."
        ) from error


def write_whole(file: Path, content: bytes) -> None:
    """Write a small file whole, for the owner's eyes."""
    with written_aside(file) as aside:
        aside.touch(mode=0o600)
        aside.write_bytes(content)


def sync(path: Path) -> None:
    """Have a file, or the names in a folder, outlast a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sweep(folder: Path) -> None:
    """Remove the working files of runs that were killed."""
    for each in folder.rglob(f"{ASIDE}*") if folder.is_dir() else []:
        with suppress(OSError):
            each.unlink()


def visible_files(folder: Path) -> list[Path]:
    """All files in a folder, at any depth, that are not hidden, in order."""
    return sorted(
        each
        for each in (folder.rglob("*") if folder.is_dir() else [])
        if each.is_file()
        and not any(part.startswith(".") for part in each.relative_to(folder).parts)
    )


def holds(file: Path, pattern: re.Pattern[bytes], overlap: int = 4096) -> bool:
    """True if a file's bytes match the pattern anywhere."""
    before = b""
    with file.open("rb") as stream:
        while chunk := stream.read(1 << 22):
            if pattern.search(before + chunk):
                return True
            before = chunk[-overlap:]
    return False
