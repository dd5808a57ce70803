"""Makes a draft sheet of what was learned, beside the sheets there are."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from math import floor
from pathlib import Path

from intent.calibrate.model import Edge, Kind, Learned
from intent.errors import BadInputError
from intent.rules.changes import render_changed
from intent.rules.checks import find_faults, understand
from intent.rules.csv_files import read_seed, read_seeds
from intent.rules.sheets import Sheet
from intent.rules.tables import Reading, Row, Table, Tables, Value, to_text
from intent.rules.writing import replace_all

OF_A_SHEET = ("score_models", "activity_rules", "group_rules", "score_bands")
"""The sheets that have rows of each score."""
COLUMNS = {Kind.POINTS: "points", Kind.HALF_LIFE: "half_life_days", Kind.CAP: "cap"}
WORDS = {Kind.POINTS: "points", Kind.HALF_LIFE: "half-life", Kind.CAP: "cap"}


def refuse_draft(seeds: Path, sheet: str, draft: str) -> None:
    """Raise BadInputError unless a draft can be written, new or in place of another."""
    reading = read_seeds(seeds)
    present = understand(reading)
    for row in present["score_models"].rows:
        if row.values["score_model"] == draft and row.values["status"] != "draft":
            raise BadInputError(
                f"--draft: there is a sheet {draft} already, and it is "
                f"{row.values['status']}. Only drafts are replaced; give another name."
            )
    made = with_draft(present, sheet, draft, [], [])
    refuse_faults(reading, render_changed(present, made))


def with_draft(
    tables: Tables,
    sheet: str,
    draft: str,
    numbers: Sequence[Learned],
    edges: Sequence[Edge],
) -> dict[str, Table]:
    """The rule sheets with a draft, in place of an earlier one of its name."""
    learned = {(each.kind, each.name, each.audience): each for each in numbers}
    edge_of = {edge.band: edge for edge in edges}
    found = dict(tables)
    for name in OF_A_SHEET:
        table = tables[name]
        kept = [row for row in table.rows if row.values["score_model"] != draft]
        own = [row for row in table.rows if row.values["score_model"] == sheet]
        made: list[Row] = []
        for row in own:
            values: dict[str, Value] = {"score_model": draft}
            if name == "score_models":
                values |= {
                    "status": "draft",
                    "is_primary": False,
                    "description": f"Learned from history, from the sheet {sheet}",
                }
            elif name == "activity_rules":
                values |= rule_values(row, learned)
            elif name == "group_rules":
                group = str(row.values["cap_group"])
                cap = learned.get((Kind.GROUP_CAP, group, None))
                if cap is not None and cap.is_changed:
                    values["group_cap"] = decimal(cap.after)
            else:
                values |= band_values(row, edge_of)
            made.append(with_values(row, values))
        found[name] = replace(table, rows=(*kept, *made))
    return found


def rule_values(
    row: Row, learned: Mapping[tuple[Kind, str, str | None], Learned]
) -> dict[str, Value]:
    """What a rule of the draft has in place of the present rule's cells."""
    audience = row.values["audience"]
    key = (str(row.values["activity"]), None if audience is None else str(audience))
    values: dict[str, Value] = {}
    notes = []
    for kind, column in COLUMNS.items():
        number = learned.get((kind, *key))
        if number is None or not number.is_changed or not row.values["is_enabled"]:
            continue
        values[column] = decimal(number.after)
        notes.append(
            f"{WORDS[kind]} {number.after:g} ({number.interval}), was {number.before:g}"
        )
    if notes:
        values["note"] = f"Learned: {'; '.join(notes)}"
    return values


def band_values(row: Row, edges: Mapping[str, Edge]) -> dict[str, Value]:
    """Where a band of the draft begins and ends: as far apart as they are."""
    edge = edges.get(str(row.values["band"]))
    if edge is None or edge.after == edge.before:
        return {}
    exit_below = edge.after
    if edge.before > 0:
        ratio = float(str(row.values["exit_below"])) / edge.before
        exit_below = floor(edge.after * ratio * 100) / 100
    if edge.band == "hot":
        # Who cools down is warm before cold.
        exit_below = max(exit_below, edges["warm"].after)
    return {"enter_at": decimal(edge.after), "exit_below": decimal(exit_below)}


def decimal(value: float) -> Decimal:
    """A number as it stands in a seed."""
    return Decimal(repr(value))


def with_values(row: Row, values: Mapping[str, Value]) -> Row:
    """A row with some other cells."""
    texts = {name: to_text(value) for name, value in values.items()}
    return Row(row.number, {**row.values, **values}, {**row.texts, **texts})


def write_draft(
    seeds: Path,
    sheet: str,
    draft: str,
    numbers: Sequence[Learned],
    edges: Sequence[Edge],
) -> None:
    """Write a draft into the rule sheets, all of it or nothing.

    Raises:
        BadInputError: the rule sheets would have faults.
        UnavailableError: they can't be written.
    """
    reading = read_seeds(seeds)
    present = understand(reading)
    wanted = with_draft(present, sheet, draft, numbers, edges)
    changed = render_changed(present, wanted)
    refuse_faults(reading, changed)
    if changed:
        replace_all(
            seeds,
            {each.path: content for each, content in changed.items()},
            {each.path: reading.fingerprints.get(each.name) for each in changed},
        )


def refuse_faults(reading: Reading, changed: Mapping[Sheet, bytes]) -> None:
    """Raise BadInputError for files by which the rule sheets would have faults."""
    tables = {sheet.name: read_seed(sheet, text) for sheet, text in changed.items()}
    wanted = replace(reading, tables={**reading.tables, **tables})
    if faults := find_faults(wanted, understand(wanted)):
        raise BadInputError(
            f"the draft can't be written: in {faults[0].sheet}, {faults[0].column} "
            f"'{faults[0].value}' {faults[0].wrong}. Allowed is: {faults[0].allowed}."
        )
