"""Every signal: an event of it moves the score as its rule says.

One shop, in which each contact did one thing: one for each name in the seed
`event_names` that stands for an activity, told through the raw table of its feed. What
it must score is worked out from the sheets.
"""

import csv
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import pytest
from conftest import FEEDS, PROJECT, Shop
from reference import account_rows, compare, maths, read_world, score_world
from reference.hand_made import write_file, write_landing

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
    if not row["audience"]
}
"""The rules for everyone: these contacts are in no audience."""
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


SIGNALS = [Signal(**row) for row in read_seed("feeds/event_names") if row["activity"]]


def web_event(signal: Signal) -> Raw:
    entries = {"campaign": "campaign", "search": "search_phrase"}
    detail_column = entries.get(signal.detail or "", "feature")
    return {"dwell_seconds": MEASURED, detail_column: signal.detail}


def review(signal: Signal) -> Raw:
    is_testimonial = signal.name == "Testimonial Given"
    return {"rating": signal.detail or 5, "is_testimonial": is_testimonial}


@dataclass(frozen=True)
class Source:
    """The raw table in which a signal comes: its key, its time, its other columns."""

    table: str
    key: str
    time: str
    values: Callable[[Signal], Raw] = lambda _: {}


SOURCES = {
    "web": Source("events", "event_id", "event_time", web_event),
    "shop": Source("subscriptions", "subscription_event_id", "event_time"),
    "email": Source("events", "event_id", "event_time"),
    "crm": Source(
        "interactions", "interaction_id", "occurred_at", lambda _: {"points": MEASURED}
    ),
    "loyalty": Source("events", "event_id", "event_time"),
    "reviews": Source("reviews", "review_id", "reviewed_at", review),
    "surveys": Source(
        "responses", "response_id", "answered_at", lambda x: {"survey_kind": x.detail}
    ),
    "social": Source("events", "event_id", "event_time"),
    "Order Placed": Source("orders", "order_id", "ordered_at"),
    "Order Returned": Source(
        "returns", "return_id", "returned_at", lambda x: {"reason": x.detail}
    ),
    "Ticket Opened": Source(
        "tickets", "ticket_id", "opened_at", lambda x: {"topic": x.detail}
    ),
    "Service Rated": Source(
        "ratings", "rating_id", "rated_at", lambda x: {"score": x.detail or 3}
    ),
}
"""By the event's name where the feed has several tables of events, else by the feed."""


def source_of(signal: Signal) -> Source:
    return SOURCES.get(signal.name) or SOURCES[signal.feed]


