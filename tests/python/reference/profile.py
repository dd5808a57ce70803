"""What is known of contacts, and what follows: audiences, fit, stage, interests."""

import csv
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from . import maths
from .activities import PURCHASE, Event, Order
from .conditions import Attributes, Condition
from .read import Row
from .rules import Rule
from .values import SECONDS_PER_DAY, midnight_of, moment_of

OLDEST = 120
COMPARED_DIGITS = 9


class Version(NamedTuple):
    """One version of a record in which attributes are declared."""

    written_at: int
    received_at: int
    feed: str
    identifier: str
    declared: dict[str, str | float]


class Interest(NamedTuple):
    """One activity around a product category."""

    time: int
    quantity: int
    activity: str
    category: str
    reversed_on: float


class Fit(NamedTuple):
    """How well a contact fits."""

    score: float | None
    grade: str | None
    known_share: float


class FitRule(NamedTuple):
    """A condition, and what meeting it is worth."""

    condition: Condition
    points: float


@dataclass
class Profiles:
    """All that tells who contacts are; it knows no clock."""

    audiences: dict[str, tuple[Condition, ...]] = field(default_factory=dict)
    fit_rules: tuple[FitRule, ...] = ()
    grades: tuple[tuple[str, float], ...] = ()
    """With their edges, the best first."""
    stages: tuple[tuple[str, float], ...] = ()
    """With their edges, in order of precedence."""
    stage_of: dict[str, str] = field(default_factory=dict)
    """By activity."""
    versions: dict[str, list[Version]] = field(
        default_factory=lambda: defaultdict(list)
    )
    """By the record's identifier."""
    categories: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """By order."""
    interests: dict[str, list[Interest]] = field(
        default_factory=lambda: defaultdict(list)
    )
    """By identifier."""

    def add_record(self, feed: str, row: Row) -> None:
        """Take in a usable version of a contact's or customer's record."""
        kind = "crm_id" if feed == "crm" else "customer_id"
        identifier = f"{kind}:{row.key}"
        if row.version is not None:
            version = Version(
                row.version, row.received_at or 0, feed, identifier, row.declared
            )
            self.versions[identifier].append(version)

    def add_order_line(self, row: Row) -> None:
        """Take in a usable line: its order has its category, if pieces are left."""
        has_pieces = row.measured is None or row.measured > 0
        if row.order_id and row.product_category and has_pieces:
            self.categories[row.order_id].add(row.product_category.lower())

    def add_interests(self, kept: Iterable[Event]) -> None:
        """Take in the activities around categories, but for orders."""
        for event in kept:
            if event.product_category and event.activity != PURCHASE:
                self.interests[event.identifier].append(
                    Interest(
                        time=event.time,
                        quantity=event.quantity,
                        activity=event.activity,
                        category=event.product_category.lower(),
                        reversed_on=math.inf
                        if event.taken_back_at is None
                        else midnight_of(event.taken_back_at),
                    )
                )

    # ---- at a clock

    def newest_versions(self, members: Sequence[str], clock: float) -> list[Version]:
        """Return what each record of a contact said last before the clock."""
        newest = (
            max(
                (each for each in self.versions[member] if each.written_at < clock),
                key=lambda each: (each.written_at, each.received_at),
                default=None,
            )
            for member in members
            if member in self.versions
        )
        versions = [each for each in newest if each is not None]
        return sorted(versions, key=lambda v: (-v.written_at, v.feed, v.identifier))

    def account(self, members: Sequence[str], clock: float) -> str | None:
        """Return the company by the newest record that names one."""
        for version in self.newest_versions(members, clock):
            if "account_id" in version.declared:
                return str(version.declared["account_id"])
        return None

    def attributes(
        self, members: Sequence[str], orders: Sequence[Order], clock: float
    ) -> Attributes:
        """Return what is known of a contact: declared, and derived from its orders."""
        known: dict[str, str | float] = {}
        for version in self.newest_versions(members, clock):
            for name, value in _cleaned(version.declared, clock):
                known.setdefault(name, value)
        return known | _order_attributes(orders, clock)

    def audiences_of(self, attributes: Attributes) -> frozenset[str]:
        """Return the audiences of which a contact meets all conditions."""
        return frozenset(
            name
            for name, conditions in self.audiences.items()
            if all(each.share(attributes) == 1 for each in conditions)
        )

    def fit(self, attributes: Attributes) -> Fit:
        """Return 100 times earned over attainable points, of what is known."""
        rules: dict[str, list[FitRule]] = defaultdict(list)
        for rule in self.fit_rules:
            rules[rule.condition.attribute].append(rule)
        attainable = {
            name: max(*(rule.points for rule in each), 0.0)
            for name, each in rules.items()
        }
        known = [name for name in rules if name in attributes]
        earned = sum(_earned(rules[name], attributes) for name in known)
        known_points = sum(attainable[name] for name in known)
        all_points = sum(attainable.values())
        known_share = known_points / all_points if all_points else 0.0
        if not known_points:
            return Fit(None, None, known_share)
        score = 100 * max(earned, 0.0) / known_points
        grade = next(
            name
            for name, enter_at in self.grades
            if round(score, COMPARED_DIGITS) >= enter_at
        )
        return Fit(score, grade, known_share)

    def stage(self, amounts: Iterable[tuple[str, float]]) -> str | None:
        """Return the first stage that a contact's decayed amounts reach."""
        totals: dict[str, float] = defaultdict(float)
        for activity, amount in amounts:
            if amount > 0:
                totals[self.stage_of[activity]] += amount
        for stage, enter_at in self.stages:
            if round(totals.get(stage, 0.0), COMPARED_DIGITS) >= enter_at:
                return stage
        return None

    def interests_of(
        self,
        members: Sequence[str],
        orders: Sequence[Order],
        rules: dict[str, Rule],
        clock: float,
    ) -> dict[str, tuple[float, datetime]]:
        """Return each category's decayed amount, and when it was last touched."""
        days: dict[tuple[str, ...], list[Interest]] = defaultdict(list)
        for member in members:
            for each in self.interests.get(member, ()):
                midnight = midnight_of(each.time)
                if midnight < clock <= each.reversed_on:
                    day = (member, each.category, each.activity, str(midnight))
                    days[day].append(each)
        counts = [
            (
                category,
                activity,
                sum(each.quantity for each in day),
                max(each.time for each in day),
            )
            for (_, category, activity, _), day in days.items()
        ]
        counts += [
            (category, PURCHASE, 1, order.time)
            for order in orders
            for category in self.categories.get(order_number(order), ())
        ]
        return _faded(counts, rules, clock)


