"""Two of our keys can be one record over there: one that leaves takes nothing away."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from intent.settings import places
from intent.sync import service
from intent.sync.ledger import open_ledger
from standins import find_case
from standins.hubspot import HubSpotStandIn
from sync_stage import Stage, set_stage

HUBSPOT = find_case("hubspot")
KEPT, GONE = 0, 3  # both are hot


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    with set_stage(HUBSPOT, tmp_path / "shop", monkeypatch) as made:
        yield made


def remote(stage: Stage) -> HubSpotStandIn:
    assert isinstance(stage.remote, HubSpotStandIn)
    return stage.remote


def number(of: int) -> str:
    return f"contact_id = md5('contact {of}')"


def merge(stage: Stage) -> None:
    """Let two contacts be one over there, and be written since."""
    stage.run()
    remote(stage).merge(stage.key(KEPT), stage.key(GONE))
    for contact in (KEPT, GONE):
        stage.shop.change("intent_score = 4.9", number(contact))
        stage.run()


def as_wanted(stage: Stage) -> bool:
    """All records are as the mart has it, whatever they are found by."""
    there = stage.records()
    there[stage.key(KEPT)].pop("hs_additional_emails", None)
    return there == stage.expected()


def test_a_contact_that_leaves_unsets_nothing_of_another(stage: Stage) -> None:
    merge(stage)
    stage.shop.change("is_exportable = false", number(GONE))
    result = stage.run()
    assert (result.planned, result.skipped) == (1, 1)
    stage.run()
    assert as_wanted(stage)
    assert stage.run().planned == 0


def test_a_mirror_deletes_nothing_of_another(stage: Stage) -> None:
    stage.change_sync(mode="mirror")
    merge(stage)
    stage.shop.remove(number(GONE))
    assert stage.run().skipped == 1
    stage.run()
    assert as_wanted(stage)
    assert stage.run().planned == 0


def test_when_both_leave_the_record_does(stage: Stage) -> None:
    merge(stage)
    for contact in (KEPT, GONE):
        stage.shop.change("is_exportable = false", number(contact))
    assert stage.run().acknowledged == 2
    assert "intent_segment" not in stage.records()[stage.key(KEPT)]
    assert stage.run().planned == 0


def test_a_contact_that_leaves_takes_nobody_from_a_list(stage: Stage) -> None:
    stage.change_sync(segment_changes={"as": "lists", "lists": dict(HUBSPOT.lists)})
    merge(stage)
    hot, warm = (stage.case.lists[name] for name in ("hot", "warm"))
    assert stage.key(KEPT) in stage.remote.lists()[hot]
    stage.shop.change("is_exportable = false", number(GONE))
    stage.run()
    assert stage.key(KEPT) in stage.remote.lists()[hot]
    stage.run()
    assert stage.run().planned == 0
    stage.shop.change("segment = 'warm'", number(KEPT))
    stage.run()
    assert stage.key(KEPT) not in stage.remote.lists()[hot]
    assert stage.key(KEPT) in stage.remote.lists()[warm]


def test_one_who_is_still_on_a_list_keeps_the_record_there(stage: Stage) -> None:
    stage.change_sync(segment_changes={"as": "lists", "lists": dict(HUBSPOT.lists)})
    merge(stage)
    stage.shop.change("segment = 'cold'", number(GONE))
    stage.run()
    assert stage.key(KEPT) in stage.remote.lists()[stage.case.lists["hot"]]
    assert stage.run().planned == 0


def test_an_erasure_of_one_of_two_is_left_to_people(stage: Stage) -> None:
    merge(stage)
    key = stage.key(GONE)
    stage.shop.remove(number(GONE))
    with open_ledger(stage.shop.ledger) as ledger, ledger.commit() as connection:
        connection.execute(
            "insert into deletions select ?, ?, remote_id, 'erasure-1',"
            f' now()::timestamp from "acked_{stage.sync.name}" where match_key = ?',
            [stage.sync.name, key, key],
        )
        connection.execute(
            f'delete from "acked_{stage.sync.name}" where match_key = ?', [key]
        )
    result = stage.run()
    assert (result.planned, result.rejected) == (1, 1)
    assert stage.run().acknowledged == 1
    assert as_wanted(stage)
    assert stage.run().acknowledged == 0
    [refused] = service.rejected(places(), stage.sync)
    assert (refused.code, refused.op) == ("SHARED_RECORD", "delete")
    assert "by hand" in (refused.message or "")
    with open_ledger(stage.shop.ledger) as ledger:
        assert ledger.rows("select count(*) from deletions") == [(1,)]
    stage.shop.change("is_exportable = false", number(KEPT))
    result = stage.retry()
    assert result.acknowledged + result.skipped == 2
    assert stage.key(KEPT) not in stage.records()
    with open_ledger(stage.shop.ledger) as ledger:
        assert ledger.rows("select count(*) from deletions") == [(0,)]


@pytest.mark.parametrize("mode", ["upsert", "mirror", "update_only"])
def test_a_contact_whose_email_changed_on_both_sides(stage: Stage, mode: str) -> None:
    stage.change_sync(mode=mode)
    if mode == "update_only":
        stage.put_all()
    stage.run()
    remote(stage).rename(stage.key(KEPT), "anna@shop.example")
    [before] = [
        record
        for record in remote(stage).objects["contacts"].records.values()
        if record.properties["email"] == "anna@shop.example"
    ]
    stage.shop.change("email = 'Anna@shop.example'", number(KEPT))
    result = stage.run()
    assert (result.acknowledged, result.skipped) == (1, 1)
    assert stage.records() == stage.expected()
    after = remote(stage).objects["contacts"].find("email", "anna@shop.example")
    assert after is before
    assert stage.run().planned == 0
    stage.shop.change("is_exportable = false", number(KEPT))
    assert stage.run().acknowledged == 1


def test_a_contact_whose_email_changed_on_our_side_only(stage: Stage) -> None:
    stage.run()
    old = stage.key(KEPT)
    stage.shop.change("email = 'anna@shop.example'", number(KEPT))
    assert stage.run().acknowledged == 2
    there = stage.records()
    assert not there.pop(old).keys() & stage.sync.fields.keys()
    assert there == stage.expected()
    assert stage.run().planned == 0


def test_an_email_that_is_refused_does_not_keep_the_old_one(stage: Stage) -> None:
    stage.run()
    old = stage.key(KEPT)
    stage.shop.change("email = 'no email'", number(KEPT))
    result = stage.run()
    assert (result.rejected, result.acknowledged) == (1, 1)
    assert not stage.records()[old].keys() & stage.sync.fields.keys()