def raw_row(signal: Signal) -> Raw:
    """The row in which a signal comes. (Columns of no contract are passed over.)"""
    source = source_of(signal)
    return {
        source.key: signal.email,
        source.time: HAPPENED_AT,
        "received_at": HAPPENED_AT,
        "event_name": signal.name,
        "email": signal.email,
        **source.values(signal),
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


LATER = datetime(2026, 6, 29, 9)
DWELLS: tuple[Raw, ...] = tuple(
    {"event_name": "Product Page Left", "user_id": "j", "dwell_seconds": dwell}
    for dwell in (-1, 0, None, 59.9, 100_000)
)
ODD_ROWS: list[tuple[str, Raw]] = [
    # Told by two feeds, and taken back by the one that is believed less.
    (
        "web/events",
        {"event_name": "Order Completed", "order_id": "o1", "email": "a@x.example"},
    ),
    (
        "web/events",
        {"event_name": "Order Cancelled", "order_id": "o1", "email": "a@x.example"},
    ),
    ("shop/orders", {"order_id": "o1", "email": "a@x.example"}),
    # One product refunded: the order stands.
    ("shop/orders", {"order_id": "o2", "email": "b@x.example", "order_total": 0}),
    (
        "web/events",
        {
            "event_name": "Order Refunded",
            "order_id": "o2",
            "product_id": "p",
            "email": "b@x.example",
        },
    ),
    ("shop/orders", {"order_id": "o3", "email": "b@x.example", "order_total": -1}),
    ("shop/orders", {"order_id": "o4", "email": "b@x.example", "currency": "EUR"}),
    ("shop/orders", {"order_id": "o5", "email": "b@x.example", "currency": "USD"}),
    # One thing, of which later versions say something else.
    ("shop/returns", {"return_id": "r1", "order_id": "o4", "email": "b@x.example"}),
    (
        "shop/returns",
        {
            "return_id": "r1",
            "order_id": "o4",
            "email": "b@x.example",
            "reason": " Damaged ",
            "is_full_return": True,
            "received_at": LATER,
        },
    ),
    ("support/tickets", {"ticket_id": "t1", "email": "c@x.example", "topic": "sizes"}),
    (
        "support/tickets",
        {
            "ticket_id": "t1",
            "email": "c@x.example",
            "topic": "REFUND",
            "updated_at": LATER,
        },
    ),
    ("support/ratings", {"rating_id": "s1", "email": "c@x.example", "score": 1}),
    (
        "support/ratings",
        {"rating_id": "s1", "email": "c@x.example", "score": 4.9, "received_at": LATER},
    ),
    ("support/ratings", {"rating_id": "s2", "email": "c@x.example", "score": 0}),
    ("support/ratings", {"rating_id": "s3", "email": "c@x.example"}),
    ("support/ratings", {"rating_id": "s4", "email": "c@x.example", "score": 5.01}),
    ("reviews/reviews", {"review_id": "v1", "email": "d@x.example"}),
    ("reviews/reviews", {"review_id": "v2", "email": "d@x.example", "rating": 2.5}),
    ("reviews/reviews", {"review_id": "v3", "email": "d@x.example", "rating": 0}),
    ("surveys/responses", {"response_id": "n1", "anonymous_id": "k", "score": 11}),
    ("surveys/responses", {"response_id": "n2", "anonymous_id": "k", "score": 0}),
    # A form that the tracker and the CRM tell of.
    (
        "web/events",
        {
            "event_name": "Form Submitted",
            "email": "e@x.example",
            "form_submission_id": "f",
        },
    ),
    (
        "crm/interactions",
        {
            "event_name": "Form Received",
            "email": "e@x.example",
            "form_submission_id": "f",
        },
    ),
    # Adjustments by hand: one that stands, one that has expired, one by less than none.
    (
        "crm/interactions",
        {"event_name": "Score Raised", "email": "f@x.example", "points": 3.9},
    ),
    (
        "crm/interactions",
        {
            "event_name": "Score Raised",
            "email": "f@x.example",
            "points": 5,
            "expires_at": LATER,
        },
    ),
    (
        "crm/interactions",
        {"event_name": "Score Lowered", "email": "f@x.example", "points": -2},
    ),
    ("crm/interactions", {"event_name": "Call Answered", "phone": "+44 1"}),
    ("crm/interactions", {"event_name": "Call Dropped", "email": "f@x.example"}),
    (
        "loyalty/events",
        {"event_name": "Points Earned", "email": "g@x.example", "points": -1},
    ),
    (
        "loyalty/events",
        {"event_name": "Points Earned", "email": "g@x.example", "points": 1},
    ),
    (
        "loyalty/events",
        {"event_name": "Points Earned", "email": "g@x.example", "tier": "Gold"},
    ),
    ("shop/subscriptions", {"event_name": "Subscription Renewed", "amount": 1}),
    (
        "shop/subscriptions",
        {"event_name": "Subscription Renewed", "email": "h@x.example", "amount": -1},
    ),
    ("social/events", {"event_name": "Liked", "network": "Mastodon", "user_id": "i"}),
    ("social/events", {"event_name": "Poked", "user_id": "i"}),
    # Dwell: below none, none, untold, cut to whole seconds, above a day's limit.
    *(("web/events", row) for row in DWELLS),
    ("web/events", {"event_name": "Page Left", "user_id": "l", "dwell_seconds": 0}),
]
"""What is bad, or told more than once, or changes: (table, row)."""

KEYS = {f"{feed}/{s.table}": s for s in SOURCES.values() for feed in FEEDS}


def odd_rows() -> dict[tuple[str, str], list[Raw]]:
    """The odd rows by table, with an id, a time and the moment of their arrival."""
    tables: dict[tuple[str, str], list[Raw]] = {}
    for number, (table, row) in enumerate(ODD_ROWS):
        source = KEYS[table]
        feed, name = table.split("/")
        common = {
            source.key: f"odd_{number}",
            source.time: HAPPENED_AT,
            "received_at": HAPPENED_AT,
        }
        tables.setdefault((feed, name), []).append({**common, **row})
    return tables


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """The shop in which each contact did one thing."""
    shop = Shop(tmp_path_factory.mktemp("signals"))
    tables: dict[tuple[str, str], list[Raw]] = {}
    for signal in SIGNALS:
        table = signal.feed, source_of(signal).table
        tables.setdefault(table, []).append(raw_row(signal))
    write_landing(shop.landing, tables)
    for (feed, name), rows in odd_rows().items():
        write_file(shop.landing / feed / name / "odd.ndjson", rows)
    shop.build(AS_OF)
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
    assert not shop.rows(
        "from quarantined_events where source_file not like '%/odd.ndjson'"
    )


def test_all_of_it_agrees_with_the_reference(shop: Shop) -> None:
    world = read_world(shop.landing, SEEDS, FEEDS)
    expected = score_world(world, datetime.fromisoformat(AS_OF))

    scores = shop.rows("from contact_scores")
    drivers = shop.rows("from contact_intent_drivers")
    assert compare(expected, scores, drivers) == []
    assert shop.accounts() == account_rows(world)
    assert {
        row["contact_id"]: row["state"] for row in shop.rows("from contact_intent")
    } == {each.contact_id: each.state for each in expected.contacts.values()}


def test_bad_rows_are_set_aside_with_their_reasons(shop: Shop) -> None:
    rows = shop.rows("select reason, count(*) as n from quarantined_events group by 1")

    assert {row["reason"]: row["n"] for row in rows} == {
        "negative_amount": 2,
        "negative_dwell": 1,
        "negative_points": 2,
        "no_identifier": 1,
        "score_out_of_range": 5,
        "unknown_event_name": 2,
    }


@pytest.mark.parametrize(
    ("email", "activities"),
    [
        ("a", {"order_cancelled": 1}),
        ("b", {"order_cancelled": 1, "purchase": 2, "returned_faulty": 1}),
        ("c", {"complaint_made": 1, "satisfaction_high": 1}),
        ("d", {"review_critical": 1, "review_written": 1}),
        ("e", {"form_submitted": 1}),
        ("f", {"score_raised": 3}),
    ],
)
def test_one_thing_counts_once_as_its_newest_version_has_it(
    shop: Shop, email: str, activities: dict[str, int]
) -> None:
    rows = shop.rows(
        f"select activity, sum(quantity)::bigint as quantity "
        f"from intent_intermediate.int_contact_observed_days "
        f"inner join contact_intent using (contact_id) "
        f"where email = '{email}@x.example' "
        f"group by 1"
    )

    assert {row["activity"]: row["quantity"] for row in rows} == activities


@pytest.mark.parametrize(
    ("email", "state", "last_activity"),
    [
        ("email_received_email", "never_active", None),
        ("crm_score_raised", "active", None),
        ("web_checkout_started", "active", "checkout_started"),
    ],
)
def test_what_is_done_to_a_contact_is_no_doing_of_it(
    shop: Shop, email: str, state: str, last_activity: str | None
) -> None:
    (row,) = shop.rows(
        "select state, last_activity, activity_count_30d "
        f"from contact_intent where email = '{email}@x.example'"
    )

    assert row == {
        "state": state,
        "last_activity": last_activity,
        "activity_count_30d": int(last_activity is not None),
    }


# ---- docs/signals.md


DERIVED = frozenset(ACTIVITIES) - {signal.activity for signal in SIGNALS}


def trigger_of(row: Row) -> int | None:
    number = row["signal"].partition(" ")[0]
    return int(number) if number.isdigit() else None


def told_by(activity: str) -> str:
    """The tables and the names in them that tell of an activity."""
    names: dict[str, list[str]] = {}
    for signal in SIGNALS:
        if signal.activity == activity:
            table = f"{signal.feed}.{source_of(signal).table}"
            names.setdefault(table, []).append(signal.event_name)
    if not names:
        return "derived"
    return "; ".join(f"`{table}`: {', '.join(each)}" for table, each in names.items())


def rule_text(sheet: str, activity: str) -> str:
    """An activity's defaults in a sheet, in short."""
    rule = RULES[sheet, activity]
    parts = [rule["points"]]
    if float(rule["points"]) != 0:
        parts += [
            f"{rule['half_life_days']} d" if rule["half_life_days"] else "never fades",
            *([f"cap {rule['cap']}"] if rule["cap"] else []),
            *([f"{rule['daily_limit']} a day"] if rule["daily_limit"] else []),
            *([f"until {rule['discharged_by']}"] if rule["discharged_by"] else []),
        ]
    return ", ".join(parts)


def signals_markdown() -> str:
    """The table of `docs/signals.md`, from the seeds."""
    lines = [
        "| signal | category | activity | told by | `purchase` | `loyalty` |",
        "|---|---|---|---|---|---|",
    ]
    for row in sorted(ACTIVITIES.values(), key=lambda row: trigger_of(row) or 99):
        activity = row["activity"]
        rules = " | ".join(rule_text(sheet, activity) for sheet in SHEETS)
        lines.append(
            f"| {row['signal']} | {row['category']} | `{activity}` "
            f"| {told_by(activity)} | {rules} |"
        )
    return "\n".join(lines) + "\n"


def test_the_docs_list_every_signal() -> None:
    # where this fails: paste what signals_markdown() returns
    assert signals_markdown() in DOCS.read_text()


def test_all_thirty_triggers_have_an_activity() -> None:
    words = {row["signal"] for row in ACTIVITIES.values() if trigger_of(row)}

    assert sorted(int(each.partition(" ")[0]) for each in words) == list(TRIGGERS)


def test_every_activity_has_a_rule_in_each_sheet() -> None:
    assert {(sheet, each) for sheet in SHEETS for each in ACTIVITIES} <= RULES.keys()


def test_the_warehouse_tells_of_every_activity_that_is_not_derived(shop: Shop) -> None:
    found = shop.rows(
        "select distinct activity from intent_intermediate.int_activities"
    )

    told = {row["activity"] for row in found if row["activity"]}
    assert told == ACTIVITIES.keys() - DERIVED
