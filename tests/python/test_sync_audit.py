"""What runs came to is told to dbt, whole, for long, and without anybody's data."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from conftest import Shop
from intent.errors import UnavailableError
from intent.settings import Places, places
from intent.sync.audit import publish_audit
from intent.sync.ledger import Ledger, open_ledger

CANARY = "canary@example.net"
Rows = list[dict[str, Any]]


@pytest.fixture
def place(tmp_path: Path) -> Places:
    return replace(places(), landing=tmp_path / "landing")


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with open_ledger(tmp_path / "ledger.duckdb") as opened:
        yield opened


def add_run(ledger: Ledger, run_id: str, at: str, state: str = "done") -> None:
    """A run of two rows: one was refused first and is acknowledged, one is refused."""
    rows = [
        f"insert into runs by name select '{run_id}' as run_id, 's' as sync,"
        f" 'hubspot' as destination, '{state}' as state,"
        f" timestamp '{at}' as started_at, timestamp '{at}' as finished_at,"
        " 2 as planned, 1 as acknowledged, 1 as rejected, 0 as deferred,"
        " 0 as skipped, 0 as in_doubt, '' as reason"
    ]
    for seq, row_id in ((1, "anna"), (2, "ben")):
        rows.append(
            f"insert into outbox by name select '{run_id}' as run_id, 's' as sync,"
            f" {seq} as seq, 1 as phase, 'update' as op, '{CANARY}' as match_key,"
            f" '{row_id}' as row_id, '{{\"email\": \"{CANARY}\"}}' as payload,"
            f" '{{}}' as before, ['email', 'score'] as changed"
        )
    for seq, outcome in ((1, "rejected"), (2, "rejected"), (1, "acknowledged")):
        rows.append(
            f"insert into outcomes by name select '{run_id}' as run_id, {seq} as seq,"
            f" '{outcome}' as state, 'BAD' as code, '' as field,"
            f" timestamp '{at}' as decided_at"
        )
    for sent in (100, 50):
        rows.append(
            f"insert into requests by name select '{run_id}' as run_id, 'q' as"
            " request_id, 'hubspot' as destination, 'a' as account, 'write' as lane,"
            f" 1 as units, 'POST' as method, timestamp '{at}' as sent_at,"
            f" {sent} as bytes_sent"
        )
    for each in rows:
        ledger.connection.execute(each)


def read(place: Places, pattern: str) -> Rows:
    files = sorted(place.audit.glob(pattern))
    return [row for file in files for row in pq.read_table(file).to_pylist()]


def test_runs_and_rows_are_told_with_their_last_outcome(
    ledger: Ledger, place: Places
) -> None:
    add_run(ledger, "r1", "2026-06-01 10:00")
    add_run(ledger, "r2", "2026-06-01 11:00", "running")
    publish_audit(ledger, place)
    first, second = read(place, "sync_runs.parquet")
    assert (first["run_id"], first["requests"], first["bytes_sent"]) == ("r1", 2, 150)
    assert first["reason"] is None
    assert second["state"] == "running"
    rows = read(place, "sync_rows/*.parquet")
    assert [(r["run_id"], r["row_id"], r["state"], r["field"]) for r in rows] == [
        ("r1", "anna", "acknowledged", None),
        ("r1", "ben", "rejected", None),
    ]
    assert rows[0]["changed_fields"] == "email; score"


def test_nobodys_data_is_in_it(ledger: Ledger, place: Places) -> None:
    add_run(ledger, "r1", "2026-06-01 10:00")
    ledger.connection.execute(
        "insert into rejected by name select 's' as sync, ? as match_key, 'update' as"
        " op, 'ben' as row_id, ? as trigger_hash, 'rejected' as state, 'BAD' as code,"
        " 3 as tries, now()::timestamp as first_at, now()::timestamp as last_at,"
        " now()::timestamp as next_try_at",
        [CANARY, CANARY],
    )
    publish_audit(ledger, place)
    [refused] = read(place, "sync_rejected.parquet")
    assert (refused["destination"], refused["tries"]) == ("hubspot", 3)
    assert CANARY in str(ledger.rows("from outbox"))
    assert CANARY not in json.dumps(read(place, "**/*.parquet"), default=str)
    for file in place.audit.rglob("*.parquet"):
        assert CANARY.encode() not in file.read_bytes()


def test_only_days_that_changed_are_written_anew(ledger: Ledger, place: Places) -> None:
    add_run(ledger, "r1", "2026-06-01 10:00")
    add_run(ledger, "r2", "2026-06-02 10:00")
    publish_audit(ledger, place)
    files = sorted(place.audit.glob("sync_rows/*.parquet"))
    assert [file.name for file in files] == ["2026-06-01.parquet", "2026-06-02.parquet"]
    before = [file.stat().st_ino for file in files]
    publish_audit(ledger, place)
    assert [file.stat().st_ino for file in files] == before
    # A row that was in doubt is settled by a later run.
    ledger.connection.execute(
        "insert into outcomes by name select 'r1' as run_id, 2 as seq, 'acknowledged'"
        " as state, timestamp '2026-06-02 10:00' as decided_at"
    )
    ledger.connection.execute("update runs set acknowledged = 2 where run_id = 'r1'")
    publish_audit(ledger, place)
    assert files[0].stat().st_ino != before[0]
    assert files[1].stat().st_ino == before[1]
    assert {row["state"] for row in read(place, "sync_rows/2026-06-01*")} == {
        "acknowledged"
    }


def test_what_the_ledger_lost_or_cleared_away_stays(
    ledger: Ledger, place: Places, tmp_path: Path
) -> None:
    add_run(ledger, "r1", "2026-06-01 10:00")
    add_run(ledger, "r2", "2026-06-01 11:00")
    publish_audit(ledger, place)
    before = read(place, "sync_rows/*")
    ledger.connection.execute("delete from outbox where run_id = 'r1'")
    publish_audit(ledger, place)
    assert read(place, "sync_rows/*") == before
    with open_ledger(tmp_path / "new.duckdb") as new:
        add_run(new, "r3", "2026-06-01 12:00")
        publish_audit(new, place)
    runs = [run["run_id"] for run in read(place, "sync_runs.parquet")]
    assert sorted(runs) == ["r1", "r2", "r3"]
    rows = [row["run_id"] for row in read(place, "sync_rows/*")]
    assert sorted(rows) == ["r1", "r1", "r2", "r2", "r3", "r3"]


def test_a_folder_that_can_not_be_written_is_told(
    ledger: Ledger, place: Places
) -> None:
    place.audit.touch()
    add_run(ledger, "r1", "2026-06-01 10:00")
    with pytest.raises(UnavailableError, match="can't be written"):
        publish_audit(ledger, place)


def test_dbt_tells_of_syncs(demo_shop: Shop, tmp_path: Path) -> None:
    shop = demo_shop.copy_to(tmp_path)
    place = replace(places(), landing=shop.landing)
    with open_ledger(tmp_path / "ledger.duckdb") as ledger:
        add_run(ledger, "r1", "2026-06-29 21:59:59")
        [contact] = shop.rows(
            "select retired_contact_id, contact_id from retired_contact_ids limit 1"
        )
        ledger.connection.execute(
            "update outbox set row_id = ? where seq = 2",
            [contact["retired_contact_id"]],
        )
        publish_audit(ledger, place)
    build = ("build", "--select", "source:sync+", "--exclude-resource-type")
    done = shop.dbt(*build, "unit_test", variables={"intent_as_of": "2026-07-01"})
    assert done.returncode == 0, done.stdout
    assert "the sync s has not run since 2026-06-29 21:59:59 UTC" in done.stdout
    assert shop.rows("select row_id, contact_id from fct_sync_row order by seq") == [
        {"row_id": "anna", "contact_id": None},
        {"row_id": contact["retired_contact_id"], "contact_id": contact["contact_id"]},
    ]
    with duckdb.connect(str(shop.warehouse)) as warehouse:
        warehouse.execute("update intent.intent.fct_sync_run set deferred = 1")
        warehouse.execute(
            "update intent.intent.fct_sync_run set started_at = started_at"
            " + interval 1 minute"
        )
    select = "assert_syncs_lose_no_row warn_of_syncs_that_have_stopped"
    done = shop.dbt(
        "test", "--select", *select.split(), variables={"intent_as_of": "2026-07-01"}
    )
    assert done.returncode != 0
    assert "Got 1 result, configured to fail" in done.stdout
    assert "has not run since" not in done.stdout
