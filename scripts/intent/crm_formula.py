"""The formula by which a CRM works out a contact's live score from numbered fields.

The fields are columns of the mart `contact_decay_fields`. A formula field that uses
them is right at any moment, within the contact's `max_error`, unless something new
happens.
"""

from collections.abc import Iterator
from dataclasses import dataclass

AMOUNTS = 8
"""How many numbered amounts a contact has; as `decay_field_count` in dbt."""
NUMBERED = ("amount", "rate", "damping")
MOST_EXPONENT = 99
"""Salesforce can't hold e^300; what fades by e^-99 is nothing."""


@dataclass(frozen=True)
class CrmField:
    """A field of the CRM's contact, and the column that fills it."""

    column: str
    api_name: str
    kind: str
    """As Salesforce calls it."""


def crm_fields(prefix: str = "Intent_") -> tuple[CrmField, ...]:
    """Return the fields that the formula reads."""
    fields = [CrmField("as_of", f"{prefix}As_Of__c", "Date/Time")]
    for number in range(1, AMOUNTS + 1):
        for name in NUMBERED:
            api_name = f"{prefix}{name.capitalize()}_{number}__c"
            fields.append(CrmField(f"{name}_{number}", api_name, "Number(9, 9)"))
    return tuple(fields)


def salesforce_formula(scale: float, prefix: str = "Intent_") -> str:
    """Return the text of a Salesforce formula field that gives a number.

    Args:
        scale: of the rule sheet that `contact_decay_fields` is by (`score_models`).
        prefix: what the API names of the fields begin with.
    """
    points = " +\n".join(_points(prefix))
    return f"5 * (1 - EXP(-MAX(0,\n{points}\n) / {_plain(scale)}))"


def _points(prefix: str) -> Iterator[str]:
    days = f"(NOW() - {prefix}As_Of__c)"
    for number in range(1, AMOUNTS + 1):
        amount, rate, damping = (
            f"{prefix}{name.capitalize()}_{number}__c" for name in NUMBERED
        )
        exponent = f"MIN({MOST_EXPONENT}, {rate} * {days})"
        yield f"{amount} / (EXP({exponent}) + {damping})"


def _plain(number: float) -> str:
    """Write a number of the rule sheets, which have at most 9 decimals."""
    return f"{number:.9f}".rstrip("0").rstrip(".")
