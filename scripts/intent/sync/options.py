"""What a destination lets a sync choose, in `options` of the sync's file."""

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from intent.errors import BadInputError
from intent.sync.load import called, read_document
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
