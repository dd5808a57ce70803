"""What a contact's orders and logins tell together, by the definitions in the docs."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

from .activities import Order
from .rules import Signal
from .values import EPOCH, SECONDS_PER_DAY, midnight_of, moment_of

DIGITS = 9
"""Shares are compared after rounding."""

Signals = Mapping[str, Signal]
Found = Iterator[tuple[str, int]]
"""Activity, and the second from which on it was to be seen."""


@dataclass(frozen=True)
class OrderDay:
    """A UTC day with orders, in days since 1970."""

    day: int
    first_at: int
    last_at: int


def derive(
    orders: Iterable[Order], login_days: Iterable[int], signals: Signals, clock: float
) -> Found:
    """Yield the signals of one contact's standing orders and login days (midnights)."""
    in_order = sorted(orders, key=lambda order: (order.time, order.order_id))
    order_days = days_of(in_order)
    yield from repeats(in_order, signals)
    yield from value_changes(in_order, signals)
    yield from rhythm_changes(order_days, signals)
    yield from dues(order_days, signals, clock)
    yield from loyalty_years(order_days, in_order, signals, clock)
    yield from regular_weeks(login_days, signals, clock)


def days_of(orders: Sequence[Order]) -> list[OrderDay]:
    """Put the orders of one day together."""
    days: dict[int, list[int]] = {}
    for order in orders:
        days.setdefault(order.time // SECONDS_PER_DAY, []).append(order.time)
    return [OrderDay(day, min(at), max(at)) for day, at in days.items()]


def repeats(orders: Sequence[Order], signals: Signals) -> Found:
    """Yield each order that enough others came before."""
    name = "purchase_repeated"
    if name in signals:
        for order in orders[signals[name].least_history :]:
            yield name, order.time


def value_changes(orders: Sequence[Order], signals: Signals) -> Found:
    """Yield each order worth far more or less than those before in its currency."""
    earlier: dict[str | None, list[float]] = {}
    for order in orders:
        if order.amount is None or order.amount <= 0:
            continue
        amounts = earlier.setdefault(order.currency, [])
        yield from _changes(
            order.amount,
            amounts,
            order.time,
            signals,
            rise="order_value_risen",
            fall="order_value_fallen",
        )
        amounts.append(order.amount)


def rhythm_changes(days: Sequence[OrderDay], signals: Signals) -> Found:
    """Yield each day whose gap is far longer or shorter than those before."""
    gaps: list[float] = []
    for previous, day in pairwise(days):
        gap = day.day - previous.day
        yield from _changes(
            gap,
            gaps,
            day.first_at,
            signals,
            rise="purchase_slowed",
            fall="purchase_quickened",
        )
        gaps.append(gap)


def _changes(
    value: float,
    earlier: Sequence[float],
    time: int,
    signals: Signals,
    *,
    rise: str,
    fall: str,
) -> Found:
    if not earlier:
        return
    change = round(value / (math.fsum(earlier) / len(earlier)) - 1, DIGITS)
    for name, size in ((rise, change), (fall, -change)):
        signal = signals.get(name)
        if signal and len(earlier) >= signal.least_history:
            assert signal.least_change is not None
            if size >= signal.least_change:
                yield name, time


def dues(days: Sequence[OrderDay], signals: Signals, clock: float) -> Found:
    """Yield the moments from which on the next order is due, and is expected."""
    for name in ("purchase_due", "purchase_expected"):
        yield from next_orders(name, days, signals, clock)


def next_orders(
    name: str, days: Sequence[OrderDay], signals: Signals, clock: float
) -> Found:
    """Yield the moment from which on a signal of a regular buyer holds."""
    gaps = [day.day - previous.day for previous, day in pairwise(days)]
    if name not in signals or not gaps or len(gaps) < signals[name].least_history:
        return
    most_variation = signals[name].most_variation
    lapses_after = signals[name].lapses_after
    assert most_variation is not None
    assert lapses_after is not None
    mean = sum(gaps) / len(gaps)
    deviation = math.sqrt(sum((gap - mean) ** 2 for gap in gaps) / len(gaps))
    if round(deviation / mean, DIGITS) > most_variation:
        return
    mean_seconds = SECONDS_PER_DAY * sum(gaps) // len(gaps)
    ahead = math.floor(SECONDS_PER_DAY * (signals[name].days_ahead or 0))
    due_at = days[-1].last_at + max(mean_seconds - ahead, 0)
    lapsed_at = days[-1].last_at + math.floor(lapses_after * mean_seconds)
    if due_at <= clock < lapsed_at:
        yield name, due_at


def loyalty_years(
    days: Sequence[OrderDay], orders: Sequence[Order], signals: Signals, clock: float
) -> Found:
    """Yield each anniversary of the first day, if the year before it had orders."""
    name = "loyalty_year_completed"
    if name not in signals or not days:
        return
    later = [
        day_of(order.time // SECONDS_PER_DAY)
        for order in orders
        if order.time // SECONDS_PER_DAY > days[0].day
    ]
    first = day_of(days[0].day)
    year = 1
    while second_of(anniversary(first, year)) <= clock:
        start, end = anniversary(first, year - 1), anniversary(first, year)
        in_year = sum(start <= day < end for day in later)
        if in_year >= signals[name].least_history:
            yield name, second_of(end)
        year += 1


def anniversary(first: date, years: int) -> date:
    """Return the day some years on; for 29 February the 28th in other years."""
    try:
        return first.replace(year=first.year + years)
    except ValueError:
        return first.replace(year=first.year + years, day=28)


def regular_weeks(login_days: Iterable[int], signals: Signals, clock: float) -> Found:
    """Yield the end of each week that closes enough weeks on end with logins."""
    name = "login_regular"
    if name not in signals:
        return
    mondays = {monday_of(moment_of(midnight).date()) for midnight in login_days}
    for monday in sorted(mondays):
        needed = range(signals[name].least_history)
        ended_at = second_of(monday + timedelta(weeks=1))
        if ended_at <= clock and all(
            monday - timedelta(weeks=back) in mondays for back in needed
        ):
            yield name, ended_at


def monday_of(day: date) -> date:
    """Return the Monday of a day's week."""
    return day - timedelta(days=day.weekday())


def day_of(number: int) -> date:
    """Return the day with a number, 0 being 1970-01-01."""
    return EPOCH.date() + timedelta(days=number)


def second_of(day: date) -> int:
    """Return the second at which a day begins."""
    return midnight_of(
        int((datetime(day.year, day.month, day.day) - EPOCH).total_seconds())
    )
