"""All that the landing files and seeds say, parsed once for any number of clocks."""

from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from .activities import (
    INFINITY,
    Event,
    Facts,
    Order,
    build_facts,
    build_orders,
    event_of,
    group_events,
    is_duplicate,
)
from .contract import TABLES, Table
from .hygiene import Hygiene
from .identity import Identities
from .machines import machine_reasons
from .profile import Profiles, read_profiles
from .read import Row, read_table
from .rules import (
    FeedRules,
    Sheet,
    Signal,
    read_feed_rules,
    read_own_doings,
    read_sheets,
    read_signals,
)

Accounts = dict[tuple[str, str], Counter[str]]
"""(feed, table) to what became of its rows."""


@dataclass(frozen=True)
class World:
    """Facts, identities and rules; it knows no clock."""

    sheets: tuple[Sheet, ...]
    identities: Identities
    facts: Facts
    orders: dict[str, list[Order]]
    """By identifier."""
    signals: dict[str, Signal]
    profiles: Profiles
    own_doings: frozenset[str]
    """The activities that the contact does itself."""
    accounts: Accounts


def read_world(landing: Path, seeds: Path, feeds: Collection[str]) -> World:
    """Read the landing files of `feeds`, and the seeds."""
    reading = _Reading(read_feed_rules(seeds), read_profiles(seeds))
    for table in TABLES:
        if table.feed in feeds:
            reading.read(landing, table)
    kept = reading.kept_events()
    reading.profiles.add_interests(kept)
    return World(
        sheets=read_sheets(seeds),
        identities=reading.identities,
        facts=build_facts(kept),
        orders=build_orders(kept),
        signals=read_signals(seeds),
        profiles=reading.profiles,
        own_doings=read_own_doings(seeds),
        accounts=reading.accounts,
    )


def account_rows(world: World) -> Accounts:
    """Return what became of the rows of each table that has any.

    For each table, rows_in = counted + all of quarantined:<reason> + duplicates +
    superseded + no_activity.
    """
    return {table: +account for table, account in world.accounts.items() if +account}


class _Reading:
    """The state while the files are read."""

    def __init__(self, rules: FeedRules, profiles: Profiles) -> None:
        self.rules = rules
        self.profiles = profiles
        self.hygiene = Hygiene(rules)
        self.identities = Identities(rules.identity_limits)
        self.events: list[Event] = []
        self.accounts: Accounts = defaultdict(Counter)

    def read(self, landing: Path, table: Table) -> None:
        account = self.accounts[table.feed, table.name]
        for row in read_table(landing, table):
            account["rows_in"] += 1
            reason = self.hygiene.reason(row, table)
            if table.record_kind == "crm_id" and row.identifiers:
                is_read = row.time is not None and not row.is_malformed
                self.identities.add_crm_version(row, is_read=is_read)
            if reason is not None:
                account[f"quarantined:{reason}"] += 1
            elif (event := self._use(row, table)) is None:
                account["no_activity"] += 1
            else:
                self.events.append(event)

    def _use(self, row: Row, table: Table) -> Event | None:
        if table.record_kind is not None:
            self.identities.add_record(row, table.record_kind)
        elif row.time is not None and row.is_withdrawn:
            self.identities.withdraw(row.identifiers, row.time)
        elif row.time is not None:
            self.identities.add(row.identifiers, row.time)
        if table.declared:
            self.profiles.add_record(table.feed, row)
        if table.name == "order_lines":
            self.profiles.add_order_line(row)
        return event_of(row, table, self.rules)

    def kept_events(self) -> list[Event]:
        """Return what people did, once, and write down what became of the other rows.

        Who is who is asked of all that was ever linked: that is known of machines too.
        """
        groups = group_events(self.events, self.rules)
        reasons = machine_reasons(
            [winner for winner, *_ in groups],
            self.rules.hygiene,
            self.identities.components(INFINITY),
        )
        for winner, *losers in groups:
            reason = reasons.get(winner.business_key)
            fate = f"quarantined:{reason}" if reason else "counted"
            self.accounts[winner.table][fate] += 1
            for loser in losers:
                fate = "duplicates" if is_duplicate(loser, winner) else "superseded"
                self.accounts[loser.table][fate] += 1
        return [winner for winner, *_ in groups if winner.business_key not in reasons]
