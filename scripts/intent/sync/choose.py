"""Which syncs a command is about."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from intent.errors import BadInputError
from intent.settings import Places
from intent.sync.load import load_sync, sync_files
from intent.sync.several import Several
from intent.sync.spec import Sync
from intent.yaml_files import did_you_mean


def choose(places: Places, names: Sequence[str] | None = None) -> Several[Sync]:
    """The syncs of these names; without names, those that are switched on.

    A file that can't be used is a fault beside them.

    Raises:
        BadInputError: there is no sync of a name, or none is switched on.
    """
    files = sync_files(places.syncs)
    known = ", ".join(files) or "none"
    if unknown := [name for name in names or () if name not in files]:
        hint = did_you_mean(unknown[0], files) if len(unknown) == 1 else ""
        raise BadInputError(
            f"There is no sync {', '.join(unknown)} in {places.syncs}{hint}. There "
            f"are: {known}."
        )
    if names:
        return load({name: files[name] for name in names})
    syncs = switched_on(places)
    if not (syncs.results or syncs.faults):
        raise BadInputError(
            "No sync is switched on. Name one, or set `enabled: true` in its file in "
            f"{places.syncs}. There are: {known}."
        )
    return syncs


def switched_on(places: Places) -> Several[Sync]:
    """The syncs that are sent without being named. There may be none."""
    syncs = all_syncs(places)
    syncs.results = [sync for sync in syncs.results if sync.enabled]
    return syncs


def all_syncs(places: Places) -> Several[Sync]:
    """All syncs of the project. There may be none, nor a folder of them."""
    return load(sync_files(places.syncs) if places.syncs.exists() else {})


def load(files: Mapping[str, Path]) -> Several[Sync]:
    """Load syncs from their files, and keep what is wrong with any of them."""
    syncs: Several[Sync] = Several()
    for name, file in files.items():
        with syncs.keeping_faults(name):
            syncs.results.append(load_sync(file))
    return syncs
