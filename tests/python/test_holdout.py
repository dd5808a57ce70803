"""Who is in the hold-out stays in it, and no tool hears of it."""

import csv
import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pytest
from builds import Build, build_in_turn
from conftest import DEMO, PROJECT, Shop
from intent.sync.desired import desired_rows
from intent.sync.ledger import open_ledger
from intent.sync.load import load_syncs
from intent.sync.source import attached

FEEDS = ["web", "crm"]
BEFORE, MERGED, PARTED = (date(2026, 6, day) for day in (10, 20, 30))
SHARE, LARGER = 0.4, 0.6
MODELS = ("--select", "+int_contacts")
PEOPLE = 60

Told = tuple[datetime, str, dict[str, str]]


def at(day: int, number: int) -> datetime:
    return datetime(2026, 6, day) + timedelta(minutes=number)


def told() -> Iterator[Told]:
    """People with an email and a cookie that is elder, who are merged and parted.

    The even ones are merged with the next by an account of theirs that both emails
    name, and parted from it again. All of them show a phone number, sooner or later.
    """
    for number in range(PEOPLE):
        email, cookie = f"person{number}@one.example", f"cookie-{number}"
        yield at(1, number), "web/events", {"anonymous_id": cookie}
        yield at(2, number), "web/events", {"email": email}
        elder = number - number % 2
        account = {"user_id": f"account-{elder}"}
        yield at(12, number), "web/identifies", {"email": email, "anonymous_id": cookie}
        yield at(14, number), "crm/identifier_links", {"email": email, **account}
        if number % 2:
            yield (
                at(24, number),
                "crm/identifier_links",
                {"email": email, **account, "is_withdrawn": "true"},
            )
        phone = {"phone": f"+49{number:09}"}
        day = 3 if number % 3 else 26
        yield at(day, number), "crm/identifier_links", {"email": email, **phone}


def files(shop: Shop, after: date | None, until: date) -> dict[Path, str]:
    """What lands on the days up to one, a file for each table."""
    lines: dict[str, list[str]] = defaultdict(list)
    for number, (time, table, names) in enumerate(told()):
        if time.date() < until and (after is None or time.date() >= after):
            row: dict[str, Any] = {
                "event_id": str(number),
                "event_time": time.isoformat(),
                "received_at": time.isoformat(),
                **names,
            }
            if table == "web/events":
                row["event_name"] = "Product Viewed"
            lines[table].append(json.dumps(row))
    return {
        shop.landing / table / f"until_{until}.ndjson": "\n".join(of_table) + "\n"
        for table, of_table in lines.items()
    }


class Shops(NamedTuple):
    """The same people: at three clocks as they came, at the last in other ways."""

    before: Shop
    merged: Shop
    parted: Shop
    at_once: Shop
    larger: Shop


@pytest.fixture(scope="module")
def shops(tmp_path_factory: pytest.TempPathFactory) -> Shops:
    shops = Shops(*(Shop(tmp_path_factory.mktemp(name)) for name in Shops._fields))
    share = {"intent_holdout_share": SHARE}

    def build(
        shop: Shop, clock: date, after: date | None, copy_of: Shop | None
    ) -> Build:
        landed = files(shop, after, clock)
        return Build(shop, clock, MODELS, copy_of, landed, share)

    build_in_turn(
        [
            build(shops.before, BEFORE, None, None),
            build(shops.merged, MERGED, BEFORE, shops.before),
            build(shops.parted, PARTED, MERGED, shops.merged),
            build(shops.at_once, PARTED, None, None),
            Build(
                shops.larger,
                PARTED,
                ("--select", "int_contacts"),
                shops.parted,
                more_variables={"intent_holdout_share": LARGER},
            ),
        ],
        FEEDS,
    )
    return shops


def is_drawn(identifier: str, share: float = SHARE) -> bool:
    """The draw, by its definition."""
    digest = hashlib.md5(f"holdout {identifier}".encode(), usedforsecurity=False)
    return int(digest.hexdigest()[:8], 16) < int(share * 2**32)


def holdouts(shop: Shop) -> dict[str, bool]:
    """Of each email, if its contact is held out."""
    sql = """
        select split_part(identifiers.identifier, ':', 2), contacts.is_holdout
        from intent_intermediate.int_contacts as contacts
        inner join intent_intermediate.int_contact_identifiers as identifiers
            using (contact_id)
        where identifiers.identifier like 'email:%'
    """
    return dict(query(shop, sql))


