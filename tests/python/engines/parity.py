"""Compares two tables cell by cell: fractions to 1e-9, all else exactly."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import zip_longest
from typing import Any

NEAR = 1e-9
SHOWN = 5
OF_THE_RUN = {"run_id"}
"""The columns that tell runs apart, and nothing else."""
Cells = tuple[Any, ...]


@dataclass(frozen=True)
class Table:
    """What a query gave."""

    columns: Sequence[str]
    fractions: frozenset[str]
    """The columns of floating point numbers."""
    rows: Sequence[Cells]


def differences(one: Table, other: Table) -> list[str]:
    """What differs, a line each; empty if nothing does.

    Rows are paired by all of their exact cells, whichever order the engines give.
    """
    if sorted(one.columns) != sorted(other.columns):
        return [f"columns: {sorted(set(one.columns) ^ set(other.columns))}"]
    exact = sorted(set(one.columns) - one.fractions - OF_THE_RUN)
    fractions = sorted(one.fractions)
    ones, others = (sorted_rows(table, exact, fractions) for table in (one, other))
    if len(ones) != len(others):
        found = [f"{len(ones)} rows and {len(others)} rows"]
    else:
        found = []
    keys, other_keys = ([key for key, _ in rows] for rows in (ones, others))
    if keys != other_keys:
        missing = [key for key in keys if key not in set(other_keys)]
        extra = [key for key in other_keys if key not in set(keys)]
        for key, other_key in zip_longest(missing[:SHOWN], extra[:SHOWN]):
            found.append(unlike_cells(exact, key, other_key))
        return found or ["the same rows, in other numbers"]
    for (key, cells), (_, other_cells) in zip(ones, others, strict=True):
        found += [
            f"{name}: {cell!r} and {other_cell!r} at {key}"
            for name, cell, other_cell in zip(
                fractions, cells, other_cells, strict=True
            )
            if not is_near(cell, other_cell)
        ]
    return found[: 2 * SHOWN]


def unlike_cells(
    names: Sequence[str], key: Sequence[str] | None, other: Sequence[str] | None
) -> str:
    """What two exact rows differ in, or the one row if the other table has no more."""
    if key is None or other is None:
        return f"only the {'second' if key is None else 'first'} has {key or other}"
    return "; ".join(
        f"{name}: {cell} and {other_cell}"
        for name, cell, other_cell in zip(names, key, other, strict=True)
        if cell != other_cell
    )


def sorted_rows(
    table: Table, exact: Sequence[str], fractions: Sequence[str]
) -> list[tuple[tuple[str, ...], Cells]]:
    """The rows as exact cells and fractions, sorted by both."""
    places = {name: place for place, name in enumerate(table.columns)}
    rows = [
        (
            tuple(as_text(row[places[name]]) for name in exact),
            tuple(row[places[name]] for name in fractions),
        )
        for row in table.rows
    ]
    return sorted(
        rows, key=lambda row: (row[0], [-1e300 if n is None else n for n in row[1]])
    )


def as_text(cell: Any) -> str:
    """An exact cell as it is compared; whole numbers alike, whatever their type."""
    if isinstance(cell, Decimal) and cell == cell.to_integral_value():
        cell = int(cell)
    return f"{type(cell).__name__} {cell}"


def is_near(cell: float | None, other: float | None) -> bool:
    """True if both are null, or differ by no more than rounding."""
    if cell is None or other is None:
        return cell is other
    return math.isclose(cell, other, rel_tol=NEAR, abs_tol=NEAR)
