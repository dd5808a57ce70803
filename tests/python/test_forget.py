"""Who is erased is nowhere, does not come back, and takes nobody else along."""

import csv
import gzip
import io
import json
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import PROJECT, SMALL, Shop
from hypothesis import example, given, settings
from hypothesis import strategies as st
from intent.contracts import read_contracts
from intent.demo import write_demo_feeds
from intent.demo.landing import MARKER
from intent.erasure.identifiers import (
    KINDS,
    Erased,
    Identifier,
    canonical,
    parse_identifiers,
)
from intent.erasure.keyring import open_keyring, read_hashes
from intent.erasure.landed import rewrite, texts
from intent.erasure.resolve import with_only_theirs
from intent.erasure.rows import Shape, judge, mentioned, nothing, shapes_of
from intent.errors import BadInputError
from intent.sync.deletions import Deletion, pending, settled
from intent.sync.ledger import acked_table, open_ledger
from standins.files import FilesStandIn

AS_OF = "2026-07-01"
KEY = "a secret for these tests alone"
EMAIL = "annamuster@gmail.com"
# Small letters: the scanner doesn't look at case.
NEEDLES = (
    *("annamuster", "anna.muster", "ca-900001", "ua-900001", "003a900001"),
    *("1709000001", "170 9000001", "cookie-anna-01", "cookie-anna-02"),
    *("oa-900001", "la-900001", "la-900002", "ra-900001", "ta-900001", "sa-900001"),
    *("va-900001", "qa-900001"),
)
DAY = "2026-06-20"


