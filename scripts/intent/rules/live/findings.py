"""What is odd about a sheet: allowed, but hardly meant so. Pure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import exp

from intent.rules.live.model import Finding
from intent.rules.sheets import (
    ACTIVITIES,
    ACTIVITY_RULES,
    GROUP_RULES,
    SCORE_BANDS,
    SCORE_MODELS,
)
from intent.rules.tables import Row, Tables

BEST_SCORE = 5.0
SHORTEST, LONGEST = 1.0, 730.0
"""Half-lives in days outside of which somebody may have mistaken the unit."""
MOST_TIMES = 10.0
"""By how many times a half-life may differ from that of the present sheet."""
MOST_HOT = 0.5
MOST_BY_ONE = 0.5
LEAST_HOT = 10
"""So many hot contacts there must be for a share of them to mean something."""


@dataclass(frozen=True)
class Facts:
    """What the last build knows of a sheet."""

    contacts: int
    hot: int
    """Contacts that are hot by it."""
    having: Mapping[str, int]
    """Contacts by activity that they had and the sheet scores."""
    needed_by: Mapping[str, int]
    """Hot contacts that would not be without the activity."""
    members: Mapping[str, int]
    """Contacts by audience that a rule is for."""


@dataclass(frozen=True)
class Rules:
    """One score's sheet, beside the present one."""

    rules: Sequence[Row]
    """Its rules that are switched on and are worth anything."""
    groups: Mapping[str, str]
    """Of each activity, the group."""
    group_caps: Mapping[str, float]
    scale: float
    hot_from: float
    present_half_lives: Mapping[tuple[str, str], float | None]
    """Of the present sheet, by activity and audience; None: its points never fade."""


Check = Callable[[Rules, Facts], Iterator[Finding]]


def find_oddities(
    tables: Tables, sheet: str, present: str, facts: Facts
) -> list[Finding]:
    """Everything that is odd about a sheet.

    Args:
        tables: all rule sheets, without faults.
        sheet: the score to look at.
        present: the primary one.
        facts: what the last build knows of it.
    """
    rules = read_rules(tables, sheet, present)
    return [finding for check in CHECKS for finding in check(rules, facts)]


def read_rules(tables: Tables, sheet: str, present: str) -> Rules:
    """A sheet, out of all of them."""
    [model] = rows_of(tables, SCORE_MODELS.name, sheet)
    bands = rows_of(tables, SCORE_BANDS.name, sheet)
    return Rules(
        rules=[
            row
            for row in rows_of(tables, ACTIVITY_RULES.name, sheet)
            if row.values["is_enabled"] and row.values["points"]
        ],
        groups={
            row.texts["activity"]: row.texts["cap_group"]
            for row in tables[ACTIVITIES.name].rows
        },
        group_caps={
            row.texts["cap_group"]: number(row, "group_cap") or 0.0
            for row in rows_of(tables, GROUP_RULES.name, sheet)
        },
        scale=number(model, "scale") or 1.0,
        hot_from=next(
            (
                number(row, "enter_at") or 0.0
                for row in bands
                if row.texts["band"] == "hot"
            ),
            BEST_SCORE,
        ),
        present_half_lives={
            key_of(row): number(row, "half_life_days")
            for row in rows_of(tables, ACTIVITY_RULES.name, present)
        },
    )


def rows_of(tables: Tables, name: str, sheet: str) -> list[Row]:
    """The rows of one score in a sheet."""
    return [row for row in tables[name].rows if row.texts["score_model"] == sheet]


def number(row: Row, column: str) -> float | None:
    """A cell's number; None if it is blank."""
    value = row.values[column]
    return None if value is None else float(str(value))


def key_of(row: Row) -> tuple[str, str]:
    """What names a rule within its sheet."""
    return row.texts["activity"], row.texts["audience"]


def called(row: Row) -> str:
    """What a rule is called in words."""
    audience = row.texts["audience"]
    return row.texts["activity"] + (f" for {audience}" if audience else "")


def saturated(points: float, cap: float | None) -> float:
    """Points after a cap."""
    return points if cap is None else cap * (1 - exp(-points / cap))


def score(points: float, scale: float) -> float:
    """The score that so many points give."""
    return BEST_SCORE * (1 - exp(-max(points, 0.0) / scale))


def silent_rules(rules: Rules, facts: Facts) -> Iterator[Finding]:
    """Rules for what nobody did."""
    silent = [
        called(row)
        for row in rules.rules
        if row.texts["activity"] not in facts.having and not is_for_nobody(row, facts)
    ]
    if silent:
        yield Finding("never_fires", "nobody did what these rules are for", silent)


def empty_audiences(rules: Rules, facts: Facts) -> Iterator[Finding]:
    """Rules for audiences in which nobody is."""
    empty = [called(row) for row in rules.rules if is_for_nobody(row, facts)]
    if empty:
        yield Finding("empty_audience", "nobody is in the audience of these", empty)


def is_for_nobody(row: Row, facts: Facts) -> bool:
    """True if a rule is for an audience without members."""
    audience = row.texts["audience"]
    return bool(audience) and not facts.members.get(audience)


