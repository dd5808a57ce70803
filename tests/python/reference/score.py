"""Every contact's score and its drivers, in every sheet, at one clock."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from . import maths
from .activities import Facts, Order
from .conditions import Attributes
from .derived import derive
from .identity import is_contact
from .profile import Fit
from .rules import Band, Rule, Sheet
from .values import EPOCH, SECONDS_PER_DAY, midnight_of, moment_of
from .world import World

LOGGED_IN = "logged_in"
DORMANT_BELOW = 0.05
COMPARED_DIGITS = 9


class Day(NamedTuple):
    """A fact that stands at the clock."""

    quantity: int
    last_at: int


Days = Mapping[str, Sequence[Day]]
"""Activity to the days of one contact."""


@dataclass(slots=True)
class DriverRow:
    """One row of contact_intent_drivers."""

    activity_count: int
    last_at: datetime
    decayed_amount: float
    activity_score: float
    net_points: float
    contribution: float
    driver_rank: int


@dataclass(slots=True)
class ScoreRow:
    """One row of contact_scores."""

    raw_score: float
    intent_score: float
    segment: str | None
    """The band by the entry edges alone, without look-back."""
    is_settled: bool
    """True if the score tells its band alone, whatever was before."""


@dataclass(slots=True)
class ContactInfo:
    """Who a contact is, and its state in the primary sheet."""

    contact_id: str
    members: tuple[str, ...]
    state: str


@dataclass(slots=True)
class ProfileRow:
    """Who a contact is, and what it cares for."""

    account: str | None
    attributes: Attributes
    fit: Fit
    stage: str | None
    interests: dict[str, tuple[float, datetime]]
    """Category to decayed amount, and when it was touched last."""

    @property
    def top_interest(self) -> str | None:
        """The category of the largest amount, of equal ones the first by name."""

        def order(name: str) -> tuple[float, str]:
            return -round(self.interests[name][0], COMPARED_DIGITS), name

        return min(self.interests, key=order, default=None)


@dataclass
class Result:
    """The scores at one clock."""

    as_of: datetime
    contacts: dict[str, ContactInfo] = field(default_factory=dict)
    scores: dict[tuple[str, str], ScoreRow] = field(default_factory=dict)
    drivers: dict[tuple[str, str, str], DriverRow] = field(default_factory=dict)
    derived: dict[str, Days] = field(default_factory=dict)
    """The days of derived signals, by contact."""
    profiles: dict[str, ProfileRow] = field(default_factory=dict)


def score_world(world: World, as_of: datetime) -> Result:
    """Score every contact as of the clock, a naive UTC time."""
    if as_of.tzinfo is not None:
        as_of = as_of.astimezone(UTC).replace(tzinfo=None)
    clock = (as_of - EPOCH).total_seconds()
    result = Result(as_of)
    objectors = world.identities.objectors()
    for members in world.identities.components(clock):
        if not is_contact(members):
            continue
        key = members[0]
        info = ContactInfo(contact_id_of(key), members, state="suppressed")
        result.contacts[key] = info
        if objectors.isdisjoint(members):
            _score_contact(world, info, clock, result)
    return result


def contact_id_of(key: str) -> str:
    """Return the warehouse's id of the contact that is named by an identifier."""
    return hashlib.md5(key.encode(), usedforsecurity=False).hexdigest()


def _score_contact(
    world: World, info: ContactInfo, clock: float, result: Result
) -> None:
    key = info.members[0]
    days = days_at(world.facts, info.members, clock)
    orders = orders_at(world, info.members, clock)
    derived = derived_days_at(world, orders, days, clock)
    result.derived[key] = derived
    days.update(derived)
    profiles = world.profiles
    attributes = profiles.attributes(info.members, orders, clock)
    sizes = {
        name: len(profiles.audiences[name])
        for name in profiles.audiences_of(attributes)
    }
    for everyones_sheet in world.sheets:
        sheet = everyones_sheet.for_audiences(sizes)
        score, drivers = score_days(days, sheet, clock)
        result.scores[key, sheet.name] = score
        for activity, driver in drivers.items():
            result.drivers[key, sheet.name, activity] = driver
        if sheet.is_primary:
            info.state = _state(days, score, world.own_doings)
            result.profiles[key] = ProfileRow(
                account=profiles.account(info.members, clock),
                attributes=attributes,
                fit=profiles.fit(attributes),
                stage=profiles.stage((a, d.decayed_amount) for a, d in drivers.items()),
                interests=profiles.interests_of(
                    info.members, orders, sheet.rules, clock
                ),
            )


def orders_at(world: World, members: Sequence[str], clock: float) -> list[Order]:
    """Return the orders of a contact that stand at the clock."""
    return [
        order
        for member in members
        for order in world.orders.get(member, ())
        if order.stands_at(clock)
    ]


