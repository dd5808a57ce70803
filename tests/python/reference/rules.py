"""The seeds: rule sheets, event names, feed preferences, hygiene rules."""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple, Protocol

from .values import to_flag


@dataclass(frozen=True)
class Rule:
    """What one activity is worth in one sheet."""

    points: float
    half_life_days: float | None = None
    cap: float | None = None
    daily_limit: int | None = None
    discharged_by: str | None = None


class AudienceRule(NamedTuple):
    """An enabled rule, and for whom it is."""

    activity: str
    audience: str | None
    """None: everyone."""
    rule: Rule


@dataclass(frozen=True)
class Band:
    """One segment's lower edges."""

    name: str
    enter_at: float
    rank: int
    exit_below: float


@dataclass(frozen=True)
class Sheet:
    """One rule sheet, with the rules that apply only."""

    name: str
    is_primary: bool
    scale: float
    rules: dict[str, Rule]
    cap_groups: dict[str, str]
    """Activity to cap group."""
    group_caps: dict[str, float]
    bands: tuple[Band, ...]
    audience_rules: tuple[AudienceRule, ...] = ()
    """All enabled rules of activities for which rules differ by audience."""

    def for_audiences(self, sizes: dict[str, int]) -> "Sheet":
        """Return the sheet as it is for the contacts of some audiences.

        Args:
            sizes: how many conditions each audience has that the contact is in.
        """
        chosen: dict[str, tuple[int, Rule]] = {}
        for activity, audience, rule in self.audience_rules:
            if audience is not None and audience not in sizes:
                continue
            size = 0 if audience is None else sizes[audience]
            if activity not in chosen or chosen[activity][0] < size:
                chosen[activity] = (size, rule)
        differing = {each.activity for each in self.audience_rules}
        rules = {a: rule for a, rule in self.rules.items() if a not in differing}
        rules |= {a: rule for a, (_, rule) in chosen.items() if rule.points != 0}
        return replace(self, rules=rules)


@dataclass(frozen=True)
class Signal:
    """The numbers that decide when a derived signal is one."""

    least_history: int
    least_change: float | None = None
    most_variation: float | None = None
    lapses_after: float | None = None
    days_ahead: float | None = None


class Asked(Protocol):
    """What a hygiene rule looks at before all else."""

    activity: str
    table: tuple[str, str]


@dataclass(frozen=True)
class HygieneRule:
    """One rule by which it is known that no person did something."""

    name: str
    method: str
    feed: str | None
    activity: str | None
    pattern: re.Pattern[str]
    least_count: int
    within_seconds: int
    reason: str

    def asks_about(self, event: Asked) -> bool:
        """Whether the rule is about such events at all."""
        return self.feed in (None, event.table[0]) and self.activity in (
            None,
            event.activity,
        )

    def matches(self, text: str) -> bool:
        """Whether the pattern matches the whole of a text in small letters."""
        return self.pattern.fullmatch(text) is not None


@dataclass(frozen=True)
class FeedRules:
    """What is known of the feeds."""

    activities: dict[tuple[str, str], str | None]
    """(feed, event name) to activity; None for a known event that is none. A name may
    be '<name>: <detail>'."""
    preferences: dict[str, int]
    hygiene: tuple[HygieneRule, ...] = ()
    """The rules by which machines are known, as far as they are enabled."""
    identity_limits: dict[tuple[str, str], int] = field(default_factory=dict)
    """(kind of identifier, kind it is linked with) to how many people it may join."""
    effects: dict[tuple[str, str], str] = field(default_factory=dict)
    """(feed, event name) to what else the event does, if anything."""

    def known_name(self, feed: str, name: str, detail: str | None) -> str | None:
        """Return the name that is listed: with its detail before that without."""
        names = (f"{name}: {detail}", name)
        return next((each for each in names if (feed, each) in self.activities), None)

    def effect(self, feed: str, name: str, detail: str | None) -> str | None:
        """Return what else the event does: the detail may leave it to the name."""
        names = (f"{name}: {detail}", name)
        return next((e for n in names if (e := self.effects.get((feed, n)))), None)


