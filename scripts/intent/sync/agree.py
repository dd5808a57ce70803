"""Whether a destination has what it acknowledged."""

import math
import re
from collections.abc import Mapping

from intent.sync.model import Value

RELATIVE = 1e-9
FRACTION = re.compile(r"(T\d\d:\d\d:\d\d)\.\d+")


def agrees(ours: Mapping[str, Value], theirs: Mapping[str, Value]) -> bool:
    """True if a record has all values of ours; it may have others besides."""
    return not differing(ours, theirs)


def differing(ours: Mapping[str, Value], theirs: Mapping[str, Value]) -> list[str]:
    """The fields that a record has other values of."""
    return [name for name, value in ours.items() if not same(value, theirs.get(name))]


def same(ours: Value, theirs: Value) -> bool:
    """True if two values are the same, however a destination writes them."""
    if ours is None or ours == "":
        return theirs is None or theirs == ""
    if theirs is None or isinstance(ours, bool) or isinstance(theirs, bool):
        return ours == theirs
    if isinstance(ours, int | float) and isinstance(theirs, int | float):
        return math.isclose(ours, theirs, rel_tol=RELATIVE, abs_tol=RELATIVE)
    return plain(ours) == plain(theirs)


def plain(value: Value) -> str:
    """A text without what destinations drop: white space around it, milliseconds."""
    return FRACTION.sub(r"\1", str(value)).strip()
