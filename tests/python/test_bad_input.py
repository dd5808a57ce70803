"""Input that can't be used: what the build says of it, and what it leaves untouched."""

import ctypes
import gzip
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import FEEDS, UNTESTED, Shop, copy_project
from intent.dbt import failure
from intent.errors import BadInputError, ExitCode
from intent.settings import Places

AS_OF = "2026-06-01"
PERSONAL = "ann.private@shop.example"
HEADER = "event_id,event_name,event_time,received_at,email,quantity"
VARIABLES = {"intent_as_of": AS_OF, "intent_feeds": ["web"]}
BUILD = ("build", "--as-of", AS_OF, "--feed", "web")
ACTIVITIES_TABLE = "intent_intermediate.int_activities"
ACTIVITIES = f"select * exclude (run_id) from {ACTIVITIES_TABLE} order by all"
MARTS = ("contact_intent", "contact_scores", "contact_intent_drivers")

Done = subprocess.CompletedProcess[str]


class WebShop(Shop):
    """A shop that has a web tracker only."""

    def dbt_build(self, *arguments: str) -> Done:
        return self.dbt(
            *("build", "--exclude-resource-type", "unit_test", *UNTESTED, *arguments),
            variables=VARIABLES,
        )

    def readable(self) -> dict[str, Any]:
        """All that its readers see: the marts, and the published copies."""
        published = self.folder / "published"
        return {
            **{file.name: file.read_bytes() for file in published.iterdir()},
            **{mart: self.rows(f"from {mart} order by all") for mart in MARTS},
        }

    def results(self) -> dict[str, Any]:
        """All that a build must leave as it is if it stops before it counts."""
        return {**self.readable(), "activities": self.rows(ACTIVITIES)}

    @contextmanager
    def with_landed(self, files: dict[str, bytes]) -> Iterator[None]:
        """Have these files landed for a while, by their path in the landing folder."""
        paths = [self.landing / name for name in files]
        for path, content in zip(paths, files.values(), strict=True):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        try:
            yield
        finally:
            for path in paths:
                path.unlink()


def line(event_id: str, **values: str) -> str:
    """A line of CSV under `HEADER`."""
    cells = {
        "event_name": "Product Viewed",
        "event_time": "2026-05-01T10:00:00Z",
        "received_at": "2026-05-01T10:00:01Z",
        "email": PERSONAL,
        "quantity": "",
        **values,
    }
    return ",".join([event_id, *cells.values()]) + "\n"


def csv_file(*lines: str) -> bytes:
    return "\n".join([HEADER, "".join(lines)]).encode()


def parquet_file(tmp_path: Path, select: str) -> bytes:
    file = tmp_path / "made.parquet"
    duckdb.sql(f"select {select}").write_parquet(str(file))
    return file.read_bytes()


GOOD = csv_file(
    line("1"),
    line("2", email="bob@shop.example", event_name="Order Completed"),
    line("3", event_name="Danced"),
    line("4", quantity="many"),
    line("5", event_time="soon"),
    line("6", quantity="-1"),
    line("7", email=""),
)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> WebShop:
    """A shop with a good build, by `intent build`."""
    shop = WebShop(tmp_path_factory.mktemp("good"))
    shop.land("web/events", "good.csv", GOOD.decode())
    done = shop.intent(*BUILD, "--json", tested=False)
    assert done.returncode == ExitCode.OK, done.stderr
    assert json.loads(done.stdout)["quarantined"] == {
        "malformed_value": 2,
        "negative_quantity": 1,
        "no_identifier": 1,
        "unknown_event_name": 1,
    }
    return shop


def assert_refused(done: Done, *said: str, code: ExitCode = ExitCode.BAD_INPUT) -> None:
    """The command failed in words that say it all, and nothing personal."""
    everything = done.stdout + done.stderr
    assert done.returncode == code, everything
    for words in said:
        assert words in done.stderr, done.stderr
    assert "Traceback" not in everything
    assert PERSONAL not in everything
    assert "private" not in everything