def read_sheets(seeds: Path) -> tuple[Sheet, ...]:
    """Read the sheets that are not archived."""
    rules = seeds / "rules"
    cap_groups = {
        row["activity"]: row["cap_group"]
        for row in _read_seed(rules / "activities.csv")
        if row["cap_group"]
    }
    return tuple(
        Sheet(
            name=row["score_model"],
            is_primary=bool(to_flag(row["is_primary"])),
            scale=float(row["scale"]),
            rules={
                each.activity: each.rule
                for each in _read_rules(rules, row["score_model"])
                if each.audience is None and each.rule.points != 0
            },
            cap_groups=cap_groups,
            group_caps={
                group["cap_group"]: float(group["group_cap"])
                for group in _of_sheet(rules / "group_rules.csv", row["score_model"])
                if group["group_cap"]
            },
            bands=_read_bands(rules, row["score_model"]),
            audience_rules=_differing(_read_rules(rules, row["score_model"])),
        )
        for row in _read_seed(rules / "score_models.csv")
        if row["status"] != "archived"
    )


def read_signals(seeds: Path) -> dict[str, Signal]:
    """Read the derived signals by their activity."""
    return {
        row["activity"]: Signal(
            least_history=int(row["least_history"]),
            least_change=_number(row["least_change"]),
            most_variation=_number(row["most_variation"]),
            lapses_after=_number(row["lapses_after"]),
            days_ahead=_number(row["days_ahead"]),
        )
        for row in _read_seed(seeds / "rules" / "derived_signals.csv")
    }


def read_own_doings(seeds: Path) -> frozenset[str]:
    """Read which activities the contact does itself."""
    return frozenset(
        row["activity"]
        for row in _read_seed(seeds / "rules" / "activities.csv")
        if to_flag(row.get("is_own_doing")) is not False
    )


def read_feed_rules(seeds: Path) -> FeedRules:
    """Read the seeds about feeds."""
    feeds = seeds / "feeds"
    names = _read_seed(feeds / "event_names.csv")
    return FeedRules(
        activities={
            (row["feed"], row["event_name"]): row["activity"] or None for row in names
        },
        effects={(row["feed"], row["event_name"]): row["effect"] for row in names},
        preferences={
            row["feed"]: int(row["preference"])
            for row in _read_seed(feeds / "feed_preferences.csv")
        },
        hygiene=tuple(
            HygieneRule(
                name=row["rule"],
                method=row["method"],
                feed=row["feed"] or None,
                activity=row["activity"] or None,
                pattern=like_pattern(row["pattern"]),
                least_count=int(row["least_count"] or 0),
                within_seconds=int(row["within_seconds"] or 0),
                reason=row["reason"],
            )
            for row in _read_seed(feeds / "hygiene_rules.csv")
            if to_flag(row["is_enabled"])
        ),
        identity_limits={
            (row["identifier_kind"], row["linked_kind"]): int(row["people"])
            for row in _read_seed(feeds / "identity_limits.csv")
        },
    )


def like_pattern(pattern: str) -> re.Pattern[str]:
    """Return a regular expression for a pattern of SQL's like."""
    wildcards = {"%": ".*", "_": "."}
    return re.compile(
        "".join(wildcards.get(each, re.escape(each)) for each in pattern), re.DOTALL
    )


def _read_rules(folder: Path, sheet: str) -> tuple[AudienceRule, ...]:
    """Read the rules that are enabled, for whomever they are."""
    return tuple(
        AudienceRule(
            activity=row["activity"],
            audience=row.get("audience") or None,
            rule=Rule(
                points=float(row["points"]),
                half_life_days=_number(row["half_life_days"]),
                cap=_number(row["cap"]),
                daily_limit=int(row["daily_limit"]) if row["daily_limit"] else None,
                discharged_by=row["discharged_by"] or None,
            ),
        )
        for row in _of_sheet(folder / "activity_rules.csv", sheet)
        if to_flag(row["is_enabled"])
    )


def _differing(rules: tuple[AudienceRule, ...]) -> tuple[AudienceRule, ...]:
    differing = {each.activity for each in rules if each.audience is not None}
    return tuple(each for each in rules if each.activity in differing)


def _read_bands(folder: Path, sheet: str) -> tuple[Band, ...]:
    bands = (
        Band(
            row["band"],
            float(row["enter_at"]),
            int(row["rank"]),
            float(row["exit_below"]),
        )
        for row in _of_sheet(folder / "score_bands.csv", sheet)
    )
    return tuple(sorted(bands, key=lambda band: band.rank))


def _of_sheet(path: Path, sheet: str) -> Iterator[dict[str, str]]:
    return (row for row in _read_seed(path) if row["score_model"] == sheet)


def _read_seed(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [
            {name: (value or "").strip() for name, value in row.items()}
            for row in csv.DictReader(file)
        ]


def _number(text: str) -> float | None:
    return float(text) if text else None
