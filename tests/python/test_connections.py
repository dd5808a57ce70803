"""Feeds that loaders bring: the same small shop, told by two sets of loaders.

Ada views, searches, carts, checks out and buys (order 9001), and clicks in an email; a
proxy opens another. Ben buys two tables as a guest (9002), sends one back, opens an
email, and is not content with the service. Cleo cancels an order (9003), places another
(9005), asks the service, and unsubscribes. Then the loaders sync again: 9001 is
cancelled; 9002 now belongs to an account of Ben's, and all of it came back; 9005 and
Cleo's ticket are deleted; Ben is content; a view of Ada's and a click of Ben's come
late, with times of arrival that were counted before.
"""

from math import exp
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import PROJECT, UNTESTED, Row, Shop
from loaders import create_loader_tables, sync_again

AS_OF = "2026-06-01"
# Elsewhere than where the loaders' tables are by default, but for the first.
BY_FIVETRAN = {
    "web": {"connection": "segment"},
    "shop": {"connection": "shopify_fivetran", "schema": "shopify_eu"},
    "email": {"connection": "klaviyo_fivetran", "schema": "klaviyo_eu"},
    "crm": {"connection": "hubspot_fivetran", "schema": "hubspot_eu"},
    "support": {"connection": "zendesk_fivetran", "schema": "zendesk_eu"},
}
BY_AIRBYTE = {
    "web": {"connection": "ga4", "schema": "analytics_4242"},
    "shop": {"connection": "shopify_airbyte", "schema": "shopify_eu"},
    "email": {"connection": "klaviyo_airbyte", "schema": "klaviyo_eu"},
    "crm": {"connection": "salesforce_airbyte", "schema": "salesforce_eu"},
    "support": {"connection": "zendesk_airbyte", "schema": "zendesk_eu"},
}
Connections = dict[str, dict[str, str]]

# Points of the sheet `sample`: it knows no decay, no caps and no discharge.
VIEW, SEARCH, CART, CHECKOUT, ORDER, OPEN, CLICK, RETURN = 1, 1, 2, 3, 10, 1, 2, -15


def sync(shop: Shop, connections: Connections, *, again: bool = False) -> None:
    """Let the loaders bring their tables, and build."""
    for chosen in connections.values():
        name = chosen["connection"]
        load = sync_again if again else create_loader_tables
        load(shop.warehouse, name, chosen.get("schema", name))
    build(shop, connections)


def build(shop: Shop, connections: Connections, *arguments: str) -> None:
    shop.build(AS_OF, *UNTESTED, *arguments, **built_by(connections))


def built_by(connections: Connections) -> dict[str, Any]:
    return {"intent_connections": connections, "intent_feeds": list(connections)}


