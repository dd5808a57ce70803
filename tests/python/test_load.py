"""`intent load`: files of any shape land as the contracts promise, or say why not."""

import contextlib
import gzip
import json
import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
import typer
from intent.commands.load import load
from intent.contracts import read_contracts
from intent.errors import ExitCode, IntentError
from intent.load_mapping import check_against_contracts, shipped_mappings
from typer.testing import CliRunner

PROJECT = Path(__file__).resolve().parents[2]
EMAIL = "jane.doe@example.com"
ORDERS = "order_id,ordered_at,received_at,email\n"
GOOD = f"1,2024-01-01T10:00:00Z,2024-01-01T10:00:01Z,{EMAIL}\n"

Rows = list[dict[str, Any]]


@dataclass
class Said:
    """What a run of the command said."""

    code: int
    out: str
    error: str

    @property
    def report(self) -> dict[str, Any]:
        return dict(json.loads(self.out))

    @property
    def file(self) -> dict[str, Any]:
        return dict(self.report["files"][0])

    @property
    def table(self) -> dict[str, Any]:
        return dict(self.file["tables"][0])


@dataclass
class Desk:
    """A place to load from and to."""

    folder: Path

    @property
    def landing(self) -> Path:
        return self.folder / "data" / "landing"

    @property
    def refused(self) -> Path:
        return self.folder / "data" / "refused"

    def write(self, name: str, content: str | bytes) -> str:
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)

    def parquet(self, name: str, query: str) -> str:
        path = self.folder / name
        duckdb.sql(f"COPY ({query}) TO '{path}' (FORMAT parquet)")
        return str(path)

    def run(self, *arguments: str) -> Said:
        app = typer.Typer()
        app.command()(load)
        result = CliRunner().invoke(app, [*arguments, "--landing", str(self.landing)])
        if isinstance(result.exception, IntentError):
            fault = result.exception
            return Said(int(fault.exit_code), result.stdout, str(fault))
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Said(result.exit_code, result.stdout, result.stderr)

    def json(self, *arguments: str) -> Said:
        return self.run(*arguments, "--json")

    def files(self) -> list[Path]:
        """Every file that is in the landing folder, also a half-done one."""
        return sorted(each for each in self.landing.rglob("*") if each.is_file())

    def rows(self, table: str) -> Rows:
        return read(self.landing / table.replace(".", "/"))

    def refused_rows(self, folder: str) -> Rows:
        return read(self.refused / folder)


def read(folder: Path) -> Rows:
    found = duckdb.sql(f"SELECT * FROM '{folder}/*.parquet'")
    return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def mapping(desk: Desk, text: str, name: str = "mine.yml") -> str:
    return desk.write(name, text)


EVENTS_MAPPING = """
tables:
  web.events:
    columns:
      event_id: id
      event_name: {constant: Product Viewed}
      event_time: ts
      received_at: {same_as: event_time}
      %s
"""


def events(desk: Desk, extra: str, source: str = "") -> str:
    return mapping(desk, source + EVENTS_MAPPING % extra)


# What is taken


def test_a_csv_lands_with_the_contracts_columns_and_types(desk: Desk) -> None:
    said = desk.json(desk.write("o.csv", ORDERS + GOOD), "--to", "shop.orders")

    assert said.code == 0
    assert (said.table["status"], said.table["taken"]) == ("landed", 1)
    (row,) = desk.rows("shop.orders")
    contract = read_contracts(PROJECT / "models" / "staging")["shop.orders"]
    assert tuple(row) == contract.names
    assert row["ordered_at"] == datetime(2024, 1, 1, 10)
    assert row["received_at"] == datetime(2024, 1, 1, 10, 0, 1)
    assert row["order_total"] is None
    types = duckdb.sql(f"DESCRIBE SELECT * FROM '{said.table['landed']}'").fetchall()
    assert {name: kind for name, kind, *_ in types}["order_total"] == "DOUBLE"


def as_csv(_: Desk) -> tuple[str, bytes]:
    return "f.csv", b"ID;ordered at\n1;2024-01-01 10:00:00\n"


def as_tsv(_: Desk) -> tuple[str, bytes]:
    return "f.tsv", b"ID\tordered at\n1\t2024-01-01 10:00:00\n"


def as_gzip(_: Desk) -> tuple[str, bytes]:
    halves = b"ID,ordered at\n", b'"1","2024-01-01 10:00:00"\n'
    return "f.csv.gz", b"".join(gzip.compress(each) for each in halves)


def as_utf16(_: Desk) -> tuple[str, bytes]:
    return "f.csv", "ID,ordered at\n1,2024-01-01 10:00:00\n".encode("utf-16")


def as_old_mac(_: Desk) -> tuple[str, bytes]:
    return "f.csv", b"ID,ordered at\r1,2024-01-01 10:00:00\r"


def as_marked(_: Desk) -> tuple[str, bytes]:
    return "f.csv", b"\xef\xbb\xbf\n\nID,ordered at\r\n1,2024-01-01 10:00:00\n\n"


def as_ndjson(_: Desk) -> tuple[str, bytes]:
    return "f.ndjson", b'{"ID":"1","ordered at":"2024-01-01T10:00:00Z"}\n'


def as_ndjson_gzip(_: Desk) -> tuple[str, bytes]:
    return "f.jsonl.gz", gzip.compress(as_ndjson(_)[1])


def as_array(_: Desk) -> tuple[str, bytes]:
    return "f.json", b'[{"ID":1,"ordered at":"2024-01-01T10:00:00+00:00"}]'