def order_number(order: Order) -> str:
    """Return the shop's id of an order."""
    return order.order_id.removeprefix("order:")


def read_profiles(seeds: Path) -> Profiles:
    """Read the rules about who contacts are."""
    rules = seeds / "rules"
    audiences: dict[str, tuple[Condition, ...]] = {}
    for row in _rows(rules / "audiences.csv"):
        conditions = audiences.get(row["audience"], ())
        audiences[row["audience"]] = (*conditions, _condition(row))
    grades = [
        (row["fit_grade"], float(row["enter_at"]))
        for row in _rows(rules / "fit_grades.csv")
    ]
    stages = [
        (int(row["precedence"]), row["buying_stage"], float(row["enter_at"]))
        for row in _rows(rules / "buying_stages.csv")
    ]
    return Profiles(
        audiences=audiences,
        fit_rules=tuple(
            FitRule(_condition(row), float(row["points"]))
            for row in _rows(rules / "fit_rules.csv")
        ),
        grades=tuple(sorted(grades, key=lambda grade: -grade[1])),
        stages=tuple((stage, enter_at) for _, stage, enter_at in sorted(stages)),
        stage_of={
            row["activity"]: row.get("buying_stage", "")
            for row in _rows(rules / "activities.csv")
        },
    )


def _condition(row: dict[str, str]) -> Condition:
    softness = float(row.get("softness") or 0)
    return Condition(row["attribute"], row["operator"], row["value"], softness)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def _cleaned(
    declared: dict[str, str | float], clock: float
) -> Iterator[tuple[str, str | float]]:
    for name, value in declared.items():
        if name == "birth_date":
            age = _age(moment_of(float(value)), clock)
            if age <= OLDEST:
                yield "age", float(age)
        elif name == "interests":
            parts = [part.strip() for part in str(value).lower().split(";")]
            yield name, ";".join(parts)
        elif name == "language":
            yield name, str(value).lower().replace("_", "-").split("-")[0]
        elif isinstance(value, str) and name != "account_id":
            yield name, value.lower()
        elif not isinstance(value, str):
            yield name, value


def _age(born: datetime, clock: float) -> int:
    today = moment_of(clock)
    has_birthday_ahead = (today.month, today.day) < (born.month, born.day)
    return today.year - born.year - has_birthday_ahead


def _order_attributes(orders: Sequence[Order], clock: float) -> dict[str, str | float]:
    count = len(orders)
    known: dict[str, str | float] = {
        "order_count": float(count),
        "customer_type": ("none", "first_time")[count] if count < 2 else "repeat",
    }
    if orders:
        first = min(order.time for order in orders)
        known["days_since_first_order"] = float((clock - first) // SECONDS_PER_DAY)
    by_currency: dict[str | None, list[Order]] = defaultdict(list)
    for order in orders:
        if order.amount is not None:
            by_currency[order.currency].append(order)
    if by_currency:
        currency, main = min(
            by_currency.items(),
            key=lambda item: (
                -len(item[1]),
                -max(order.time for order in item[1]),
                item[0] or "\uffff",
            ),
        )
        known["order_value"] = sum(order.amount or 0.0 for order in main)
        if currency is not None:
            known["order_currency"] = currency.lower()
    return known


def _earned(rules: Sequence[FitRule], attributes: Attributes) -> float:
    points = [rule.points * rule.condition.share(attributes) for rule in rules]
    return max(*points, 0.0) + min(*points, 0.0)


def _faded(
    counts: Iterable[tuple[str, str, int, int]], rules: dict[str, Rule], clock: float
) -> dict[str, tuple[float, datetime]]:
    amounts: dict[str, float] = defaultdict(float)
    last: dict[str, int] = defaultdict(int)
    for category, activity, quantity, time in counts:
        rule = rules.get(activity)
        if rule is None or rule.points <= 0:
            continue
        counted = min(quantity, rule.daily_limit or quantity)
        age = max(0.0, (clock - time) / SECONDS_PER_DAY)
        decay = maths.decay(age, rule.half_life_days)
        amounts[category] += rule.points * counted * decay
        last[category] = max(last[category], time)
    return {
        category: (amount, moment_of(last[category]))
        for category, amount in amounts.items()
        if round(amount, COMPARED_DIGITS) > 0
    }
