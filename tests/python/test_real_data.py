"""The project on a real shop's data, where that is at hand."""

import os
from pathlib import Path

import duckdb
import pytest
from conftest import Shop

REAL_DATA = os.environ.get("INTENT_REAL_DATA")

pytestmark = [
    pytest.mark.proofs,
    pytest.mark.skipif(
        REAL_DATA is None,
        reason="INTENT_REAL_DATA names no folder with the real data sets",
    ),
]

AS_OF = "2011-10-15"
BUYERS_OF_THE_NEXT_28_DAYS = """
    select distinct 'customer_id:' || contact_key as identifier
    from '{events}'
    where
        event_type = 'purchase'
        and event_time >= timestamp '2011-10-15'
        and event_time < timestamp '2011-11-12'
"""


def events_of(data_set: str) -> Path:
    return Path(str(REAL_DATA)) / data_set / "events.parquet"


@pytest.fixture(scope="module")
def retail(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Online Retail, loaded and built by the commands that the README gives."""
    shop = Shop(tmp_path_factory.mktemp("retail"))
    events = events_of("online_retail")
    loaded = shop.intent("load", str(events), "--mapping", "online_retail")
    assert loaded.returncode == 0, loaded.stdout + loaded.stderr
    built = shop.intent(
        "build", "--feed", "shop", "--sheet", "loyalty", "--as-of", AS_OF
    )
    assert built.returncode == 0, built.stdout + built.stderr
    return shop


def test_every_row_of_the_shop_counts(retail: Shop) -> None:
    rows = retail.rows("select feed_table, rows_in, counted from feed_accounts")
    accounts = {row["feed_table"]: (row["rows_in"], row["counted"]) for row in rows}
    assert accounts["orders"] == (18536, 18536)
    assert accounts["returns"] == (3654, 3654)


def test_scores_know_only_what_had_happened(retail: Shop) -> None:
    newest = retail.value("select max(last_activity_at) from contact_intent")
    assert str(newest) < AS_OF
    known = f"""
        select count(distinct contact_key) from '{events_of("online_retail")}'
        where event_time < timestamp '{AS_OF}'
    """
    assert (
        retail.value("select count(*) from contact_intent")
        == (duckdb.sql(known).fetchall()[0][0])
    )


def test_hot_contacts_buy_more_than_warm_and_warm_more_than_cold(retail: Shop) -> None:
    buyers = BUYERS_OF_THE_NEXT_28_DAYS.format(events=events_of("online_retail"))
    rows = retail.rows(f"""
        with buyers as ({buyers})
        select
            segment,
            count(*) as contacts,
            count(buyers.identifier) / count(*) as bought,
        from contact_intent
        inner join intent_intermediate.int_contact_identifiers using (contact_id)
        left join buyers using (identifier)
        group by segment
    """)
    bought = {row["segment"]: row["bought"] for row in rows}
    assert min(row["contacts"] for row in rows) > 300
    assert bought["hot"] > 2 * bought["warm"] > 3 * bought["cold"]


def test_the_hottest_contact_is_who_it_should_be(retail: Shop) -> None:
    """Recomputed by hand from the raw orders: 10 points each, half-life 180 days."""
    [hottest] = retail.rows(
        "select contact_intent.*, identifier from contact_intent"
        " inner join intent_intermediate.int_contact_identifiers using (contact_id)"
        " order by intent_score desc limit 1"
    )
    customer = hottest["identifier"].removeprefix("customer_id:")
    [[decayed]] = duckdb.execute(
        f"""
        with days as (
            select count(*) as orders, max(event_time) as last_at
            from '{events_of("online_retail")}'
            where contact_key = ? and event_type = 'purchase'
                and event_time < timestamp '{AS_OF}'
            group by cast(event_time as date)
        )
        select sum(10 * orders * 0.5 ** (
            epoch(timestamp '{AS_OF}' - last_at) / 86400 / 180
        )) from days
        """,
        [customer],
    ).fetchall()
    found = retail.value(
        "select decayed_amount from contact_intent_drivers"
        f" where contact_id = '{hottest['contact_id']}'"
        " and score_model = 'loyalty' and activity = 'purchase'"
    )
    assert found == pytest.approx(decayed, abs=1e-9)


@pytest.mark.parametrize("data_set", ["cdnow", "complete_journey"])
def test_the_other_data_sets_load_and_score(data_set: str, shop: Shop) -> None:
    loaded = shop.intent("load", str(events_of(data_set)), "--mapping", data_set)
    assert loaded.returncode == 0, loaded.stdout + loaded.stderr
    feeds = [folder.name for folder in shop.landing.iterdir() if folder.is_dir()]
    feeds = [feed for feed in feeds if not feed.startswith(".")]
    built = shop.intent(
        "build", "--no-publish", *(f"--feed={feed}" for feed in feeds),
        "--as-of", {"cdnow": "1998-02-28", "complete_journey": "2017-09-30"}[data_set],
    )  # fmt: skip
    assert built.returncode == 0, built.stdout + built.stderr
    assert shop.value("select count(*) from contact_intent") > 1000
    assert shop.value("select max(intent_score) from contact_scores") > 3