def as_pretty(_: Desk) -> tuple[str, bytes]:
    return "f.json", b'{\n"ID": 1,\n"ordered at": "2024-01-01T11:00:00+01:00"\n}'


def as_parquet(desk: Desk) -> tuple[str, bytes]:
    query = "SELECT 1 AS ID, TIMESTAMP '2024-01-01 10:00:00' AS \"ordered at\""
    path = desk.parquet("x=1*[a].parquet", query)
    return "f=1*[a].parquet", Path(path).read_bytes()


@pytest.mark.parametrize(
    "make",
    [
        as_csv,
        as_tsv,
        as_gzip,
        as_utf16,
        as_old_mac,
        as_marked,
        as_ndjson,
        as_ndjson_gzip,
        as_array,
        as_pretty,
        as_parquet,
    ],
)
def test_every_format(desk: Desk, make: Callable[[Desk], tuple[str, bytes]]) -> None:
    path = desk.write(*make(desk))
    rules = mapping(
        desk,
        "tables: {shop.orders: {columns: {order_id: id, ordered_at: Ordered At}}}",
    )

    said = desk.json(path, "--mapping", rules)

    assert said.code == 0, said.error
    (row,) = desk.rows("shop.orders")
    assert (row["order_id"], row["ordered_at"]) == ("1", datetime(2024, 1, 1, 10))


@pytest.mark.parametrize(
    ("source", "theirs", "expected"),
    [
        ("", "2024-07-01T10:00:00Z", datetime(2024, 7, 1, 10)),
        ("", "2024-07-01T10:00:00+02:00", datetime(2024, 7, 1, 8)),
        ("", "2024-07-01 10:00:00.5-0500", datetime(2024, 7, 1, 15, 0, 0, 500_000)),
        ("", " 2024-07-01 ", datetime(2024, 7, 1)),
        (
            "source: {timezone: Europe/Berlin}",
            "2024-07-01 10:00",
            datetime(2024, 7, 1, 8),
        ),
        (
            "source: {timezone: Europe/Berlin}",
            "2024-07-01 10:00Z",
            datetime(2024, 7, 1, 10),
        ),
        (
            "source: {timestamp_format: '%d/%m/%Y %H:%M'}",
            "01/07/2024 10:00",
            datetime(2024, 7, 1, 10),
        ),
        (
            "source: {timestamp_format: '%d/%m/%Y %H:%M %z', timezone: Asia/Tokyo}",
            "01/07/2024 10:00 +0200",
            datetime(2024, 7, 1, 8),
        ),
    ],
)
def test_times_become_utc(
    desk: Desk, source: str, theirs: str, expected: datetime
) -> None:
    path = desk.write("e.csv", f"id,ts\n1,{theirs}\n")

    said = desk.json(path, "--mapping", events(desk, "", source))

    assert said.code == 0, said.error
    (row,) = desk.rows("web.events")
    assert row["event_time"] == row["received_at"] == expected


@pytest.mark.parametrize(
    ("sql", "zone", "expected"),
    [
        ("TIMESTAMPTZ '2024-07-01 10:00:00+02'", "Asia/Tokyo", datetime(2024, 7, 1, 8)),
        ("TIMESTAMP '2024-07-01 10:00:00'", "UTC", datetime(2024, 7, 1, 10)),
        ("TIMESTAMP '2024-07-01 10:00:00'", "Europe/Berlin", datetime(2024, 7, 1, 8)),
        (
            "TIMESTAMP_NS '2024-07-01 10:00:00.5'",
            "UTC",
            datetime(2024, 7, 1, 10, 0, 0, 500_000),
        ),
        ("DATE '2024-07-01'", "UTC", datetime(2024, 7, 1)),
    ],
)
def test_typed_times_become_utc(
    desk: Desk, sql: str, zone: str, expected: datetime
) -> None:
    path = desk.parquet("e.parquet", f"SELECT 1 AS id, {sql} AS ts")

    said = desk.json(
        path, "--mapping", events(desk, "", f"source: {{timezone: {zone}}}")
    )

    assert said.code == 0, said.error
    assert desk.rows("web.events")[0]["event_time"] == expected


@pytest.mark.parametrize(
    ("unit", "count"),
    [("s", "1704067200"), ("ms", "1704067200000"), ("us", "1704067200000000")],
)
@pytest.mark.parametrize("typed", [True, False])
def test_counted_times(desk: Desk, unit: str, count: str, typed: bool) -> None:
    path = (
        desk.parquet("e.parquet", f"SELECT 1 AS id, {count} AS t")
        if typed
        else desk.write("e.csv", f"id,t\n1,{count}\n")
    )
    rules = events(desk, "").replace("ts", "t")
    text = Path(rules).read_text().replace(": ts", f": {{column: t, unit: {unit}}}")

    said = desk.json(path, "--mapping", mapping(desk, text))

    assert said.code == 0, said.error
    assert desk.rows("web.events")[0]["event_time"] == datetime(2024, 1, 1)