def assert_stopped(done: Done, *said: str) -> None:
    """A build by dbt itself failed, and says why."""
    assert done.returncode != 0
    for words in said:
        assert words in done.stdout, done.stdout[-5000:]
    assert "Traceback" not in done.stdout


# ---- single rows are set aside, and nothing else is lost


def test_bad_rows_are_quarantined_with_their_reasons(good: WebShop) -> None:
    found = {
        row["event_id"]: (row["reason"], row["malformed_columns"])
        for row in good.rows(
            "from quarantined_events where source_file like '%good.csv'"
        )
    }
    assert found == {
        "3": ("unknown_event_name", None),
        "4": ("malformed_value", "quantity"),
        "5": ("malformed_value", "event_time"),
        "6": ("negative_quantity", None),
        "7": ("no_identifier", None),
    }


def test_the_other_rows_of_their_file_count(good: WebShop) -> None:
    counted = good.rows(
        "select event_id from intent_intermediate.int_activities"
        " where disposition = 'counted' and source_file like '%good.csv' order by 1"
    )
    assert [row["event_id"] for row in counted] == ["1", "2"]


# ---- whole files stop the build: all faults of a kind are told at once


def test_files_of_no_format_or_content_are_all_named(good: WebShop) -> None:
    before = good.results()
    files = {
        "web/events/nothing.csv": b"",
        "web/events/notes.txt": b"hello " + PERSONAL.encode(),
        "web/events/table.json": b"[]",
        "web/events/packed.parquet.gz": gzip.compress(b"PAR1"),
        "web/events/half.csv.tmp": GOOD,
    }
    said = [
        "nothing.csv: is empty",
        "notes.txt: is of no format",
        "table.json: is of no format",
        "packed.parquet.gz: is of no format",
        "half.csv.tmp: is of no format",
    ]
    with good.with_landed(files):
        assert_refused(good.intent(*BUILD), *said, str(good.landing))
    assert good.results() == before


def test_files_without_the_contracts_columns_are_all_named(
    good: WebShop, tmp_path: Path
) -> None:
    before = good.results()
    most = "'Product Viewed' as event_name, now() as received_at"
    files = {
        "web/events/short.csv": b"event_id,event_name,event_time\n1,Danced,2026-05-01",
        "web/events/semicolons.csv": GOOD.replace(b",", b";"),
        "web/events/twice.csv": GOOD.replace(b"quantity\n", b"EMAIL\n"),
        "web/events/untimed.parquet": parquet_file(tmp_path, f"1 as event_id, {most}"),
        "web/events/epoch.parquet": parquet_file(
            tmp_path, f"1 as event_id, 1777629600 as event_time, {most}"
        ),
        "web/events/odd.parquet": parquet_file(
            tmp_path,
            f"'1'::blob as event_id, {{'at': now()}} as event_time, {most},"
            " true as quantity",
        ),
        "web/identifies/short.csv": b"event_id,event_time\n1,2026-05-01\n",
    }
    said = [
        "short.csv: the column received_at is missing. The contract of web.events",
        "identifies/short.csv: the column received_at is missing. The contract of"
        " web.identifies",
        "semicolons.csv: the column event_id is missing",
        "twice.csv: has the column email 2 times",
        "untimed.parquet: the column event_time is missing",
        "epoch.parquet: the column event_time is integer, but the contract of"
        " web.events asks for timestamp",
        "odd.parquet: the column event_id is blob",
        "odd.parquet: the column event_time is nested",
        "odd.parquet: the column quantity is boolean",
    ]
    with good.with_landed(files):
        assert_refused(good.intent(*BUILD), *said)
        assert_stopped(good.dbt_build(), *said)
    assert good.results() == before