def one_is_enough(rules: Rules, facts: Facts) -> Iterator[Finding]:
    """Rules that decide alone: one time makes hot."""
    del facts
    alone = []
    for row in rules.rules:
        points = number(row, "points") or 0.0
        group_cap = rules.group_caps.get(rules.groups[row.texts["activity"]])
        once = saturated(saturated(points, number(row, "cap")), group_cap)
        if points > 0 and score(once, rules.scale) >= rules.hot_from:
            alone.append(called(row))
    if alone:
        yield Finding("decides_alone", "done once, it makes a contact hot", alone)


def carried_by_one(rules: Rules, facts: Facts) -> Iterator[Finding]:
    """Activities without which most hot contacts were not hot."""
    del rules
    if facts.hot < LEAST_HOT:
        return
    for activity, contacts in sorted(facts.needed_by.items()):
        if contacts > MOST_BY_ONE * facts.hot:
            yield Finding(
                "carries_hot",
                f"{contacts:,} of the {facts.hot:,} hot contacts would not be hot "
                "without it",
                [activity],
            )


def tight_caps(rules: Rules, facts: Facts) -> Iterator[Finding]:
    """Caps that one event goes beyond."""
    del facts
    tight, tight_groups = [], []
    for row in rules.rules:
        points, cap = number(row, "points") or 0.0, number(row, "cap")
        group_cap = rules.group_caps.get(rules.groups[row.texts["activity"]])
        if cap is not None and cap < abs(points):
            tight.append(called(row))
        if group_cap is not None and group_cap < points:
            tight_groups.append(called(row))
    if tight:
        yield Finding("cap_below_points", "the cap is below the points of one", tight)
    if tight_groups:
        yield Finding(
            "group_cap_below_points",
            "the group's cap is below the points of one",
            tight_groups,
        )


def odd_half_lives(rules: Rules, facts: Facts) -> Iterator[Finding]:
    """Half-lives that are far from what is usual."""
    del facts
    outside, far = [], []
    for row in rules.rules:
        days = number(row, "half_life_days")
        if days is None:
            continue
        now = rules.present_half_lives.get(key_of(row)) or days
        if not SHORTEST <= days <= LONGEST:
            outside.append(f"{called(row)} ({days:g} days)")
        elif max(days / now, now / days) >= MOST_TIMES:
            far.append(f"{called(row)} ({now:g} → {days:g} days)")
    if outside:
        yield Finding(
            "half_life_outside",
            f"the half-life is under {SHORTEST:g} day or over {LONGEST:g}",
            outside,
        )
    if far:
        yield Finding(
            "half_life_far",
            f"the half-life is {MOST_TIMES:g} times another than in the primary sheet",
            far,
        )


def lasting_points(rules: Rules, facts: Facts) -> Iterator[Finding]:
    """Points that never fade, and do not so in the present sheet: who has them is hot
    for good.
    """
    del facts
    lasting = [
        called(row)
        for row in rules.rules
        if number(row, "half_life_days") is None
        and (number(row, "points") or 0.0) > 0
        and rules.present_half_lives.get(key_of(row), SHORTEST) is not None
    ]
    if lasting:
        yield Finding("never_fades", "these points never fade", lasting)


def hot_contacts(rules: Rules, facts: Facts) -> Iterator[Finding]:
    """A band that nobody, or nearly everybody, is in."""
    best = best_points(rules)
    if best is not None and score(best, rules.scale) < rules.hot_from:
        yield Finding(
            "hot_out_of_reach",
            f"all caps together give {score(best, rules.scale):.2f}, less than the "
            f"{rules.hot_from:g} of hot",
        )
    elif facts.contacts and not facts.hot:
        yield Finding("nobody_hot", "nobody would be hot")
    elif facts.hot > MOST_HOT * facts.contacts:
        yield Finding(
            "most_hot", f"{facts.hot:,} of {facts.contacts:,} contacts would be hot"
        )


def best_points(rules: Rules) -> float | None:
    """The most points that there are to be had; None if there is no end to them."""
    of_groups: dict[str, float | None] = {}
    of_activities: dict[str, float | None] = {}
    for row in rules.rules:
        if (number(row, "points") or 0.0) > 0:
            activity, cap = row.texts["activity"], number(row, "cap")
            known = of_activities.get(activity, 0.0)
            of_activities[activity] = (
                None if cap is None or known is None else max(known, cap)
            )
    for activity, cap in of_activities.items():
        group = rules.groups[activity]
        known = of_groups.get(group, 0.0)
        of_groups[group] = None if cap is None or known is None else known + cap
    capped: list[float] = []
    for group, points in of_groups.items():
        group_cap = rules.group_caps.get(group)
        if points is None and group_cap is None:
            return None
        capped.append(
            group_cap or 0.0 if points is None else saturated(points, group_cap)
        )
    return sum(capped)


CHECKS: tuple[Check, ...] = (
    silent_rules,
    empty_audiences,
    one_is_enough,
    carried_by_one,
    tight_caps,
    odd_half_lives,
    lasting_points,
    hot_contacts,
)
