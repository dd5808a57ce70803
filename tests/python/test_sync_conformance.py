"""What every destination must do, by its sync, its adapter and its stand-in.

A destination is tested by having a case in the module of its stand-in.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from intent.settings import places
from intent.sync import service
from intent.sync.destinations import destination_names
from intent.sync.ledger import open_ledger
from standins import find_cases
from standins.case import Case, Trait
from standins.faults import APPLY_DROP
from sync_stage import Silent, Stage, over_every_case, set_stage

OWN_TESTS = {"files"}
"""Destinations without a server have tests of their own."""
HELD_BY_TEXT = (
    "\"quoted\" 'text', with; marks",
    "two\nlines and a\ttab",
    "Zoë 李雷 🙂 مرحبا",
    "=HYPERLINK(1+1)",
    "#N/A",
    "null",
    "  spaces around  ",
    "back\\slash and %20",
)


@pytest.fixture
def stage(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Stage]:
    with set_stage(request.param, tmp_path / "shop", monkeypatch) as made:
        yield made


def test_every_destination_has_a_case() -> None:
    kinds = {case.stand_in().__class__.__module__ for case in find_cases()}
    tested = {kind.rpartition(".")[2] for kind in kinds}
    assert set(destination_names()) - OWN_TESTS <= tested


@pytest.mark.parametrize("case", find_cases(), ids=str)
def test_a_case_says_what_it_lacks_and_why(case: Case) -> None:
    assert all(why.strip() for why in case.lacks.values())
    assert case.has(Trait.LISTS) is bool(case.lists)
    assert case.has(Trait.EVENTS) is bool(case.event)


@over_every_case()
def test_first_run_makes_the_remote_what_the_mart_is(stage: Stage) -> None:
    stage.shop.add(250)
    if not stage.case.has(Trait.CONTACTS):
        stage.put_all()
    result = stage.run()
    expected = stage.expected()
    assert stage.records() == expected
    assert (result.acknowledged, result.planned) == (result.planned, len(expected))
    made = expected.keys() if stage.case.has(Trait.CONTACTS) else ()
    assert stage.remote.creations == dict.fromkeys(made, 1)


@over_every_case()
def test_a_plan_foretells_the_run(stage: Stage) -> None:
    stage.shop.add(600)
    if not stage.case.has(Trait.CONTACTS):
        stage.put_all()
    plan = service.plan(places(), stage.sync)
    result = stage.run()
    assert plan.planned == result.planned
    assert plan.requests == result.requests


@over_every_case()
def test_second_run_writes_nothing(stage: Stage) -> None:
    stage.run()
    before = len(stage.remote.log)
    result = stage.run()
    assert (result.planned, result.unchanged) == (0, len(stage.expected()))
    assert not stage.writes(before)


@over_every_case()
def test_only_what_changed_is_sent(stage: Stage) -> None:
    stage.run()
    before = len(stage.remote.log)
    passenger = stage.field("as_of")
    stage.shop.tick(1)
    stage.shop.change("segment = 'warm'", "email like 'person000000@%'")
    told = stage.records()
    result = stage.run()
    if stage.case.has(Trait.CONTACTS):
        changed = {stage.key(0)}
    else:
        now = stage.expected()
        segment = stage.field("segment")
        changed = {
            key for key, fields in now.items() if fields[segment] != told[key][segment]
        }
    assert result.planned == result.acknowledged == len(changed)
    assert {key for logged in stage.writes(before) for key in logged.keys} == changed
    for key, fields in stage.expected().items():
        assert (stage.records()[key] == fields) is (key in changed)
        is_new = stage.records()[key][passenger] == fields[passenger]
        assert is_new is (key in changed)


@over_every_case(Trait.CONTACTS)
def test_a_null_clears_or_keeps_as_the_field_says(stage: Stage) -> None:
    stage.run()
    kept, cleared = stage.field("buying_stage"), stage.field("top_driver_1")
    fields = {
        name: rule.model_dump(exclude_defaults=True)
        for name, rule in stage.sync.fields.items()
    }
    fields[kept]["if_null"] = "keep"
    stage.change_sync(fields=fields)
    before = stage.records()[stage.key(3)]
    assert {kept, cleared} <= before.keys()
    stage.shop.change(
        "buying_stage = null, top_driver_1 = null, segment = 'cold'",
        "contact_id = md5('contact 3')",
    )
    stage.run()
    after = stage.records()[stage.key(3)]
    assert after[kept] == before[kept]
    assert cleared not in after
    again = stage.run()
    assert again.planned == 0


@over_every_case(Trait.CONTACTS)
def test_texts_arrive_as_they_are(stage: Stage) -> None:
    for number, text in enumerate(HELD_BY_TEXT):
        quoted = text.replace("'", "''")
        stage.shop.change(
            f"top_driver_1 = '{quoted}', top_interest = '{quoted}'",
            f"contact_id = md5('contact {number}')",
        )
    result = stage.run()
    assert result.rejected == 0
    assert stage.records() == stage.expected()


@over_every_case(Trait.CONTACTS)
def test_a_contact_that_leaves_has_its_fields_unset(stage: Stage) -> None:
    stage.run()
    key = stage.key(1)
    stage.shop.change("is_exportable = false", "contact_id = md5('contact 1')")
    result = stage.run()
    assert (result.planned, result.acknowledged) == (1, 1)
    told = {
        name
        for name, rule in stage.sync.fields.items()
        if rule.if_null == "clear" or name in stage.records().get(key, {})
    }
    left = stage.records().pop(key, {})
    assert not (left.keys() & told) - kept_fields(stage)
    others = {name: found for name, found in stage.records().items() if name != key}
    assert others == stage.expected()
    assert stage.run().planned == 0


def kept_fields(stage: Stage) -> set[str]:
    """The fields that a null does not clear."""
    return {name for name, rule in stage.sync.fields.items() if rule.if_null == "keep"}


@over_every_case(Trait.CONTACTS, Trait.UPDATE_ONLY)
def test_a_contact_that_leaves_is_not_created_by_it(stage: Stage) -> None:
    stage.run()
    stage.remove(stage.key(1))
    stage.shop.change("is_exportable = false", "contact_id = md5('contact 1')")
    result = stage.run()
    assert result.acknowledged + result.skipped == 1
    assert stage.records() == stage.expected()
    assert stage.run().planned == 0


@over_every_case(Trait.MIRROR)
def test_a_mirror_deletes_what_it_has_no_more(stage: Stage) -> None:
    stage.change_sync(mode="mirror")
    stage.run()
    stage.shop.remove("contact_id in (md5('contact 1'), md5('contact 2'))")
    result = stage.run()
    assert (result.planned, result.acknowledged) == (2, 2)
    assert stage.records() == stage.expected()
    assert stage.run().planned == 0


@over_every_case(Trait.CONTACTS)
def test_an_erased_contact_is_deleted(stage: Stage) -> None:
    stage.run()
    key = stage.key(1)
    stage.shop.remove("contact_id = md5('contact 1')")
    with open_ledger(stage.shop.ledger) as ledger, ledger.commit() as connection:
        connection.execute(
            f'delete from "acked_{stage.sync.name}" where match_key = ?', [key]
        )
        connection.execute(
            "insert into deletions values (?, ?, null, 'erasure-1', now()::timestamp)",
            [stage.sync.name, key],
        )
    result = stage.run()
    assert (result.planned, result.acknowledged) == (1, 1)
    assert stage.records() == stage.expected()
    assert stage.run().planned == 0


@over_every_case(Trait.CONTACTS, Trait.UPDATE_ONLY)
def test_update_only_creates_nothing(stage: Stage) -> None:
    stage.change_sync(mode="update_only")
    there = {stage.key(number) for number in (0, 2, 4)}
    for key in there:
        stage.put(key, {})
    result = stage.run()
    assert not +stage.remote.creations
    assert (result.acknowledged, result.skipped) == (3, result.planned - 3)
    expected = stage.expected()
    assert stage.records() == {key: expected[key] for key in there}
    stage.shop.change("segment = 'cold'", "contact_id = md5('contact 0')")
    assert stage.run().acknowledged == 1
    assert stage.records()[stage.key(0)] == stage.expected()[stage.key(0)]


@over_every_case(Trait.CREATE_ONLY)
def test_create_only_leaves_what_is_there_alone(stage: Stage) -> None:
    stage.change_sync(mode="create_only")
    there, field = stage.key(2), stage.field("top_interest")
    stage.put(there, {field: "somebody else's"})
    result = stage.run()
    assert (result.acknowledged, result.skipped) == (result.planned - 1, 1)
    expected = stage.expected()
    assert stage.records() == {**expected, there: {field: "somebody else's"}}
    stage.shop.change("segment = 'cold'", "contact_id = md5('contact 0')")
    assert stage.run().acknowledged == 0


@over_every_case(Trait.LISTS)
def test_lists_hold_the_contacts_of_a_segment(stage: Stage) -> None:
    stage.change_sync(segment_changes={"as": "lists", "lists": dict(stage.case.lists)})
    stage.run()

    def members() -> dict[str, set[str]]:
        lists = stage.remote.lists()
        return {list_id: lists[list_id] for list_id in stage.case.lists.values()}

    def wanted() -> dict[str, set[str]]:
        contacts = stage.shop.rows(
            "select * from intent.contact_intent where is_exportable"
        )
        column = stage.sync.match.column
        return {
            list_id: {str(one[column]) for one in contacts if one["segment"] == segment}
            for segment, list_id in stage.case.lists.items()
        }

    assert members() == wanted()
    first = next(iter(stage.case.lists))
    stage.shop.change(f"segment = '{first}'", "contact_id = md5('contact 2')")
    stage.shop.change("segment = 'cold'", "contact_id = md5('contact 0')")
    stage.shop.change("is_exportable = false", "contact_id = md5('contact 3')")
    stage.run()
    assert members() == wanted()
    assert stage.run().planned == 0


@over_every_case(Trait.EVENTS)
def test_events_tell_changes_of_the_segment_once(stage: Stage) -> None:
    read = stage.case.event
    assert read
    stage.change_sync(segment_changes={"as": "events"})
    stage.run()
    assert not stage.remote.events()
    stage.shop.change("segment = 'cold'", "contact_id = md5('contact 0')")
    stage.shop.add(1)
    stage.run()
    told = {key: (old, new) for key, _, old, new in map(read, stage.remote.events())}
    [added] = stage.shop.rows(
        "select * from intent.contact_intent order by email desc limit 1"
    )
    new_key = str(added[stage.sync.match.column])
    assert told == {
        stage.key(0): ("hot", "cold"),
        new_key: (None, added["segment"]),
    }
    assert len(stage.remote.events()) == len(told)
    assert stage.run().planned == 0
    assert len({event_id for _, event_id, *_ in map(read, stage.remote.events())}) == 2


@over_every_case(Trait.CONTACTS)
def test_exactly_the_poison_rows_are_refused(stage: Stage) -> None:
    stage.shop.add(230)
    bad = [7, 120, 121]
    for number in bad:
        stage.remote.poison(stage.key(number), "is not to our liking")
    result = stage.run()
    assert (result.rejected, result.acknowledged) == (3, result.planned - 3)
    expected = stage.expected()
    keys = {stage.key(number) for number in bad}
    assert stage.records() == {
        key: fields for key, fields in expected.items() if key not in keys
    }
    refused = service.rejected(places(), stage.sync)
    assert {one.row_id for one in refused} == {
        stage.shop.contact(number)["contact_id"] for number in bad
    }
    assert not any("@" in f"{one.message}{one.code}" for one in refused)
    for key in keys:
        stage.remote.heal(key)
    assert stage.run().skipped == 3
    assert stage.retry().acknowledged == 3
    assert stage.records() == expected
    assert not service.rejected(places(), stage.sync)


@over_every_case(Trait.READ_BACK)
def test_rows_that_are_passed_over_in_silence_are_sent_again(stage: Stage) -> None:
    keys = sorted(stage.expected())[:2]
    for key in keys:
        stage.remote.omit(key)
    result = stage.run()
    assert result.acknowledged == result.planned
    assert stage.records() == stage.expected()


@over_every_case()
def test_an_answer_that_is_lost_does_no_harm(stage: Stage) -> None:
    stage.run()
    stage.shop.change("segment = 'warm', intent_score = 1.5")
    stage.shop.add(8)
    if not stage.case.has(Trait.CONTACTS):
        stage.put_all()
    first = stage.writes()[0]
    path = re.sub(r"/\d+/", r"/\\d+/", first.path)  # a job's number
    stage.remote.faults.add(APPLY_DROP, path=f"^{path}$", method=first.method)
    result = stage.run()
    assert len(stage.remote.faults.befell) == 1
    assert result.acknowledged == result.planned
    assert stage.records() == stage.expected()


@over_every_case(Trait.SPELLINGS)
def test_spellings_of_one_key_are_one_record(stage: Stage) -> None:
    stage.shop.change("email = upper(email)", "contact_id = md5('contact 0')")
    stage.shop.change(
        "email = 'PERSON000002@shop.example'", "contact_id = md5('contact 1')"
    )
    result = stage.run()
    assert result.rejected == 2
    assert "person000000@shop.example" in stage.records()
    assert "person000002@shop.example" not in stage.records()


@over_every_case()
def test_check_finds_nothing_wrong_with_the_sync_that_ships(stage: Stage) -> None:
    findings = service.check(places(), stage.sync)
    assert [finding for finding in findings if not finding.ok] == []
    lines = "\n".join(service.setup(stage.sync).steps)
    if stage.case.has(Trait.SCHEMA):
        assert [name for name in stage.sync.fields if name not in lines] == []


@over_every_case(Trait.READ_BACK)
def test_reconcile_finds_what_others_changed(stage: Stage) -> None:
    stage.run()
    drift = service.reconcile(places(), stage.sync)
    assert (drift.compared, drift.same) == (len(stage.expected()),) * 2
    field = stage.field("segment")
    key, gone = sorted(stage.expected())[:2]
    stage.put(key, {field: "other"})
    stage.remove(gone)
    drift = service.reconcile(places(), stage.sync)
    assert (drift.missing, dict(drift.by_field)) == (1, {field: 1})


@over_every_case(Trait.UPSERT)
def test_a_run_that_is_taken_back_leaves_what_was_before(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "load_syncs", lambda *_: [stage.sync])
    stage.run()
    before, field = stage.records(), stage.field("segment")
    stage.shop.add(2)
    stage.shop.change("segment = 'cold'", "contact_id = md5('contact 0')")
    result = stage.run()
    assert result.acknowledged == 3
    undone = service.rollback(places(), result.run_id, Silent())
    assert (undone.planned, undone.acknowledged) == (3, 3)
    after = stage.records()
    assert {key: after[key] for key in before} == before
    new = [stage.key(number) for number in (12, 13)]
    assert not any(field in after.get(key, {}) for key in new)


@over_every_case(Trait.CONTACTS, Trait.READ_BACK)
def test_reconcile_takes_its_sample_of_what_is_there(stage: Stage) -> None:
    stage.run()
    stage.shop.change("is_exportable = false", "contact_id <> md5('contact 1')")
    stage.run()
    assert service.reconcile(places(), stage.sync, 3).compared == 1
