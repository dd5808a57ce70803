"""What may have been done unnoticed is made good, whatever the mart says by then."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from intent.sync import courier, retry, service
from intent.sync.ledger import open_ledger
from standins import find_cases
from standins.case import Case
from standins.faults import APPLY_DROP
from sync_stage import Stage, set_stage

NAMES = (
    "connectif",
    "customer_io",
    "hubspot",
    "klaviyo",
    "salesforce",
    "salesmanago",
    "webhook",
)
CASES = [case for case in find_cases() if case.name in NAMES]
WRITES = (
    r"^/contacts/|"
    r"/(batch|batchupsert|upsert|update|\w+__c|sobjects|hooks|\w*segments?"
    r"|memberships|profile-bulk-import-jobs|events)\b.*$"
)


@pytest.fixture
def stage(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Stage]:
    monkeypatch.setattr(retry, "FIRST_PAUSE", 0.005)
    monkeypatch.setattr(courier, "TRIES", 2)
    with set_stage(request.param, tmp_path / "shop", monkeypatch) as made:
        yield made


def over(cases: Sequence[Case]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("stage", cases, ids=str, indirect=True)


def number(of: int) -> str:
    return f"contact_id = md5('contact {of}')"


def run_unheard(stage: Stage, path: str = WRITES, heard: int = 0) -> None:
    """Run while what is written is done, and no answer to it comes.

    But for the answers to some requests, which come first.
    """
    heard += stage.case.name == "webhook"  # its check goes the same way
    for method in ("POST", "PUT", "PATCH"):
        stage.remote.faults.add(APPLY_DROP, path, method, heard + 1, times=None)
    result = stage.run()
    assert result.acknowledged < result.planned
    assert stage.remote.faults.befell
    stage.remote.faults.clear()


@over(CASES)
def test_a_change_that_is_undone_before_anyone_heard_of_it(stage: Stage) -> None:
    stage.run()
    before = stage.records()
    stage.shop.change("segment = 'cold', intent_score = 0.1", number(0))
    run_unheard(stage)
    assert stage.records() != before
    stage.shop.change("segment = 'hot', intent_score = 4.5", number(0))
    stage.run()
    assert stage.records() == stage.expected() == before
    assert stage.run().planned == 0


@over(CASES)
def test_a_contact_that_leaves_before_anyone_heard_that_it_is_there(
    stage: Stage,
) -> None:
    stage.run()
    there = stage.records()
    stage.shop.add(1)
    run_unheard(stage)
    [key] = stage.records().keys() - there.keys()
    stage.shop.change("is_exportable = false", number(12))
    stage.run()
    kept = {name for name, rule in stage.sync.fields.items() if rule.if_null == "keep"}
    assert not (stage.records().pop(key, {}).keys() & stage.sync.fields.keys()) - kept
    assert stage.run().planned == 0


@over(CASES)
def test_a_contact_that_returns_before_anyone_heard_that_it_left(stage: Stage) -> None:
    stage.run()
    stage.shop.change("is_exportable = false", number(0))
    run_unheard(stage)
    stage.shop.change("is_exportable = true", number(0))
    stage.run()
    assert stage.records() == stage.expected()
    assert stage.run().planned == 0


@over([case for case in CASES if case.name in ("customer_io", "hubspot")])
def test_a_list_that_is_undone_before_anyone_heard_of_it(stage: Stage) -> None:
    stage.change_sync(segment_changes={"as": "lists", "lists": dict(stage.case.lists)})
    stage.run()
    before = stage.remote.lists()
    for to in ("warm", "cold"):
        stage.shop.change(f"segment = '{to}'", number(0))
        run_unheard(stage, r"(memberships|segments)/")
        run_unheard(stage, r"(memberships|segments)/")
        assert stage.remote.lists() != before
        stage.shop.change("segment = 'hot'", number(0))
        stage.run()
        assert stage.remote.lists() == before
        assert stage.run().planned == 0
    stage.shop.change("segment = 'hot'", number(2))
    run_unheard(stage, r"(memberships|segments)/")
    stage.shop.change("is_exportable = false", number(2))
    stage.run()
    assert stage.remote.lists() == before
    assert stage.run().planned == 0


@over([case for case in CASES if case.event])
def test_an_event_that_is_undone_before_anyone_heard_of_it(stage: Stage) -> None:
    read = stage.case.event
    assert read
    stage.change_sync(segment_changes={"as": "events"})
    stage.run()
    stage.shop.change("segment = 'cold'", number(0))
    run_unheard(stage, heard=1)
    stage.shop.change("segment = 'hot'", number(0))
    stage.run()
    told = [read(event)[2:] for event in stage.remote.events()]
    assert told[0] == ("hot", "cold")
    assert told[-1] == ("cold", "hot")
    assert stage.run().planned == 0


@over([case for case in CASES if case.event])
def test_a_first_run_that_is_cut_short_tells_no_changes_later(stage: Stage) -> None:
    read = stage.case.event
    assert read
    stage.change_sync(segment_changes={"as": "events"}, rows_at_once=4)
    run_unheard(stage)
    stage.shop.add(3)
    stage.run()
    assert not stage.remote.events()
    assert stage.records() == stage.expected()
    stage.shop.change("segment = 'cold'", number(0))
    stage.run()
    assert [read(event)[2:] for event in stage.remote.events()] == [("hot", "cold")]


def test_what_later_runs_told_outlasts_the_settling_of_an_earlier_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [case] = [case for case in CASES if case.name == "customer_io"]
    with set_stage(case, tmp_path / "shop", monkeypatch) as stage:
        first = stage.run()
        stage.shop.change("segment = 'cold', intent_score = 0.1", number(0))
        stage.run()
        with open_ledger(stage.shop.ledger) as ledger, ledger.commit() as connection:
            connection.execute(
                "insert into outcomes by name select run_id, seq, 'in doubt' as state,"
                " now()::timestamp as decided_at from outbox"
                " where run_id = ? and match_key = ?",
                [first.run_id, stage.key(1)],
            )
            connection.execute(
                "update runs set in_doubt = 1, acknowledged = acknowledged - 1,"
                " doubtful = (select list(seq) from outbox where match_key = ?"
                " and run_id = runs.run_id) where run_id = ?",
                [stage.key(1), first.run_id],
            )
        stage.shop.change("segment = 'hot', intent_score = 4.5", number(0))
        assert stage.run().planned == 2
        assert stage.records() == stage.expected()


class Killed(BaseException):
    """As near to a SIGKILL as one process comes."""


@over([case for case in CASES if case.name == "hubspot"])
def test_a_run_that_dies_before_it_wiped_out_an_erasure_is_made_good(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = "anna.erased@shop.example"
    with open_ledger(stage.shop.ledger) as ledger, ledger.commit() as connection:
        connection.execute(
            "insert into deletions values (?, ?, null, 'e1', now()::timestamp)",
            [stage.sync.name, key],
        )

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(service, "note_told", die)
        with pytest.raises(Killed):
            stage.run()
    assert key.encode() in stage.shop.ledger.read_bytes()
    noted: list[object] = []
    monkeypatch.setattr(service, "note_told", lambda *given: noted.append(given))
    stage.run()
    assert noted
    assert key.encode() not in stage.shop.ledger.read_bytes()
    stage.run()
    assert len(noted) == 1