def days_at(facts: Facts, members: Sequence[str], clock: float) -> dict[str, list[Day]]:
    """Gather the facts of a contact's identifiers that stand at the clock."""
    days: dict[str, list[Day]] = {}
    for member in members:
        for activity, member_facts in facts.get(member, {}).items():
            for fact in member_facts:
                day = fact.at(clock)
                if day is not None:
                    days.setdefault(activity, []).append(Day(*day))
    return days


def derived_days_at(
    world: World, orders: list[Order], days: Days, clock: float
) -> dict[str, list[Day]]:
    """Count by day what a contact's standing orders and logins tell together."""
    login_days = [midnight_of(day.last_at) for day in days.get(LOGGED_IN, ())]
    times: dict[tuple[str, int], list[int]] = {}
    for activity, time in derive(orders, login_days, world.signals, clock):
        times.setdefault((activity, midnight_of(time)), []).append(time)
    derived: dict[str, list[Day]] = {}
    for (activity, _), on_the_day in times.items():
        day = Day(len(on_the_day), max(on_the_day))
        derived.setdefault(activity, []).append(day)
    return derived


def score_days(
    days: Days, sheet: Sheet, clock: float
) -> tuple[ScoreRow, dict[str, DriverRow]]:
    """Score one contact in one sheet.

    In the design's order: daily limit, decay, cap, group cap, total.
    """
    drivers = {
        activity: _driver(days, activity, rule, clock)
        for activity, rule in sheet.rules.items()
        if activity in days
    }
    _apply_group_caps(drivers, sheet)
    raw_score = math.fsum(driver.net_points for driver in drivers.values())
    for driver in drivers.values():
        driver.contribution = maths.contribution(
            driver.net_points, raw_score, sheet.scale
        )
    _rank(drivers)
    intent_score = maths.intent_score(raw_score, sheet.scale)
    score = ScoreRow(
        raw_score,
        intent_score,
        band_of(intent_score, sheet),
        not any(_is_between(intent_score, band) for band in sheet.bands),
    )
    return score, drivers


def band_of(intent_score: float, sheet: Sheet) -> str | None:
    """Return the highest band whose entry edge the score reaches."""
    return next((band.name for band in sheet.bands if _is_in(intent_score, band)), None)


def _is_in(intent_score: float, band: Band) -> bool:
    return band.enter_at <= round(intent_score, COMPARED_DIGITS)


def _is_between(intent_score: float, band: Band) -> bool:
    return band.exit_below <= round(intent_score, COMPARED_DIGITS) < band.enter_at


def _driver(days: Days, activity: str, rule: Rule, clock: float) -> DriverRow:
    """Take an activity up to its activity score; the rest needs the others."""
    discharged_until = max(
        (day.last_at for day in days.get(rule.discharged_by or "", ())),
        default=-math.inf,
    )
    counted = [
        (limited(day.quantity, rule.daily_limit), day.last_at)
        for day in days[activity]
        if day.last_at > discharged_until
    ]
    amount = rule.points * math.fsum(
        count * maths.decay(age_in_days(last_at, clock), rule.half_life_days)
        for count, last_at in counted
    )
    return DriverRow(
        activity_count=sum(count for count, _ in counted),
        last_at=moment_of(max(day.last_at for day in days[activity])),
        decayed_amount=amount,
        activity_score=maths.activity_score(amount, rule.cap),
        net_points=math.nan,
        contribution=math.nan,
        driver_rank=0,
    )


def limited(quantity: int, daily_limit: int | None) -> int:
    """Day's count: what counts of a day's quantity."""
    return quantity if daily_limit is None else min(quantity, daily_limit)


def age_in_days(last_at: int, clock: float) -> float:
    """Return the fractional age of a fact, never negative."""
    return max(0.0, (clock - last_at) / SECONDS_PER_DAY)


def _apply_group_caps(drivers: dict[str, DriverRow], sheet: Sheet) -> None:
    groups: dict[str | None, list[DriverRow]] = {}
    for activity, driver in drivers.items():
        groups.setdefault(sheet.cap_groups.get(activity), []).append(driver)
    for group, members in groups.items():
        total = math.fsum(driver.activity_score for driver in members)
        cap = None if group is None else sheet.group_caps.get(group)
        factor = maths.group_factor(total, cap)
        for driver in members:
            driver.net_points = factor * driver.activity_score


def _rank(drivers: dict[str, DriverRow]) -> None:
    ranked = sorted(
        drivers.items(),
        key=lambda item: (-round(item[1].net_points, COMPARED_DIGITS), item[0]),
    )
    for rank, (_, driver) in enumerate(ranked, start=1):
        driver.driver_rank = rank


def _state(days: Days, score: ScoreRow, own_doings: frozenset[str]) -> str:
    if round(score.intent_score, COMPARED_DIGITS) >= DORMANT_BELOW:
        return "active"
    return "never_active" if own_doings.isdisjoint(days) else "dormant"
