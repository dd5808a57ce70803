"""A tracker that died is seen, and a shop that is closed on Sundays is not missed."""

from datetime import date, timedelta

import pytest
from conftest import ASSERTED, Shop, copy_project
from intent.report import FeedFinding, print_report, read_report
from rich.console import Console

FEEDS = ["web", "shop"]
SUNDAY = 6
FIRST, DIED = date(2026, 5, 4), date(2026, 6, 26)
END = "2026-06-29"  # a Monday


def days() -> list[date]:
    return [FIRST + timedelta(n) for n in range(56)]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Eight weeks of a shop that rests on Sundays; its tracker died on a Friday."""
    folder = tmp_path_factory.mktemp("feed_health")
    shop = Shop(folder, copy_project(folder / "project"))
    shop.land(
        "web/events",
        "a.csv",
        "event_id,event_name,user_id,event_time,received_at\n"
        + "".join(
            f"{day}-{n},Product Viewed,u{n},{day}T{n:02}:00:00,{day}T{n:02}:01:00\n"
            for day in days()
            if day < DIED
            for n in range(24)
        ),
    )
    shop.land(
        "shop/orders",
        "a.csv",
        "order_id,customer_id,ordered_at,received_at\n"
        + "".join(
            f"{day}-{n},c{n},{day}T18:00:00,{day}T20:00:00\n"
            for day in days()
            if day.weekday() != SUNDAY
            for n in range(3)
        ),
    )
    sheet = shop.project / "seeds" / "feeds" / "feed_expectations.csv"
    rested = sheet.read_text().replace("shop,orders,48,96,,", "shop,orders,20,40,sun,")
    sheet.write_text(rested)
    return shop


def build(shop: Shop, as_of: str) -> str:
    done = shop.dbt(
        "build",
        "--exclude-resource-type",
        "unit_test",
        *ASSERTED,
        variables={"intent_as_of": as_of, "intent_feeds": FEEDS},
    )
    assert done.returncode == 0, done.stdout[-5000:]
    return done.stdout


def data_as_of(shop: Shop) -> str:
    return str(shop.value("select distinct data_as_of from contact_intent"))


def test_a_tracker_that_died_is_seen_and_a_day_of_rest_is_none(shop: Shop) -> None:
    told = build(shop, END)
    warning = "feed_health: web.events on 2026-06-28 is silent"
    assert f"{warning}: nothing had arrived for 72 hours" in told
    assert "shop.orders" not in told.partition("feed_health: ")[2]
    assert data_as_of(shop) == "2026-06-25 23:00:00"
    report = read_report(shop.warehouse)
    assert report.feeds == [
        FeedFinding(
            "web.events", "2026-06-28", "silent", "nothing had arrived for 72 hours"
        )
    ]
    console = Console(record=True, width=100)
    print_report(report, console)
    assert "web.events is silent: on 2026-06-28" in console.export_text()

    # Before it died, all was well: and of what was to come nothing was known.
    told = build(shop, "2026-06-26")
    assert "feed_health: " not in told
    assert data_as_of(shop) == "2026-06-25 23:00:00"
    assert shop.value("select max(arrival_date) from feed_health") == date(2026, 6, 25)
    assert read_report(shop.warehouse).feeds == []
