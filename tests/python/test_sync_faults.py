"""The faults that syncs meet, each a test or more, against stand-ins over sockets.

In the order of the list that they are of: kills (fault 1) are in test_sync_kills.py,
lost answers (2) in test_sync_doubt.py too, personal data (17) in test_sync_canary.py.
"""

import contextlib
import math
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from intent.errors import (
    BadInputError,
    DeferredError,
    ExitCode,
    GuardError,
    LockedError,
    RefusedError,
    UnavailableError,
)
from intent.settings import places
from intent.sync import clock, courier, retry, service, session
from intent.sync.adapter import Adapter
from intent.sync.destinations import _marketo_bulk, marketo
from intent.sync.wire import HttpChannel
from standins import faults
from standins.case import Trait
from standins.kit import Answer, Call, Logged
from sync_stage import (
    Silent,
    Stage,
    number,
    over,
    over_case,
    over_every_case,
    set_stage,
)

ANSWER_SECONDS = 1.0


@pytest.fixture
def stage(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Stage]:
    """A stage whose pauses are short."""
    monkeypatch.setattr(retry, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(_marketo_bulk, "POLL_SECONDS", 0.02)

    def impatient(adapter: Adapter[Any]) -> HttpChannel:
        return HttpChannel(adapter, answer_seconds=ANSWER_SECONDS)

    monkeypatch.setattr(session, "open_channel", impatient)
    with set_stage(request.param, tmp_path / "shop", monkeypatch) as made:
        yield made


def is_as_the_mart(stage: Stage) -> bool:
    """The remote has what it should have, and nothing was created twice."""
    once = all(times <= 1 for times in stage.remote.creations.values())
    return once and stage.records() == stage.expected()


@contextmanager
def when(stage: Stage, path: str, nth: int, act: Callable[[], None]) -> Iterator[None]:
    """Do something over there just before the nth request to a path is answered."""
    answer, seen = stage.remote._answer, 0

    def watched(call: Call, logged: Logged) -> Answer:
        nonlocal seen
        if re.search(path, call.path):
            seen += 1
            if seen == nth:
                act()
        return answer(call, logged)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stage.remote, "_answer", watched)
        yield


def later(monkeypatch: pytest.MonkeyPatch, span: timedelta) -> None:
    """Put the clock of runs forward, or back."""
    monkeypatch.setattr(clock, "read_clock", lambda: datetime.now(UTC) + span)


# 2, 3: answers that do not come, and requests that come twice -------------------------


@over(Trait.CONTACTS)
@pytest.mark.parametrize(
    "fault",
    [
        faults.APPLY_HANG,
        faults.APPLY_RESET,
        faults.CUT,
        faults.TRUNCATE,
        faults.applies_and_answers(504, "<html>gateway time-out</html>"),
    ],
    ids=["hangs", "resets", "cuts", "truncates", "gateway"],
)
def test_02_timeout_after_it_was_done(stage: Stage, fault: faults.Fault) -> None:
    stage.change_sync(rows_at_once=5)
    first = stage.asked_first(stage.case.writes) + 1
    stage.remote.faults.add(fault, stage.case.writes, nth=first, times=2)
    result = stage.run()
    assert len(stage.remote.faults.befell) == 2
    assert result.acknowledged == result.planned == 12
    assert is_as_the_mart(stage)
    assert stage.run().planned == 0


@over(Trait.CONTACTS)
def test_03_all_is_sent_twice(stage: Stage) -> None:
    changes = {"as": "events"} if stage.case.event else None
    stage.change_sync(segment_changes=changes)
    stage.run()
    before = stage.shop.ledger.read_bytes()
    stage.shop.change("segment = 'cold', intent_score = 0.3", number(0))
    stage.shop.add(2)
    stage.run()
    there, told = stage.records(), stage.remote.events()
    stage.shop.ledger.write_bytes(before)  # as if nothing had been written down
    result = stage.run()
    assert result.acknowledged == result.planned >= 3
    assert stage.records() == there == stage.expected()
    assert all(times <= 1 for times in stage.remote.creations.values())
    if stage.case.event:
        ids = {stage.case.event(event)[1] for event in stage.remote.events()}
        assert ids == {stage.case.event(event)[1] for event in told}


# 4, 5: limits -----------------------------------------------------------------------


