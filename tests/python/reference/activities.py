"""One activity stream, each thing once, reduced to rule-free facts of days."""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from .contract import Table
from .read import Row
from .rules import FeedRules
from .values import midnight_of

PURCHASE = "purchase"
MEASURED = "measured"
TAKES_ORDER_BACK = "takes_order_back"
MOST_MEASURED = 1_000_000_000
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
    quantity: int
    order_id: str | None
    """The order placed, for a purchase."""
    reversed_order: str | None
    """The order that is taken back."""
    reversed_at: int | None
    """From when on it counts no more, by the row's own word."""
    user_agent: str | None = None
    message_id: str | None = None
    is_machine_flagged: bool = False
    taken_back_at: int | None = None
    """The same by the newest word of every feed that tells it."""
    amount: float | None = None
    currency: str | None = None
    product_category: str | None = None


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


class Part(NamedTuple):
    """An event of a day of which something was ever taken back."""

    time: int
    quantity: int
    reversed_on: float
    """Midnight after which it counts no more."""


class DayFact(NamedTuple):
    """What one identifier did of one activity on one UTC day."""

    midnight: int
    quantity: int
    last_at: int
    parts: tuple[Part, ...] = ()
    """Its events, if any was ever reversed."""

    def at(self, clock: float) -> tuple[int, int] | None:
        """Return how much, and when last, by what stood before the clock, if any."""
        if self.midnight >= clock:
            return None
        if not self.parts:
            return self.quantity, self.last_at
        parts = [part for part in self.parts if part.reversed_on >= clock]
        if not parts:
            return None
        return sum(part.quantity for part in parts), max(part.time for part in parts)


Facts = dict[str, dict[str, list[DayFact]]]
"""Identifier, then activity, to days."""


def event_of(row: Row, table: Table, rules: FeedRules) -> Event | None:
    """Return the event that a usable row tells of, or None if it tells of none."""
    name = row.event_name
    if name is None or row.key is None or row.time is None:
        return None
    known_name = rules.known_name(table.feed, name, row.detail)
    activity = rules.activities.get((table.feed, known_name or ""))
    if activity is None:
        return None
    effect = rules.effect(table.feed, name, row.detail)
    takes_back = effect == TAKES_ORDER_BACK and row.is_whole_order
    return Event(
        activity=activity,
        business_key=_business_key(row, table, activity),
        table=(table.feed, table.name),
        event_id=row.key,
        version=row.version,
        time=row.time,
        identifier=row.identifiers[0],
        received_at=row.received_at,
        quantity=_quantity(row.measured) if effect == MEASURED else 1,
        order_id=row.order_id if activity == PURCHASE else None,
        reversed_order=row.order_id if takes_back else None,
        reversed_at=row.reversed_at,
        amount=row.amount,
        currency=row.currency and row.currency.upper(),
        product_category=row.product_category,
        user_agent=row.user_agent,
        message_id=row.message_id,
        is_machine_flagged=bool(row.is_machine_open),
    )


def _quantity(measured: float | None) -> int:
    """Return what a measured event counts: whole units, what is no number none."""
    if measured is None or not measured > 0:
        return 0
    return math.floor(min(measured, MOST_MEASURED))


def _business_key(row: Row, table: Table, activity: str) -> str:
    if row.form_submission_id is not None:
        return f"form:{row.form_submission_id}"
    if activity == PURCHASE and row.order_id is not None:
        return f"order:{row.order_id}"
    return f"{table.feed}:{table.name}:{row.key}"


def group_events(events: Iterable[Event], rules: FeedRules) -> list[list[Event]]:
    """Group what several rows tell of the same thing; the winner comes first."""
    groups: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        groups[event.business_key].append(event)
    for group in groups.values():
        if len(group) > 1:
            group.sort(key=lambda event: _precedence(event, rules))
        group[0].taken_back_at = _taken_back_at(group)
    return list(groups.values())


def _taken_back_at(group: list[Event]) -> int | None:
    """Return the earliest end that the newest word of any feed states."""
    newest: dict[str, Event] = {}
    for event in group:
        newest.setdefault(event.table[0], event)
    ends = [e.reversed_at for e in newest.values() if e.reversed_at is not None]
    return min(ends, default=None)


def _precedence(event: Event, rules: FeedRules) -> tuple[object, ...]:
    """Order by preference; the last ones only make equal rows independent of files."""
    return (
        rules.preferences.get(event.table[0], INFINITY),
        event.table[0],
        INFINITY if event.version is None else -event.version,
        event.time,
        event.identifier,
        event.event_id,
        -(event.received_at or -INFINITY),
        _or_last(event.reversed_at),
        event.reversed_order is None,
        event.reversed_order or "",
        event.user_agent or "",
        event.message_id or "",
        not event.is_machine_flagged,
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
    """Return when each order was first taken back by an activity of its own."""
    full_returns: dict[str, int] = {}
    for event in kept:
        if event.reversed_order is not None:
            earliest = full_returns.get(event.reversed_order, event.time)
            full_returns[event.reversed_order] = min(event.time, earliest)
    return full_returns


def _day_fact(
    midnight: int, events: list[Event], full_returns: dict[str, int]
) -> DayFact:
    parts = tuple(
        Part(event.time, event.quantity, _reversed_on(event, full_returns))
        for event in events
    )
    return DayFact(
        midnight=midnight,
        quantity=sum(part.quantity for part in parts),
        last_at=max(part.time for part in parts),
        parts=parts if any(part.reversed_on < INFINITY for part in parts) else (),
    )


def _reversed_on(event: Event, full_returns: dict[str, int]) -> float:
    """Return the midnight after which the event no longer counts."""
    times = list(_reversal_times(event, full_returns))
    return midnight_of(min(times)) if times else INFINITY


def _reversal_times(event: Event, full_returns: dict[str, int]) -> Iterator[int]:
    if event.taken_back_at is not None:
        yield event.taken_back_at
    if event.order_id is not None and event.order_id in full_returns:
        yield full_returns[event.order_id]


def _or_last(time: int | None) -> float:
    return INFINITY if time is None else time
