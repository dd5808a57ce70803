"""What was counted is counted anew where it must be, and nothing stays behind."""

import shutil
from pathlib import Path

import pytest
from conftest import Shop, copy_project

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


def build(shop: Shop, *arguments: str, feeds: str = "web") -> None:
    shop.build(AS_OF, *arguments, intent_feeds=feeds.split(","))


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


def test_sheets_by_which_events_are_read_recount_them_all(copy: Shop) -> None:
    tune(copy)
    plain = copy.dbt(
        "build", variables={"intent_as_of": AS_OF, "intent_feeds": ["web"]}
    )
    assert plain.returncode != 0
    assert "seeds/feeds/event_names.csv: has changed" in plain.stdout
    assert "--full-refresh" in plain.stdout
    ours = copy.intent("build", "--feed", "web", "--as-of", AS_OF, "--no-publish")
    assert ours.returncode == 0, ours.stderr
    assert days(copy) == TUNED


def test_activities_counted_anew_alone_leave_no_stale_days(copy: Shop) -> None:
    assert ("user_id:u2", "product_viewed") in days(copy)
    tune(copy)
    build(
        copy,
        "--full-refresh",
        "--select",
        # All that reads rows by the sheets.
        "+int_activities",
        "+int_feed_arrivals",
        "+int_identifier_sightings",
        "+int_record_versions",
        "--exclude",
        "test_type:data",
    )
    build(copy)
    assert days(copy) == TUNED


def test_a_cancellation_counts_though_another_feed_is_believed(own_shop: Shop) -> None:
    preferences = own_shop.project / "seeds" / "feeds" / "feed_preferences.csv"
    preferences.write_text("feed,preference,note\nweb,1,\nshop,2,\n")
    header = "order_id,customer_id,ordered_at,cancelled_at,received_at\n"
    own_shop.land(
        "web/events",
        "1.csv",
        "event_id,event_name,event_time,received_at,user_id,order_id\n"
        "e1,Order Completed,2026-06-01,2026-06-01,u1,o1\n",
    )
    own_shop.land("shop/orders", "1.csv", f"{header}o1,c1,2026-06-01,,2026-06-01\n")
    build(own_shop, feeds="web,shop")
    assert days(own_shop) == {("user_id:u1", "purchase"): 1}

    own_shop.land(
        "shop/orders", "2.csv", f"{header}o1,c1,2026-06-01,2026-06-05,2026-06-05\n"
    )
    build(own_shop, feeds="web,shop")

    before, day = own_shop.rows(
        "from intent_intermediate.int_activity_days order by known_from"
    )
    assert before["valid_to"] is None
    assert before["known_to"] == day["known_from"]
    assert day["known_to"] is None
    assert (day["identifier"], day["quantity"]) == ("user_id:u1", 1)
    assert day["valid_to"].isoformat() == "2026-06-05"


def test_a_later_telling_without_a_version_still_cancels(shop: Shop) -> None:
    header = "order_id,customer_id,ordered_at,cancelled_at,received_at\n"
    shop.land("shop/orders", "1.csv", f"{header}1,c1,2026-06-01,,2026-06-01\n")
    shop.land(
        "shop/returns",
        "1.csv",
        "return_id,order_id,customer_id,returned_at,is_full_return,received_at\n"
        "r1,2,c1,2026-06-05,false,2026-06-05\n",
    )
    shop.land("shop/orders", "2.csv", f"{header}2,c1,2026-06-02,,2026-06-02\n")
    build(shop, feeds="shop")
    assert days(shop)["customer_id:c1", "purchase"] == 1
    shop.land(
        "shop/orders", "3.csv", f"{header}1,c1,2026-06-01,2026-06-03,2026-06-03\n"
    )
    shop.land(
        "shop/returns",
        "2.csv",
        "return_id,order_id,customer_id,returned_at,is_full_return,received_at\n"
        "r1,2,c1,2026-06-05,true,2026-06-06\n",
    )
    build(shop, feeds="shop")
    standing = (
        "select count(*) from intent_intermediate.int_activity_days"
        " where activity = 'purchase' and valid_to is null and known_to is null"
    )
    assert shop.value(standing) == 0


def test_an_objection_holds_however_and_whenever_it_was_told(shop: Shop) -> None:
    shop.land(
        "shop/orders",
        "a.csv",
        "order_id,email,ordered_at,received_at\n"
        "1,unread@example.com,2026-06-01,2026-06-01\n"
        "2,later@example.com,2026-06-01,2026-06-01\n"
        "3,future@example.com,2026-06-01,2026-06-01\n"
        "4,fine@example.com,2026-06-01,2026-06-01\n"
        "5,[/b]@example.com,2026-06-01,2026-06-01\n",
    )
    shop.land(
        "crm/contacts",
        "a.csv",
        "crm_id,email,created_at,received_at,objected_to_profiling\n"
        "k1,unread@example.com,unknown,2026-06-01,true\n"
        "k2,later@example.com,2026-07-05,2026-07-05,true\n"
        "k3,future@example.com,2026-06-05,2026-06-01,true\n"
        "k4,fine@example.com,2026-06-01,2026-06-01,false\n",
    )
    done = shop.intent(
        "build", "--feed", "shop", "--feed", "crm", "--as-of", AS_OF, "--no-publish"
    )
    assert done.returncode == 0, done.stderr
    assert "[/b]@example.com" in done.stdout
    found = shop.rows("select email, state, is_exportable from contact_intent")
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