@pytest.mark.parametrize(
    ("rule", "theirs", "expected"),
    [
        ("value: v", "12.50", 12.5),
        ("value: v", "", None),
        ("value: v", "NaN", None),
        ("value: v", "NULL", None),
        ("value: {column: v, decimal: ','}", '"1.234,50"', 1234.5),
        ("value: {column: v, decimal: ','}", '"-12,5"', -12.5),
        ("value: {column: v, decimal: '.'}", '"1,234.5"', 1234.5),
        ("value: {column: v, multiply: -1}", "2.5", -2.5),
        ("value: {column: v, multiply: -1}", "0", 0.0),
        ("user_id: v", "NA", "NA"),
        ("user_id: v", "  ", None),
        ("user_id: {column: v, prefix: c-}", "7", "c-7"),
        ("user_id: {column: v, prefix: c-}", "", None),
        ("user_id: {column: v, whole_number: true}", "17850.0", "17850"),
        ("user_id: v", "'; DROP TABLE x; --", "'; DROP TABLE x; --"),
        ("page_path: v", '"a ""quoted""\nline"', 'a "quoted"\nline'),
    ],
)
def test_values(desk: Desk, rule: str, theirs: str, expected: object) -> None:
    path = desk.write("e.csv", f"id,ts,v\n1,2024-01-01,{theirs}\n")

    said = desk.json(path, "--mapping", events(desk, rule))

    assert said.code == 0, said.error
    name = rule.partition(":")[0]
    value = desk.rows("web.events")[0][name]
    assert value == expected
    assert str(value) == str(expected)  # tells 0.0 from -0.0


@pytest.mark.parametrize(
    ("rule", "theirs"),
    [
        ("value: v", "twelve"),
        ("value: v", "inf"),
        ("value: v", '"1,5"'),
        ("value: {column: v, decimal: ','}", "1.5"),
    ],
)
def test_values_that_are_not_guessed(desk: Desk, rule: str, theirs: str) -> None:
    path = desk.write("e.csv", f"id,ts,v\n1,2024-01-01,{theirs}\n2,2024-01-01,\n")

    said = desk.json(path, "--mapping", events(desk, rule))

    assert said.code == 0
    assert (said.table["taken"], said.table["refused"]) == (1, 1)
    assert said.table["reasons"] == [
        {"reason": "value (from v) is not a number", "rows": 1, "examples": [1]}
    ]


def test_typed_values(desk: Desk) -> None:
    path = desk.parquet(
        "e.parquet",
        "SELECT 17850.0::DOUBLE AS id, DATE '2024-01-01' AS ts, 'nan'::DOUBLE AS v, "
        "{'page': {'path': '/x'}} AS context, 3::TINYINT AS q",
    )

    said = desk.json(
        path,
        "--mapping",
        events(desk, "value: v\n      page_path: context.page.path\n      quantity: q"),
    )

    assert said.code == 0, said.error
    (row,) = desk.rows("web.events")
    assert (row["event_id"], row["value"]) == ("17850", None)
    assert (row["page_path"], row["quantity"]) == ("/x", 3.0)


@pytest.mark.parametrize(
    ("theirs", "expected"), [("Yes", True), ("0", False), ("T", True), ("", None)]
)
def test_booleans(desk: Desk, theirs: str, expected: bool | None) -> None:
    path = desk.write(
        "c.csv",
        "crm_id,created_at,received_at,email_opt_out\n"
        f"1,2024-01-01,2024-01-01,{theirs}\n",
    )

    desk.json(path, "--to", "crm.contacts")

    assert desk.rows("crm.contacts")[0]["email_opt_out"] is expected


def test_keys_inside_of_json_objects(desk: Desk) -> None:
    path = desk.write(
        "e.ndjson",
        '{"id":"1","ts":"2024-01-01","a":{"b":{"c/d":"/x"}}}\n'
        '{"id":"2","ts":"2024-01-01","a":"text","b":{"n":[1,2]}}\n',
    )
    rules = events(desk, "page_path: a.b.c/d\n      referrer: b.n")

    said = desk.json(path, "--mapping", rules)

    assert said.code == 0, said.error
    paths = {each["event_id"]: each["page_path"] for each in desk.rows("web.events")}
    assert paths == {"1": "/x", "2": None}
    assert {each["referrer"] for each in desk.rows("web.events")} == {None, "[1,2]"}


def test_made_up_ids(desk: Desk) -> None:
    lines = "inv,sku,n\na,b,1\na,b,1\na,,1\na,b,2\n"
    rules = """
    tables:
      shop.order_lines:
        columns:
          order_line_id: {%s}
          order_id: inv
          quantity: n
    """
    path = desk.write("l.csv", lines)
    ids = []
    for way in ("hash_of: [inv, sku, n]", "row_number: true"):
        said = desk.json(path, "--mapping", mapping(desk, rules % way), "--replace")
        assert said.code == 0, said.error
        ids.append([each["order_line_id"] for each in desk.rows("shop.order_lines")])

    assert len(set(ids[0])) == 3
    assert len(set(ids[1])) == 4
    assert ids[1][0].endswith("-1")
    assert len(desk.files()) == 1  # --replace took the first away


def test_one_file_fills_several_tables(desk: Desk) -> None:
    path = desk.write(
        "e.csv", "id,kind,at,v\n1,buy,2024-01-01,5\n2,back,2024-01-02,-5\n3,look,x,\n"
    )
    rules = mapping(
        desk,
        """
        tables:
          shop.orders:
            where: {kind: buy}
            columns: {order_id: id, ordered_at: at, order_total: v,
                      received_at: {latest_of: [ordered_at, cancelled_at]},
                      cancelled_at: {column: at}}
          shop.returns:
            where: {kind: [back, send back]}
            columns: {return_id: id, returned_at: at, reason: {constant: "no"},
                      amount: {column: v, multiply: -1},
                      received_at: {same_as: returned_at}}
        """,
    )

    said = desk.json(path, "--mapping", rules)

    assert said.code == 0, said.error
    assert said.file["not_mapped"] == 1
    assert [each["taken"] for each in said.file["tables"]] == [1, 1]
    assert desk.rows("shop.returns")[0]["amount"] == 5
    only = desk.json(path, "--mapping", rules, "--to", "shop.orders")
    assert [each["status"] for each in only.file["tables"]] == ["already landed"]