def query(shop: Shop, sql: str) -> list[tuple[Any, ...]]:
    """Query a warehouse that has no marts."""
    with duckdb.connect(str(shop.warehouse), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def own_draws(share: float = SHARE) -> dict[str, bool]:
    emails = [f"person{number}@one.example" for number in range(PEOPLE)]
    return {email: is_drawn(f"email:{email}", share) for email in emails}


def contact_ids(shop: Shop) -> set[str]:
    sql = "select contact_id from intent_intermediate.int_contacts"
    return {contact_id for (contact_id,) in query(shop, sql)}


def test_elder_cookies_and_new_identifiers_move_nobody(shops: Shops) -> None:
    drawn = own_draws()
    assert 10 < sum(drawn.values()) < PEOPLE - 10
    assert holdouts(shops.before) == drawn
    # By then each has the name of its cookie, and one identifier more.
    assert not contact_ids(shops.before) & contact_ids(shops.parted)
    assert holdouts(shops.parted) == drawn


def test_merged_contacts_are_what_the_elder_was(shops: Shops) -> None:
    drawn = own_draws()
    assert len(contact_ids(shops.merged)) == PEOPLE // 2
    mixed = 0
    for number in range(0, PEOPLE, 2):
        elder, other = (f"person{n}@one.example" for n in (number, number + 1))
        found = holdouts(shops.merged)
        assert found[elder] == found[other] == drawn[elder]
        mixed += drawn[elder] != drawn[other]
    assert mixed > 3


def test_it_does_not_matter_how_rows_came(shops: Shops) -> None:
    assert holdouts(shops.at_once) == holdouts(shops.parted)


def test_a_larger_share_only_adds_contacts(shops: Shops) -> None:
    small, large = own_draws(), holdouts(shops.larger)
    assert large == own_draws(LARGER)
    assert all(large[email] for email, is_held in small.items() if is_held)
    assert sum(large.values()) > sum(small.values())


@pytest.mark.parametrize("share", [1.5, "a lot"])
def test_what_is_no_share_is_refused(shop: Shop, share: object) -> None:
    done = shop.dbt(
        "compile",
        *("--select", "int_contacts", "--no-populate-cache"),
        variables={"intent_as_of": "2026-06-30", "intent_holdout_share": share},
    )
    assert done.returncode != 0
    assert f"intent_holdout_share: got '{share}'" in done.stdout


# From end to end --------------------------------------------------------------------

SYNCED = (
    *("int_contacts", "contact_intent", "account_intent"),
    *("segment_hot", "segment_warm", "segment_cold", "segment_dormant"),
)


def hold_out(shop: Shop, share: float) -> set[str]:
    """Build what a share changes, and return whom it holds out."""
    done = shop.dbt(
        *("run", "--select", *SYNCED),
        variables={
            "intent_as_of": DEMO.until.isoformat(),
            "intent_holdout_share": share,
        },
    )
    assert done.returncode == 0, done.stdout[-5000:]
    rows = shop.rows("select contact_id from contact_intent where is_holdout")
    return {row["contact_id"] for row in rows}


def test_who_enters_the_hold_out_leaves_every_tool(
    demo_shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = demo_shop.copy_to(tmp_path)
    exports = tmp_path / "exports"
    monkeypatch.setenv("INTENT_FILES_FOLDER", str(exports))
    run = ("sync", "run", "files", "--yes", "--allow", "shrinking", "--json")
    first = shop.intent(*run)
    assert first.returncode == 0, first.stderr
    exportable = shop.value("select count(*) from contact_intent where is_exportable")
    sums = shop.value("select sum(raw_score) from account_intent")

    held = hold_out(shop, 0.3)
    hot_and_held = shop.rows("select contact_id from segment_hot where is_holdout")
    assert hot_and_held, "scores are computed for them as for all"
    assert {row["contact_id"] for row in hot_and_held} <= held
    second = json.loads(shop.intent(*run).stdout)["runs"][0]
    told = shop.rows(
        "select contact_id from contact_intent where is_exportable and is_holdout"
    )
    assert second["acknowledged"] == len(told)
    assert 0.2 * exportable < len(told) < 0.4 * exportable
    newest = max(exports.rglob("*.csv"))
    with newest.open(encoding="utf-8", newline="") as lines:
        left = list(csv.DictReader(lines))
    assert {row["contact_id"] for row in left} == {row["contact_id"] for row in told}
    assert not any(row["segment"] or row["intent_score"] for row in left)

    # Accounts are told of by the sums of their contacts.
    assert shop.value("select sum(raw_score) from account_intent") < 0.9 * sums
    tops = shop.rows(
        "select top_contact_1, top_contact_2, top_contact_3 from account_intent"
    )
    assert not held & {contact for row in tops for contact in row.values()}
    for sync in load_syncs(PROJECT / "syncs"):
        with (
            open_ledger(shop.folder / "ledger.duckdb") as ledger,
            attached(ledger, shop.warehouse) as source,
        ):
            rows = ledger.rows(f"select row_id from ({desired_rows(sync, source)})")
        assert rows, sync.name
        assert not held & {row_id for (row_id,) in rows}, sync.name

    # Who is let go of is told of again: the record, and in which segment it is.
    assert not hold_out(shop, 0)
    third = json.loads(shop.intent(*run).stdout)["runs"][0]
    assert third["acknowledged"] == 2 * len(told)
