"""What was counted is counted anew where it must be, and nothing stays behind."""

import shutil
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from conftest import ASSERTED, UNTESTED, Shop, copy_project

AS_OF = "2026-06-30"
EVENTS = """event_id,event_name,event_time,received_at,user_id,user_agent
1,Product Viewed,2026-06-01T10:00:00Z,2026-06-01T10:00:00Z,u1,Firefox
2,Product Viewed,2026-06-02T10:00:00Z,2026-06-02T10:00:00Z,u2,Firefox
3,Page Viewed,2026-06-03T10:00:00Z,2026-06-03T10:00:00Z,u3,Firefox
"""


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A shop of one file, counted, with sheets of its own."""
    folder = tmp_path_factory.mktemp("counted")
    shop = Shop(folder, copy_project(folder / "project"))
    shop.land("web/events", "a.csv", EVENTS)
    build(shop)
    return shop


@pytest.fixture
def copy(counted: Shop, tmp_path: Path) -> Shop:
    shutil.copytree(counted.folder, tmp_path, dirs_exist_ok=True)
    return Shop(tmp_path, tmp_path / "project")


def build(shop: Shop, *, feeds: str = "web") -> None:
    shop.build(AS_OF, *ASSERTED, intent_feeds=feeds.split(","))


def days(shop: Shop) -> dict[tuple[str, str], int]:
    rows = shop.rows(
        "from intent_intermediate.int_activity_days where known_to is null"
    )
    return {(row["identifier"], row["activity"]): row["quantity"] for row in rows}


def tune(shop: Shop) -> None:
    """Make a page view an activity, and a product view none."""
    seeds = shop.project / "seeds" / "feeds"
    names = seeds / "event_names.csv"
    names.write_text(
        names.read_text()
        .replace("web,Page Viewed,", "web,Page Viewed,session_started")
        .replace("web,Product Viewed,product_viewed,", "web,Product Viewed,,")
    )


TUNED = {("user_id:u3", "session_started"): 1}


@pytest.mark.proofs
def test_sheets_by_which_events_are_read_recount_them_all(copy: Shop) -> None:
    tune(copy)
    plain = copy.dbt(
        "build", variables={"intent_as_of": AS_OF, "intent_feeds": ["web"]}
    )
    assert plain.returncode != 0
    assert "seeds/feeds/event_names.csv: has changed" in plain.stdout
    assert "--full-refresh" in plain.stdout
    command = ("build", "--feed", "web", "--as-of", AS_OF, "--no-publish")
    ours = copy.intent(*command, tested=False)
    assert ours.returncode == 0, ours.stderr
    assert days(copy) == TUNED


@pytest.mark.proofs
def test_activities_counted_anew_alone_leave_no_stale_days(copy: Shop) -> None:
    assert ("user_id:u2", "product_viewed") in days(copy)
    tune(copy)
    copy.build(
        AS_OF,
        *UNTESTED,
        "--full-refresh",
        "--select",
        # All that reads rows by the sheets.
        "+int_activities",
        "+int_feed_arrivals",
        "+int_identifier_sightings",
        "+int_record_versions",
        intent_feeds=["web"],
    )
    build(copy)
    assert days(copy) == TUNED


ORDER_HEADER = "order_id,customer_id,email,ordered_at,cancelled_at,received_at\n"
RETURN_HEADER = (
    "return_id,order_id,customer_id,returned_at,is_full_return,received_at\n"
)
AT_FIRST = {
    # The web is believed, and tells of this order as the shop does.
    "web/events": "event_id,event_name,event_time,received_at,user_id,order_id\n"
    "e1,Order Completed,2026-06-01,2026-06-01,u1,o1\n",
    "shop/orders": ORDER_HEADER
    + "o1,c1,,2026-06-01,,2026-06-01\n"
    + "o2,c2,,2026-06-01,,2026-06-01\n"
    + "o3,c2,,2026-06-02,,2026-06-02\n"
    + "o4,,unread@example.com,2026-06-01,,2026-06-01\n"
    + "o5,,later@example.com,2026-06-01,,2026-06-01\n"
    + "o6,,future@example.com,2026-06-01,,2026-06-01\n"
    + "o7,,fine@example.com,2026-06-01,,2026-06-01\n"
    + "o8,,[/b]@example.com,2026-06-01,,2026-06-01\n",
    "shop/returns": RETURN_HEADER + "r1,o3,c2,2026-06-05,false,2026-06-05\n",
    "crm/contacts": "crm_id,email,created_at,received_at,objected_to_profiling\n"
    "k1,unread@example.com,unknown,2026-06-01,true\n"
    "k2,later@example.com,2026-07-05,2026-07-05,true\n"
    "k3,future@example.com,2026-06-05,2026-06-01,true\n"
    "k4,fine@example.com,2026-06-01,2026-06-01,false\n",
}
# Without a version: what was received later is what holds.
LATER = {
    "shop/orders": ORDER_HEADER
    + "o1,c1,,2026-06-01,2026-06-05,2026-06-05\n"
    + "o2,c2,,2026-06-01,2026-06-03,2026-06-03\n",
    "shop/returns": RETURN_HEADER + "r1,o3,c2,2026-06-05,true,2026-06-06\n",
}


@dataclass
class Retold:
    """A shop of whose orders more was told later, and what was counted until then."""

    shop: Shop
    days_before: dict[tuple[str, str], int]
    printed: str


@pytest.fixture(scope="module")
def retold(tmp_path_factory: pytest.TempPathFactory) -> Retold:
    folder = tmp_path_factory.mktemp("retold")
    shop = Shop(folder, copy_project(folder / "project"))
    preferences = shop.project / "seeds" / "feeds" / "feed_preferences.csv"
    shipped = preferences.read_text()
    swapped = shipped.replace("shop,1,", "shop,2,").replace("web,2,", "web,1,")
    preferences.write_text(swapped)
    for table, text in AT_FIRST.items():
        shop.land(table, "1.csv", text)
    build(shop, feeds="web,shop,crm")
    before = days(shop)
    for table, text in LATER.items():
        shop.land(table, "2.csv", text)
    feeds = ("--feed=web", "--feed=shop", "--feed=crm")
    done = shop.intent("build", *feeds, "--as-of", AS_OF, "--no-publish")
    assert done.returncode == 0, done.stderr
    return Retold(shop, before, done.stdout)


def standing(shop: Shop, identifier: str) -> list[date | None]:
    """Until when each day of purchases of somebody's counts."""
    rows = shop.rows(
        "select valid_to from intent_intermediate.int_activity_days"
        f" where activity = 'purchase' and identifier = '{identifier}'"
        " and known_to is null"
    )
    return [row["valid_to"] for row in rows]