def test_received_at(desk: Desk) -> None:
    path = desk.write("o.csv", "order_id,ordered_at,seen\n1,2024-01-01,2024-01-03\n")
    before = datetime.now().replace(microsecond=0)

    first = desk.json(path, "--to", "shop.orders")
    assert desk.rows("shop.orders")[0]["received_at"] > datetime(2024, 2, 1)
    assert "moment of landing" in first.table["warnings"][0]
    second = desk.json(
        path, "--to", "shop.orders", "--received-at", "seen", "--replace"
    )

    assert second.code == 0, second.error
    assert desk.rows("shop.orders")[0]["received_at"] == datetime(2024, 1, 3)
    assert before > datetime(2024, 2, 1)


def test_rows_received_before_they_happened_are_told(desk: Desk) -> None:
    path = desk.write("o.csv", ORDERS + "1,2024-01-02,2024-01-01,\n")

    said = desk.json(path, "--to", "shop.orders")

    assert said.table["taken"] == 1
    assert (
        "1 rows happened (`ordered_at`) more than 5 minutes after"
        in (said.table["warnings"][0])
    )


def test_unknown_event_names_are_told_and_land(desk: Desk) -> None:
    path = desk.write(
        "e.csv",
        "event_id,event_name,event_time,received_at\n"
        "1,page_seen,2024-01-01,2024-01-01\n2,page_seen,2024-01-01,2024-01-01\n"
        f"3,Product Viewed,2024-01-01,2024-01-01\n4,{EMAIL},2024-01-01,2024-01-01\n",
    )

    said = desk.json(path, "--to", "web.events")

    assert said.table["taken"] == 4
    (warning,) = said.table["warnings"]
    assert "'page_seen' (2)" in warning
    assert "event_names" in warning
    assert EMAIL not in said.out


def test_event_names_are_translated(desk: Desk) -> None:
    path = desk.write(
        "e.csv", "id,n,ts\n1,page_view,2024-01-01\n2,Cart Viewed,2024-01-01\n"
    )
    rules = mapping(
        desk,
        """
        tables:
          web.events:
            columns: {event_id: id, event_name: n, event_time: ts,
                      received_at: {same_as: event_time}}
            event_names: {page_view: Page Viewed}
        """,
    )

    said = desk.json(path, "--mapping", rules)

    assert said.table["warnings"] == []
    names = {each["event_name"] for each in desk.rows("web.events")}
    assert names == {"Page Viewed", "Cart Viewed"}


def test_a_folder_and_a_file_that_fails_beside_one_that_lands(desk: Desk) -> None:
    (desk.folder / "in").mkdir()
    desk.write("in/a.csv", ORDERS + GOOD)
    desk.write("in/b.csv", "")
    desk.write("in/notes.md", "hello")

    said = desk.json(str(desk.folder / "in"), "--to", "shop.orders")

    assert said.code == ExitCode.BAD_INPUT
    assert [each["status"] for each in said.report["files"]] == ["landed", "failed"]
    assert said.report["skipped"] == [str(desk.folder / "in" / "notes.md")]
    assert len(desk.files()) == 1


# Twice


def test_the_same_load_twice_lands_once(desk: Desk) -> None:
    path = desk.write("o.csv", ORDERS + GOOD)
    copy = desk.write("copy.csv", ORDERS + GOOD)
    desk.json(path, "--to", "shop.orders")
    (landed,) = desk.files()
    before = landed.stat()

    for again in (path, copy):
        said = desk.json(again, "--to", "shop.orders")
        assert (said.code, said.file["status"]) == (0, "already landed")

    assert desk.files() == [landed]
    assert landed.stat().st_mtime_ns == before.st_mtime_ns


def test_another_mapping_needs_a_word(desk: Desk) -> None:
    path = desk.write("e.csv", "id,ts,v\n1,2024-01-01,x\n2,nope,x\n")
    desk.json(path, "--mapping", events(desk, "user_id: v"))
    other = events(desk, "session_id: v")

    said = desk.json(path, "--mapping", other)
    assert said.code == ExitCode.BAD_INPUT
    assert "--replace" in said.error

    said = desk.json(path, "--mapping", other, "--replace")
    assert said.code == 0
    assert [each["session_id"] for each in desk.rows("web.events")] == ["x"]
    assert len(desk.refused_rows("web.events")) == 1


def test_a_comment_in_the_mapping_changes_nothing(desk: Desk) -> None:
    path = desk.write("e.csv", "id,ts,v\n1,2024-01-01,x\n")
    rules = events(desk, "user_id: v")
    desk.json(path, "--mapping", rules)
    text = "# new\ndescription: other\n" + Path(rules).read_text()

    said = desk.json(path, "--mapping", mapping(desk, text, "other.yml"))

    assert said.file["status"] == "already landed"


def test_dry_run_leaves_no_trace(desk: Desk) -> None:
    path = desk.write("o.csv", ORDERS + GOOD + ",2024-01-01,2024-01-01,\n")

    said = desk.json(path, "--to", "shop.orders", "--dry-run")

    assert (said.table["status"], said.table["refused"]) == ("checked", 1)
    assert not (desk.folder / "data").exists()


