"""What a destination lets a sync choose, in `options` of the sync's file."""

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from intent.errors import BadInputError
from intent.sync.load import at, called, read_document
from intent.sync.spec import Sync
from intent.yaml_files import Document, faults_of


class Options(BaseModel):
    """The options of a destination; each subclass names its own."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


OptionsT = TypeVar("OptionsT", bound=Options)


def read_options(sync: Sync, kind: type[OptionsT]) -> OptionsT:
    """The options of a sync.

    Raises:
        BadInputError: one is unknown or wrong.
    """
    try:
        return kind.model_validate(sync.options)
    except ValidationError as error:
        file = sync.file or Path("syncs") / f"{sync.name}.yml"
        # Read again, for the lines; tests have syncs without a file.
        document = (
            read_document(file)
            if sync.file
            else Document({"options": sync.options}, None)
        )
        faults = faults_of(error, document.within("options"), kind)
        raise BadInputError(
            "\n".join(f"{called(file)}: {fault}" for fault in faults)
        ) from None


def refuse_faults(sync: Sync, faults: Mapping[str, bool]) -> None:
    """Refuse a sync that asks for what its destination has not; tell all at once.

    Args:
        sync: the sync.
        faults: place and reason, with a colon between, such as `match.field: people are
            found by id`; and whether it is so.

    Raises:
        BadInputError: one is so.
    """
    found = [fault.partition(": ") for fault, is_so in faults.items() if is_so]
    if found:
        raise BadInputError(
            "\n".join(
                f"{at(sync, *place.split('.'))}: {why}" for place, _, why in found
            )
        )


def names_numbers(sync: Sync) -> bool:
    """The lists that a sync names are all numbers."""
    changes = sync.segment_changes
    return changes is None or all(map(str.isdecimal, changes.lists.values()))


def told_as(sync: Sync) -> str:
    """How a sync tells changes of segments: lists, events, or '' for not at all."""
    return sync.segment_changes.told_as if sync.segment_changes else ""
