"""Rows that a destination would refuse, found before they are sent.

One bad row in a batch can cost fifteen requests to be found by halving, so checks here
are a matter of speed as well.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from intent.sync.adapter import Adapter
from intent.sync.model import WRITES, Outcome, RemoteField, Row, State
from intent.sync.packing import Faults

EMAIL = re.compile(
    r"[^@\s,;<>\"()\[\]\\]+@[^@\s,;<>\"()\[\]\\.]+(\.[^@\s,;<>\"()\[\]\\.]+)+"
)
LONGEST_EMAIL = 254
"""RFC 5321, 4.5.3.1.3: a path of 256 octets, less its angle brackets."""


@dataclass(frozen=True)
class LocalChecks:
    """What we know of a destination's fields."""

    adapter: Adapter[Any]
    schema: Mapping[str, RemoteField] | None
    faults: Faults = field(default_factory=Faults)

    def refusal(self, row: Row) -> Outcome | None:
        """Why a row would be refused; None if nothing speaks against it."""
        if row.op not in WRITES:
            return None
        found = self.key_fault(row.key) or next(self.value_faults(row), None)
        return found or self.adapters_fault(row)

    def adapters_fault(self, row: Row) -> Outcome | None:
        """Why an adapter refuses a row, or that it fails at it."""
        try:
            why = self.adapter.refuse(row)
        except Exception as error:
            return self.faults.outcome(error)
        return refused("NOT_SENDABLE", "", why) if why else None

    def key_fault(self, key: str) -> Outcome | None:
        """What is wrong with a match key."""
        name = self.adapter.sync.match.field
        if key != key.strip():
            return refused("BAD_KEY", name, "has white space around it")
        if name.lower() == "email" and not is_email(key):
            return refused("BAD_EMAIL", name, "is no email")
        return None

    def value_faults(self, row: Row) -> Iterator[Outcome]:
        """What is wrong with values."""
        if self.schema is None:
            return
        for name, value in row.values.items():
            known = self.schema.get(name)
            if known is None or value is None:
                continue
            if known.options is not None and str(value) not in known.options:
                yield refused("NOT_AN_OPTION", name, "is none of the field's options")
            longest = known.max_length
            if isinstance(value, str) and longest and len(value) > longest:
                yield refused("TOO_LONG", name, f"is longer than {longest} characters")


def is_email(text: str) -> bool:
    """A text looks like an address that destinations accept."""
    return len(text) <= LONGEST_EMAIL and EMAIL.fullmatch(text) is not None


def refused(code: str, field: str, message: str) -> Outcome:
    """The outcome of a row that is not sent."""
    return Outcome(State.REJECTED, code, field, message)
