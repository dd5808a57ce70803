"""Machines are found, people are not, and a changed rule repairs what it touches."""

import shutil
from pathlib import Path

import pytest
from conftest import ASSERTED, UNTESTED, Shop, copy_project

AS_OF = "2026-06-30"
EVENTS = """event_id,event_name,event_time,received_at,user_id,anonymous_id,user_agent
1,Product Viewed,2026-06-01T10:00:00Z,2026-06-01T10:00:00Z,ann,,Firefox
2,Product Viewed,2026-06-01T11:00:00Z,2026-06-01T11:00:00Z,ann,,Nasty Reader
3,Product Viewed,2026-06-02T10:00:00Z,2026-06-02T10:00:00Z,ann,,Firefox
4,Product Viewed,2026-06-02T10:00:00Z,2026-06-02T10:00:00Z,ben,,Nasty Reader
5,Product Viewed,2026-06-03T10:00:00Z,2026-06-03T10:00:00Z,,cookie,Firefox
6,Product Viewed,2026-06-03T10:00:00Z,2026-06-03T10:00:00Z,,other,GoodBot/1.0
"""
LOGIN = """event_id,event_time,received_at,user_id,anonymous_id,email
1,2026-06-20T10:00:00Z,2026-06-20T10:00:00Z,sam,cookie,sam@demo-shop.example
"""
NASTY = "nasty,user_agent,,,nasty%,,,bot_user_agent,true,\n"
MACHINE_KINDS = (
    "bot",
    "burst",
    "mail_privacy_open",
    "link_scanner",
    "hidden_scanner",
    "internal",
    "test_account",
)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A shop of one file, counted, with sheets of its own."""
    folder = tmp_path_factory.mktemp("hygiene")
    shop = Shop(folder, copy_project(folder / "project"))
    shop.land("web/events", "a.csv", EVENTS)
    build(shop)
    return shop


def build(shop: Shop, *, tests: bool = False) -> None:
    shop.build(AS_OF, *(ASSERTED if tests else UNTESTED), intent_feeds=["web"])


def days(shop: Shop) -> dict[tuple[str, int], tuple[int, int]]:
    """Identifier and day of June to quantity and the run that counted it."""
    found = shop.rows(
        "from intent_intermediate.int_activity_days where known_to is null"
    )
    return {
        (row["identifier"].partition(":")[2], row["activity_date"].day): (
            row["quantity"],
            row["run_id"],
        )
        for row in found
    }


def quantities(shop: Shop) -> dict[tuple[str, int], int]:
    return {day: quantity for day, (quantity, _) in days(shop).items()}


def reasons(shop: Shop) -> dict[str, str]:
    found = shop.rows("select event_id, reason from quarantined_events")
    return {row["event_id"]: row["reason"] for row in found}


def test_a_plain_build_repairs_the_days_that_a_rule_touches(
    shop: Shop, tmp_path: Path
) -> None:
    before = days(shop)
    assert quantities(shop) == {
        ("ann", 1): 2,
        ("ann", 2): 1,
        ("ben", 2): 1,
        ("cookie", 3): 1,
    }
    assert reasons(shop) == {"6": "bot_user_agent"}

    # A rule more, and a login that shows whose cookie it was all along.
    rules = shop.project / "seeds" / "feeds" / "hygiene_rules.csv"
    shipped = rules.read_text()
    rules.write_text(shipped + NASTY)
    shop.land("web/identifies", "a.csv", LOGIN)
    build(shop, tests=True)
    repaired = days(shop)
    assert quantities(shop) == {("ann", 1): 1, ("ann", 2): 1}
    assert repaired["ann", 2] == before["ann", 2]
    assert repaired["ann", 1][1] > before["ann", 1][1]
    assert reasons(shop) == {
        "2": "bot_user_agent",
        "4": "bot_user_agent",
        "5": "internal_account",
        "6": "bot_user_agent",
    }

    # Counting all anew comes to the same.
    anew = Shop(tmp_path / "anew", shop.project)
    shutil.copytree(shop.landing, anew.landing)
    build(anew)
    assert quantities(anew) == quantities(shop)
    assert reasons(anew) == reasons(shop)
    assert anew.accounts() == shop.accounts()

    # And back again.
    rules.write_text(shipped)
    build(shop)
    assert quantities(shop) == {("ann", 1): 2, ("ann", 2): 1, ("ben", 2): 1}
    assert days(shop)["ann", 2] == before["ann", 2]
    assert reasons(shop) == {"5": "internal_account", "6": "bot_user_agent"}


def test_planted_machines_are_set_aside_and_people_are_not(demo_shop: Shop) -> None:
    planted = demo_shop.folder / "demo_truth" / "planted_rows.parquet"
    found = demo_shop.rows(f"""
        with planted as (
            select feed, table_name, row_id, any_value(kind) as kind
            from read_parquet('{planted}')
            where kind in {MACHINE_KINDS}
            group by all
        ),
        machine_keys as (
            select activity_key from intent_intermediate.int_activities_judged
            where disposition = 'machine'
        ),
        -- A telling that another one replaces goes where that one goes.
        judged as (
            select
                feed, feed_table, event_id,
                bool_or(
                    disposition = 'quarantined' or activity_key in (from machine_keys)
                ) as is_set_aside,
                bool_or(disposition = 'machine') as is_machine
            from intent_intermediate.int_activities_judged
            group by all
        )
        select
            coalesce(kind, 'people') as kind,
            avg(is_set_aside::int) as set_aside,
            avg(is_machine::int) as machines
        from judged
        left join planted
            on
                judged.feed = planted.feed
                and judged.feed_table = planted.table_name
                and judged.event_id = planted.row_id
        group by 1
    """)
    shares = {row["kind"]: (row["set_aside"], row["machines"]) for row in found}
    assert shares.keys() == {*MACHINE_KINDS, "people"}
    assert shares.pop("people")[1] <= 0.005
    assert {kind: share for kind, (share, _) in shares.items() if share < 0.99} == {}