def test_columns_without_a_value_that_can_be_read_are_named(
    good: WebShop, tmp_path: Path
) -> None:
    before = good.results()
    keyed = '{"event_id": "1", "event_name": "Danced", "event_time": "2026-05-01"}\n'
    files = {
        "web/events/times.csv": csv_file(
            line("8", event_time=PERSONAL), line("9", event_time="05/01/2026")
        ),
        "web/events/numbers.csv": csv_file(line("8", quantity=f"of {PERSONAL}")),
        "web/events/short.ndjson": keyed.encode(),
        "web/events/texts.parquet": parquet_file(
            tmp_path,
            "1 as event_id, 'Danced' as event_name, 'soon' as event_time,"
            " now() as received_at",
        ),
    }
    said = [
        "times.csv: the column event_time holds no value that can be read as timestamp",
        "numbers.csv: the column quantity holds no value that can be read as double",
        "short.ndjson: the column received_at is missing, or null in every row",
        "texts.parquet: the column event_time holds no value",
    ]
    with good.with_landed(files):
        assert_refused(good.intent(*BUILD), *said)
    assert good.results() == before


UNREADABLE: dict[str, tuple[bytes, str]] = {
    "ragged.csv": (
        csv_file(line("8")) + f'9,"a\n{PERSONAL}\nb",2026-05-01\n'.encode(),
        "line 3 has 3 values, but the header has 6",
    ),
    "truncated.parquet": (
        b"PAR1" + PERSONAL.encode() * 9,
        "is no Parquet file, or not the whole of it",
    ),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_files_that_can_not_be_read_are_named_without_what_they_hold(
    good: WebShop, name: str
) -> None:
    before = good.results()
    content, said = UNREADABLE[name]
    with good.with_landed({f"web/events/{name}": content}):
        done = good.intent(*BUILD)
    assert_refused(done, f"{good.landing / 'web/events' / name}: ", said)
    assert len(done.stderr.splitlines()) == 2
    assert good.results() == before


def read_csv(file: Path) -> str:
    return (
        f"from read_csv('{file}', auto_detect = false, header = true, quote = '\"',"
        " delim = ',', escape = '\"', columns = {'a': 'varchar', 'b': 'varchar'})"
    )


def read_json(file: Path) -> str:
    return (
        f"from read_json('{file}', format = 'newline_delimited',"
        " columns = {'a': 'varchar', 'b': 'varchar'})"
    )


PERSONAL_LATIN = f"müller {PERSONAL}".encode("latin-1")


@pytest.mark.parametrize(
    ("content", "read", "said"),
    [
        (b"a,b\n1," + PERSONAL_LATIN, read_csv, "line 2 is not UTF-8"),
        (f'a,b\n1,"{PERSONAL}\n'.encode(), read_csv, "line 2 has a quote"),
        (f'a,b\n1,"x\n{PERSONAL}"y\n'.encode(), read_csv, "line 2 has a quote"),
        (f"a,b\n1,2,{PERSONAL}\n".encode(), read_csv, "has 3 values"),
        (f"a,b\r\n1,{PERSONAL}\n2,3\r\n".encode(), read_csv, "can not be read as CSV"),
        (b'\xef\xbb\xbf{"a": 1}', read_json, "(byte order mark)"),
        (b'{"a": "' + PERSONAL_LATIN + b'"}', read_json, "(UTF-8)"),
        (f'{{"a": "{PERSONAL}", "a": 1}}'.encode(), read_json, "(duplicate key)"),
        (f'[{{"a": "{PERSONAL}"}}]'.encode(), read_json, "(but got ARRAY)"),
        (f'{{"a": "{PERSONAL}" 1}}'.encode(), read_json, "no object of JSON"),
        (f'"{PERSONAL}"\n'.encode(), read_json, "no object of JSON"),
    ],
)
def test_no_fault_of_a_text_file_tells_its_content(
    tmp_path: Path, content: bytes, read: Callable[[Path], str], said: str
) -> None:
    file = tmp_path / "landed.txt"
    file.write_bytes(content)
    with pytest.raises(duckdb.Error) as raised:
        duckdb.sql(read(file)).fetchall()
    words = f"Runtime Error\n  {raised.value}".replace("\n", "\n  ")
    error = failure(["Encountered an error:", words], PLACES)
    assert isinstance(error, BadInputError)
    assert f"{file}: " in str(error)
    assert said in str(error)
    assert "private" not in str(error)


def test_a_file_that_is_not_gzipped_is_named(tmp_path: Path) -> None:
    file = tmp_path / "landed.csv.gz"
    file.write_bytes(b"a,b\n")
    with pytest.raises(duckdb.Error) as raised:
        duckdb.sql(read_csv(file)).fetchall()
    error = failure([str(raised.value)], PLACES)
    assert isinstance(error, BadInputError)
    assert f"{file}: is not gzipped" in str(error)


@pytest.mark.parametrize(
    "sql",
    [
        f"select cast('{PERSONAL}' as double)",
        f"select cast('{PERSONAL} to be' as timestamp)",
        f"select cast('{PERSONAL}\nto private' as integer)",
        "select error('Duplicate key \"email: ann.private@shop.example\"')",
    ],
)
def test_no_fault_of_a_model_tells_a_value(sql: str) -> None:
    with pytest.raises(duckdb.Error) as raised:
        duckdb.sql(sql).fetchall()
    error = failure(
        [f"Runtime Error in model int_activities\n  {raised.value}"], PLACES
    )
    assert "int_activities" in str(error)
    assert "private" not in str(error).partition("LINE 1")[0]


PLACES = Places(
    *map(Path, ("project", "w.duckdb", "landing", "published", "ledger", "erasures"))
)


# ---- mending


def test_a_mended_file_counts_as_if_it_had_never_been_bad(good: WebShop) -> None:
    bad = csv_file(line("1"), line("8", event_time="2026-05-02")).decode()
    second = good.land("web/events", "second.csv", bad + "ragged\n")
    third = good.land("web/events", "third.csv", csv_file(line("10")).decode())
    assert_refused(good.intent(*BUILD), "second.csv: line 4 has 1 values")
    second.write_text(bad)
    done = good.intent(*BUILD, tested=False)
    assert done.returncode == ExitCode.OK, done.stderr
    mended = good.rows(ACTIVITIES)
    assert {row["event_id"] for row in mended} >= {"1", "2", "8", "10"}
    assert good.value("select count(distinct run_id) from " + ACTIVITIES_TABLE) == 2
    assert [row["disposition"] for row in mended].count("duplicate") == 1

    # A counted file may not change or go, unless all is counted anew.
    os.utime(second, (0, 0))
    third.rename(good.folder / third.name)
    before = good.results()
    assert_stopped(
        good.dbt_build(),
        "second.csv: has changed since it was counted. Run with --full-refresh",
        "third.csv: was counted and is gone. Put it back, or run with --full-refresh",
    )
    assert good.results() == before
    (good.folder / third.name).rename(third)
    assert good.intent(*BUILD, tested=False).returncode == ExitCode.OK
    assert good.rows(ACTIVITIES) == mended
    assert good.value("select count(distinct run_id) from " + ACTIVITIES_TABLE) == 1


# ---- rule sheets


@pytest.fixture(scope="module")
def ruled(good: WebShop, tmp_path_factory: pytest.TempPathFactory) -> WebShop:
    """The good shop with a project of its own, whose rules may be broken."""
    folder = tmp_path_factory.mktemp("ruled")
    shutil.copytree(good.folder, folder, dirs_exist_ok=True)
    return WebShop(folder, copy_project(folder / "project"))


@contextmanager
def rules_changed(shop: Shop, changes: dict[str, tuple[str, str]]) -> Iterator[None]:
    """Have a text in some sheets replaced for a while."""
    sheets = {shop.project / "seeds" / name: each for name, each in changes.items()}
    good = {sheet: sheet.read_text() for sheet in sheets}
    try:
        for sheet, (before, after) in sheets.items():
            assert before in good[sheet]
            sheet.write_text(good[sheet].replace(before, after, 1))
        yield
    finally:
        for sheet, text in good.items():
            sheet.write_text(text)


RULE = "purchase,session_started,,1,7,4,20,,true,"
BROKEN_RULES = {
    "rules/activity_rules.csv": (
        RULE,
        "purchase,juggled,,1,7,4,20,,true,\n"
        "purchase,session_started,,1,0,4,20,,true,\n"
        "loyalty,product_searched,,1,7,-4,20,,true,\n"
        "loyalty,product_searched,,1,7,4,20,,true,",
    ),
    "rules/audiences.csv": (
        "repeat_customer,customer_type,equals,repeat,",
        "repeat_customer,customer_type,at_least,repeat,",
    ),
    "rules/fit_rules.csv": ("age,between,30 to 45,", "age,between,45 to 30,"),
    "rules/score_models.csv": ("loyalty,active,false", "loyalty,active,true"),
    "rules/score_bands.csv": ("purchase,warm,1.0,0.8", "purchase,warm,1.0,1.2"),
    "feeds/feed_preferences.csv": ("web,2,", "web,1,"),
    "feeds/event_names.csv": ("web,Page Viewed,", "web,Page Viewed,danced"),
}


def test_broken_rules_are_all_named_with_sheet_and_row(ruled: WebShop) -> None:
    before = ruled.results()
    with rules_changed(ruled, BROKEN_RULES):
        assert_refused(
            ruled.intent(*BUILD),
            "activity_rules: purchase, juggled (line 2): activity 'juggled'",
            "activity_rules: purchase, session_started (line 3): half_life_days '0'",
            "activity_rules: loyalty, product_searched (line 4): cap '-4'",
            "activity_rules: loyalty, product_searched (line 5):",
            "audiences: repeat_customer, customer_type, at_least, repeat (line 3)",
            "fit_rules: age, between, 45 to 30 (line 2): value '45 to 30'",
            "score_models: loyalty (line 3): is_primary",
            "score_bands: purchase, warm (line 3): exit_below",
            "feed_preferences: web",
            "event_names: web, Page Viewed (line 3): activity 'danced'",
        )
        assert_stopped(
            # The sheets by which events are read ask for it, right or wrong.
            ruled.dbt_build("--full-refresh"),
            "activity_rules: purchase, juggled: the activity is not in activities",
            "activity_rules: purchase, session_started: half_life_days must be above 0",
            "activity_rules: loyalty, product_searched: cap must be above 0",
            "activity_rules: loyalty, product_searched: stands",
            "audiences: repeat_customer, customer_type, at_least, repeat: operator",
            "fit_rules: age, between, 45 to 30: value must be a range from low to high",
            "score_models: ",
            "score_bands: purchase, warm: exit_below must not be above enter_at",
            "feed_preferences: ",
            "event_names: web, Page Viewed: the activity danced is not in activities",
        )
        assert ruled.results() == before


@pytest.mark.proofs
def test_mended_rules_count_as_if_they_had_never_been_broken(ruled: WebShop) -> None:
    before = ruled.results()
    with rules_changed(ruled, BROKEN_RULES):
        assert_stopped(ruled.dbt_build("--full-refresh"), "the activity is not in")
    assert ruled.dbt_build().returncode == 0
    assert ruled.results() == before


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (
            RULE,
            RULE.replace(",7,", ",week,"),
            "session_started (line 2): half_life_days",
        ),
        (",half_life_days,", ",half_life,", "half_life_days"),
        (RULE, RULE + ",more", "line 2"),
    ],
    ids=["text in a number column", "column missing", "value too many"],
)
def test_a_sheet_of_the_wrong_shape_is_named(
    ruled: WebShop, before: str, after: str, said: str
) -> None:
    results = ruled.results()
    with rules_changed(ruled, {"rules/activity_rules.csv": (before, after)}):
        assert_refused(ruled.intent(*BUILD), "activity_rules", said)
    assert ruled.results() == results


