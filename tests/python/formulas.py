"""Reads formulas as Salesforce does: evaluates them, and tells how large they compile.

As much of the language as formulas of numbers and moments need. The SQL that a formula
compiles to is as by Salesforce's own engine, github.com/salesforce/formula-engine.
"""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Values = Mapping[str, Numbers | float]

TOKEN = re.compile(r"\s*(?:(\d+(?:\.\d+)?)|([A-Za-z_]\w*)|(\S))")
MEANINGS: dict[tuple[str, int], Callable[..., Any]] = {
    ("EXP", 1): np.exp,
    ("MAX", 2): np.maximum,
    ("MIN", 2): np.minimum,
    ("-", 1): operator.neg,
    ("+", 2): operator.add,
    ("-", 2): operator.sub,
    ("*", 2): operator.mul,
    ("/", 2): operator.truediv,
}
"""What functions and operators mean, by their number of parts."""
SQL_NAMES = {"MAX": "GREATEST", "MIN": "LEAST", "EXP": "EXP"}


@dataclass(frozen=True)
class Node:
    """A part of a formula: a number, a field, a function or an operator."""

    kind: str
    text: str
    parts: tuple["Node", ...] = ()

    def value(self, values: Values) -> Numbers | float:
        """Evaluate it; `values` has the fields, and `NOW()` in days."""
        match self.kind:
            case "number":
                return float(self.text)
            case "field":
                return values[self.text]
        if self.text == "NOW":
            return values["NOW()"]
        parts = [part.value(values) for part in self.parts]
        found: Numbers | float = MEANINGS[self.text, len(parts)](*parts)
        return found

    def sql(self) -> str:
        """Compile it, with blank fields as zeros."""
        if self.kind == "number":
            return self.text
        if self.kind == "field":
            return f"NVL($!s0s!$.{self.text}, 0)"
        if self.text == "NOW":
            return "SYSDATE"
        parts = [part.sql() for part in self.parts]
        if self.kind == "function":
            return f"{SQL_NAMES[self.text]}({', '.join(parts)})"
        if len(parts) == 1:
            return f"(-{parts[0]})"
        return f"({parts[0]} {self.text} {parts[1]})"

    def fields(self) -> set[str]:
        """Return the names of all fields in it."""
        own = {self.text} if self.kind == "field" else set()
        return own.union(*(part.fields() for part in self.parts))


def read_formula(text: str) -> Node:
    """Parse a formula; a ValueError says where it is not one."""
    reader = _Reader([match.groups() for match in TOKEN.finditer(text.strip())])
    node = reader.sum()
    if reader.tokens:
        raise ValueError(f"not understood from here on: {reader.tokens}")
    return node


@dataclass
class _Reader:
    tokens: list[tuple[str | None, ...]]

    def sum(self) -> Node:
        node = self.product()
        while (sign := self.sign("+", "-")) is not None:
            node = Node("operator", sign, (node, self.product()))
        return node

    def product(self) -> Node:
        node = self.factor()
        while (sign := self.sign("*", "/")) is not None:
            node = Node("operator", sign, (node, self.factor()))
        return node

    def factor(self) -> Node:
        if self.sign("-"):
            return Node("operator", "-", (self.factor(),))
        if self.sign("("):
            node = self.sum()
            self.expect(")")
            return node
        number, name, _ = self.tokens.pop(0)
        if number is not None:
            return Node("number", number)
        if name is None:
            raise ValueError("a number, a field or a function was to stand here")
        if self.sign("("):
            return Node("function", name.upper(), self.arguments())
        return Node("field", name)

    def arguments(self) -> tuple[Node, ...]:
        if self.sign(")"):
            return ()
        found = [self.sum()]
        while self.sign(","):
            found.append(self.sum())
        self.expect(")")
        return tuple(found)

    def sign(self, *signs: str) -> str | None:
        if self.tokens and self.tokens[0][2] in signs:
            return self.tokens.pop(0)[2]
        return None

    def expect(self, sign: str) -> None:
        if self.sign(sign) is None:
            raise ValueError(f"{sign} was to stand here: {self.tokens[:3]}")
