"""Reads the files of syncs, and tells all their faults at once."""

import re
from collections.abc import Collection, Sequence
from pathlib import Path

from pydantic import ValidationError

from intent.errors import BadInputError
from intent.sync.destinations import destination_names
from intent.sync.spec import NAME, Sync
from intent.yaml_files import Document, did_you_mean, faults_of, read_yaml

SUFFIXES = (".yml", ".yaml")
OURS = {"name", "file"}
"""What a sync knows from its file's name."""


def load_syncs(folder: Path, names: Collection[str] = ()) -> list[Sync]:
    """The syncs of a folder, or those that are named, by their names' order.

    Raises:
        BadInputError: with the faults of all of them; or there is none of a name.
    """
    files = sync_files(folder)
    unknown = [name for name in dict.fromkeys(names) if name not in files]
    faults = [
        f"There is no sync {name}{did_you_mean(name, files)} (there are: "
        f"{', '.join(files) or 'none'}, in {folder})"
        for name in unknown
    ]
    syncs = []
    for name, file in files.items():
        if names and name not in names:
            continue
        try:
            syncs.append(load_sync(file))
        except BadInputError as error:
            faults.append(str(error))
    if faults:
        raise BadInputError("\n".join(faults))
    return syncs


def sync_files(folder: Path) -> dict[str, Path]:
    """The files of syncs by name.

    Raises:
        BadInputError: the folder can't be read, or two files have the same name.
    """
    try:
        found = sorted(file for file in folder.iterdir() if file.suffix in SUFFIXES)
    except OSError as error:
        raise BadInputError(
            f"The folder of syncs, {folder}, can't be read: {error.strerror}."
        ) from error
    files: dict[str, Path] = {}
    for file in found:
        if file.stem in files:
            raise BadInputError(
                f"{called(file)} and {called(files[file.stem])} are both the sync "
                f"{file.stem}; rename one."
            )
        files[file.stem] = file
    return files


def load_sync(file: Path) -> Sync:
    """The sync of a file.

    Raises:
        BadInputError: with all that is wrong with it.
    """
    document = read_document(file)
    content = dict(document.content)
    faults = []
    if re.fullmatch(NAME, file.stem) is None:
        faults.append("the file's name should be made of small letters, digits and _")
    for key in OURS & content.keys():
        del content[key]
        line = document.line_of((key,))
        faults.append(f"line {line}: {key}: unknown key; it follows from the file")
    destination = content.get("destination")
    if isinstance(destination, str) and destination not in destination_names():
        line = document.line_of(("destination",))
        hint = did_you_mean(destination, destination_names())
        faults.append(
            f"line {line}: destination: there is no {destination}{hint} (there are: "
            f"{', '.join(destination_names())})"
        )
    try:
        sync = Sync.model_validate({**content, "name": "sync"})
    except ValidationError as error:
        faults += faults_of(error, document, Sync)
    if faults:
        raise BadInputError("\n".join(f"{called(file)}: {fault}" for fault in faults))
    return sync.model_copy(update={"name": file.stem, "file": file})


def at(sync: Sync, *path: str) -> str:
    """Where a key of a sync stands, for messages: file, line, key."""
    file = called(sync.file) if sync.file else f"syncs/{sync.name}.yml"
    line = line_of(sync.file, path) if sync.file else None
    return ": ".join([file, *([f"line {line}"] if line else []), ".".join(path)])


def line_of(file: Path, path: Sequence[str | int]) -> int | None:
    """The line of a sync's file at which a key stands, such as `("fields", "grade")`.

    The line of the nearest key around it, if it does not stand there; None if the file
    has none of them.

    Raises:
        BadInputError: the file can't be read.
    """
    return read_document(file).line_of(path)


def read_document(file: Path) -> Document:
    """What a sync's file holds, not checked yet."""
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise BadInputError(f"{called(file)} can't be read: {why}.") from error
    return read_yaml(text, called(file), Sync)


def called(file: Path) -> str:
    """How a file is called in messages: with its folder."""
    return f"{file.parent.name}/{file.name}"
