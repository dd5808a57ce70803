"""Every signal: an event of it moves the score as its rule says.

One shop, in which each contact did one thing: one for each name in the seed
`event_names` that stands for an activity, told through the raw table of its feed. What
it must score is worked out from the sheets.
"""

import csv
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest
from conftest import FEEDS, PROJECT, Shop
from reference import maths
from reference.hand_made import write_landing

SEEDS = PROJECT / "seeds"
DOCS = PROJECT / "docs" / "signals.md"
AS_OF = "2026-07-01"
HAPPENED_AT = datetime(2026, 6, 28)
AGE_DAYS = 3
MEASURED = 120
SHEETS = ("purchase", "loyalty")
TRIGGERS = range(1, 31)

Row = dict[str, str]
Raw = dict[str, object]


def read_seed(name: str) -> list[Row]:
    with (SEEDS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


ACTIVITIES = {row["activity"]: row for row in read_seed("rules/activities")}
RULES = {
    (row["score_model"], row["activity"]): row
    for row in read_seed("rules/activity_rules")
}
GROUP_CAPS = {
    (row["score_model"], row["cap_group"]): float(row["group_cap"])
    for row in read_seed("rules/group_rules")
}


@dataclass(frozen=True)
class Signal:
    """A name in `event_names`, and the contact who did it."""

    feed: str
    event_name: str
    activity: str
    effect: str

    @property
    def email(self) -> str:
        slug = "".join(c if c.isalnum() else "_" for c in self.event_name.lower())
        return f"{self.feed}_{slug}@x.example"

    @property
    def name(self) -> str:
        return self.event_name.partition(": ")[0]

    @property
    def detail(self) -> str | None:
        return self.event_name.partition(": ")[2] or None

    @property
    def quantity(self) -> int:
        return MEASURED if self.effect == "measured" else 1


SIGNALS = [
    Signal(**row) for row in read_seed("feeds/event_names") if row["activity"]
]


def raw_row(signal: Signal) -> tuple[str, Raw]:
    """The table in which a signal comes, and its row there, but for who and when."""
    name, detail = signal.name, signal.detail
    match signal.feed, name:
        case "web", _:
            entry = {"campaign": "campaign", "search": "search_phrase"}
            column = entry.get(detail or "", "feature")
            return "events", {
                "event_id": signal.email,
                "event_name": name,
                "event_time": HAPPENED_AT,
                "dwell_seconds": MEASURED,
                column: detail,
            }
        case "shop", "Order Placed":
            return "orders", {"order_id": signal.email, "ordered_at": HAPPENED_AT}
        case "shop", "Order Returned":
            return "returns", {
                "return_id": signal.email,
                "returned_at": HAPPENED_AT,
                "reason": detail,
            }
        case "shop", _:
            return "subscriptions", {
                "subscription_event_id": signal.email,
                "event_name": name,
                "event_time": HAPPENED_AT,
            }
        case "crm", _:
            return "interactions", {
                "interaction_id": signal.email,
                "event_name": name,
                "occurred_at": HAPPENED_AT,
                "points": MEASURED,
            }
        case "reviews", _:
            return "reviews", {
                "review_id": signal.email,
                "reviewed_at": HAPPENED_AT,
                "rating": detail or 5,
                "is_testimonial": name == "Testimonial Given",
            }
        case "support", "Ticket Opened":
            return "tickets", {
                "ticket_id": signal.email,
                "opened_at": HAPPENED_AT,
                "topic": detail,
            }
        case "support", _:
            return "ratings", {
                "rating_id": signal.email,
                "rated_at": HAPPENED_AT,
                "score": detail or 3,
            }
        case "surveys", _:
            return "responses", {
                "response_id": signal.email,
                "answered_at": HAPPENED_AT,
                "survey_kind": detail,
            }
        case _:
            return "events", {
                "event_id": signal.email,
                "event_name": name,
                "event_time": HAPPENED_AT,
                "points": MEASURED,
            }


def net_points(activity: str, quantity: int, sheet: str) -> float:
    """What a contact's only deed is worth, step by step as docs/scoring.md says."""
    rule = RULES[sheet, activity]
    limit, half_life, cap = (
        float(rule[column]) if rule[column] else None
        for column in ("daily_limit", "half_life_days", "cap")
    )
    counted = quantity if limit is None else min(quantity, limit)
    amount = float(rule["points"]) * counted * maths.decay(AGE_DAYS, half_life)
    score = maths.activity_score(amount, cap)
    group_cap = GROUP_CAPS.get((sheet, ACTIVITIES[activity]["cap_group"]))
    return maths.group_factor(score, group_cap) * score


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """The shop in which each contact did one thing."""
    shop = Shop(tmp_path_factory.mktemp("signals"))
    tables: dict[tuple[str, str], list[Raw]] = {}
    for signal in SIGNALS:
        table, row = raw_row(signal)
        who = {"email": signal.email, "received_at": HAPPENED_AT}
        tables.setdefault((signal.feed, table), []).append({**row, **who})
    write_landing(shop.landing, tables)
    shop.build(AS_OF, intent_feeds=list(FEEDS))
    return shop


@pytest.fixture(scope="module")
def raw_scores(shop: Shop) -> dict[tuple[object, object], float]:
    """The raw score of each contact in each sheet."""
    return {
        (row["email"], row["score_model"]): row["raw_score"]
        for row in shop.rows(
            "select email, contact_scores.score_model, raw_score "
            "from contact_scores inner join contact_intent using (contact_id)"
        )
    }


@pytest.mark.parametrize("sheet", SHEETS)
@pytest.mark.parametrize("signal", SIGNALS, ids=lambda each: each.email[:-10])
def test_a_signal_moves_the_score_as_its_rule_says(
    signal: Signal, sheet: str, raw_scores: dict[tuple[str, str], float]
) -> None:
    expected = net_points(signal.activity, signal.quantity, sheet)

    assert raw_scores[signal.email, sheet] == pytest.approx(expected, abs=1e-9)


def test_nothing_of_it_was_set_aside(shop: Shop) -> None:
    assert not shop.rows("select * from quarantined_events")
