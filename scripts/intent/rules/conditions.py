"""What a condition asks of an attribute, and which conditions exclude each other. Pure.

The sheets `audiences` and `fit_rules` hold conditions: attribute, operator, value.
"""

import re
from dataclasses import dataclass
from decimal import Decimal

from intent.rules.parsing import CellError

MOST_VALUES = 20
"""As many values of one condition do the models take apart."""
SEPARATOR = ";"
RANGE_WORD = " to "
OPERATORS = {
    "number": ("equals", "in", "between", "at_least", "at_most"),
    "text": ("equals", "in", "contains"),
    "list": ("equals", "in", "contains"),
}
"""By kind of attribute."""
PLAIN_NUMBER = re.compile(r"-?([0-9]+(\.[0-9]*)?|\.[0-9]+)")


@dataclass(frozen=True)
class Span:
    """A range of numbers, its ends included; None is no end."""

    low: Decimal | None
    high: Decimal | None

    def meets(self, other: "Span") -> bool:
        """Return whether some number lies in both."""
        return not (_is_over(self.low, other.high) or _is_over(other.low, self.high))


@dataclass(frozen=True)
class Condition:
    """A condition that was understood."""

    attribute: str
    kind: str
    operator: str
    texts: frozenset[str] = frozenset()
    """Of which one must match; in small letters. For texts and lists."""
    spans: tuple[Span, ...] = ()
    """Of which one must hold the number."""

    def excludes(self, other: "Condition") -> bool:
        """Return whether no contact can meet both, as far as the two tell.

        A list can hold both of two values; a text can contain both of two others.
        """
        if self.attribute != other.attribute or self.kind == "list":
            return False
        if "contains" in (self.operator, other.operator):
            return False
        if self.kind == "number":
            return not any(a.meets(b) for a in self.spans for b in other.spans)
        return self.texts.isdisjoint(other.texts)


def parse_condition(attribute: str, kind: str, operator: str, value: str) -> Condition:
    """Return what a condition's value means.

    Raises:
        CellError: the value is none for this operator and kind of attribute. Whether
            the operator is one for the kind is for the caller to see to.
    """
    values = _values(operator, value)
    if kind == "number":
        spans = tuple(_span(operator, each) for each in values)
        return Condition(attribute, kind, operator, spans=spans)
    return Condition(attribute, kind, operator, texts=frozenset(values))


def exclude_each_other(
    some: tuple[Condition, ...], others: tuple[Condition, ...]
) -> bool:
    """Return whether no contact can be in two audiences, as far as one can tell."""
    return any(one.excludes(other) for one in some for other in others)


def _values(operator: str, value: str) -> list[str]:
    parts = [part.strip() for part in value.lower().split(SEPARATOR)]
    values = [part for part in parts if part]
    if not values:
        raise CellError("names no value", "one or more values with ; between them")
    if len(parts) > MOST_VALUES:
        raise CellError(
            f"holds {len(parts)} values", f"at most {MOST_VALUES} in one row"
        )
    if len(parts) > 1 and operator not in ("in", "contains"):
        raise CellError("holds several values", "one value; or the operator in")
    return values


def _span(operator: str, value: str) -> Span:
    if operator == "between":
        return _range(value)
    number = _number(value)
    return Span(
        None if operator == "at_most" else number,
        None if operator == "at_least" else number,
    )


def _range(value: str) -> Span:
    allowed = "two numbers, the lower one first, such as 30 to 45"
    ends = value.split(RANGE_WORD)
    if len(ends) != 2:
        raise CellError("is no range", allowed)
    low, high = (_number(end.strip()) for end in ends)
    if low > high:
        raise CellError("is a range from high to low", allowed)
    return Span(low, high)


def _number(text: str) -> Decimal:
    if not PLAIN_NUMBER.fullmatch(text):
        raise CellError(
            "is not a number, and the attribute is one", "a number such as 40000"
        )
    return Decimal(text)


def _is_over(low: Decimal | None, high: Decimal | None) -> bool:
    return low is not None and high is not None and low > high
