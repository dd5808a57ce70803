"""One activity stream, each thing once, reduced to rule-free facts of days."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from .contract import Table
from .read import Row
from .rules import FeedRules
from .values import midnight_of

PURCHASE = "purchase"
RETURNED = "returned"
INFINITY = float("inf")


@dataclass(slots=True)
class Event:
    """One raw row that tells of an activity."""

    activity: str
    business_key: str
    table: tuple[str, str]
    event_id: str
    version: int | None
    time: int
    identifier: str
    received_at: int | None
    order_id: str | None
    cancelled_at: int | None
    is_full_return: bool
    amount: float | None = None
    currency: str | None = None


class Order(NamedTuple):
    """One order, with the midnight after which it no longer stands."""

    time: int
    order_id: str
    amount: float | None
    currency: str | None
    """In capitals."""
    reversed_on: float

    def stands_at(self, clock: float) -> bool:
        """Tell whether it was placed on a day before the clock and not taken back."""
        return midnight_of(self.time) < clock <= self.reversed_on


class DayFact(NamedTuple):
    """What one identifier did of one activity on one UTC day."""

    midnight: int
    quantity: int
    last_at: int
    reversible: tuple[tuple[int, float], ...] = ()
    """(time, midnight of the reversal) of each event, if any was ever reversed."""

    def at(self, clock: float) -> tuple[int, int]:
        """Return how often, and when last, by what stood before the clock."""
        if self.midnight >= clock:
            return 0, 0
        if not self.reversible:
            return self.quantity, self.last_at
        times = [time for time, reversed_on in self.reversible if reversed_on >= clock]
        return len(times), max(times, default=0)


Facts = dict[str, dict[str, list[DayFact]]]
"""Identifier, then activity, to days."""


def event_of(row: Row, table: Table, rules: FeedRules) -> Event | None:
    """Return the event that a usable row tells of, or None if it tells of none."""
    activity = _activity_of(row, table, rules)
    if activity is None or row.key is None or row.time is None:
        return None
    return Event(
        activity=activity,
        business_key=_business_key(row, table, activity),
        table=(table.feed, table.name),
        event_id=row.key,
        version=row.version,
        time=row.time,
        identifier=row.identifiers[0],
        received_at=row.received_at,
        order_id=row.key if table.name == "orders" else row.order_id,
        cancelled_at=row.cancelled_at,
        is_full_return=bool(row.is_full_return),
        amount=row.amount,
        currency=row.currency and row.currency.upper(),
    )


def _activity_of(row: Row, table: Table, rules: FeedRules) -> str | None:
    if row.event_name is not None:
        return rules.activities[table.feed, row.event_name]
    return {"orders": PURCHASE, "returns": RETURNED}.get(table.name)


def _business_key(row: Row, table: Table, activity: str) -> str:
    if table.name in ("orders", "returns"):
        return row.key or ""
    if activity == PURCHASE and row.order_id is not None:
        return row.order_id
    return f"{table.feed}:{row.key}"


def group_events(events: Iterable[Event], rules: FeedRules) -> list[list[Event]]:
    """Group what several rows tell of the same thing; the winner comes first."""
    groups: dict[tuple[str, str], list[Event]] = defaultdict(list)
    for event in events:
        groups[event.activity, event.business_key].append(event)
    for group in groups.values():
        if len(group) > 1:
            group.sort(key=lambda event: _precedence(event, rules))
    return list(groups.values())


def _precedence(event: Event, rules: FeedRules) -> tuple[object, ...]:
    """Order by preference; the last two only make equal rows independent of files."""
    return (
        rules.preferences.get(event.table[0], INFINITY),
        INFINITY if event.version is None else -event.version,
        event.time,
        event.identifier,
        event.event_id,
        -(event.received_at or -INFINITY),
        _or_last(event.cancelled_at),
        not event.is_full_return,
        event.order_id or "",
    )


def is_duplicate(loser: Event, winner: Event) -> bool:
    """Tell a row sent twice from one that another row has replaced."""
    return (loser.table[0], loser.event_id, loser.version) == (
        winner.table[0],
        winner.event_id,
        winner.version,
    )


def build_facts(kept: list[Event]) -> Facts:
    """Reduce the kept events to facts of days."""
    full_returns = _full_returns(kept)
    days: dict[tuple[str, str, int], list[Event]] = defaultdict(list)
    for event in kept:
        days[event.identifier, event.activity, midnight_of(event.time)].append(event)
    facts: Facts = defaultdict(lambda: defaultdict(list))
    for (identifier, activity, midnight), events in days.items():
        fact = _day_fact(midnight, events, full_returns)
        facts[identifier][activity].append(fact)
    return facts


def build_orders(kept: list[Event]) -> dict[str, list[Order]]:
    """Return the orders of each identifier."""
    full_returns = _full_returns(kept)
    orders: dict[str, list[Order]] = defaultdict(list)
    for event in kept:
        if event.activity == PURCHASE:
            order = Order(
                time=event.time,
                order_id=event.business_key,
                amount=event.amount,
                currency=event.currency,
                reversed_on=_reversed_on(event, full_returns),
            )
            orders[event.identifier].append(order)
    return orders


def _full_returns(kept: list[Event]) -> dict[str, int]:
    """Return when each fully returned order came back first."""
    full_returns: dict[str, int] = {}
    for event in kept:
        if event.activity == RETURNED and event.is_full_return and event.order_id:
            earliest = full_returns.get(event.order_id, event.time)
            full_returns[event.order_id] = min(event.time, earliest)
    return full_returns


def _day_fact(
    midnight: int, events: list[Event], full_returns: dict[str, int]
) -> DayFact:
    reversible = tuple(
        (event.time, _reversed_on(event, full_returns)) for event in events
    )
    return DayFact(
        midnight=midnight,
        quantity=len(events),
        last_at=max(event.time for event in events),
        reversible=reversible if any(on < INFINITY for _, on in reversible) else (),
    )


def _reversed_on(event: Event, full_returns: dict[str, int]) -> float:
    """Return the midnight after which the event no longer counts."""
    if event.activity != PURCHASE:
        return INFINITY
    times = list(_reversal_times(event, full_returns))
    return midnight_of(min(times)) if times else INFINITY


def _reversal_times(event: Event, full_returns: dict[str, int]) -> Iterator[int]:
    if event.cancelled_at is not None:
        yield event.cancelled_at
    if event.order_id is not None and event.order_id in full_returns:
        yield full_returns[event.order_id]


def _or_last(time: int | None) -> float:
    return INFINITY if time is None else time
