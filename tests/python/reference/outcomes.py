"""Who is evaluated at a past midnight, what is said of it, and what it did next."""

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .activities import Order
from .identity import INFINITY, is_contact
from .rules import Sheet, read_feed_rules
from .score import (
    Days,
    band_of,
    contact_id_of,
    days_at,
    derived_days_at,
    orders_at,
    score_days,
)
from .values import SECONDS_PER_DAY, midnight_of
from .world import World

EMAIL = "email:"

Said = tuple[float, str | None]
"""A score, and the band of a sheet."""


@dataclass
class Subject:
    """A contact at a past midnight."""

    contact_id: str
    members: tuple[str, ...]
    days: Days
    orders: Sequence[Order]
    scores: dict[str, Said] = field(default_factory=dict)
    """By scorer."""
    outcomes: dict[int, int] = field(default_factory=dict)
    """Days of the horizon to how much it did."""


@dataclass(frozen=True)
class Asked:
    """What is evaluated."""

    activities: Collection[str]
    horizons: Sequence[int]
    active_days: int
    internal: Collection[str]
    """Identifiers of the shop's own people."""


def internal_identifiers(world: World, seeds: Path) -> set[str]:
    """Return the identifiers of contacts that have an email of the shop's own."""
    rules = [r for r in read_feed_rules(seeds).hygiene if r.method == "email"]
    return {
        one
        for members in world.identities.components(INFINITY)
        if any(
            member.startswith(EMAIL) and rule.matches(member.removeprefix(EMAIL))
            for member in members
            for rule in rules
        )
        for one in members
    }


def subjects_at(
    world: World, midnight: float, asked: Asked, now: float
) -> list[Subject]:
    """Return whom is evaluated at a midnight, with what came until now."""
    found = list(_population(world, midnight, asked))
    _add_orders_rank(found)
    persons = _persons(world, now)
    for subject in found:
        _add_outcomes(world, subject, midnight, asked, persons)
    return found


def _population(world: World, midnight: float, asked: Asked) -> Iterator[Subject]:
    objectors = world.identities.objectors()
    for members in world.identities.components(midnight):
        if not is_contact(members) or not objectors.isdisjoint(members):
            continue
        if not set(asked.internal).isdisjoint(members):
            continue
        days = days_at(world.facts, members, midnight)
        last = max(
            (day.last_at for name in world.own_doings for day in days.get(name, ())),
            default=-math.inf,
        )
        if last < midnight - asked.active_days * SECONDS_PER_DAY:
            continue
        orders = orders_at(world, members, midnight)
        subject = Subject(contact_id_of(members[0]), members, dict(days), orders)
        subject.scores["recency"] = (last - midnight) / SECONDS_PER_DAY, None
        _add_scores(world, subject, midnight)
        yield subject


def _add_scores(world: World, subject: Subject, midnight: float) -> None:
    derived = derived_days_at(world, list(subject.orders), subject.days, midnight)
    days = {**subject.days, **derived}
    attributes = world.profiles.attributes(subject.members, subject.orders, midnight)
    sizes = {
        name: len(world.profiles.audiences[name])
        for name in world.profiles.audiences_of(attributes)
    }
    for everyones_sheet in world.sheets:
        sheet = everyones_sheet.for_audiences(sizes)
        score, drivers = score_days(days, sheet, midnight)
        said = round(score.intent_score, 9)
        subject.scores[sheet.name] = said, band_of(said, sheet)
        if sheet.is_primary:
            plain = math.fsum(
                sheet.rules[name].points * driver.activity_count
                for name, driver in drivers.items()
            )
            subject.scores["undecayed"] = plain, None


def _add_orders_rank(subjects: Sequence[Subject]) -> None:
    """Add the quintiles of recency, frequency and value of those with orders."""
    buyers = [subject for subject in subjects if subject.orders]
    last = [max(order.time for order in each.orders) for each in buyers]
    counts = [len(each.orders) for each in buyers]
    sums: dict[str | None, dict[str, float]] = defaultdict(dict)
    for each in buyers:
        for order in each.orders:
            if order.amount is not None:
                amounts = sums[order.currency]
                amounts.setdefault(each.contact_id, 0)
                amounts[each.contact_id] += order.amount
    values: dict[str, int] = {}
    for amounts in sums.values():
        for contact, amount in amounts.items():
            rank = quintile(amount, list(amounts.values()))
            values[contact] = max(rank, values.get(contact, 0))
    for subject in subjects:
        subject.scores["rfm"] = 0.0, None
    for subject, time, count in zip(buyers, last, counts, strict=True):
        ranks = quintile(time, last) + quintile(count, counts)
        subject.scores["rfm"] = ranks + values.get(subject.contact_id, 0), None


def quintile(value: float, values: Sequence[float]) -> int:
    """Return in which fifth a value lies, 5 for the highest, by how many are less."""
    return 1 + 5 * sum(other < value for other in values) // len(values)


def _persons(world: World, now: float) -> Mapping[str, tuple[str, ...]]:
    """Return what each identifier is known to be one with by now."""
    return {
        one: members for members in world.identities.components(now) for one in members
    }


def _add_outcomes(
    world: World,
    subject: Subject,
    midnight: float,
    asked: Asked,
    persons: Mapping[str, tuple[str, ...]],
) -> None:
    """Add what was done from the midnight on, and stood when the horizon ended."""
    known_since = {one for member in subject.members for one in persons[member]}
    for horizon in asked.horizons:
        end = midnight + horizon * SECONDS_PER_DAY
        days = days_at(world.facts, sorted(known_since), end)
        subject.outcomes[horizon] = sum(
            day.quantity
            for activity in asked.activities
            for day in days.get(activity, ())
            if midnight_of(day.last_at) >= midnight
        )


def inputs_of(
    subject: Subject, sheets: Iterable[Sheet], midnight: float, days: int
) -> dict[str, int]:
    """Return how much a contact did in the days before, of what earns points."""
    since = midnight - days * SECONDS_PER_DAY
    scored = {
        activity
        for sheet in sheets
        for activity in (
            *sheet.rules,
            *(each.activity for each in sheet.audience_rules),
        )
    }
    counts = {
        activity: sum(day.quantity for day in done if midnight_of(day.last_at) >= since)
        for activity, done in subject.days.items()
        if activity in scored
    }
    return {activity: count for activity, count in counts.items() if count > 0}