@pytest.fixture(scope="module")
def fivetran(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    shop = Shop(tmp_path_factory.mktemp("fivetran"))
    sync(shop, BY_FIVETRAN)
    return shop


@pytest.fixture(scope="module")
def fivetran_again(fivetran: Shop, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    shop = fivetran.copy_to(tmp_path_factory.mktemp("fivetran_again"))
    sync(shop, BY_FIVETRAN, again=True)
    return shop


@pytest.fixture(scope="module")
def airbyte(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    shop = Shop(tmp_path_factory.mktemp("airbyte"))
    sync(shop, BY_AIRBYTE)
    return shop


@pytest.fixture(scope="module")
def airbyte_again(airbyte: Shop, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    shop = airbyte.copy_to(tmp_path_factory.mktemp("airbyte_again"))
    sync(shop, BY_AIRBYTE, again=True)
    return shop


def points(shop: Shop) -> dict[str, float]:
    """Raw points by email, on the sheet `sample`; who is not known by one is `web`."""
    rows = shop.rows(
        "select coalesce(email, 'web') as contact, raw_score from contact_scores"
        " inner join intent_intermediate.int_contacts using (contact_id)"
        " where score_model = 'sample' order by 1"
    )
    return {row["contact"]: row["raw_score"] for row in rows}


def unbalanced(shop: Shop) -> list[Row]:
    return shop.rows(
        "from feed_accounts where rows_in <>"
        " counted + quarantined + duplicates + superseded + no_activity"
    )


def quarantined(shop: Shop) -> dict[str, str]:
    rows = shop.rows("select event_name, reason from quarantined_events")
    return {row["event_name"]: row["reason"] for row in rows}


def test_fivetran_and_segment_tell_the_shop(fivetran: Shop) -> None:
    assert points(fivetran) == {
        "ada@example.com": VIEW + CART + CHECKOUT + ORDER + SEARCH + CLICK,
        "ben@example.org": ORDER + OPEN + RETURN,
        "cleo@example.net": ORDER,
    }
    assert quarantined(fivetran) == {
        "Opened Email": "mail_privacy_open",
        "Wheel Spun": "unknown_event_name",
        "Quiz Finished": "unknown_event_name",
    }
    assert unbalanced(fivetran) == []
    score = fivetran.value(
        "select intent_score from contact_scores inner join"
        " intent_intermediate.int_contacts using (contact_id)"
        " where score_model = 'sample' and email = 'ada@example.com'"
    )
    assert score == pytest.approx(5 * (1 - exp(-19 / 20)), abs=1e-9)


def test_airbyte_and_ga4_tell_the_shop(airbyte: Shop) -> None:
    assert points(airbyte) == {
        "ada@example.com": ORDER + CLICK,
        "ben@example.org": ORDER + OPEN + RETURN,
        "cleo@example.net": ORDER,
        # GA4 knows an account, but no email.
        "web": VIEW + CART + CHECKOUT + SEARCH,
    }
    assert quarantined(airbyte) == {
        "Opened Email": "mail_privacy_open",
        "wheel_spun": "unknown_event_name",
        "Quiz Finished": "unknown_event_name",
    }
    assert unbalanced(airbyte) == []


def test_a_second_sync_of_fivetran_and_segment(fivetran_again: Shop) -> None:
    assert points(fivetran_again) == {
        "ada@example.com": 2 * VIEW + CART + CHECKOUT + SEARCH + CLICK,
        "ben@example.org": OPEN + CLICK + 2 * RETURN,
        "cleo@example.net": 0,
    }
    assert unbalanced(fivetran_again) == []


@pytest.mark.proofs
def test_a_second_sync_of_airbyte_and_ga4(airbyte_again: Shop) -> None:
    assert points(airbyte_again) == {
        # Ada objected to profiling in Salesforce.
        "ben@example.org": OPEN + CLICK + 2 * RETURN,
        "cleo@example.net": 0,
        "web": 2 * VIEW + CART + CHECKOUT + SEARCH,
    }
    assert unbalanced(airbyte_again) == []


def test_what_changed_counts_as_if_all_had_come_at_once(
    fivetran_again: Shop, tmp_path: Path
) -> None:
    whole = fivetran_again.copy_to(tmp_path)
    compared = ("+int_activities", "+int_activity_days", "+int_orders")
    build(whole, BY_FIVETRAN, "--full-refresh", "--select", *compared)
    activities = (
        "select * exclude (run_id) from intent_intermediate.int_activities"
        " where disposition <> 'gone' order by all"
    )
    days = (
        "select * exclude (run_id) from intent_intermediate.int_activity_days"
        " order by all"
    )
    orders = (
        "select * exclude (run_id) from intent_intermediate.int_orders order by all"
    )
    for query in (activities, days, orders):
        assert fivetran_again.rows(query) == whole.rows(query)


@pytest.mark.parametrize(
    "loader", ["fivetran", pytest.param("airbyte", marks=pytest.mark.proofs)]
)
def test_the_service_is_asked_and_rated(
    loader: str, request: pytest.FixtureRequest
) -> None:
    def told(shop: Shop) -> set[tuple[str, str]]:
        rows = shop.rows(
            "select event_id, activity from intent_intermediate.int_activities"
            " where feed = 'support' and disposition = 'counted'"
        )
        return {(row["event_id"], row["activity"]) for row in rows}

    asked = ("1", "support_contacted")
    assert told(request.getfixturevalue(loader)) == {
        asked,
        ("2", "support_contacted"),
        ("91", "satisfaction_low"),
    }
    assert told(request.getfixturevalue(f"{loader}_again")) == {
        asked,
        ("91", "satisfaction_high"),
    }


def test_only_what_changed_is_judged_again(fivetran_again: Shop) -> None:
    judged = fivetran_again.rows(
        "select distinct event_id from intent_intermediate.int_activities"
        " where run_id = (select max(run_id) from intent_intermediate.int_activities)"
    )
    # With order 9001 the tracker's own telling of it, t4.
    assert {row["event_id"] for row in judged} == {
        *("9001", "9002", "9005", "7001", "7003", "t4", "t8", "k9", "2", "91")
    }


def test_contracts_get_what_the_loaders_have(fivetran: Shop) -> None:
    [order] = fivetran.rows(
        "select order_id, customer_id, phone, currency, order_total,"
        " cancelled_at::varchar as cancelled_at, received_at::varchar as received_at"
        " from intent_staging.stg_shop__orders where order_id = '9003'"
    )
    assert order == {
        "order_id": "9003",
        "customer_id": "5100000000103",
        "phone": None,
        "currency": "EUR",
        "order_total": 40.0,
        "cancelled_at": "2026-05-24 08:00:00",
        "received_at": "2026-05-29 06:00:00",
    }
    [event] = fivetran.rows(
        "select product_id, product_category, quantity, value, currency"
        " from intent_staging.stg_web__events where event_name = 'Product Added'"
    )
    assert list(event.values()) == ["sku-1", "Chairs", 1.0, 40.0, "EUR"]


@pytest.mark.parametrize("loader", ["fivetran", "airbyte"])
def test_what_is_known_of_people_comes_along(
    loader: str, request: pytest.FixtureRequest
) -> None:
    shop: Shop = request.getfixturevalue(loader)
    [person] = shop.rows(
        "select customers.region, customers.city, customers.country, contacts.job_title"
        " from intent_staging.stg_shop__customers as customers"
        " inner join intent_staging.stg_crm__contacts as contacts using (email)"
        " where email = 'ada@example.com'"
    )
    assert list(person.values()) == ["Berlin", "Berlin", "DE", "Buyer"]


def test_ga4_nests_what_the_contract_asks_for(airbyte: Shop) -> None:
    [event] = airbyte.rows(
        "select product_id, order_id, session_id, page_path, value, currency"
        " from intent_staging.stg_web__events where event_name = 'purchase'"
    )
    expected = ["sku-1", "9001", "anon-1-1716200000", "/chairs", 40.0, "EUR"]
    assert list(event.values()) == expected


def test_another_connection_counts_all_anew(fivetran: Shop) -> None:
    others = {**BY_FIVETRAN, "web": {"connection": "ga4"}}
    done = fivetran.dbt("run", "--select", "int_clock", variables=built_by(others))
    assert done.returncode != 0
    assert (
        "the var intent_connections: has changed since it was counted. Run with"
        " --full-refresh" in done.stdout
    )


@pytest.mark.parametrize(
    ("name", "other"),
    [("hubspot_airbyte", "fivetran"), ("salesforce_fivetran", "airbyte")],
)
def test_the_other_loader_of_a_crm_brings_the_same(
    name: str, other: str, request: pytest.FixtureRequest, shop: Shop
) -> None:
    create_loader_tables(shop.warehouse, name, "crm_eu")
    chosen = {"crm": {"connection": name, "schema": "crm_eu"}}
    done = shop.dbt("run", "--select", "+stg_crm__contacts", variables=built_by(chosen))
    assert done.returncode == 0, done.stdout
    expected: Shop = request.getfixturevalue(other)
    found = staged_contacts(shop)
    assert found == staged_contacts(expected)
    assert found


def staged_contacts(shop: Shop) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(shop.warehouse), read_only=True) as warehouse:
        return warehouse.execute(
            "select * exclude (source_file) from intent_staging.stg_crm__contacts"
            " order by crm_id"
        ).fetchall()


@pytest.mark.parametrize(
    ("connections", "words"),
    [
        ({"web": "matomo"}, "web: got 'matomo'. Give one of segment, ga4"),
        ({"webb": "segment"}, "webb: got 'segment'. There is no such feed"),
        ({"shop": {"models": {"carts": "my_carts"}}}, "with tables of customers"),
    ],
)
def test_wrong_connections_are_named(connections: Any, words: str, shop: Shop) -> None:
    done = shop.dbt("parse", variables={"intent_connections": connections})
    assert done.returncode != 0
    said = " ".join(done.stdout.split())
    assert "intent_connections: " in said
    assert words in said


def test_staging_reads_every_feed_by_its_connection() -> None:
    for model in (PROJECT / "models" / "staging").glob("*/stg_*.sql"):
        feed, table = model.stem.removeprefix("stg_").split("__")
        if feed == "sync":  # our own audit: no feed
            continue
        wanted = f"{{{{ feed_source('{feed}', '{table}') }}}}"
        assert wanted in model.read_text(encoding="utf-8"), model.name


def test_every_connection_is_in_the_docs_and_cites_what_it_followed() -> None:
    docs = (PROJECT / "docs" / "connections.md").read_text(encoding="utf-8")
    folders = list((PROJECT / "models" / "connections").iterdir())
    assert folders
    for folder in folders:
        assert f"| `{folder.name}` |" in docs
        sources = folder / f"_{folder.name}__sources.yml"
        assert "Followed:" in sources.read_text(encoding="utf-8")
