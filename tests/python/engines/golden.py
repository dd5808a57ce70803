"""Small, nasty feeds: all that engines are known to read in ways of their own."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SLICES = 4
"""A full build, then three incremental ones."""

Row = dict[str, Any]
RECEIVED = "2026-06-30T12:00:00Z"

MOMENTS = [
    "2024-02-29T23:59:59Z",  # a leap day
    "2026-06-01T00:30:00+14:00",  # the day before, in UTC
    "2026-06-01T23:30:00-12:00",  # the day after
    "2026-03-29T02:30:00+01:00",  # an hour that summer time leaves out
    "2026-06-15T00:00:00Z",
    "2026-06-15T23:59:59.999999Z",
    "2026-06-16",
    "not a time",
    "",
    None,
]
NAMES = [
    "Zoë",
    "ÅNGSTRÖM",
    "李雷",
    "👩‍👩‍👧",
    "o'brien",
    'q"uote',
    "back\\slash",
    "\\N",
    "a;b",
]


def web_events() -> Iterator[Row]:
    """Every moment by a visitor of every name, ties, and values at the edges."""
    for number, moment in enumerate(MOMENTS):
        for name in NAMES:
            yield event(f"m{number}-{name}", moment, anonymous_id=f"visitor {name}")
    for value in (0.5, 1.5, 2.5, 1e12, -1, 0, None, "NaN", "12,5", "1e400"):
        yield event(
            f"v{value}",
            "2026-06-20T10:00:00Z",
            event_name="Page Left",
            anonymous_id="measured",
            dwell_seconds=value,
        )
    # The same event twice, and two that only differ in what they say.
    for path in ("/a", "/a", "/b"):
        yield event("tie", "2026-06-20T11:00:00Z", user_id="tied", page_path=path)
    for category in ("Schuhe", "schuhe", "", None, "Größe"):
        yield event(
            f"c{category}",
            "2026-06-20T12:00:00Z",
            user_id="chooser",
            product_category=category,
        )
    yield event("nobody", "2026-06-20T13:00:00Z")
    yield event(None, "2026-06-20T13:00:00Z", user_id="no id")
    yield event("later", "2026-06-30T13:00:00Z", user_id="future")
    yield event("unknown", "2026-06-20", event_name="No such name", user_id="tied")
    # Nine long-faded years, where powers underflow.
    yield event("old", "2017-01-01T00:00:00Z", user_id="tied")


def event(event_id: str | None, moment: str | None, **columns: Any) -> Row:
    """A row of web/events."""
    row = {"event_id": event_id, "event_name": "Product Viewed", "event_time": moment}
    return {**row, "received_at": RECEIVED, **columns}


def web_identifies() -> Iterator[Row]:
    """Who visitors turn out to be, so that contacts merge over time."""
    links = [
        ("2026-06-02T10:00:00Z", "visitor Zoë", "u1", None),
        ("2026-06-03T10:00:00Z", "visitor 李雷", "u2", "Zoë.Q+x@googlemail.com"),
        ("2026-06-04T10:00:00+02:00", "visitor o'brien", "u1", "zoëq@GMAIL.com"),
        ("2026-06-20T23:59:59Z", "visitor a;b", "u2", "ÅNGSTRÖM@Example.ORG"),
        ("2026-06-21T00:00:00Z", "measured", "u3", "ångström@example.org"),
        ("2026-06-29T00:00:00Z", "visitor \\N", "u3", "not an email"),
    ]
    for number, (moment, anonymous_id, user_id, email) in enumerate(links):
        yield {
            "event_id": f"i{number}",
            "event_time": moment,
            "received_at": RECEIVED,
            "anonymous_id": anonymous_id,
            "user_id": user_id,
            "email": email,
        }


def shop_orders() -> Iterator[Row]:
    """Orders told twice, in place changed, cancelled the same day, and of odd worth."""
    for number, (ordered, cancelled, total) in enumerate(
        [
            ("2026-05-31T23:30:00-02:00", None, "10.005"),
            ("2026-06-10T10:00:00Z", "2026-06-10T11:00:00Z", "99.99"),
            ("2026-06-11T10:00:00Z", "2026-06-25T00:00:00Z", "0.1"),
            ("2026-06-12T10:00:00Z", None, None),
            ("2026-06-13T10:00:00Z", None, "1e9"),
        ]
    ):
        for version in (1, 2):
            yield {
                "order_id": f"Ø-{number}",
                "email": "ångström@example.org",
                "ordered_at": ordered,
                "cancelled_at": cancelled if version == 2 else None,
                "updated_at": f"2026-06-26T00:00:0{version}Z",
                "order_total": total,
                "currency": "EUR",
                "received_at": RECEIVED,
            }


GOLDEN = {
    "web/events": web_events,
    "web/identifies": web_identifies,
    "shop/orders": shop_orders,
}


def land_golden(landing: Path, part: int) -> None:
    """Land the rows of one part of the golden feeds, `part` from 1 to SLICES.

    Rows are dealt to the parts in turn: so what belongs together comes late.
    """
    for table, rows in GOLDEN.items():
        file = landing / table / f"golden_{part}.ndjson"
        file.parent.mkdir(parents=True, exist_ok=True)
        dealt = [row for n, row in enumerate(rows()) if n % SLICES == part - 1]
        file.write_text(
            "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in dealt),
            encoding="utf-8",
        )