@over(Trait.CONTACTS, Trait.TOO_MANY)
@pytest.mark.parametrize("form", ["seconds", "date", "past", "words", "none"])
def test_04_too_many_requests(stage: Stage, form: str) -> None:
    stage.shop.add(48)
    stage.change_sync(rows_at_once=2)
    now = datetime.now(UTC).replace(microsecond=0)
    after: dict[str, Any] = {
        "seconds": 1,
        "date": now + timedelta(seconds=2),
        "past": now - timedelta(days=1),
        "words": "soon",
        "none": None,
    }
    stage.remote.faults.add(faults.too_many(after[form]), stage.case.writes, nth=8)
    result = stage.run()
    assert result.acknowledged == result.planned == 60
    assert is_as_the_mart(stage)
    [refused] = [one for one in stage.remote.log if one.status == 429]
    if form in ("seconds", "date"):
        asked = 1.0 if form == "seconds" else after[form].timestamp() - time.time()
        until = refused.at + (1.0 if form == "seconds" else max(asked, 0.0))
        under_way = refused.at + 0.3
        early = [one for one in stage.remote.log if under_way < one.at < until - 0.05]
        assert not early


@over(Trait.CONTACTS, Trait.TOO_MANY)
def test_04_a_wait_that_is_too_long_is_left_to_the_next_run(stage: Stage) -> None:
    path = stage.case.writes
    first = stage.asked_first(path) + 1
    stage.remote.faults.add(faults.too_many(3600), path, nth=first)
    started = time.monotonic()
    result = stage.run()
    assert time.monotonic() - started < 20
    assert result.exit_code is ExitCode.DEFERRED
    assert "3600" in result.reason
    assert stage.run().acknowledged == 12
    assert is_as_the_mart(stage)


