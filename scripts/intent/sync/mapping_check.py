"""Whether a destination has the fields of a sync, and takes what is to be sent."""

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches

from intent.errors import BadInputError
from intent.sync.load import line_of
from intent.sync.model import RemoteField
from intent.sync.results import Finding
from intent.sync.spec import Sync


def check_fields(
    sync: Sync, schema: Mapping[str, RemoteField] | None
) -> Sequence[Finding]:
    """A finding for the match field and each field of a sync."""
    if schema is None:
        return [Finding("fields", True, f"{sync.destination} takes any field")]
    found = [Finding(sync.match.field, *match_fault(sync, schema))]
    for name, rule in sync.fields.items():
        faults = list(field_faults(name, rule.type, rule.labels, schema))
        line = line_of(sync.file, ("fields", name)) if sync.file else None
        message = "; ".join(faults) or f"there, takes {rule.type}"
        found.append(Finding(name, not faults, message, line))
    return found


def match_fault(sync: Sync, schema: Mapping[str, RemoteField]) -> tuple[bool, str]:
    """Whether records can be found by the match field, and what to say of it."""
    field = schema.get(sync.match.field)
    if field is None:
        return False, missing(sync.match.field, schema)
    if not field.is_unique:
        return False, "records can't be found by it: it is not unique there"
    return True, "there, and unique"


def field_faults(
    name: str,
    kind: str,
    labels: Mapping[str, str] | None,
    schema: Mapping[str, RemoteField],
) -> Iterator[str]:
    """What speaks against sending a field."""
    field = schema.get(name)
    if field is None:
        yield missing(name, schema)
        return
    if not field.is_writable:
        yield "can't be written there"
    if field.kinds is not None and kind not in field.kinds:
        yield f"takes {', '.join(sorted(field.kinds))}, not {kind}"
    if field.options is not None and labels:
        unknown = sorted(set(labels.values()) - field.options)
        if unknown:
            yield f"has no option {', '.join(unknown)}"


def missing(name: str, schema: Mapping[str, RemoteField]) -> str:
    """That a field is not there, and which one may be meant."""
    near = get_close_matches(name, schema, n=1)
    hint = f" (is {near[0]} meant?)" if near else ""
    return f"is not there{hint}; create it, see `intent sync setup`"


def refuse_fields(sync: Sync, schema: Mapping[str, RemoteField] | None) -> None:
    """Raise BadInputError if a field is missing, before anything is sent."""
    faults = [each for each in check_fields(sync, schema) if not each.ok]
    if not faults:
        return
    lines = [
        f"- {f'line {each.line}: ' if each.line else ''}{each.what}: {each.message}"
        for each in faults
    ]
    raise BadInputError(
        "\n".join([f"{sync.destination} does not fit the sync {sync.name}:", *lines])
    )