def test_a_cancellation_counts_though_another_feed_is_believed(retold: Retold) -> None:
    assert retold.days_before["user_id:u1", "purchase"] == 1
    assert ("customer_id:c1", "purchase") not in days(retold.shop)
    assert days(retold.shop)["user_id:u1", "purchase"] == 1
    assert standing(retold.shop, "user_id:u1") == [date(2026, 6, 5)]
    before, after = retold.shop.rows(
        "from intent_intermediate.int_activity_days"
        " where identifier = 'user_id:u1' order by known_from"
    )
    assert before["valid_to"] is None
    assert before["known_to"] == after["known_from"]


def test_a_later_telling_without_a_version_still_cancels(retold: Retold) -> None:
    assert retold.days_before["customer_id:c2", "purchase"] == 1
    found = standing(retold.shop, "customer_id:c2")
    assert found
    assert None not in found


def test_an_objection_holds_however_and_whenever_it_was_told(retold: Retold) -> None:
    assert "[/b]@example.com" in retold.printed
    found = retold.shop.rows(
        "select email, state, is_exportable from contact_intent where email is not null"
    )
    assert {row["email"]: row["state"] == "suppressed" for row in found} == {
        "unread@example.com": True,
        "later@example.com": True,
        "future@example.com": True,
        "fine@example.com": False,
        "[/b]@example.com": False,
    }
    assert all(row["is_exportable"] != (row["state"] == "suppressed") for row in found)


def test_files_that_lie_nowhere_are_named(shop: Shop) -> None:
    shop.land("web/events", "a.csv", EVENTS)
    shop.land("web/event", "b.csv", EVENTS)
    shop.land("web/events/2026", "c.csv", EVENTS)
    shop.land("shop/orders", "of_a_feed_left_out.csv", "order_id\n1\n")
    shop.land("web/.aside", "d.csv", EVENTS)
    done = shop.intent("check", "--feed", "web")
    assert done.returncode == 3
    assert "web/event/b.csv: belongs to no table" in done.stderr
    assert "web/events/2026/c.csv: belongs to no table" in done.stderr
    assert "left_out" not in done.stderr
    assert "d.csv" not in done.stderr


@pytest.mark.parametrize("feeds", ["shop", ["shop", "mail"], []])
def test_feeds_that_there_are_not_are_named(shop: Shop, feeds: object) -> None:
    done = shop.dbt("parse", variables={"intent_feeds": feeds})
    assert done.returncode != 0
    assert "intent_feeds: got" in done.stdout
    assert "web, shop, email, crm" in done.stdout
