"""Bad input: why a row can't be used (the design's step of the same name)."""

from .contract import Table
from .read import Row
from .rules import FeedRules

MAX_SECONDS_AHEAD = 300
"""How far an event's time may lie after the moment at which it was received."""


class Hygiene:
    """Finds the reason for which a row is quarantined."""

    def __init__(self, rules: FeedRules) -> None:
        self._rules = rules

    def reason(self, row: Row, table: Table) -> str | None:
        """Return the first reason that applies, or None if the row can be used."""
        checks = (
            (row.is_malformed, "malformed_value"),
            (row.key is None, "no_event_id"),
            (table.time is not None and row.time is None, "no_time"),
            (self._has_unknown_name(row, table), "unknown_event_name"),
            (row.bad_value is not None, row.bad_value),
            (_is_half_a_pair(row, table), "no_second_identifier"),
            (
                row.has_malformed_email and not row.identifiers,
                "malformed_email",
            ),
            (bool(table.identifiers) and not row.identifiers, "no_identifier"),
            (_is_from_the_future(row), "future_event"),
        )
        for applies, reason in checks:
            if applies:
                return reason
        return None

    def _has_unknown_name(self, row: Row, table: Table) -> bool:
        if table.is_record:
            return False
        name, detail = row.event_name, row.detail
        return name is None or not self._rules.known_name(table.feed, name, detail)


def _is_half_a_pair(row: Row, table: Table) -> bool:
    return table.name == "identifier_links" and len(row.identifiers) == 1


def _is_from_the_future(row: Row) -> bool:
    if row.time is None or row.received_at is None:
        return False
    return row.time > row.received_at + MAX_SECONDS_AHEAD
