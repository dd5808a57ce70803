"""What may lie in the landing folder, and how it is read."""

import gzip
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path

import duckdb
import pytest
from conftest import ASSERTED, FEEDS, Row, Shop

AS_OF = "2026-06-01"
HEADER = "event_id,event_name,event_time,received_at"
TIME = datetime(2026, 5, 1, 10)
LATER = datetime(2026, 5, 2)


def event(event_id: str, *more: str, time: str = "2026-05-01T10:00:00Z") -> str:
    """A line of CSV under `HEADER` and more columns."""
    return ",".join([event_id, "Product Viewed", time, "2026-05-02", *more]) + "\n"


def one_event(event_id: str) -> str:
    return f"{HEADER}\n{event(event_id)}"


def write_parquet(file: Path, select: str) -> None:
    """Write the rows of a query; `{event}` stands for all required columns but one."""
    event = (
        "'Product Viewed' as event_name, timestamp '2026-05-01 10:00:00' as event_time,"
        " timestamp '2026-05-02 00:00:00' as received_at"
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'America/New_York'")
        query = select.replace("{event}", event)
        connection.execute(f"copy ({query}) to '{file}' (format parquet)")


TIMES = {
    "offset": "2026-05-01T12:00:00+02:00",
    "offset_of_hours": "2026-05-01 05:00:00-05",
    "zulu": "2026-05-01T10:00:00Z",
    "named_utc": "2026-05-01 10:00:00 UTC",
    "bare": "2026-05-01 10:00:00",
    "no_seconds": "2026-05-01T10:00",
    "fraction": "2026-05-01T10:00:00.987654Z",
    "nanoseconds": "2026-05-01T10:00:00.987654321+00:00",
    "blanks_around": " 2026-05-01T10:00:00Z ",
}
NO_TIMES = {
    "epoch": "1777629600",
    "us_date": "05/01/2026",
    "no_such_day": "2026-02-30",
    "word": "yesterday",
}


def land_text_files(shop: Shop) -> None:
    plain = one_event
    shop.land("web/events", "plain.csv", plain("csv"))
    shop.land("web/events", "capitals.CSV", plain("capitals"))
    shop.land("web/events", "o'hara 100%.csv", plain("odd_name"))
    shop.land("web/events", "download[1]*.csv", plain("glob_name"))
    shop.land("web/events", ".hidden.csv", plain("hidden"))
    shop.land("web/events", ".partial.txt", "not even a format")
    shop.land("web/events", "no_end.csv", plain("no_end").rstrip("\n"))
    shop.land("web/events", "no_rows.csv", HEADER + "\n")
    shop.land("web/events", "crlf.csv", plain("crlf").replace("\n", "\r\n"))
    shop.land("web/events", "bom.csv", "\ufeff" + plain("bom"))
    shop.land(
        "web/events",
        "times.csv",
        HEADER
        + "\n"
        + "".join(
            event(name, time=time) for name, time in {**TIMES, **NO_TIMES}.items()
        )
        + event("date_only", time="2026-05-01")
        + event("blank", time=""),
    )
    shop.land(
        "web/events",
        "other_order.csv",
        "received_at,EVENT_TIME,Email, event_name ,event_id\n"
        "2026-05-02,2026-05-01T10:00:00Z,a@x.example,Product Viewed,other_order\n",
    )
    shop.land(
        "web/events",
        "extra.csv",
        f'"event_id","event_name","event_time","received_at","a, b","say ""x""",,,'
        f"filename,source_file,search_query\n"
        f"{event('extra', '1', '2', '3', '4', '5', '6', 'found')}",
    )
    shop.land(
        "web/events",
        "values.csv",
        f"{HEADER},search_query,quantity,value,email\n"
        + event("commas", '"red, blue"', "1", "", "")
        + event("newlines", '"red\nblue"', "2.5", "", "")
        + event("quotes", '"a ""red"" one"', "-1", '""', '""')
        + event("unicode", "żółć 漢字", "1e3", "", "  ")
        + event("malformed", "kept", "many", "1.5", ""),
    )
    events = shop.landing / "web" / "events"
    packed_csv = gzip.compress(("\ufeff" + plain("csv_gz")).encode())
    (events / "packed.csv.gz").write_bytes(packed_csv)
    line = (
        '{"event_id": %s, "event_name": "Product Viewed", "event_time":'
        ' "2026-05-01T10:00:00Z", "received_at": "2026-05-02"%s}\n'
    )
    shop.land(
        "web/events",
        "lines.ndjson",
        line % ('"ndjson"', ', "unknown": [1], "quantity": 2')
        + "\n"
        + line % ("123", ', "email": null, "search_query": "one\\ntwo"')
        + line % ('"empty"', ', "email": "", "quantity": ""'),
    )
    shop.land("web/events", "lines.jsonl", line % ('"jsonl"', ""))
    for suffix in ("ndjson", "jsonl"):
        packed = gzip.compress((line % (f'"{suffix}_gz"', "")).encode())
        (events / f"packed.{suffix}.gz").write_bytes(packed)


def land_parquet_files(shop: Shop) -> None:
    events = shop.landing / "web" / "events"
    write_parquet(events / "a.parquet", "select 'parquet' as event_id, {event}")
    write_parquet(
        events / "b.parquet",
        "select timestamp '2026-05-02' as received_at, 'x' as \"Email\","
        " 77 as event_id, 'Product Viewed' as EVENT_NAME,"
        " date '2026-05-01' as event_time, 'mine' as filename,"
        " 3 as quantity, 12::decimal(38, 0) as user_id",
    )
    write_parquet(
        events / "c.parquet",
        "select 'zoned' as event_id, 'Product Viewed' as event_name,"
        " timestamptz '2026-05-01 06:00:00' as event_time,"
        " timestamp_ns '2026-05-02 00:00:00.123456789' as received_at,"
        " 4.0::double as user_id, 1.5::decimal(9, 2) as value",
    )
    write_parquet(
        events / "nested.parquet",
        "select {'email': 'inner', 'traits': {'user_id': 1}} as context, [1] as list,"
        " 'nested' as event_id, {event}, map {'a': 1} as more, 'outer' as user_id",
    )
    write_parquet(
        events / "texts.parquet",
        "select 'texts' as event_id, 'Product Viewed' as event_name,"
        " '2026-05-01T12:00:00+02:00' as event_time, '2026-05-02' as received_at,"
        " '2.5' as quantity",
    )
    write_parquet(
        events / "no_rows.parquet",
        "select 'none' as event_id, {event} limit 0",
    )


def land_consents(shop: Shop) -> None:
    words = ["true", "TRUE", "1", "yes", "t", "false", "0", "no", "", "maybe"]
    shop.land(
        "crm/contacts",
        "consents.csv",
        "crm_id,created_at,received_at,objected_to_profiling\n"
        + "".join(f"{word},2026-05-01,2026-05-01,{word}\n" for word in words if word)
        + "blank,2026-05-01,2026-05-01,\n",
    )
    write_parquet(
        shop.landing / "crm" / "contacts" / "consents.parquet",
        "select 'parquet' as crm_id, date '2026-05-01' as created_at,"
        " date '2026-05-01' as received_at, true as objected_to_profiling",
    )


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A folder with files of all kinds, below one whose name looks like a partition."""
    folder = tmp_path_factory.mktemp("opened") / "email=none"
    shop = Shop(folder)
    land_text_files(shop)
    land_parquet_files(shop)
    land_consents(shop)
    (shop.landing / "web" / "identifies").mkdir()
    (shop.landing / "web" / "others").mkdir()
    done = shop.dbt(
        *("run-operation", "open_landing", "--args", "{takes_all_for_new: true}"),
        variables={"intent_feeds": ["web", "crm"]},
    )
    assert done.returncode == 0, done.stdout[-3000:]
    return shop


@pytest.fixture(scope="module")
def events(opened: Shop) -> dict[str, Row]:
    """The raw events, by their id."""
    with duckdb.connect(str(opened.warehouse), read_only=True) as connection:
        cursor = connection.execute("select * from raw.web_events")
        names = [column[0] for column in cursor.description or ()]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    assert len(rows) == len({row["event_id"] for row in rows})
    return {row["event_id"]: row for row in rows}


def raw(opened: Shop, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(opened.warehouse), read_only=True) as connection:
        return connection.execute(sql).fetchall()


@pytest.mark.parametrize(
    ("event_id", "file"),
    [
        ("parquet", "a.parquet"),
        ("csv", "plain.csv"),
        ("csv_gz", "packed.csv.gz"),
        ("ndjson", "lines.ndjson"),
        ("ndjson_gz", "packed.ndjson.gz"),
        ("jsonl", "lines.jsonl"),
        ("jsonl_gz", "packed.jsonl.gz"),
        ("capitals", "capitals.CSV"),
        ("odd_name", "o'hara 100%.csv"),
        ("glob_name", "download[1]*.csv"),
        ("bom", "bom.csv"),
        ("crlf", "crlf.csv"),
        ("no_end", "no_end.csv"),
    ],
)
def test_every_format_tells_the_same(
    events: dict[str, Row], event_id: str, file: str
) -> None:
    row = events[event_id]
    assert row["event_name"] == "Product Viewed"
    assert row["event_time"] == TIME
    assert row["received_at"] == LATER
    assert row["malformed_columns"] is None
    assert Path(row["source_file"]).name == file


def test_hidden_files_are_passed_over(events: dict[str, Row]) -> None:
    assert "hidden" not in events


def test_columns_may_be_fewer_more_and_in_any_order_and_case(
    events: dict[str, Row],
) -> None:
    assert events["csv"]["email"] is None
    other = events["other_order"]
    assert (other["email"], other["event_time"]) == ("a@x.example", TIME)
    assert events["extra"]["search_query"] == "found"
    parquet = events["77"]
    assert (parquet["email"], parquet["quantity"]) == ("x", 3.0)
    assert "unknown" not in events["ndjson"]
    assert events["ndjson"]["quantity"] == 2.0


def test_columns_named_as_ours_are_do_no_harm(events: dict[str, Row]) -> None:
    for event_id, file in (("extra", "extra.csv"), ("77", "b.parquet")):
        assert Path(events[event_id]["source_file"]).name == file


def test_names_of_folders_are_no_values(events: dict[str, Row]) -> None:
    assert all(row["email"] != "none" for row in events.values())


def test_fields_within_columns_are_no_columns(events: dict[str, Row]) -> None:
    assert events["nested"]["email"] is None
    assert events["nested"]["user_id"] == "outer"


@pytest.mark.parametrize("name", TIMES)
def test_times_are_utc_whatever_they_are_written_in(
    events: dict[str, Row], name: str
) -> None:
    row = events[name]
    assert row["event_time"].replace(microsecond=0) == TIME
    assert row["malformed_columns"] is None


@pytest.mark.parametrize("name", NO_TIMES)
def test_what_is_no_time_is_malformed(events: dict[str, Row], name: str) -> None:
    assert events[name]["event_time"] is None
    assert events[name]["malformed_columns"] == "event_time"


def test_days_are_their_midnights_and_blanks_are_null(events: dict[str, Row]) -> None:
    assert events["date_only"]["event_time"] == datetime(2026, 5, 1)
    assert events["77"]["event_time"] == datetime(2026, 5, 1)
    assert events["blank"]["event_time"] is None
    assert events["blank"]["malformed_columns"] is None


def test_typed_times_of_parquet_are_utc_too(events: dict[str, Row]) -> None:
    assert events["zoned"]["event_time"] == TIME
    assert events["zoned"]["received_at"].replace(microsecond=0) == LATER
    assert events["texts"]["event_time"] == TIME


def test_ids_that_are_numbers_are_texts_without_fractions(
    events: dict[str, Row],
) -> None:
    assert events["123"]["event_name"] == "Product Viewed"
    assert events["77"]["user_id"] == "12"
    assert events["zoned"]["user_id"] == "4"


def test_values_may_hold_commas_newlines_and_quotes(events: dict[str, Row]) -> None:
    assert events["commas"]["search_query"] == "red, blue"
    assert events["newlines"]["search_query"] == "red\nblue"
    assert events["quotes"]["search_query"] == 'a "red" one'
    assert events["unicode"]["search_query"] == "żółć 漢字"
    assert events["123"]["search_query"] == "one\ntwo"


def test_numbers_are_read_from_text(events: dict[str, Row]) -> None:
    assert [
        events[each]["quantity"]
        for each in ("commas", "newlines", "quotes", "unicode", "texts")
    ] == [1, 2.5, -1, 1000, 2.5]
    assert events["zoned"]["value"] == 1.5


def test_one_bad_value_costs_no_other(events: dict[str, Row]) -> None:
    row = events["malformed"]
    assert (row["quantity"], row["malformed_columns"]) == (None, "quantity")
    assert (row["search_query"], row["value"]) == ("kept", 1.5)


def test_empty_texts_are_no_bad_values(events: dict[str, Row]) -> None:
    for event_id in ("empty", "quotes", "unicode"):
        assert not (events[event_id]["email"] or "").strip()
        assert events[event_id]["malformed_columns"] is None


def test_truth_is_read_from_words_and_numbers(opened: Shop) -> None:
    found = {
        str(name): (truth, malformed)
        for name, truth, malformed in raw(
            opened,
            "select crm_id, objected_to_profiling, malformed_columns"
            " from raw.crm_contacts",
        )
    }
    for name in ("true", "TRUE", "1", "yes", "t", "parquet"):
        assert found[name] == (True, None), name
    for name in ("false", "0", "no"):
        assert found[name] == (False, None), name
    assert found["blank"] == (None, None)
    assert found["maybe"] == (None, "objected_to_profiling")


def test_a_table_without_files_is_empty(opened: Shop) -> None:
    assert raw(opened, "select * from raw.web_identifies") == []
    types = {
        str(name): str(kind)
        for name, kind, *_ in raw(opened, "describe raw.web_identifies")
    }
    assert types["event_time"] == "TIMESTAMP"
    assert types["source_file"] == "VARCHAR"


# One row of one table per feed; the web without `identifies`, the shop without most.
ONE_ROW_EACH = {
    "web/events": f"{HEADER},email\n"
    + event("1", "web@x.example", time="2026-05-01T10:00:00.9Z"),
    "shop/orders": "order_id,ordered_at,received_at,email\n1,DAY,DAY,shop@x.example\n",
    "email/events": f"{HEADER},email\n1,Clicked Email,DAY,DAY,email@x.example\n",
    "crm/contacts": "crm_id,created_at,received_at,email\n1,DAY,DAY,crm@x.example\n",
    "loyalty/events": f"{HEADER},email\n1,Points Earned,DAY,DAY,loyalty@x.example\n",
    "reviews/reviews": "review_id,reviewed_at,received_at,email\n"
    "1,DAY,DAY,reviews@x.example\n",
    "support/ratings": "rating_id,rated_at,received_at,score,email\n"
    "1,DAY,DAY,4,support@x.example\n",
    "surveys/responses": "response_id,answered_at,received_at,email\n"
    "1,DAY,DAY,surveys@x.example\n",
    "social/events": f"{HEADER},email\n1,Liked,DAY,DAY,social@x.example\n",
}


def land_each_feed(shop: Shop) -> None:
    for table, text in ONE_ROW_EACH.items():
        shop.land(table, "a.csv", text.replace("DAY", "2026-05-01"))


# Records of people come with the CRM or the shop, orders with the shop or the web.
FEW = ("web", "loyalty", "surveys")
CHOICES = [FEW, ("crm",), ("shop",), ("email", "reviews", "support", "social")]


@pytest.fixture(scope="module")
def shop_of(
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[Sequence[str]], Shop]:
    """Shops that have some feeds and lack the others, each built once."""

    @cache
    def built(feeds: Sequence[str]) -> Shop:
        shop = Shop(tmp_path_factory.mktemp("-".join(feeds)))
        land_each_feed(shop)
        shop.build(AS_OF, *ASSERTED, "--write-json", intent_feeds=list(feeds))
        return shop

    return built


@pytest.mark.parametrize(
    "feeds",
    [
        FEW,
        *(pytest.param(each, marks=pytest.mark.proofs) for each in CHOICES[1:]),
    ],
    ids="-".join,
)
def test_a_shop_may_have_any_of_the_feeds(
    shop_of: Callable[[Sequence[str]], Shop], feeds: Sequence[str]
) -> None:
    found = shop_of(feeds).rows("select email from contact_intent order by 1")
    assert [row["email"] for row in found] == [
        f"{feed}@x.example" for feed in sorted(feeds)
    ]


@pytest.mark.proofs
def test_no_feed_is_read_with_another(
    shop_of: Callable[[Sequence[str]], Shop],
) -> None:
    """So what holds for some feeds beside others holds for any of them."""
    names = {f"_{feed}__" for feed in FEEDS}
    readers = Counter[str]()
    for shop in map(shop_of, CHOICES):
        manifest = json.loads((shop.folder / "target" / "manifest.json").read_text())
        parents = manifest["parent_map"]
        for model in parents:
            feed = next((name for name in names if name in model), None)
            if feed is not None and model.startswith("model."):
                readers[feed] += 1
                above = ancestors(model, parents)
                assert not [x for x in above for n in names - {feed} if n in x], model
    assert readers.keys() == names
    assert min(readers.values()) >= 2


def ancestors(node: str, parents: Mapping[str, Sequence[str]]) -> set[str]:
    """All that a node of the project is made of."""
    near = set(parents[node])
    return near.union(*(ancestors(each, parents) for each in near))


def test_times_are_cut_to_whole_seconds(
    shop_of: Callable[[Sequence[str]], Shop],
) -> None:
    [row] = shop_of(FEW).rows(
        "select occurred_at from intent_intermediate.int_activities where feed = 'web'"
    )
    assert row["occurred_at"] == TIME