@over(Trait.CONTACTS, Trait.QUOTA)
def test_05_quota_of_the_day(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.shop.add(28)
    stage.change_sync(rows_at_once=5)
    stage.remote.daily_limit = 5
    result = stage.run()
    assert result.exit_code is ExitCode.DEFERRED
    assert result.acknowledged + result.deferred + result.in_doubt == 40
    assert 0 < result.acknowledged < 40
    sent = len(stage.row_writes())
    with pytest.raises(DeferredError) as told:
        stage.run()
    assert told.value.exit_code is ExitCode.DEFERRED
    assert not stage.row_writes(sent)
    stage.remote.next_day()
    stage.remote.daily_limit = 1_000
    later(monkeypatch, timedelta(hours=25))
    rest = stage.run()
    assert rest.acknowledged == rest.planned == 40 - result.acknowledged
    assert is_as_the_mart(stage)


@over_case("customer_io")
def test_05_share_of_the_day_that_a_sync_may_use(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.change_sync(rows_at_once=2, requests_a_day=4)
    result = stage.run()
    assert result.exit_code is ExitCode.DEFERRED
    assert 0 < result.acknowledged < 12
    sent = len(stage.row_writes())
    assert stage.run().acknowledged == 0
    assert not stage.row_writes(sent)
    later(monkeypatch, timedelta(hours=23))
    assert stage.run().acknowledged == 0
    done = result.acknowledged
    for day in range(2, 6):
        later(monkeypatch, timedelta(hours=26 * day))
        done += stage.run().acknowledged
    assert done == 12
    assert is_as_the_mart(stage)


# 6: servers and networks that fail --------------------------------------------------


@over(Trait.CONTACTS)
@pytest.mark.parametrize(
    "fault",
    [
        faults.answers(500, "oops"),
        faults.answers(503, "", {"Retry-After": "0"}),
        faults.answers(502, "<html>bad gateway</html>"),
        faults.DROP,
        faults.RESET,
        faults.HANG,
        faults.DRIP,
        faults.html_page(),
    ],
    ids=["500", "503", "502", "drop", "rst", "hang", "slow", "html"],
)
def test_06_server_that_fails(stage: Stage, fault: faults.Fault) -> None:
    stage.change_sync(rows_at_once=5)
    first = stage.asked_first(stage.case.writes) + 1
    stage.remote.faults.add(fault, stage.case.writes, nth=first, times=2)
    result = stage.run()
    assert result.acknowledged == result.planned == 12
    assert is_as_the_mart(stage)


@over(Trait.CONTACTS, Trait.FIXED_PATHS)
def test_06_proxy_that_knows_no_path(stage: Stage) -> None:
    stage.change_sync(rows_at_once=5)
    first = stage.asked_first(stage.case.writes) + 1
    page = faults.html_page(404)
    stage.remote.faults.add(page, stage.case.writes, nth=first, times=2)
    result = stage.run()
    assert result.acknowledged == result.planned == 12
    assert is_as_the_mart(stage)


@over(Trait.CONTACTS)
def test_06_server_that_is_down_is_not_knocked_at_for_ever(stage: Stage) -> None:
    stage.change_sync(rows_at_once=1)
    path = "|".join(filter(None, (stage.case.writes, stage.case.unheard)))
    first = stage.asked_first(path) + 1
    stage.remote.faults.add(faults.answers(500), path, nth=first, times=None)
    result = stage.run()
    assert result.exit_code is ExitCode.DEFERRED
    assert "down" in result.reason
    assert len(stage.row_writes()) <= 60
    stage.remote.faults.clear()
    assert stage.run().acknowledged == 12
    assert is_as_the_mart(stage)


@over_case("hubspot")
def test_06_server_that_can_not_be_reached(stage: Stage) -> None:
    stage.remote.pause()
    with pytest.raises(UnavailableError) as told:
        stage.run()
    assert told.value.exit_code is ExitCode.UNAVAILABLE
    stage.remote.go_on()
    assert stage.run().acknowledged == 12


@over(Trait.CONTACTS, Trait.TOKENS)
@pytest.mark.parametrize("body", ["<html>proxy</html>", "[]", "null", '{"a": 1}'])
def test_06_token_that_is_none(stage: Stage, body: str) -> None:
    stage.remote.faults.add(faults.answers(200, body), "/oauth", times=2)
    assert stage.run().acknowledged == 12
    stage.remote.expire_tokens()
    stage.remote.faults.add(faults.answers(200, body), "/oauth", times=None)
    with pytest.raises(UnavailableError):
        stage.run()


@over(Trait.CONTACTS)
def test_06_description_that_is_none(stage: Stage) -> None:
    stage.run()
    [first, *_] = [one for one in stage.remote.log if "oauth" not in one.path]
    for fault in (faults.html_page(), faults.answers(200, "[]"), faults.TRUNCATE):
        stage.remote.faults.add(fault, f"^{first.path}$", first.method, times=1)
        before = len(stage.row_writes())
        with contextlib.suppress(UnavailableError):
            stage.run()
        assert not [one for one in stage.row_writes(before) if one.keys]
        stage.remote.faults.clear()
    assert is_as_the_mart(stage)


@over_case("hubspot")
def test_06_no_encryption(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTENT_HUBSPOT_URL", stage.remote.url.replace("http", "https"))
    with pytest.raises(UnavailableError, match="TLS"):
        stage.run()
    assert not stage.remote.log


# 7, 8: some rows of a batch ---------------------------------------------------------


@over_every_case(Trait.CONTACTS, Trait.READ_BACK)
def test_07_answers_that_leave_rows_out(stage: Stage) -> None:
    stage.shop.add(250)
    keys = sorted(stage.expected())[::40]
    for key in keys:
        stage.remote.omit(key)
    result = stage.run()
    assert result.acknowledged == result.planned == 262
    assert is_as_the_mart(stage)


@over(Trait.CONTACTS, Trait.READ_BACK)
def test_07_a_row_that_no_answer_names_is_never_taken_for_done(stage: Stage) -> None:
    key = stage.key(1)
    stage.remote.omit(key, times=1_000)
    result = stage.run()
    assert result.acknowledged + result.deferred + result.in_doubt == 12
    assert result.acknowledged >= 11 or not stage.case.has(Trait.NAMES_ROWS)
    if result.acknowledged < 12:
        assert result.exit_code is ExitCode.DEFERRED


@over(Trait.CONTACTS)
@pytest.mark.parametrize("bad", [1, 3, 10])
def test_08_rows_that_spoil_a_batch(stage: Stage, bad: int) -> None:
    stage.shop.add(88)
    keys = {stage.key(place * 9) for place in range(bad)}
    for key in keys:
        stage.remote.poison(key, "is not to our liking")
    result = stage.run()
    assert (result.rejected, result.acknowledged) == (bad, 100 - bad)
    assert result.exit_code is ExitCode.FAILED
    there, expected = stage.records(), stage.expected()
    assert there == {key: of for key, of in expected.items() if key not in keys}
    sent = len(stage.row_writes())
    assert stage.run().skipped == bad
    assert len(stage.row_writes()) - sent <= 1  # a webhook's check


# 9: tokens --------------------------------------------------------------------------


@over(Trait.CONTACTS, Trait.TOKENS)
def test_09_token_that_expires_is_renewed_once(stage: Stage) -> None:
    stage.shop.add(48)
    stage.remote.latency = 0.03
    stage.change_sync(rows_at_once=3)
    path = stage.case.carries or stage.case.writes
    with when(stage, path, 6, stage.remote.expire_tokens):
        result = stage.run()
    assert result.acknowledged == result.planned == 60
    assert stage.remote.authentications == 2
    assert is_as_the_mart(stage)


@over(Trait.CONTACTS)
def test_09_credentials_that_are_revoked(stage: Stage) -> None:
    stage.shop.add(28)
    stage.change_sync(rows_at_once=2)
    path = stage.case.carries or stage.case.writes
    with (
        when(stage, path, 5, stage.remote.revoke),
        pytest.raises(RefusedError) as told,
    ):
        stage.run()
    assert told.value.exit_code is ExitCode.REFUSED
    [left] = service.status(places())
    assert left.state == "stopped"
    assert left.acknowledged + left.deferred + left.in_doubt == left.planned == 40
    with pytest.raises(RefusedError):
        stage.run()
    stage.remote.is_revoked = False
    again = stage.run()
    assert again.acknowledged + again.unchanged == 40  # jobs are gone on with first
    assert is_as_the_mart(stage)


@over(Trait.CONTACTS, Trait.CLOCK)
def test_09_clock_that_the_receiver_does_not_believe(stage: Stage) -> None:
    remote: Any = stage.remote
    remote.clock = lambda: time.time() + 3600
    with pytest.raises(RefusedError):
        stage.run()
    assert not stage.records()


# 10, 11: schemas and keys -----------------------------------------------------------


@over(Trait.CONTACTS, Trait.SCHEMA)
def test_10_field_that_is_gone_before_a_run(stage: Stage) -> None:
    stage.run()
    stage.shop.change("segment = 'cold'", number(0))
    field = stage.field("segment")
    stage.remote.drop_field(field)
    sent = len(stage.row_writes())
    with pytest.raises(BadInputError) as told:
        stage.run()
    assert field in str(told.value)
    assert told.value.exit_code is ExitCode.BAD_INPUT
    assert len(stage.row_writes()) == sent
    stage.remote.prepare(stage.sync)
    stage.run()
    assert is_as_the_mart(stage)


@over(Trait.CONTACTS, Trait.SCHEMA)
def test_10_field_that_goes_during_a_run(stage: Stage) -> None:
    stage.change_sync(rows_at_once=2)
    field = stage.field("top_interest")

    def drop() -> None:
        stage.remote.drop_field(field)

    with when(stage, stage.case.carries or stage.case.writes, 3, drop):
        result = stage.run()
    assert 0 < result.acknowledged < 12
    assert result.acknowledged + result.rejected == 12
    assert {one.code for one in service.rejected(places(), stage.sync)}
    stage.remote.prepare(stage.sync)
    stage.retry()
    assert is_as_the_mart(stage)


@over(Trait.CONTACTS)
def test_11_keys_that_are_missing_or_of_several(stage: Stage) -> None:
    column = stage.sync.match.column
    stage.shop.change(f"{column} = null", number(0))
    stage.shop.change(f"{column} = ''", number(1))
    stage.shop.change(f"{column} = 'one@shop.example'", number(2))
    stage.shop.change(f"{column} = 'one@shop.example'", number(3))
    if stage.sync.match.ignore_case:
        stage.shop.change(f"{column} = 'Two@shop.example'", number(4))
        stage.shop.change(f"{column} = 'two@SHOP.example'", number(5))
    twins = 4 if stage.sync.match.ignore_case else 2
    for _ in range(2):  # the same each time, whatever the order of rows
        result = stage.run()
        assert result.rejected == twins
        assert not [key for key in stage.records() if key.lower()[:4] in TWINS]
        stage.shop.do("create table other as from intent.contact_intent order by email")
        stage.shop.do("truncate intent.contact_intent")
        stage.shop.do("insert into intent.contact_intent from other; drop table other")
    codes = {one.code for one in service.rejected(places(), stage.sync)}
    assert codes == {"DUPLICATE_MATCH_KEY"}
    assert len(stage.records()) == 12 - 2 - twins


TWINS = ("one@", "two@")


# 12, 13: locks ----------------------------------------------------------------------

HOLDER = """
import duckdb, sys, time
connection = duckdb.connect(sys.argv[1])
print("held", flush=True)
time.sleep(float(sys.argv[2]))
"""


def hold(file: Path, seconds: float) -> subprocess.Popen[str]:
    """Let another process have a database open for a while."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(file), str(seconds)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stdout.readline() == "held\n"
    return process


def end(process: subprocess.Popen[str]) -> None:
    """Kill a process that holds a file."""
    process.kill()
    process.communicate()


@over_case("customer_io")
def test_12_warehouse_that_dbt_writes_to(stage: Stage) -> None:
    holder = hold(stage.shop.warehouse, 60)
    try:
        with pytest.raises(LockedError) as told:
            service.run(places(), stage.sync, Silent(), wait=0.5)
        assert told.value.exit_code is ExitCode.UNAVAILABLE
        assert not stage.row_writes()
    finally:
        end(holder)
    holder = hold(stage.shop.warehouse, 1.5)
    try:
        result = service.run(places(), stage.sync, Silent(), wait=30)
        assert result.acknowledged == 12
    finally:
        end(holder)


@over_case("customer_io")
@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("drop table intent.contact_intent", "no contact_intent"),
        ("alter table intent.contact_intent drop column segment", "segment"),
        (
            f"update intent.contact_intent set as_of = as_of - to_days(1)"
            f" where {number(3)}",
            "half built",
        ),
        (
            f"update intent.contact_intent set intent_score = 7 where {number(3)}",
            "between 0 and 5",
        ),
        (
            "update intent.contact_intent set intent_score = 'nan'::double"
            f" where {number(3)}",
            "between 0 and 5",
        ),
        (
            f"update intent.contact_intent set segment = 'tepid' where {number(3)}",
            "segments",
        ),
    ],
    ids=["missing", "column", "half", "score", "nan", "segment"],
)
def test_12_mart_that_is_not_whole(stage: Stage, wrong: str, words: str) -> None:
    stage.shop.do(wrong)
    with pytest.raises(BadInputError, match=words) as told:
        stage.run()
    assert told.value.exit_code is ExitCode.BAD_INPUT
    assert not stage.row_writes()
    assert "@" not in str(told.value)


@over_case("customer_io")
def test_13_two_runs_at_once(stage: Stage) -> None:
    holder = hold(stage.shop.ledger, 60)
    try:
        started = time.monotonic()
        with pytest.raises(LockedError) as told:
            stage.run()
        assert time.monotonic() - started < 5
        assert told.value.exit_code is ExitCode.UNAVAILABLE
        assert not stage.row_writes()
        os.kill(holder.pid, signal.SIGKILL)  # what it locked is free at once
        holder.wait()
        assert stage.run().acknowledged == 12
    finally:
        end(holder)


# 14: guards -------------------------------------------------------------------------


@over_case("hubspot")
@pytest.mark.parametrize("left", [0, 5])
def test_14_source_that_shrinks(stage: Stage, left: int) -> None:
    stage.shop.add(238)
    stage.run()
    there, sent = stage.records(), len(stage.row_writes())
    stage.shop.do(
        "delete from intent.contact_intent where contact_id not in (select contact_id"
        f" from intent.contact_intent order by email limit {left})"
    )
    with pytest.raises(GuardError) as told:
        stage.run(allowed=())
    assert told.value.exit_code is ExitCode.GUARD
    assert "shrinking" in str(told.value)
    assert (stage.records(), len(stage.row_writes())) == (there, sent)
    assert stage.run(allowed=("shrinking", "downgrades")).acknowledged == 250 - left
    assert len([of for of in stage.records().values() if of]) == left


@over_case("customer_io")
@pytest.mark.parametrize("status", ["silent", "late", "collapsed", "ok"])
def test_14_feed_that_is_red_while_many_cool_down(stage: Stage, status: str) -> None:
    stage.shop.add(138)
    stage.run()
    there = stage.records()
    stage.shop.do(f"update intent.feed_health set status = '{status}'")
    stage.shop.change("segment = 'cold', intent_score = 0.1", "segment = 'hot'")
    if status == "ok":
        assert stage.run(allowed=()).acknowledged == 50
        return
    with pytest.raises(GuardError, match="downgrades"):
        stage.run(allowed=())
    assert stage.records() == there


@over_case("hubspot")
def test_14_mirror_that_would_delete_many(stage: Stage) -> None:
    stage.shop.add(188)
    stage.change_sync(mode="mirror")
    stage.run()
    there = stage.records()
    stage.shop.change("is_exportable = false", "email like '%1@shop.example'")
    stage.shop.change("is_exportable = false", "email like '%2@shop.example'")
    with pytest.raises(GuardError, match="deletions"):
        stage.run(allowed=("shrinking",))
    assert stage.records() == there


# 15: jobs ---------------------------------------------------------------------------


def many(stage: Stage) -> None:
    """Have enough contacts for a job."""
    stage.shop.add(288)


@over_every_case(Trait.CONTACTS, Trait.JOBS)
def test_15_job_that_fails_half_way(stage: Stage) -> None:
    many(stage)
    stage.remote.fail_a_job()
    result = stage.run()
    assert result.acknowledged == result.planned == 300
    assert is_as_the_mart(stage)


@over_every_case(Trait.CONTACTS, Trait.JOBS)
def test_15_job_that_is_stuck(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    many(stage)
    monkeypatch.setattr(courier, "JOB_HOURS", 0.1 / 3600)
    stage.remote.hold_a_job()
    result = stage.run()
    assert result.in_doubt == 300
    assert result.exit_code is ExitCode.DEFERRED
    sent = len(stage.writes())
    stage.remote.let_jobs_end()
    stage.run()
    assert len(stage.writes()) == sent  # it looks after the same job
    assert is_as_the_mart(stage)
    assert stage.run().planned == 0


@over_every_case(Trait.CONTACTS, Trait.JOBS)
def test_15_job_that_is_gone(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    many(stage)
    monkeypatch.setattr(courier, "JOB_HOURS", 0.1 / 3600)
    stage.remote.hold_a_job()
    stage.run()
    stage.remote.forget_jobs()
    monkeypatch.setattr(courier, "JOB_HOURS", 1.0)
    stage.run()
    stage.run()
    assert is_as_the_mart(stage)
    assert stage.run().planned == 0


@over_case("salesforce_bulk")
def test_15_records_of_the_day_are_used_up(stage: Stage) -> None:
    many(stage)
    remote: Any = stage.remote
    remote.bulk_records_left = 120
    result = stage.run()
    assert result.exit_code is ExitCode.DEFERRED
    assert result.acknowledged == 120
    remote.bulk_records_left = None
    assert stage.run().acknowledged == 180
    assert is_as_the_mart(stage)


@pytest.fixture
def imports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a few leads go by bulk import."""
    kind: Any = marketo.MarketoAdapter
    made = kind.__init__

    def small(self: Any, *values: Any) -> None:
        made(self, *values)
        changes = {"bulk": True, "bulk_at_least": 10, "bulk_nulls_as": "NULL"}
        self.options = self.options.model_copy(update=changes)

    monkeypatch.setattr(kind, "__init__", small)


@pytest.mark.usefixtures("imports")
@over_case("marketo")
def test_15_import_that_fails_half_way(stage: Stage) -> None:
    stage.shop.add(28)
    remote: Any = stage.remote
    remote.imports_that_fail = 1
    result = stage.run()
    assert remote.imports
    assert result.acknowledged == result.planned == 40
    assert is_as_the_mart(stage)


@pytest.mark.usefixtures("imports")
@over_case("marketo")
def test_15_import_that_is_stuck_or_gone(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.shop.add(28)
    remote: Any = stage.remote
    remote.import_seconds = 3600
    monkeypatch.setattr(courier, "JOB_HOURS", 0.1 / 3600)
    assert stage.run().in_doubt == 40
    assert stage.run().acknowledged == 0
    assert len(remote.imports) == 1
    for one in remote.imports.values():
        one.ends_at = 0.0
        remote.go_on_importing()
    remote.imports.clear()  # a week has gone by
    remote.import_seconds = 0.02
    monkeypatch.setattr(courier, "JOB_HOURS", 1.0)
    stage.run()
    stage.run()
    assert is_as_the_mart(stage)
    assert stage.run().planned == 0


# 16: order --------------------------------------------------------------------------


@over_case("customer_io")
def test_16_old_value_that_arrives_after_the_new_one(stage: Stage) -> None:
    remote: Any = stage.remote
    stage.run()
    for score in (1.0, 2.0, 3.0):
        remote.is_holding = True  # accepted, to be done later
        stage.shop.change(f"intent_score = {score}", number(0))
        assert stage.run().acknowledged == 1
    remote.release(shuffled=True)
    assert stage.records() == stage.expected()


@over(Trait.CONTACTS, Trait.ONE_AT_A_TIME)
def test_16_retry_of_a_row_waits_for_nobody_else_of_its_key(stage: Stage) -> None:
    """Two requests with one key are never under way at once."""
    stage.shop.add(28)
    stage.remote.latency = 0.02
    stage.change_sync(rows_at_once=4)
    stage.remote.faults.at_rate(0.2, seed=3)
    stage.run()
    stage.remote.faults.clear()
    stage.run()
    assert not stage.remote.overlaps
    assert is_as_the_mart(stage)


# 18: the ledger ---------------------------------------------------------------------


@over(Trait.CONTACTS)
def test_18_ledger_that_is_lost(stage: Stage) -> None:
    changes = {"as": "events"} if stage.case.event else None
    stage.change_sync(segment_changes=changes)
    stage.run()
    told, created = stage.remote.events(), dict(stage.remote.creations)
    stage.shop.ledger.unlink()
    stage.shop.remove(number(3))
    stage.shop.change("segment = 'cold'", number(0))
    result = stage.run()
    assert result.acknowledged == result.planned == 11
    assert stage.remote.events() == told == []
    assert dict(stage.remote.creations) == created
    expected = stage.expected()
    assert {key: stage.records()[key] for key in expected} == expected
    assert len(stage.records()) == 12  # nobody is deleted
    assert stage.run().planned == 0


@over_case("customer_io")
@pytest.mark.parametrize("place", [0, 4096, 12_288])
def test_18_ledger_that_is_damaged(stage: Stage, place: int) -> None:
    stage.run()
    content = bytearray(stage.shop.ledger.read_bytes())
    content[place : place + 4096] = os.urandom(4096)
    stage.shop.ledger.write_bytes(content)
    stage.shop.change("segment = 'cold'", number(0))
    with pytest.raises(UnavailableError) as told:
        stage.run()
    assert str(stage.shop.ledger) in str(told.value)
    assert "move it away" in str(told.value).lower()
    assert "@" not in str(told.value)
    stage.shop.ledger.rename(stage.shop.ledger.with_suffix(".bad"))
    stage.run()
    assert stage.records() == stage.expected()


DISK = 6_000_000


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk that is soon full."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["/bin/mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(place)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("disks can't be mounted here")
    try:
        yield place
    finally:
        subprocess.run(["/bin/umount", "-l", str(place)], check=True)


@over_case("customer_io", "hubspot")
def test_18_disk_that_is_full(
    stage: Stage, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = small_disk / "ledger.duckdb"
    monkeypatch.setenv("INTENT_LEDGER", str(ledger))
    stage.shop.add(288)
    stage.change_sync(rows_at_once=10)
    filler = small_disk / "filler"

    def fill() -> None:
        with filler.open("wb") as file:
            try:
                while True:
                    file.write(b"x" * 4096)
                    file.flush()
            except OSError:
                return

    path = stage.case.carries or stage.case.writes
    with when(stage, path, 8, fill), pytest.raises(UnavailableError) as told:
        stage.run()
    assert told.value.exit_code is ExitCode.UNAVAILABLE
    assert "disk" in str(told.value)
    filler.unlink()
    stage.run()
    assert is_as_the_mart(stage)
    assert stage.run().planned == 0
    with duckdb.connect(ledger, read_only=True) as connection:
        [(wrong,)] = connection.execute(
            "select count(*) from runs where planned is distinct from acknowledged"
            " + rejected + deferred + skipped + in_doubt or state = 'running'"
        ).fetchall()
    assert wrong == 0


# 19: mappings -----------------------------------------------------------------------


def rules(stage: Stage) -> dict[str, Any]:
    """The fields of the sync, as its file has them."""
    return {
        name: rule.model_dump(exclude_defaults=True)
        for name, rule in stage.sync.fields.items()
    }


@over(Trait.CONTACTS)
def test_19_mapping_that_changes(stage: Stage) -> None:
    stage.run()
    fields, name = rules(stage), stage.field("segment")
    fields[name]["labels"] = {"hot": "burning"}
    stage.change_sync(fields=fields)
    result = stage.run()
    assert result.planned == result.acknowledged == 4  # those that are hot
    assert is_as_the_mart(stage)
    assert stage.run().planned == 0
    fields[name]["trigger"] = False
    fields[stage.field("top_interest")]["trigger"] = True
    stage.change_sync(fields=fields)
    assert stage.run().planned == 0  # the values are the same
    fields[stage.field("top_interest")]["truncate"] = 2
    stage.change_sync(fields=fields)
    interested = stage.shop.rows(
        "select 1 from intent.contact_intent where top_interest is not null"
    )
    assert stage.run().planned == len(interested)
    assert is_as_the_mart(stage)


@over(Trait.CONTACTS)
def test_19_field_that_is_added_and_one_that_is_taken_away(stage: Stage) -> None:
    stage.run()
    fields = rules(stage)
    name = stage.field("top_interest")
    del fields[name]
    added = re.sub("top_?interest", "State", name, flags=re.IGNORECASE)
    fields[added] = {"column": "state", "trigger": True}
    stage.change_sync(fields=fields)
    assert stage.run().planned == 12
    there, expected = stage.records(), stage.expected()
    assert all(
        there[key].items() >= expected[key].items() for key in expected.keys() & there
    )
    assert stage.run().planned == 0


@over(Trait.CONTACTS)
def test_19_mapping_that_changes_while_rows_are_in_doubt(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(courier, "TRIES", 1)
    stage.hear_nothing()
    assert stage.run().acknowledged == 0
    stage.remote.faults.clear()
    change_mapping(stage)


@over_every_case(Trait.CONTACTS, Trait.JOBS)
def test_19_mapping_that_changes_while_a_job_is_under_way(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    many(stage)
    monkeypatch.setattr(courier, "JOB_HOURS", 0.1 / 3600)
    stage.remote.hold_a_job()
    assert stage.run().acknowledged == 0
    stage.remote.let_jobs_end()
    monkeypatch.setattr(courier, "JOB_HOURS", 1.0)
    change_mapping(stage)


def change_mapping(stage: Stage) -> None:
    """Map one field less, and run until nothing is left to be said."""
    fields = rules(stage)
    del fields[stage.field("top_interest")]
    stage.change_sync(fields=fields)
    stage.run()
    expected, there = stage.expected(), stage.records()
    assert all(there[key].items() >= of.items() for key, of in expected.items())
    assert stage.run().planned == 0


# 20: contacts that others change over there -------------------------------------------


@over(Trait.CONTACTS, Trait.UPDATE_ONLY)
def test_20_contact_that_was_deleted_there_is_not_brought_back(stage: Stage) -> None:
    there = {stage.key(place) for place in range(12)}
    for key in there:
        stage.remote.put(key, {})
    stage.change_sync(mode="update_only")
    stage.run()
    gone = stage.key(0)
    stage.remote.remove(gone)
    stage.shop.change("segment = 'cold', intent_score = 0.1", number(0))
    result = stage.run()
    assert gone not in stage.records()
    assert result.acknowledged + result.skipped == 1
    stage.shop.change("segment = 'warm', intent_score = 2.5", number(0))
    stage.run()
    assert gone not in stage.records()
    assert stage.run().planned <= 1


@over_case("customer_io")
def test_20_contact_that_is_suppressed_there(stage: Stage) -> None:
    remote: Any = stage.remote
    remote.suppressed.add(stage.key(0))
    result = stage.run()
    assert result.acknowledged == 12  # they say nothing of it
    assert stage.key(0) not in stage.records()


@over_case("hubspot")
def test_20_contact_that_was_erased_there(stage: Stage) -> None:
    stage.run()
    remote: Any = stage.remote
    key = stage.key(0)
    remote.remove(key)
    remote.erased.add(key)
    stage.shop.change("segment = 'cold', intent_score = 0.1", number(0))
    result = stage.run()
    assert result.acknowledged + result.rejected + result.skipped == 1


# 21: clocks -------------------------------------------------------------------------


@over(Trait.CONTACTS)
@pytest.mark.parametrize("jump", [-86_400, 400 * 86_400])
def test_21_clock_that_jumps(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, jump: int
) -> None:
    later(monkeypatch, timedelta(seconds=jump))
    stage.run()
    stage.shop.change("intent_score = 1.0", number(0))
    monkeypatch.setattr(clock, "read_clock", clock.system_clock)
    stage.run()
    stage.shop.change("intent_score = 2.0", number(0))
    later(monkeypatch, timedelta(seconds=-jump))
    stage.run()
    assert is_as_the_mart(stage)
    assert stage.run().planned == 0


@over_case("hubspot")
def test_21_refused_row_is_not_held_back_by_a_clock_that_was_ahead(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.remote.poison(stage.key(0))
    later(monkeypatch, timedelta(days=400))
    assert stage.run().rejected == 1
    monkeypatch.setattr(clock, "read_clock", clock.system_clock)
    stage.remote.heal(stage.key(0))
    stage.run()
    assert is_as_the_mart(stage)


# 22: texts and numbers --------------------------------------------------------------

TEXTS = (
    "\u202eright to left\u202c مرحبا",
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2-3",
    "@SUM(A1)",
    "\tstarts with a tab",
    'two\r\nlines, "quotes", commas;semicolons',
    "e\u0301 combining, 👩‍👩‍👧 joined, \U0001f600",
    "\u2028line separator\u2029",
    "\\N \\n \\u0041 %s {} <b>&amp;</b>",
    "NULL",
    "#N/A ",
)


@over_every_case(Trait.CONTACTS)
def test_22_texts_of_all_kinds(stage: Stage) -> None:
    many(stage)
    for place, text in enumerate(TEXTS):
        quoted = text.replace("'", "''")
        stage.shop.change(f"top_driver_1 = '{quoted}'", number(place))
    stage.shop.change("top_interest = 'before' || chr(0) || 'after'", number(0))
    result = stage.run()
    assert result.rejected == 0
    there, wanted = stage.records(), stage.expected()
    field, interest = stage.field("top_driver_1"), stage.field("top_interest")
    for place in range(len(TEXTS)):
        key = stage.key(place)
        assert there[key][field] == wanted[key][field]
    assert there[stage.key(0)][interest] == "beforeafter"
    assert stage.run().planned == 0


@over(Trait.CONTACTS)
def test_22_text_of_32_kilobytes(stage: Stage) -> None:
    fields = rules(stage)
    fields[stage.field("top_driver_1")].pop("truncate", None)
    stage.change_sync(fields=fields)
    stage.shop.change(f"top_driver_1 = repeat('é', {32 * 1024})", number(0))
    result = stage.run()
    assert result.acknowledged + result.rejected == 12
    if result.rejected:
        [refused] = service.rejected(places(), stage.sync)
        assert refused.row_id == stage.shop.contact(0)["contact_id"]
        assert stage.key(0) not in stage.records()
    else:
        assert is_as_the_mart(stage)


@over(Trait.CONTACTS, Trait.NUMBERS)
def test_22_numbers_that_are_none(stage: Stage) -> None:
    for place, value in enumerate(("nan", "inf", "-inf")):
        stage.shop.change(f"score_change_7d = '{value}'::double", number(place))
    stage.shop.change("score_change_7d = '-0.0'::double", number(3))
    result = stage.run()
    assert (result.rejected, result.acknowledged) == (3, 9)
    assert {one.code for one in service.rejected(places(), stage.sync)} == {
        "NOT_A_NUMBER"
    }
    zero = stage.records()[stage.key(3)][stage.field("score_change_7d")]
    assert isinstance(zero, float | int)
    assert math.copysign(1, zero) == 1
    assert stage.run().acknowledged == 0