# What is refused


RAGGED = (
    ORDERS
    + GOOD  # row 1
    + "2,2024-01-01\n"  # row 2: too short
    + f'3,"not a\ntime",2024-01-01,{EMAIL}\n'
    + "\n"  # blank lines are no rows
    + f",2024-01-01,2024-01-02,{EMAIL}\n"  # row 4: no id
    + f"5,2024-01-01,2024-01-02,{EMAIL},more\n"  # row 5: too long
    + GOOD.replace("1,", "6,", 1)
)


@pytest.mark.parametrize("ends", ["\n", "\r\n", "mixed"])
def test_refused_rows_are_set_aside_whole(desk: Desk, ends: str) -> None:
    text = RAGGED.replace("\n", "\r\n", 2 if ends == "mixed" else -1)
    path = desk.write("r.csv", RAGGED if ends == "\n" else text)

    said = desk.json(path, "--to", "shop.orders")

    assert said.code == 0
    assert (said.file["rows"], said.table["taken"]) == (6, 2)
    reasons = {
        each["reason"]: each["examples"]
        for each in said.file["reasons"] + said.table["reasons"]
    }
    assert reasons["fewer fields than the header names"] == [2]
    assert reasons["ordered_at is not a time"] == [3]
    assert reasons["order_id is missing"] == [4]
    rows = {each["_row"]: each for each in desk.refused_rows("shop.orders")}
    assert len(rows) == 4
    assert rows[2]["_line"] == "2,2024-01-01"
    assert rows[3]["email"] == rows[4]["email"] == EMAIL
    assert rows[3]["_reason"] == "ordered_at is not a time"
    assert rows[3]["_file"] == path
    assert any(EMAIL in (each["_line"] or "") for each in rows.values())


def test_refused_rows_are_private_and_never_shown(desk: Desk) -> None:
    path = desk.write("r.csv", RAGGED)

    said = desk.run(path, "--to", "shop.orders")

    assert EMAIL not in said.out + said.error
    assert "fewer fields than the header names: 1 (row 2)" in said.out
    (file,) = (desk.refused / "shop.orders").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(desk.refused.stat().st_mode) == 0o700


def test_lines_that_are_no_json(desk: Desk) -> None:
    line = '{"order_id": %s, "ordered_at": "2024-01-01", "received_at": "2024-01-01"}\n'
    path = desk.write("o.ndjson", line % 1 + "\n{broken\n7\n" + line % "null")

    said = desk.json(path, "--to", "shop.orders")

    assert (said.file["rows"], said.table["taken"]) == (4, 1)
    rows = {each["_row"]: each for each in desk.refused_rows("shop.orders")}
    assert {row: each["_reason"] for row, each in rows.items()} == {
        3: "not a JSON object",
        4: "not a JSON object",
        5: "order_id is missing",
    }
    assert rows[3]["_line"] == "{broken"
    assert json.loads(rows[5]["json"])["order_id"] is None


def test_unreadable_rows_of_a_file_for_several_tables(desk: Desk) -> None:
    path = desk.write("e.csv", "id,kind,at\n1,buy,2024-01-01\nbroken\n")
    rule = "{where: {kind: %s}, columns: {%s: id, %s: at}}"
    rules = mapping(
        desk,
        "tables:\n"
        f"  shop.orders: {rule % ('buy', 'order_id', 'ordered_at')}\n"
        f"  shop.returns: {rule % ('back', 'return_id', 'returned_at')}\n",
    )

    said = desk.json(path, "--mapping", rules)

    assert said.code == 0, said.error
    assert [each["_line"] for each in desk.refused_rows("unreadable")] == ["broken"]


@pytest.mark.parametrize(
    ("limit", "code"),
    [("1", 0), ("0", 3), ("50%", 0), ("0.4", 3), ("49%", 3), ("1.0", 0)],
)
def test_max_refused(desk: Desk, limit: str, code: int) -> None:
    path = desk.write("o.csv", ORDERS + GOOD + ",2024-01-01,2024-01-01,\n")

    said = desk.json(path, "--to", "shop.orders", "--max-refused", limit)

    assert said.code == code
    assert bool(desk.files()) is (code == 0)
    if code:
        assert "order_id is missing (1, such as row 2)" in said.error
        assert not desk.refused.exists()


@pytest.mark.parametrize("limit", ["many", "-1", "200%", "1.5"])
def test_max_refused_that_is_no_limit(desk: Desk, limit: str) -> None:
    path = desk.write("o.csv", ORDERS + GOOD)

    said = desk.json(path, "--to", "shop.orders", f"--max-refused={limit}")

    assert said.code == ExitCode.BAD_INPUT
    assert "neither a count (10) nor a share" in said.error


def test_row_numbers_hold_in_a_file_that_is_read_in_parallel(desk: Desk) -> None:
    count, bad = 200_000, {50_000, 50_001, 150_000}
    lines = (
        f"{i}\n" if i in bad else f'{i},2024-01-01,2024-01-01,"{"x" * (i % 99)}"\n'
        for i in range(1, count + 1)
    )
    text = ORDERS + "".join(lines)
    text = text.replace("\n199999,2024", "\n199999,nope", 1)

    said = desk.json(desk.write("o.csv", text), "--to", "shop.orders")

    assert said.table["taken"] == count - 4
    assert said.file["reasons"][0]["examples"] == sorted(bad)
    assert said.table["reasons"][0]["examples"] == [199_999]


