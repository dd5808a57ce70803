"""What two versions of a rule sheet say differently, in words."""

from collections.abc import Iterator, Mapping, Sequence

import duckdb

from intent.diff.model import RuleChange
from intent.explain.reading import Row, read_rows

SHEET_COLUMNS = {
    "scale": "scale",
    "hot_enter_at": "hot from",
    "hot_exit_below": "hot no longer under",
    "warm_enter_at": "warm from",
    "warm_exit_below": "warm no longer under",
}
RULE_COLUMNS = {
    "points": "points",
    "half_life_days": "half-life in days",
    "cap": "cap",
    "daily_limit": "limit a day",
    "discharged_by": "used up by",
    "cap_group": "group",
}
GROUP_COLUMNS = {"group_cap": "cap"}


def read_rule_changes(
    connection: duckdb.DuckDBPyConnection, score_model: str, before: int, after: int
) -> list[RuleChange]:
    """What a sheet says at the later version and did not at the earlier."""
    if before == after:
        return []
    earlier, later = (
        read_rows(
            connection,
            "select * from intent_intermediate.int_rule_versions "
            "where rule_version = $version and score_model = $score_model",
            {"version": version, "score_model": score_model},
        )
        for version in (before, after)
    )
    return list(rule_changes(score_model, earlier, later))


def rule_changes(
    sheet: str, earlier: Sequence[Row], later: Sequence[Row]
) -> Iterator[RuleChange]:
    """What the rows of two versions of a sheet say differently."""
    if not earlier:
        yield RuleChange(sheet, "a new sheet")
        return
    if not later:
        yield RuleChange(sheet, "archived")
        return
    yield from cell_changes(sheet, earlier[0], later[0], SHEET_COLUMNS)
    groups = [
        {(row["cap_group"],): row for row in rows if row["cap_group"]}
        for rows in (earlier, later)
    ]
    for (group,) in sorted(set(groups[0]) & set(groups[1])):
        before, after = (each[(group,)] for each in groups)
        yield from cell_changes(f"{sheet}, group {group}", before, after, GROUP_COLUMNS)
    rules = [
        {
            (row["activity"], row["audience"] or ""): row
            for row in rows
            if row["activity"]
        }
        for rows in (earlier, later)
    ]
    for activity, audience in sorted(set(rules[0]) | set(rules[1])):
        subject = f"{sheet}, {activity}" + (f" for {audience}" if audience else "")
        yield from changes_of_rule(
            subject, *(each.get((activity, audience)) for each in rules)
        )


def changes_of_rule(
    subject: str, before: Row | None, after: Row | None
) -> Iterator[RuleChange]:
    """What a rule says differently; None: there is no such rule."""
    if before is None:
        points = after["points"] if after else 0
        yield RuleChange(subject, f"a new rule, points {points:g}")
    elif after is None:
        yield RuleChange(subject, f"rule taken away, points {before['points']:g}")
    else:
        yield from cell_changes(subject, before, after, RULE_COLUMNS)


def cell_changes(
    subject: str, before: Row, after: Row, columns: Mapping[str, str]
) -> Iterator[RuleChange]:
    """The cells that differ, of some columns with their names in words."""
    for column, words in columns.items():
        if before[column] != after[column]:
            was, now = cell(before[column]), cell(after[column])
            yield RuleChange(subject, f"{words} {was} -> {now}")


def cell(value: object) -> str:
    """What stands in a cell."""
    if value is None:
        return "none"
    return f"{value:g}" if isinstance(value, int | float) else str(value)