# ---- the command's own words


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--as-of", "yesterday"), "'yesterday'"),
        (("--as-of", "2026-02-30"), "'2026-02-30'"),
        (("--as-of", "2026-05-01T12:00:00"), "past UTC midnight"),
        (("--as-of", "2999-01-01"), "lies in the future"),
        (("--feed", "wbe"), "there is no feed wbe. There are: crm, email, loyalty"),
    ],
)
def test_a_clock_or_feed_that_there_is_not_is_refused(
    good: WebShop, arguments: tuple[str, ...], said: str
) -> None:
    before = good.results()
    assert_refused(good.intent("build", "--feed", "web", *arguments), said)
    assert good.results() == before


def test_a_shop_without_anything_is_told_what_to_land(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "not" / "there")
    done = shop.intent("build")
    assert_refused(
        done,
        str(shop.landing),
        *(f"{feed}: holds no file" for feed in FEEDS),
        "`intent load`",
        "intent_feeds",
    )
    assert shop.warehouse.is_file()
    assert not (shop.folder / "published").exists()


# ---- places


def test_a_warehouse_in_use_is_said_to_be(good: WebShop) -> None:
    before = good.results()
    hold = (
        "import duckdb, sys; held = duckdb.connect(sys.argv[1]);"
        " print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(good.warehouse)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        done = good.intent(*BUILD)
        holder.communicate()
    assert_refused(
        done, "in use by another process. Close it there", code=ExitCode.UNAVAILABLE
    )
    assert good.results() == before


def put_no_database(warehouse: Path) -> None:
    warehouse.write_text("in the way")


@pytest.mark.parametrize("obstruct", [Path.mkdir, put_no_database])
def test_a_warehouse_that_can_not_be_opened_is_named(
    good: WebShop, obstruct: Callable[[Path], None]
) -> None:
    kept = good.warehouse.rename(good.folder / "kept.duckdb")
    try:
        obstruct(good.warehouse)
        done = good.intent(*BUILD)
    finally:
        kept.rename(good.folder / "back.duckdb")
        if good.warehouse.is_dir():
            good.warehouse.rmdir()
        (good.folder / "back.duckdb").rename(good.warehouse)
    assert_refused(done, str(good.stand_in), code=ExitCode.UNAVAILABLE)


def test_a_folder_that_can_not_be_made_is_named(tmp_path: Path) -> None:
    shop = WebShop(tmp_path / "file" / "shop")
    (tmp_path / "file").write_text("in the way")
    assert_refused(
        shop.intent(*BUILD),
        f"The folder of the warehouse {shop.warehouse} can't be made",
        code=ExitCode.UNAVAILABLE,
    )


@pytest.fixture
def small_disk(good: WebShop, tmp_path: Path) -> Iterator[WebShop]:
    """The good shop, its warehouse moved to a disk with little room left."""
    room = good.warehouse.stat().st_size + (1 << 20)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(
        b"tmpfs", os.fsencode(tmp_path), b"tmpfs", 0, f"size={room}".encode()
    ):
        pytest.skip(f"no small disk: {os.strerror(ctypes.get_errno())}")
    kept = good.warehouse.rename(good.folder / "kept.duckdb")
    try:
        good.warehouse.symlink_to(shutil.copy(kept, tmp_path / good.warehouse.name))
        yield good
    finally:
        kept.replace(good.warehouse)
        libc.umount(os.fsencode(tmp_path))


def test_a_full_disk_is_said_to_be_and_loses_nothing(small_disk: WebShop) -> None:
    before = small_disk.readable()
    lines = (line(f"n{at}", email=f"{at}@shop.example") for at in range(100_000))
    with small_disk.with_landed({"web/events/many.csv": csv_file(*lines)}):
        done = small_disk.intent(*BUILD)
    assert_refused(done, "is full", "Make room", code=ExitCode.UNAVAILABLE)
    assert small_disk.readable() == before