# What can't be loaded at all


def parquet_bytes(desk: Desk) -> bytes:
    return Path(
        desk.parquet(
            "good.parquet",
            "SELECT range::VARCHAR || 'abcdefgh' || hash(range) AS order_id, "
            "TIMESTAMP '2024-01-01' AS ordered_at FROM range(20000)",
        )
    ).read_bytes()


def damaged_inside(desk: Desk) -> bytes:
    content = bytearray(parquet_bytes(desk))
    content[4:2000] = bytes(1996)
    return bytes(content)


BAD_FILES: dict[str, tuple[str, str | bytes | Callable[[Desk], bytes], str]] = {
    "empty": ("o.csv", "", r"empty \(0 bytes\): export it again"),
    "empty gzip": ("o.csv.gz", gzip.compress(b""), "empty inside its gzip"),
    "cut gzip": (
        "o.csv.gz",
        gzip.compress(os.urandom(5000))[:2000],
        "damaged or cut off|holds zero bytes",
    ),
    "not gzip": ("o.csv.gz", ORDERS, "its content is not gzip"),
    "workbook": ("o.csv", b"PK\x03\x04....", "Save it as CSV"),
    "binary": ("o.csv", bytes(range(256)), "this is no text"),
    "parquet as csv": ("o.csv", parquet_bytes, "this is Parquet"),
    "cut parquet": ("o.parquet", lambda d: parquet_bytes(d)[:-9], "cut off"),
    "no parquet": ("o.parquet", b"x" * 50, "not Parquet, or damaged"),
    "damaged parquet": ("o.parquet", damaged_inside, "damaged"),
    "latin-1": (
        "o.csv",
        (ORDERS + "1,2024-01-01,2024-01-01,Jos\u00e9\n").encode("latin-1"),
        r"line 2: not UTF-8 text; say `source: \{encoding: latin-1\}`",
    ),
    "twice": ("o.csv", "order_id,ORDER_ID\n1,2\n", "more than once: order_id"),
    "missing column": (
        "o.csv",
        "order_id,order_at\n1,2024-01-01\n",
        r"o.csv lacks columns .* ordered_at \(nearest here: order_at",
    ),
    "never closed": (
        "o.csv",
        ORDERS + GOOD + '2,"open,x,y\n' + "3,2024-01-01,2024-01-01,\n" * 400_000,
        "never closed|longer",
    ),
    "cut array": ("o.json", '[{"order_id": 1},', "its end is missing"),
    "broken array": ("o.json", '[{"order_id": 1},,]', "not valid JSON at byte"),
    "suffix": ("o.xlsx", b"hello", "'.xlsx' says no known format"),
    "wrong type": (
        "o.csv",
        ORDERS + "1,31.12.2024,2024-01-01,\n2,30.12.2024,2024-01-01,\n",
        r"all 2 rows .* were refused(.|\n)*none of the 2 values for ordered_at .*"
        "%d/%m/%Y",
    ),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_files_that_cant_be_used(desk: Desk, case: str) -> None:
    name, content, message = BAD_FILES[case]
    path = desk.write(name, content(desk) if callable(content) else content)

    said = desk.json(path, "--to", "shop.orders")

    assert said.code == ExitCode.BAD_INPUT, said
    with pytest.raises(AssertionError, match=message):
        raise AssertionError(said.error)
    assert name in said.error
    assert desk.files() == []


def test_a_file_that_is_not_there(desk: Desk) -> None:
    said = desk.json(str(desk.folder / "no.csv"), "--to", "shop.orders")

    assert (said.code, "no such file" in said.error) == (ExitCode.BAD_INPUT, True)


@pytest.mark.parametrize(
    ("name", "content"), [("o.csv", ORDERS), ("o.json", "[]"), ("o.ndjson", "\n")]
)
def test_no_rows_is_no_fault(desk: Desk, name: str, content: str) -> None:
    rules = mapping(
        desk, "tables: {shop.orders: {columns: {order_id: order_id, ordered_at: x}}}"
    )
    arguments = ("--to", "shop.orders") if name == "o.csv" else ("--mapping", rules)

    said = desk.json(desk.write(name, content), *arguments)

    if name == "o.csv":
        assert (said.code, said.file["status"]) == (0, "no rows")
    assert desk.files() == []


def test_an_integer_is_no_time_without_a_unit(desk: Desk) -> None:
    path = desk.parquet("e.parquet", "SELECT 1 AS id, 1704067200 AS ts")

    said = desk.json(path, "--mapping", events(desk, ""))

    assert said.code == ExitCode.BAD_INPUT
    assert "`unit: s`" in said.error


def test_another_encoding_is_taken_when_said(desk: Desk) -> None:
    path = desk.write("e.csv", "id,ts,v\n1,2024-01-01,Jos\u00e9\n".encode("latin-1"))

    said = desk.json(
        path, "--mapping", events(desk, "user_id: v", "source: {encoding: latin-1}")
    )

    assert said.code == 0, said.error
    assert desk.rows("web.events")[0]["user_id"] == "Jos\u00e9"


BAD_MAPPINGS = {
    "yaml": (
        "tables:\n  web.events: [\n",
        r"mine.yml, line 3, column 1: not valid YAML",
    ),
    "twice": ("tables: {}\ntables: {}\n", "line 2.*'tables' stands twice"),
    "nothing": ("", "expected the keys description, source, tables"),
    "no tables": ("tables: {}", "tables: dictionary should have at least 1 item"),
    "key": (
        "tabels: 1\ntables: {web.events: {columns: {event_id: a}}}",
        r"tabels: unknown key; did you mean tables\?",
    ),
    "column key": (
        "tables: {web.events: {columns: {event_id: {colum: a}}}}",
        r"tables.web.events.columns.event_id.colum: unknown key; did you mean column\?",
    ),
    "two origins": (
        "tables: {web.events: {columns: {event_id: {column: a, constant: b}}}}",
        "exactly one of column, constant.*found column, constant",
    ),
    "table": (
        "tables: {web.event: {columns: {event_id: a}}}",
        r"Unknown table 'web.event'. Did you mean web.events\?",
    ),
    "contract column": (
        EVENTS_MAPPING % "pagepath: x",
        r"columns.pagepath: web.events has no such column; did you mean page_path\?",
    ),
    "required": (
        "tables: {web.events: {columns: {event_id: a}}}",
        "columns: `event_name` is required and not mapped",
    ),
    "modifier": (
        EVENTS_MAPPING % "value: {column: a, unit: s}",
        "`unit` is for timestamp",
    ),
    "norwegian": (EVENTS_MAPPING % "currency: {constant: NO}", "put it in quotes"),
    "refers": (EVENTS_MAPPING % "referrer: {same_as: x}", "refers to `x`"),
    "source column": (
        EVENTS_MAPPING % "value: vallue",
        r"no column 'vallue' \(nearest: value\)",
    ),
    "where column": (
        "tables: {web.events: {where: {kind: a}, columns: {event_id: id, "
        "event_name: {constant: Page Viewed}, event_time: ts}}}",
        "no column 'kind'",
    ),
    "zone": (
        "source: {timezone: Mars/Base}" + EVENTS_MAPPING % "",
        "timezone 'Mars/Base' is unknown",
    ),
    "encoding": (
        "source: {encoding: utf-99}" + EVENTS_MAPPING % "",
        "encoding 'utf-99' is unknown",
    ),
    "format": (
        "source: {timestamp_format: '%Q'}" + EVENTS_MAPPING % "",
        "time format '%Q' is not one",
    ),
}


@pytest.mark.parametrize("case", BAD_MAPPINGS)
def test_mappings_that_cant_be_used(desk: Desk, case: str) -> None:
    text, message = BAD_MAPPINGS[case]
    path = desk.write("e.csv", "id,ts,value\n1,2024-01-01,1\n")

    said = desk.json(path, "--mapping", mapping(desk, text))

    assert said.code == ExitCode.BAD_INPUT
    with pytest.raises(AssertionError, match=message):
        raise AssertionError(said.error)
    assert desk.files() == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "Which table is this for"),
        (("--to", "web.evnts"), "Did you mean web.events"),
        (("--mapping", "cdnwo"), "Did you mean cdnow"),
        (("--mapping", "no/such.yml"), "can't be read"),
        (("--mapping", "cdnow", "--to", "web.events"), "says nothing of web.events"),
    ],
)
def test_what_was_asked_for(
    desk: Desk, arguments: tuple[str, ...], message: str
) -> None:
    said = desk.json(desk.write("o.csv", ORDERS + GOOD), *arguments)

    assert (said.code, message in said.error) == (ExitCode.BAD_INPUT, True)


