"""Bad input: why a row can't be used (the design's step of the same name)."""

from .contract import Table
from .read import Row
from .rules import FeedRules

MAX_SECONDS_AHEAD = 300
"""How far an event's time may lie after the moment at which it was received."""

MACHINE_OPEN_REASON = "mail_privacy_open"
OPENED_EMAIL = "Opened Email"


class Hygiene:
    """Finds the reason for which a row is quarantined."""

    def __init__(self, rules: FeedRules) -> None:
        self._rules = rules
        self._reasons_of_agents: dict[str, str | None] = {}

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
        return self._machine_reason(row)

    def _has_unknown_name(self, row: Row, table: Table) -> bool:
        if table.is_record:
            return False
        name, detail = row.event_name, row.detail
        return name is None or not self._rules.known_name(table.feed, name, detail)

    def _machine_reason(self, row: Row) -> str | None:
        if row.is_machine_open and row.event_name == OPENED_EMAIL:
            return MACHINE_OPEN_REASON
        if row.user_agent is None:
            return None
        agent = row.user_agent.lower()
        if agent not in self._reasons_of_agents:
            self._reasons_of_agents[agent] = self._agent_reason(agent)
        return self._reasons_of_agents[agent]

    def _agent_reason(self, agent: str) -> str | None:
        for pattern, reason in self._rules.machine_agents:
            if pattern.fullmatch(agent):
                return reason
        return None


def _is_half_a_pair(row: Row, table: Table) -> bool:
    return table.name == "identifier_links" and len(row.identifiers) == 1


def _is_from_the_future(row: Row) -> bool:
    if row.time is None or row.received_at is None:
        return False
    return row.time > row.received_at + MAX_SECONDS_AHEAD