@dataclass
class ErasingShop(Shop):
    """A shop with the secret, and files that a scanner reads to the last value."""

    key: str = KEY

    @property
    def environment(self) -> dict[str, str]:
        return {
            **super().environment,
            "INTENT_LEDGER": str(self.folder / "ledger.duckdb"),
            "INTENT_ERASURES": str(self.folder / "erasures"),
            "INTENT_ERASURE_KEY": self.key,
            "INTENT_FILES_FOLDER": str(self.folder / "exports"),
        }

    def copy_to(self, folder: Path) -> "ErasingShop":
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        return ErasingShop(folder, self.project)

    def forget(self, *arguments: str) -> dict[str, Any]:
        done = self.intent("forget", "--yes", "--json", *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        certificate: dict[str, Any] = json.loads(done.stdout)
        return certificate

    def scores(self) -> dict[tuple[str, str], tuple[float, float]]:
        rows = self.rows(
            "select contact_id, score_model, intent_score, raw_score"
            " from contact_scores"
        )
        return {
            (row["contact_id"], row["score_model"]): (
                row["intent_score"],
                row["raw_score"],
            )
            for row in rows
        }

    def contact_id(self, identifier: str) -> str:
        found = self.value(
            "select contact_id from intent_intermediate.int_identifier_contacts"
            f" where identifier = '{identifier}'"
        )
        return str(found)

    def places_of(self, *needles: str) -> set[str]:
        """Every file in which one of the texts stands, and every table of those.

        Not those that other tools are to read: they are named to the user.
        """
        found = set()
        for file in sorted(self.folder.rglob("*")):
            if not file.is_file() or "exports" in file.parts:
                continue
            name = file.relative_to(self.folder).as_posix()
            for where, text in everything_in(file):
                if any(needle in text.lower() for needle in needles):
                    found.add(f"{name}{where}")
        return found


def everything_in(file: Path) -> Iterator[tuple[str, str]]:
    """A file's raw bytes, and all that they stand for, as text."""
    raw = file.read_bytes()
    yield "", raw.decode("latin-1")
    if file.suffix == ".gz":
        yield "", gzip.decompress(raw).decode()
    if file.suffix == ".parquet":
        yield "", str(pq.read_table(file).to_pylist())
    if file.suffix == ".duckdb":
        with duckdb.connect(str(file), read_only=True) as connection:
            tables = connection.execute(
                # Views hold nothing; those on the landing folder know its old place.
                "select schema_name, table_name, list(column_name)"
                " from duckdb_columns() where database_name = current_database()"
                " and table_oid in (select table_oid from duckdb_tables())"
                " group by 1, 2"
            ).fetchall()
            for schema, table, columns in tables:
                # It names the contact until the destinations have deleted it.
                if (schema, table) == ("main", "deletions"):
                    continue
                for column in columns:
                    values = connection.execute(
                        f'select distinct cast("{column}" as text)'
                        f' from "{file.stem}"."{schema}"."{table}"'
                    ).fetchall()
                    yield f" {schema}.{table}", str(values)


def lines(rows: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def table_of(rows: list[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def zipped(shop: Shop, table: str, name: str, text: str) -> None:
    file = shop.land(table, name, "")
    file.write_bytes(gzip.compress(text.encode()))


def event(number: int, name: str = "Product Viewed", **named: Any) -> dict[str, Any]:
    time = f"{DAY}T10:{number:02}:00Z"
    return {
        "event_id": f"e-{number}",
        "event_name": name,
        "event_time": time,
        "received_at": time,
        **named,
    }


ORDER = {
    "order_id": "OA-900001",
    "customer_id": "CA-900001",
    "email": " AnnaMuster+shop@GoogleMail.com",
    "ordered_at": f"{DAY} 11:00:00",
    "order_total": "99.5",
    "currency": "EUR",
    "received_at": f"{DAY} 11:01:00",
}
ORDER_LINE = {
    "order_line_id": "LA-900001",
    "order_id": "OA-900001",
    "product_id": "P1",
    "quantity": "1",
    "unit_price": "99.5",
    "received_at": f"{DAY} 11:01:00",
}


def land_anna(shop: Shop) -> None:
    """Anna in every format and spelling; Ben beside her in the same files."""
    record = {"created_at": f"{DAY} 09:00:00", "received_at": f"{DAY} 09:00:00"}
    ben = {"customer_id": "CB-900002", "email": "ben@example.org"}
    customers = [
        {
            "customer_id": "CA-900001",
            "email": "Anna.Muster@gmail.com ",
            "phone": "+49 170 9000001",
            **record,
        },
        {"phone": "", **ben, **record},
    ]
    shop.land("shop/customers", "more.csv", table_of(customers))
    ben_order = {**ORDER, **ben, "order_id": "OB-900002"}
    zipped(shop, "shop/orders", "more.csv.gz", table_of([ORDER, ben_order]))
    order_lines = [
        ORDER_LINE,
        {**ORDER_LINE, "order_line_id": "LA-900002", "quantity": "-1"},
        {**ORDER_LINE, "order_line_id": "LB-900003", "order_id": "OB-900002"},
    ]
    shop.land("shop/order_lines", "more.ndjson", lines(order_lines))
    returned = {
        "return_id": "RA-900001",
        "order_id": "OA-900001",
        "returned_at": f"{DAY} 12:00:00",
        "received_at": f"{DAY} 12:00:00",
    }
    shop.land("shop/returns", "more.jsonl", lines([returned]))
    ben_id = {"user_id": "CB-900002", "anonymous_id": "cookie-ben"}
    web = [
        event(1, anonymous_id="cookie-anna-01"),
        event(2, user_id="UA-900001", anonymous_id="cookie-anna-01"),
        event(3, **ben_id),
        event(4, **ben_id, context={"traits": {"friend": "anna.muster@gmail.com"}}),
        event(5, **ben_id, page_path="/join?by=annamuster%40gmail.com"),
        # A robot's: these rows are set aside, and link nobody.
        event(6, user_id="UA-900001", anonymous_id="cookie-anna-02", user_agent="bot"),
        event(7, anonymous_id="cookie-anna-02", user_agent="bot"),
    ]
    zipped(shop, "web/events", "more.ndjson.gz", lines(web))
    calls = [
        {
            **event(8, anonymous_id="cookie-anna-01", email="ANNA.MUSTER@gmail.com"),
            "user_id": "UA-900001",
        },
        {**event(9, anonymous_id="cookie-ben", email="ben@example.org")},
    ]
    shop.land("web/identifies", "more.ndjson", lines(calls))
    tablet = [
        event(21, user_id="UA-900001", anonymous_id="tablet-900"),
        event(22, user_id="CB-900002", anonymous_id="tablet-900"),
        event(23, anonymous_id="tablet-900"),
    ]
    shop.land("web/events", "tablet.ndjson", lines(tablet))
    land_elsewhere(shop)
    mails = [
        event(10, "Opened Email", email="annamuster@gmail.com", customer_id=None),
        event(11, "Opened Email", **ben),
        event(12, "Clicked Email", email="joannamuster@gmail.com"),
    ]
    names = dict.fromkeys(name for row in mails for name in row)
    file = shop.land("email/events", "more.parquet", "")
    table = pa.table({name: [row.get(name) for row in mails] for name in names})
    pq.write_table(table.replace_schema_metadata({"from": "a tool"}), file)
    contacts = [
        {
            "crm_id": "003A900001",
            "email": "annamuster@gmail.com",
            "phone": "0049 170 9000001",
            "notes": 'said "yes",\r\ntwice',
            "objected_to_profiling": "false",
            **record,
        },
        {
            "crm_id": "003B900002",
            "email": "ben@example.org",
            "phone": "",
            "notes": "a friend,\nanna.muster@gmail.com, told him",
            "objected_to_profiling": "",
            **record,
        },
        {
            "crm_id": "003C900003",
            "email": "joannamuster@gmail.com",
            "phone": "",
            "notes": 'no "relation"',
            "objected_to_profiling": "true",
            **record,
        },
    ]
    shop.land("crm/contacts", "more.csv", table_of(contacts))


def land_elsewhere(shop: Shop) -> None:
    """What Anna did with service, community and the like; a rating names nobody."""
    received = {"received_at": f"{DAY}T13:00:00Z"}
    ticket = {"ticket_id": "TA-900001", "opened_at": f"{DAY}T12:00:00Z", **received}
    tickets = [
        {**ticket, "email": "anna.muster@gmail.com", "topic": "defect"},
        {**ticket, "email": "ben@example.org", "ticket_id": "TB-900002"},
    ]
    shop.land("support/tickets", "more.ndjson", lines(tickets))
    rating = {"rated_at": f"{DAY}T12:30:00Z", "score": 5, **received}
    ratings = [
        {"rating_id": "SA-900001", "ticket_id": "TA-900001", **rating},
        {"rating_id": "SB-900002", "ticket_id": "TB-900002", **rating},
    ]
    shop.land("support/ratings", "more.csv", table_of(ratings))
    told = {"event_time": f"{DAY}T12:00:00Z", **received}
    for table, name, named in (
        ("loyalty/events", "Points Earned", {"customer_id": "CA-900001"}),
        ("social/events", "Followed", {"user_id": "UA-900001"}),
        ("shop/subscriptions", "Subscription Started", {"customer_id": "CA-900001"}),
    ):
        key = "subscription_event_id" if "subscriptions" in table else "event_id"
        row = {key: f"{table}-1", "event_name": name, **told, **named}
        shop.land(table, "more.ndjson", lines([row]))
    review = {"review_id": "VA-900001", "reviewed_at": f"{DAY}T12:00:00Z", "rating": 5}
    review |= {"email": "annamuster@googlemail.com", **received}
    shop.land("reviews/reviews", "more.ndjson", lines([review]))
    answer = {"response_id": "QA-900001", "answered_at": f"{DAY}T12:00:00Z", **received}
    answers = [{**answer, "anonymous_id": "cookie-anna-01", "score": 9}]
    shop.land("surveys/responses", "more.ndjson", lines(answers))


def add_other_tables(shop: ErasingShop) -> None:
    """Tables that may come one day, a ledger, logs, and rows that were refused."""
    anna = shop.contact_id("customer_id:CA-900001")
    ben = shop.contact_id("customer_id:CB-900002")
    with duckdb.connect(str(shop.warehouse)) as connection:
        connection.execute(
            "create table intent.intent.history_of_scores as"
            " select contact_id, as_of, intent_score from intent.intent.contact_intent"
        )
        connection.execute(
            "create table intent.intent.members_of_account as"
            f" select 'acme' as account_id, ['{ben}', '{anna}'] as contact_ids,"
            " {'by': 'x'} as notes"
        )
        connection.execute("create schema intent.a_loader")
        connection.execute(
            "create table intent.a_loader.people as select * from"
            f" (values (1, '{EMAIL}'), (2, 'ben@example.org')) as t (id, address)"
        )
    with open_ledger(shop.folder / "ledger.duckdb") as ledger:
        connection = ledger.connection
        connection.execute(
            "create table told (contact_id text primary key, fields text not null)"
        )
        connection.execute("insert into told values (?, '{}'), (?, '{}')", [anna, ben])
        connection.execute("create table bodies (id bigint, body json, error text)")
        connection.execute(
            "insert into bodies values (1, ?, ?)",
            [json.dumps([{"email": EMAIL}, {"email": "ben@example.org"}]), "no"],
        )
        connection.execute(
            f"create table {acked_table('a_crm')} as "
            "select * from (values (?, ?, '17'), ('ben@example.org', ?, '18')) "
            "as told (match_key, row_id, remote_id)",
            ["AnnaMuster+x@gmail.com", anna, ben],
        )
    (shop.folder / "logs").mkdir(exist_ok=True)
    (shop.folder / "logs" / "odd.log").write_text(f"could not read {EMAIL}\n")
    refused = shop.folder / "refused" / "shop.orders"
    refused.mkdir(parents=True)
    rows = [
        {"json": lines([ORDER]), "_reason": "total is not a number", "_row": 1},
        {"json": '{"email":"ben@example.org"}', "_reason": "no total", "_row": 2},
    ]
    pq.write_table(pa.Table.from_pylist(rows), refused / "orders.parquet")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> ErasingShop:
    """A shop that knows Anna. Read it; copy it to erase her."""
    shop = ErasingShop(tmp_path_factory.mktemp("built"))
    write_demo_feeds(shop.landing, SMALL)
    (shop.landing / MARKER).unlink()
    land_anna(shop)
    done = shop.intent("build", "--as-of", AS_OF, tested=False)
    assert done.returncode == 0, done.stderr
    add_other_tables(shop)
    export(shop)
    return shop


def export(shop: ErasingShop) -> None:
    """Tell a reader of files of the contacts that may be told, and of Anna."""
    anna = shop.contact_id("customer_id:CA-900001")
    with duckdb.connect(str(shop.warehouse)) as connection:
        connection.execute(
            "update intent.intent.contact_intent "
            "set is_exportable = true, is_holdout = false where contact_id = ?",
            [anna],
        )
    done = shop.intent("sync", "run", "files", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr


@dataclass
class Erasure:
    """The shop after Anna's erasure, and what it was before."""

    before: ErasingShop
    shop: ErasingShop
    certificate: dict[str, Any]


@pytest.fixture(scope="module")
def erasure(built: ErasingShop, tmp_path_factory: pytest.TempPathFactory) -> Erasure:
    shop = built.copy_to(tmp_path_factory.mktemp("erased"))
    return Erasure(built, shop, shop.forget("--email", "ANNA.muster@gmail.com"))


# ---- nothing is left


def test_the_scanner_finds_her_in_every_kind_of_place(built: ErasingShop) -> None:
    anna = built.contact_id("customer_id:CA-900001")
    found = built.places_of(*NEEDLES, anna)
    for place in (
        "landing/shop/customers/more.csv",
        "landing/shop/orders/more.csv.gz",
        "landing/shop/order_lines/more.ndjson",
        "landing/shop/returns/more.jsonl",
        "landing/web/events/more.ndjson.gz",
        "landing/web/identifies/more.ndjson",
        "landing/email/events/more.parquet",
        "landing/crm/contacts/more.csv",
        "intent.duckdb intent.contact_intent",
        "intent.duckdb intent.history_of_scores",
        "intent.duckdb intent.members_of_account",
        "intent.duckdb intent_intermediate.int_activities",
        "intent.duckdb a_loader.people",
        "intent.duckdb",  # its bytes
        "ledger.duckdb main.told",
        "ledger.duckdb main.bodies",
        "ledger.duckdb main.acked_a_crm",
        "ledger.duckdb main.acked_files",
        "ledger.duckdb main.outbox",
        "published/contact_intent.parquet",
        "published/intent_bi.duckdb intent.contact_intent",
        "refused/shop.orders/orders.parquet",
        "logs/odd.log",
    ):
        assert place in found


def test_she_is_nowhere_after_her_erasure(erasure: Erasure) -> None:
    hers = erasure.shop.places_of(*NEEDLES, *erasure.certificate["contact_ids"])
    # joannamuster@gmail.com is somebody else.
    hers -= erasure.shop.places_of("joannamuster")
    # The bytes of the deletions that destinations are still to be told name her.
    assert hers == {"ledger.duckdb"}
    assert not erasure.shop.places_of(*NEEDLES[1:])


def test_hidden_working_files_and_write_ahead_logs_are_gone(erasure: Erasure) -> None:
    names = [each.name for each in erasure.shop.folder.rglob("*")]
    assert not [each for each in names if each.startswith(".forget-")]
    assert not [each for each in names if each.endswith(".wal")]


# ---- the others are unharmed


def test_the_others_keep_their_scores_to_the_bit(erasure: Erasure) -> None:
    hers = erasure.certificate["contact_ids"]
    before = erasure.before.scores()
    others = {key: score for key, score in before.items() if key[0] not in hers}
    assert len(before) > len(others) > 100
    assert erasure.shop.scores() == others


def test_the_others_bytes_stay(erasure: Erasure) -> None:
    def text(shop: Shop, name: str) -> bytes:
        raw = (shop.landing / name).read_bytes()
        return gzip.decompress(raw) if name.endswith(".gz") else raw

    for name in ("shop/customers/more.csv", "shop/orders/more.csv.gz"):
        header, _, *others = text(erasure.before, name).splitlines(keepends=True)
        assert text(erasure.shop, name) == header + b"".join(others)
    name = "crm/contacts/more.csv"
    rows = list(csv.DictReader(io.StringIO(text(erasure.shop, name).decode())))
    assert [(row["crm_id"], row["notes"]) for row in rows] == [
        ("003B900002", ""),
        ("003C900003", 'no "relation"'),
    ]
    raw = text(erasure.before, name)
    assert text(erasure.shop, name).endswith(raw[raw.index(b"003C900003") :])
    name = "web/events/more.ndjson.gz"
    left = [json.loads(line) for line in text(erasure.shop, name).splitlines()]
    assert [row["event_id"] for row in left] == ["e-3", "e-4", "e-5"]
    assert left[0] == event(3, user_id="CB-900002", anonymous_id="cookie-ben")
    assert left[1]["context"] is None
    assert left[2]["page_path"] is None
    untouched = "email/events/events_2026-06.ndjson"
    assert text(erasure.shop, untouched) == text(erasure.before, untouched)


def test_parquet_keeps_its_schema(erasure: Erasure) -> None:
    old, new = (
        pq.ParquetFile(each.landing / "email/events/more.parquet")
        for each in (erasure.before, erasure.shop)
    )
    assert new.schema_arrow.equals(old.schema_arrow, check_metadata=True)
    assert new.metadata.row_group(0).column(0).compression == "SNAPPY"
    assert new.read().to_pylist() == old.read().to_pylist()[1:]


def test_tables_that_nobody_foresaw_are_cleaned(erasure: Erasure) -> None:
    ben = erasure.before.contact_id("customer_id:CB-900002")
    shop = erasure.shop
    assert shop.value(
        "select count(*) from intent.intent.history_of_scores"
    ) == shop.value("select count(*) from contact_intent")
    [account] = shop.rows("from intent.intent.members_of_account")
    assert account == {"account_id": "acme", "contact_ids": None, "notes": {"by": "x"}}
    assert [row["id"] for row in shop.rows("from intent.a_loader.people")] == [2]
    with duckdb.connect(str(shop.folder / "ledger.duckdb"), read_only=True) as ledger:
        assert ledger.execute("select contact_id from told").fetchall() == [(ben,)]
        assert ledger.execute("from bodies").fetchall() == [(1, None, "no")]


@dataclass
class Relanded:
    """The erased shop where her rows landed again, and what was said of them."""

    shop: ErasingShop
    loads: list[dict[str, Any]]
    printed: str


@pytest.fixture(scope="module")
def relanded(erasure: Erasure, tmp_path_factory: pytest.TempPathFactory) -> Relanded:
    """Her rows loaded, or put there by hand, and one of somebody else; then a build."""
    folder = tmp_path_factory.mktemp("relanded")
    shop = erasure.shop.copy_to(folder / "shop")
    export = folder / "export.csv"
    bad = {**ORDER, "order_id": "OA-900009", "order_total": "much"}
    other = {**ORDER, "order_id": "OX-1", "customer_id": "CX-1", "email": "x@y.example"}
    loads = []
    for rows in (
        [ORDER, bad, other, {**other, "ordered_at": "?"}],
        [{**ORDER, "order_total": "98"}],
    ):
        export.write_text(table_of(rows))
        done = shop.intent("load", str(export), "--to", "shop.orders", "--json")
        assert done.returncode == 0, done.stderr
        loads += json.loads(done.stdout)["files"]
    # The lines of her order name nobody.
    shop.land("shop/order_lines", "again.csv", table_of([ORDER_LINE]))
    shop.land("web/events", "again.ndjson", lines([event(1, user_id="UA-900001")]))
    refused = shop.dbt(
        *("run", "--select", "stg_shop__orders"), variables={"intent_as_of": AS_OF}
    )
    assert refused.returncode != 0
    assert "again.csv: was not looked at for contacts" in refused.stdout
    done = shop.intent("build", "--as-of", AS_OF)
    assert done.returncode == 0, done.stderr
    return Relanded(shop, loads, done.stderr)


def test_the_next_build_counts_anew_and_balances(
    erasure: Erasure, relanded: Relanded
) -> None:
    before, after = erasure.shop.scores(), relanded.shop.scores()
    assert after.keys() > before.keys()
    for key, scores in before.items():
        assert after[key] == pytest.approx(scores, rel=0, abs=1e-9), key
    for row in relanded.shop.rows("from feed_accounts"):
        assert row["rows_in"] == sum(
            row[name]
            for name in (
                *("counted", "quarantined", "duplicates"),
                *("superseded", "no_activity"),
            )
        )


# ---- the certificate


def test_the_certificate_says_what_was_done(erasure: Erasure) -> None:
    certificate = erasure.certificate
    anna = erasure.before.contact_id("customer_id:CA-900001")
    assert certificate["status"] == "done"
    assert anna in certificate["contact_ids"]
    assert certificate["identifiers"] == {
        "anonymous_id": 2,
        "crm_id": 1,
        "customer_id": 1,
        "email": 1,
        "phone": 1,
        "user_id": 1,
    }
    assert certificate["records"] == {
        "order_id": 1,
        "order_line_id": 2,
        "rating_id": 1,
        "response_id": 1,
        "return_id": 1,
        "review_id": 1,
        "subscription_event_id": 1,
        "ticket_id": 1,
    }
    assert certificate["linked_but_left"] == {"anonymous_id": 1}
    removed = {
        (each["place"], each["name"]): each["rows_removed"]
        for each in certificate["removals"]
    }
    assert removed["landing", "shop/order_lines/more.ndjson"] == 2
    assert removed["landing", "web/events/more.ndjson.gz"] == 4
    assert removed["warehouse", "intent.contact_intent"] >= 1
    assert removed["refused", "shop.orders/orders.parquet"] == 1
    assert removed["ledger", "main.told"] == 1
    assert certificate["files_removed"]
    assert certificate["to_tell"] == {"a_crm": 1, "files": 1}
    # joannamuster@gmail.com holds the same bytes, so of these it can say nothing.
    assert len(certificate["verified"]) == 3
    told = " ".join(certificate["to_clean_yourself"])
    assert "shop.orders" in told
    assert "a_loader.people" in told
    assert "-00000001-" in told
    assert "an exported file" in told
    kept = erasure.shop.folder / "erasures" / f"{certificate['erasure_id']}.json"
    assert anna not in kept.read_text()
    assert json.loads(kept.read_text())["removals"] == certificate["removals"]


def test_destinations_are_still_to_be_told(erasure: Erasure) -> None:
    with open_ledger(erasure.shop.folder / "ledger.duckdb") as ledger:
        [deletion] = pending(ledger.connection, "a_crm")
        assert ledger.rows("select match_key from acked_a_crm") == [
            ("ben@example.org",)
        ]
    assert deletion == Deletion(
        "a_crm", "AnnaMuster+x@gmail.com", "17", erasure.certificate["erasure_id"]
    )


def test_the_next_sync_deletes_her_there_and_then_no_byte_names_her(
    erasure: Erasure, tmp_path: Path
) -> None:
    shop = erasure.shop.copy_to(tmp_path)
    anna = erasure.before.contact_id("customer_id:CA-900001")
    before = FilesStandIn(erasure.before.folder / "exports" / "files").records()
    with open_ledger(shop.folder / "ledger.duckdb") as ledger:
        # There is no such sync, nor a destination: somebody told it by hand.
        settled(ledger.connection, "a_crm", ["AnnaMuster+x@gmail.com"])
    done = shop.intent("sync", "run", "files", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    after = FilesStandIn(shop.folder / "exports" / "files").records()
    assert before.keys() - after.keys() == {anna}
    certificate = shop.forget("--email", EMAIL)
    assert certificate["to_tell"] == {}
    assert certificate["told"].keys() == {"a_crm", "files"}
    hers = shop.places_of(*NEEDLES, *erasure.certificate["contact_ids"])
    assert not hers - shop.places_of("joannamuster")


def test_to_erase_again_tells_of_the_first_time(erasure: Erasure) -> None:
    again = erasure.shop.forget("--phone", "0049 170/9000001")
    assert again["erasure_id"] == erasure.certificate["erasure_id"]
    assert again["finished_at"] == erasure.certificate["finished_at"]


# ---- she does not come back


def test_what_lands_again_is_left_out(erasure: Erasure, relanded: Relanded) -> None:
    first, second = relanded.loads
    assert first["tables"][0]["erased"] == 1
    assert first["tables"][0]["taken"] == 1
    refused = pq.read_table(first["tables"][0]["refused_file"]).to_pylist()
    assert [row["order_id"] for row in refused] == ["OX-1"]
    assert second["status"] == "erased"
    assert "web/events/again.ndjson: 1 rows name contacts that" in relanded.printed
    assert not relanded.shop.places_of(*NEEDLES[1:])
    new = {key[0] for key in relanded.shop.scores().keys() - erasure.shop.scores()}
    assert new == {relanded.shop.contact_id("customer_id:CX-1")}


def test_a_wrong_key_is_known_for_one(
    erasure: Erasure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashes = read_hashes(erasure.shop.folder / "erasures")
    for key, words in (
        ("", "INTENT_ERASURE_KEY is not set"),
        ("short", "could be guessed"),
        ("another secret, as long", "is not the key with which"),
    ):
        monkeypatch.setenv("INTENT_ERASURE_KEY", key)
        with pytest.raises(BadInputError, match=words):
            open_keyring(hashes)
    shop = ErasingShop(erasure.shop.folder, key="another secret, as long")
    export = tmp_path / "export.csv"
    export.write_text(table_of([ORDER]))
    load = ("load", str(export), "--to", "shop.orders")
    for arguments in (load, ("forget", "--email", EMAIL, "--yes")):
        done = shop.intent(*arguments)
        assert done.returncode == 3, arguments
        assert "is not the key with which" in done.stderr
    # The key is asked for where there is something to look at, and only there.
    assert shop.intent("check").returncode == 0
    assert shop.key not in done.stderr


# ---- cut short


KILLER = """
import os, signal, sys
from pathlib import Path
from intent.cli import main
name, moment, replace = sys.argv.pop(1), sys.argv.pop(1), Path.replace
def replace_and_die(self, target):
    if Path(target).name == name and moment == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    replaced = replace(self, target)
    if Path(target).name == name:
        os.kill(os.getpid(), signal.SIGKILL)
    return replaced
Path.replace = replace_and_die
main()
"""


KILLS = [
    ("hashes", "before"),
    ("more.csv.gz", "after"),  # her order is gone, not yet its lines
    ("intent_bi.duckdb", "before"),
    ("intent.duckdb", "before"),
    ("intent.duckdb", "after"),
]


@pytest.mark.parametrize(
    "kills",
    [KILLS[1:2], pytest.param(KILLS, marks=pytest.mark.proofs)],
    ids=["once", "again and again"],
)
def test_a_run_that_was_killed_can_be_repeated(
    erasure: Erasure, tmp_path: Path, kills: list[tuple[str, str]]
) -> None:
    shop = erasure.before.copy_to(tmp_path)
    for name, moment in kills:
        done = shop.run(
            [
                *(sys.executable, "-c", KILLER, name, moment),
                *("forget", "--email", EMAIL, "--yes"),
            ]
        )
        assert done.returncode == -signal.SIGKILL, done.stderr
        for file in shop.folder.rglob("more*.*"):
            assert file.name.startswith(".") or list(everything_in(file))
        assert shop.scores().items() >= erasure.shop.scores().items()
    for arguments in (("build",), ("forget", "--email", "ben@example.org", "--yes")):
        done = shop.intent(*arguments)
        assert done.returncode == 3, done.stderr
        assert "was cut short" in done.stderr
    certificate = shop.forget("--email", EMAIL)
    assert not shop.places_of(*NEEDLES[1:])
    assert shop.scores() == erasure.shop.scores()
    for key in ("identifiers", "records", "removals", "to_tell"):
        assert certificate[key] == erasure.certificate[key], key
    assert len(list((shop.folder / "erasures").glob("*.json"))) == 1
    for file in erasure.shop.landing.rglob("*.*"):
        same = shop.landing / file.relative_to(erasure.shop.landing)
        if file.is_file() and file.suffix != ".gz":
            assert same.read_bytes() == file.read_bytes()


def test_a_full_disk_is_told_and_harms_nothing(
    erasure: Erasure, tmp_path: Path
) -> None:
    shop = erasure.before.copy_to(tmp_path)
    intent = Path(sys.executable).with_name("intent")
    command = f"ulimit -f 2000; {intent} forget --email {EMAIL} --yes"
    done = shop.run(["bash", "-c", command])
    assert done.returncode == 4, done.stdout + done.stderr
    assert "full" in done.stderr
    assert "Traceback" not in done.stderr
    assert shop.scores() == erasure.before.scores()


# ---- shared things


def test_a_shared_tablet_does_not_take_the_other_along(
    erasure: Erasure, relanded: Relanded
) -> None:
    rebuilt = relanded.shop
    name = "landing/web/events/tablet.ndjson"
    rows = (erasure.before.folder / name).read_text().splitlines()
    assert (erasure.shop.folder / name).read_text().splitlines() == rows[1:]
    # Without her the tablet would be Ben's, with what she may have done on it.
    ben = rebuilt.contact_id("customer_id:CB-900002")
    assert rebuilt.contact_id("anonymous_id:tablet-900") != ben
    assert erasure.before.contact_id("customer_id:CB-900002") == ben


def test_what_changed_hands_is_blanked_in_the_rows_of_the_one_before() -> None:
    phone, ben = Identifier("phone", "+491709000001"), Identifier("customer_id", "B-1")
    columns = {
        "customer_id": texts(["B-1", "X-9", None]),
        "phone": texts(["0049 170 9000001"] * 3),
    }
    erased = Erased(frozenset([phone]), others=frozenset([ben]))
    verdict = judge(columns, 3, Shape(""), erased)
    assert list(verdict.removed) == [False, True, True]
    assert list(verdict.blanked["phone"]) == [True, False, False]


def test_two_people_in_one_contact_are_not_erased_unasked(
    built: ErasingShop, tmp_path: Path
) -> None:
    shop = built.copy_to(tmp_path)
    with duckdb.connect(str(shop.warehouse)) as connection:
        connection.execute(
            "update intent_intermediate.int_identifier_contacts set contact_id ="
            " (select contact_id from intent_intermediate.int_identifier_contacts"
            " where identifier = 'customer_id:CA-900001')"
            " where identifier = 'customer_id:CB-900002'"
        )
    done = shop.intent("forget", "--email", EMAIL, "--yes")
    assert done.returncode == 3
    assert "2 customer_ids" in done.stderr
    assert "--all-of-it" in done.stderr
    assert shop.scores() == built.scores()
    done = shop.intent("forget", "--email", EMAIL, "--dry-run", "--all-of-it")
    assert done.returncode == 0, done.stderr
    assert "2 customer_id" in done.stdout


def links_of(
    pairs: list[tuple[str, str]],
) -> Callable[[Any], dict[str, set[str]]]:
    def found(wanted: Any) -> dict[str, set[str]]:
        near: dict[str, set[str]] = {each: set() for each in wanted}
        for one, other in pairs:
            near.get(one, set()).add(other)
            near.get(other, set()).add(one)
        return near

    return found


@pytest.mark.parametrize(
    ("pairs", "theirs", "left"),
    [
        ([], {"anna"}, set()),
        # An old address of hers, and what was only linked to that.
        ([("anna", "old")], {"anna", "old"}, set()),
        ([("anna", "old"), ("anna", "older"), ("old", "older")], {"anna"}, None),
        # A tablet that Ben used too.
        ([("anna", "tablet"), ("ben", "tablet")], {"anna"}, {"tablet"}),
    ],
)
def test_what_was_only_ever_hers(
    pairs: list[tuple[str, str]], theirs: set[str], left: set[str] | None
) -> None:
    found, other = with_only_theirs({"anna"}, links_of(pairs))
    assert found >= theirs
    assert "ben" not in found
    if left is not None:
        assert (found, other) == (theirs, left)


# ---- wrong use


@pytest.mark.parametrize(
    "line", ["email bob", "mail: bob@home.example", "email: bob at home", "bob: bob"]
)
def test_what_is_no_identifier_is_said_and_not_repeated(line: str) -> None:
    with pytest.raises(BadInputError) as told:
        parse_identifiers(["# a request", line])
    assert "such as" in str(told.value) or "for example" in str(told.value)
    assert "bob" not in str(told.value)


def test_what_is_wrong_is_said(built: ErasingShop, tmp_path: Path) -> None:
    for arguments, code, words in (
        (("--email", "nobody@example.com", "--yes"), 3, "No contact has that email"),
        (("--email", "anna at home", "--yes"), 3, "not repeated here"),
        (("--file", str(tmp_path / "none"), "--yes"), 4, "can't be read"),
        (("--yes",), 2, "say whom to erase"),
        (("--email", EMAIL), 2, "nobody is there to be asked"),
    ):
        done = built.intent("forget", *arguments, text="")
        assert done.returncode == code, done.stderr
        assert words in " ".join(done.stderr.replace("│", " ").split())
        assert "at home" not in done.stderr
        assert "Traceback" not in done.stderr
    done = ErasingShop(tmp_path).intent("forget", "--email", EMAIL, "--yes")
    assert done.returncode == 4
    assert "There is no database" in done.stderr
    with duckdb.connect(str(built.warehouse)):
        done = built.intent("forget", "--email", EMAIL, "--yes")
    assert done.returncode == 4
    assert "is in use by another process" in done.stderr


def test_files_that_are_not_built_yet_are_built_first(
    built: ErasingShop, tmp_path: Path
) -> None:
    shop = built.copy_to(tmp_path)
    shop.land("web/events", "new.ndjson", lines([event(1, email=EMAIL)]))
    done = shop.intent("forget", "--email", EMAIL, "--yes")
    assert done.returncode == 3
    assert "Build first" in done.stderr


def test_a_dry_run_needs_no_key_and_changes_nothing(built: ErasingShop) -> None:
    before = {
        each: each.stat().st_mtime_ns
        for each in built.folder.rglob("*")
        if each.is_file() and each.name != "intent.duckdb"
    }
    bare = ErasingShop(built.folder, key="")
    done = bare.intent(
        *("forget", "--file", "-", "--dry-run", "--json"),
        text=f"# a request\nemail: {EMAIL}\n",
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["identifiers"]["email"] == 1
    assert before == {each: each.stat().st_mtime_ns for each in before}
    assert not (built.folder / "erasures").exists()


# ---- objections


def test_who_objected_is_scored_and_exported_nowhere(built: ErasingShop) -> None:
    suppressed = {
        row["contact_id"]
        for row in built.rows(
            "select contact_id from contact_intent where state = 'suppressed'"
        )
    }
    assert suppressed
    columns = built.rows(
        "select table_schema, table_name, list(column_name) as names"
        " from information_schema.columns"
        " where table_schema in ('intent', 'intent_intermediate') group by 1, 2"
    )
    scored = ("score", "points", "contribution", "amount", "percentile", "segment")
    looked_at = 0
    for table in columns:
        named = [
            each
            for each in table["names"]
            if any(s in each for s in scored) and "model" not in each
        ]
        if "contact_id" not in table["names"] or not named:
            continue
        looked_at += 1
        test = " or ".join(f"{each} is not null" for each in named)
        relation = f"intent.{table['table_schema']}.{table['table_name']}"
        found = built.rows(f"select distinct contact_id from {relation} where {test}")
        assert not suppressed & {row["contact_id"] for row in found}, relation
    assert looked_at >= 5
    assert (
        built.value(
            "select count(*) from contact_intent"
            " where is_exportable and state = 'suppressed'"
        )
        == 0
    )


# ---- the parts


LOCALS = st.from_regex(r"[a-z0-9]([a-z0-9._%+-]{0,10}[a-z0-9])?", fullmatch=True)


@st.composite
def spelt(draw: st.DrawFn) -> tuple[Identifier, str]:
    """An identifier, and one of its spellings."""
    kind = draw(st.sampled_from(KINDS))
    if kind == "email":
        domain = draw(st.sampled_from(["gmail.com", "googlemail.com", "example.org"]))
        local = draw(LOCALS)
        text = f"{local}@{domain}"
        if domain != "example.org":
            base = local.partition("+")[0]
            dotted = ".".join(base)
            tag = draw(st.sampled_from(["", "+news"]))
            text = f"{dotted}{tag}@{domain}" if base.strip(".") else text
        text = draw(st.sampled_from([text, text.upper(), f" {text} "]))
    elif kind == "phone":
        digits = draw(st.from_regex(r"[1-9][0-9]{7,11}", fullmatch=True))
        prefix = draw(st.sampled_from(["+", "00"]))
        text = prefix + draw(st.sampled_from(["", " ", "-", "/"])).join(
            digits[i : i + 3] for i in range(0, len(digits), 3)
        )
    else:
        text = draw(st.from_regex(r"[a-z]{2}[0-9A-Z-]{5,12}[0-9]", fullmatch=True))
    return Identifier(kind, canonical(kind, text)), text


@settings(max_examples=60, deadline=None)
@given(spelt())
@example((Identifier("email", "00@gmail.com"), "0...0@gmail.com"))
def test_every_spelling_is_found(case: tuple[Identifier, str]) -> None:
    found, text = case
    assert canonical(found.kind, found.value) == found.value
    erased = Erased(frozenset([found]))
    column = texts([text, f"see {text}, please", f"x{found.value}x", None])
    hits = list(mentioned(column, erased))
    assert hits[:2] == [True, True]
    assert not hits[3]
    verdict = judge({found.kind: column}, 4, Shape(""), erased)
    assert verdict.removed[0]
    sql = "select regexp_matches($1, $2, 'i')"
    assert duckdb.execute(sql, [text, erased.mentions]).fetchall() == [(True,)]


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ("anna@example.net", True),
        ("<ANNA@Example.Net>", True),
        ("?m=anna%40example.net&x=1", True),
        ("%22anna%40example.net%22", True),
        ("Write to anna@example.net.", True),
        ("email:anna@example.net", True),
        ("joanna@example.net", False),
        ("jo.anna@example.net", False),
        ("anna@example.net.au", False),
        ("anna@example.network", False),
    ],
)
def test_an_address_within_another_is_another(text: str, is_found: bool) -> None:
    erased = Erased(frozenset([Identifier("email", "anna@example.net")]))
    assert list(mentioned(texts([text]), erased)) == [is_found]


CELL = st.lists(
    st.sampled_from(["a", ",", '"', "\n", "\r\n", " ", "é", ";"]), max_size=6
)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(st.booleans(), CELL.map("".join), CELL.map("".join)), max_size=8
    ),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["x.csv", "x.csv.gz"]),
)
def test_csv_keeps_the_bytes_of_what_stays(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[bool, str, str]],
    end: str,
    name: str,
) -> None:
    def written(kept: list[tuple[bool, str, str]]) -> bytes:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator=end)
        writer.writerow(["customer_id", "one", "two"])
        writer.writerows(["C-1234567" if own else "D", *rest] for own, *rest in kept)
        return text.getvalue().encode()

    file = tmp_path_factory.mktemp("csv") / name
    is_zipped = name.endswith(".gz")
    raw = written(rows)
    file.write_bytes(gzip.compress(raw) if is_zipped else raw)
    erased = Erased(frozenset([Identifier("customer_id", "C-1234567")]))
    changes = rewrite(file, lambda columns, n: judge(columns, n, Shape(""), erased))
    assert changes.removed == sum(own for own, *_ in rows)
    raw = gzip.decompress(file.read_bytes()) if is_zipped else file.read_bytes()
    assert raw == written([row for row in rows if not row[0]])


def test_a_file_in_which_nothing_changes_is_not_written(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text("a,b\n1,2\n")
    before = file.stat()
    assert not rewrite(file, lambda _, count: nothing(count))
    assert file.stat().st_ino == before.st_ino


def test_keys_of_records_are_told_from_event_ids() -> None:
    shapes = shapes_of(read_contracts(PROJECT / "models" / "staging"))
    assert shapes["shop.orders"].records == {"order_id"}
    assert "subscription_id" in shapes["shop.subscriptions"].records
    assert "ticket_id" in shapes["support.ratings"].keys
    assert "order_id" in shapes["shop.order_lines"].keys
    assert "order_id" in shapes["web.events"].keys
    assert not any("event_id" in shape.keys for shape in shapes.values())
    assert shapes["crm.contacts"].own_key == "crm_id"


def test_kinds_are_those_of_the_models() -> None:
    macro = (PROJECT / "macros" / "activities" / "first_identifier.sql").read_text()
    listed = macro.split("return([")[1].split("])")[0]
    assert tuple(each.strip(" '") for each in listed.split(",")) == KINDS