# Places that fail


def test_a_landing_that_cant_be_written(desk: Desk) -> None:
    (desk.folder / "data").write_text("in the way")

    said = desk.json(desk.write("o.csv", ORDERS + GOOD), "--to", "shop.orders")

    assert said.code == ExitCode.UNAVAILABLE
    assert "can't be written" in said.error
    assert "--landing" in said.error


def test_a_full_disk(desk: Desk) -> None:
    """The operating system refuses to write more: a real fault, none of ours."""
    path = desk.parquet(
        "o.parquet",
        "SELECT sha256(range::VARCHAR) AS order_id, TIMESTAMP '2024-01-01' "
        "AS ordered_at FROM range(200000)",
    )
    code = (
        "import typer, resource\n"
        "from intent.commands.load import load\n"
        "from intent.errors import IntentError\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "app = typer.Typer(pretty_exceptions_enable=False)\n"
        "app.command()(load)\n"
        "try:\n    app()\n"
        "except IntentError as fault:\n"
        "    print(fault)\n    raise SystemExit(int(fault.exit_code))\n"
    )
    place = f"--landing={desk.landing}"

    done = subprocess.run(
        [sys.executable, "-c", code, path, "--to=shop.orders", place],
        capture_output=True,
        text=True,
        cwd=PROJECT,
        check=False,
    )

    assert done.returncode == ExitCode.UNAVAILABLE, done.stdout + done.stderr
    assert "no room to write" in done.stdout
    assert "Traceback" not in done.stderr
    assert desk.files() == []


@pytest.fixture
def tiny_disk(desk: Desk) -> Iterator[Path]:
    """A file system of 1 MB, where the tests may make one."""
    desk.landing.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(desk.landing)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("mounting a file system needs root")
    try:
        yield desk.landing
    finally:
        subprocess.run(["umount", str(desk.landing)], check=True)  # noqa: S607


