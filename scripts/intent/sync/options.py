"""What a destination lets a sync choose, in `options` of the sync's file."""

from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from intent.errors import BadInputError
from intent.sync.spec import Sync


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
        faults = [
            f"- options.{'.'.join(map(str, fault['loc']))}: {fault['msg']}"
            for fault in error.errors(include_input=False, include_context=False)
        ]
        known = ", ".join(kind.model_fields) or "none"
        raise BadInputError(
            "\n".join(
                [
                    f"the sync {sync.name} has options that {sync.destination} can't"
                    " use:",
                    *faults,
                    f"Its options are: {known}.",
                ]
            )
        ) from None
