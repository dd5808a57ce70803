"""Two sheets, rule by rule. Pure."""

from collections.abc import Mapping
from dataclasses import replace

from intent.rules.changes import Change, ChangeKind, find_changes
from intent.rules.sheets import ACTIVITY_RULES, GROUP_RULES, SCORE_BANDS, SCORE_MODELS
from intent.rules.tables import Row, Table, Tables

OF_A_SCORE = (SCORE_MODELS, ACTIVITY_RULES, GROUP_RULES, SCORE_BANDS)
"""The sheets in which each score has rules of its own."""
COUNTS_NOT = {"score_model", "status", "is_primary", "description", "note"}
"""Columns that change no score."""


def compare_sheets(tables: Tables, before: str, after: str) -> list[Change]:
    """What differs between the rules of two scores.

    Keys are without the score's name; the one of `score_models` is empty.
    """
    found = find_changes(
        {**tables, **_rules_of(tables, before)}, {**tables, **_rules_of(tables, after)}
    )
    trimmed = (_trim(change) for change in found)
    return [change for change in trimmed if change is not None]


def _rules_of(tables: Tables, model: str) -> Mapping[str, Table]:
    """The rows of one score, as if it had no name."""
    return {
        sheet.name: replace(
            tables[sheet.name],
            rows=tuple(
                Row(
                    row.number,
                    {**row.values, "score_model": ""},
                    {**row.texts, "score_model": ""},
                )
                for row in tables[sheet.name].rows
                if row.texts["score_model"] == model
            ),
        )
        for sheet in OF_A_SCORE
    }


def _trim(change: Change) -> Change | None:
    """Leave out what changes no score."""
    cells = {
        column: values
        for column, values in (change.cells or {}).items()
        if column not in COUNTS_NOT
    }
    if change.kind is ChangeKind.REORDERED or not cells:
        return None
    return replace(change, key=change.key[1:], cells=cells)