@pytest.mark.usefixtures("tiny_disk")
def test_a_disk_that_fills_up(desk: Desk) -> None:
    path = desk.parquet(
        "o.parquet",
        "SELECT sha256(range::VARCHAR) AS order_id, TIMESTAMP '2024-01-01' "
        "AS ordered_at FROM range(200000)",
    )
    small = desk.write("o.csv", ORDERS + GOOD + ",,,\n")

    said = desk.json(path, "--to", "shop.orders")
    assert said.code == ExitCode.UNAVAILABLE
    assert "no room to write" in said.error
    assert desk.files() == []

    # The landing is a volume of its own here, and what is refused lies beside it.
    assert desk.json(small, "--to", "shop.orders").code == 0
    assert len(desk.refused_rows("shop.orders")) == 1


def test_what_killed_loads_left_behind_is_swept(desk: Desk) -> None:
    partial = desk.landing / ".partial"
    for name, age in (("load-old", 2 * 86_400), ("load-running", 60)):
        (partial / name).mkdir(parents=True)
        moment = time.time() - age
        os.utime(partial / name, (moment, moment))

    desk.json(desk.write("o.csv", ORDERS + GOOD), "--to", "shop.orders")

    assert [each.name for each in partial.iterdir()] == ["load-running"]


def test_nothing_is_left_beside_what_landed(desk: Desk) -> None:
    desk.json(desk.write("o.csv", ORDERS + GOOD), "--to", "shop.orders")

    (landed,) = desk.files()
    assert landed.parent == desk.landing / "shop" / "orders"
    assert not (desk.landing / ".partial").exists()


# Help for people


def test_the_shipped_mappings_fit_the_contracts(desk: Desk) -> None:
    contracts = read_contracts(PROJECT / "models" / "staging")
    mappings = shipped_mappings()

    for name, each in mappings.items():
        check_against_contracts(each, name, contracts)
        assert each.description
    said = desk.run("--list-mappings", "--json")
    assert {each["name"] for each in json.loads(said.out)} == set(mappings)
    assert "cdnow" in desk.run("--list-mappings").out


def test_online_retail_in_small(desk: Desk) -> None:
    path = desk.parquet(
        "events.parquet",
        "SELECT 'or-' || i AS event_id, 'cust-1' AS contact_key, "
        "TIMESTAMP '2011-01-01 10:00:00' AS event_time, k AS event_type, v AS value "
        "FROM (VALUES ('1', 'purchase', 10.0), ('C2', 'cancellation', -4.0)) "
        "AS t(i, k, v)",
    )

    said = desk.json(path, "--mapping", "online_retail")

    assert said.code == 0, said.error
    (order,) = desk.rows("shop.orders")
    assert (order["order_total"], order["currency"]) == (10, "GBP")
    (returned,) = desk.rows("shop.returns")
    assert (returned["amount"], returned["order_id"]) == (4, None)
    assert returned["received_at"] == returned["returned_at"]


def test_a_proposed_mapping_loads(desk: Desk) -> None:
    path = desk.write(
        "orders.csv",
        "Order No;CustomerID;Created At;Grand Total;E-Mail\n"
        f"1;17850.0;31/12/2024 10:00;1.234,50;{EMAIL}\n",
    )

    said = desk.run(path, "--propose", "--to", "shop.orders")

    assert said.code == 0, said.error
    assert EMAIL not in said.out
    loaded = desk.json(path, "--mapping", mapping(desk, said.out))
    assert loaded.code == 0, loaded.error
    (row,) = desk.rows("shop.orders")
    assert row["customer_id"] == "17850"
    assert row["ordered_at"] == datetime(2024, 12, 31, 10)
    assert row["order_total"] == 1234.5


def test_a_proposed_mapping_finds_table_and_names(desk: Desk) -> None:
    path = desk.write(
        "e.ndjson",
        '{"messageId":"a","event":"product_viewed","timestamp":1704067200000,'
        '"context":{"page":{"path":"/x"}}}\n'
        '{"messageId":"b","event":"Added Product","timestamp":1704067200000}\n',
    )

    said = desk.run(path, "--propose")

    assert "web.events:" in said.out
    assert "event_time: {column: timestamp, unit: ms}" in said.out
    assert "page_path: context.page.path" in said.out
    assert "product_viewed: Product Viewed" in said.out
    assert "Added Product: Product Added" in said.out


@pytest.mark.parametrize(
    ("header", "proposed"),
    [
        (
            "id,requester_email,category,via,created_at,updated_at",
            ("support.tickets:", "email: requester_email", "topic: category"),
        ),
        (
            "Review ID,Reviewer Email,SKU,Score,Created At",
            ("reviews.reviews:", "email: Reviewer Email", "rating: Score"),
        ),
        (
            "response_id,submitted_at,email,nps",
            ("surveys.responses:", "answered_at: submitted_at", "score: nps"),
        ),
    ],
)
def test_a_proposed_mapping_finds_the_table_by_its_columns(
    desk: Desk, header: str, proposed: tuple[str, ...]
) -> None:
    path = desk.write("export.csv", f"{header}\n{',' * header.count(',')}\n")

    said = desk.run(path, "--propose")

    assert said.code == 0, said.error
    for line in proposed:
        assert line in said.out


def test_a_proposal_for_what_fits_nothing(desk: Desk) -> None:
    said = desk.run(desk.write("x.csv", "foo,bar\n1,2\n"), "--propose")

    assert said.code == ExitCode.BAD_INPUT
    assert "no column looks like" in said.error


def test_no_file_named(desk: Desk) -> None:
    with contextlib.suppress(SystemExit):
        assert desk.run("--to", "web.events").code == ExitCode.USAGE
