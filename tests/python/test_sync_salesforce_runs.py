"""Whole runs against an org that stands in for Salesforce."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from intent.errors import BadInputError, ExitCode, RefusedError
from intent.settings import places
from intent.sync import service
from intent.sync.destinations import _salesforce_bulk as bulk
from intent.sync.ledger import open_ledger
from standins.case import Case
from standins.faults import (
    APPLY_DROP,
    APPLY_HANG,
    DROP,
    HANG,
    Fault,
    applies_and_answers,
    html_page,
)
from standins.salesforce import CASES, SalesforceStandIn, settings
from sync_stage import Stage, set_stage

HERE = Path(__file__).resolve().parent
BULK = {"bulk_above": 200, "poll_seconds": 0.02}
JOBS = r"/jobs/ingest"
SHIPPED = {
    name: Case(
        f"shipped {name}",
        f"salesforce_{name}",
        SalesforceStandIn,
        settings,
        kind=kind,
    )
    for name, kind in (
        ("contacts", "Contact"),
        ("leads", "Lead"),
        ("accounts", "Account"),
        ("opportunities", "Opportunity"),
    )
}


def case(name: str) -> Case:
    return next(each for each in CASES if each.name == name)


@pytest.fixture
def upserting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """Contacts that are created by an external id."""
    with set_stage(case("salesforce"), tmp_path, monkeypatch) as stage:
        yield stage


@pytest.fixture
def many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """So many contacts that they go by a file."""
    with set_stage(case("salesforce_bulk"), tmp_path, monkeypatch, 230) as stage:
        yield stage


@pytest.fixture
def shipped(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Stage]:
    """A sync as it ships."""
    with set_stage(SHIPPED[request.param], tmp_path, monkeypatch) as stage:
        yield stage


def over(*names: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("shipped", names, indirect=True)


def org(stage: Stage) -> SalesforceStandIn:
    assert isinstance(stage.remote, SalesforceStandIn)
    return stage.remote


def states(stage: Stage) -> list[str]:
    return [job.state for job in org(stage).jobs.values()]


# As they ship -------------------------------------------------------------------------


@over("contacts", "leads")
def test_people_are_found_by_email_and_none_is_created(shipped: Stage) -> None:
    remote = org(shipped)
    kind = shipped.sync.object
    email = shipped.key(0)
    first = remote.add(kind, Email=email.upper(), LastName="A")
    twin = remote.add(kind, Email=email, LastName="B")
    result = shipped.run()
    assert (result.acknowledged, result.skipped) == (1, result.planned - 1)
    wanted = shipped.expected()[email]
    for record_id in (first, twin):
        record = remote.store[kind][record_id]
        assert {name: record[name] for name in wanted} == wanted
    assert len(remote.store[kind]) == 2
    assert not remote.assigned
    again = shipped.run()
    assert again.acknowledged == 0


@over("leads")
def test_a_lead_that_is_converted_is_left_alone(shipped: Stage) -> None:
    remote = org(shipped)
    remote.add("Lead", Email=shipped.key(0), LastName="A", IsConverted=True)
    assert shipped.run().acknowledged == 0
    open_lead = remote.add("Lead", Email=shipped.key(0), LastName="A")
    assert shipped.retry().acknowledged == 1
    remote.store["Lead"][open_lead]["IsConverted"] = True
    shipped.shop.change("segment = 'cold'", "contact_id = md5('contact 0')")
    assert shipped.run().acknowledged == 0


@over("contacts")
def test_records_that_are_merged_are_found_anew(shipped: Stage) -> None:
    remote, email = org(shipped), shipped.key(0)
    loser = remote.add("Contact", Email=email, LastName="A")
    shipped.run()
    remote.lose("Contact", loser)
    winner = remote.add("Contact", Email=email, LastName="A")
    shipped.shop.change("segment = 'cold'", "contact_id = md5('contact 0')")
    shipped.run()
    assert remote.store["Contact"][winner]["Intent_Segment__c"] == "cold"


def real_accounts(stage: Stage) -> list[str]:
    """Let accounts be called as Salesforce calls them."""
    stage.shop.change("account_id = '001' || substr(account_id, 1, 12)")
    return sorted(stage.expected())


@over("accounts")
def test_accounts_are_found_by_their_id(shipped: Stage) -> None:
    keys = real_accounts(shipped)
    for key in keys[:-1]:
        org(shipped).keep("Account", f"{key}AAA", {"Name": "A"})
    result = shipped.run()
    assert (result.acknowledged, result.skipped) == (len(keys) - 1, 1)
    for key in keys[:-1]:
        record = org(shipped).store["Account"][f"{key}AAA"]
        wanted = shipped.expected()[key]
        assert {name: record[name] for name in wanted} == wanted
    assert not org(shipped).assigned


@over("opportunities")
def test_all_open_opportunities_of_an_account_are_written(shipped: Stage) -> None:
    remote, [key, *_] = org(shipped), real_accounts(shipped)
    account = f"{key}AAA"
    there = [remote.add("Opportunity", AccountId=account) for _ in range(3)]
    closed = remote.add("Opportunity", AccountId=account, IsClosed=True)
    remote.locks[account] = 1  # one of them is held by another, once
    assert shipped.run().acknowledged == 1

    def segments() -> list[Any]:
        store = remote.store["Opportunity"]
        return [store[each]["Intent_Segment__c"] for each in (*there, closed)]

    wanted = shipped.expected()[key]["Intent_Segment__c"]
    assert segments() == [wanted] * 3 + [None]
    there.append(remote.add("Opportunity", AccountId=account))
    shipped.shop.change("segment = 'warm', intent_score = 1.5")
    shipped.run()
    assert segments() == ["warm"] * 4 + [None]


@over("opportunities")
def test_an_account_is_refused_if_one_of_its_opportunities_is(shipped: Stage) -> None:
    remote, [key, *_] = org(shipped), real_accounts(shipped)
    there = [remote.add("Opportunity", AccountId=f"{key}AAA") for _ in range(3)]
    remote.poison(there[1], "no", "Intent_Score__c")
    result = shipped.run()
    assert (result.acknowledged, result.rejected) == (0, 1)
    [refused] = service.rejected(places(), shipped.sync)
    assert refused.field == "Intent_Score__c"
    remote.heal(there[1])
    assert shipped.retry().acknowledged == 1


@over("opportunities")
def test_an_account_with_hundreds_goes_by_a_file(shipped: Stage) -> None:
    remote, [key, *_] = org(shipped), real_accounts(shipped)
    for _ in range(230):
        remote.add("Opportunity", AccountId=f"{key}AAA")
    shipped.change_sync(options=BULK)
    assert shipped.run().acknowledged == 1
    assert states(shipped) == ["JobComplete"]
    store = remote.store["Opportunity"].values()
    assert len({record["Intent_Segment__c"] for record in store}) == 1


@over("contacts")
def test_more_than_one_page_is_looked_up_by_halves(shipped: Stage) -> None:
    for key in shipped.expected():
        shipped.put(key, {})
    org(shipped).page = 4
    assert shipped.run().acknowledged == len(shipped.expected())
    assert shipped.records() == shipped.expected()


@over("contacts")
def test_no_personal_data_stands_in_an_address(shipped: Stage) -> None:
    for key in shipped.expected():
        shipped.put(key, {})
    shipped.run()
    service.reconcile(places(), shipped.sync)
    for logged in shipped.remote.log:
        assert "shop.example" not in f"{logged.path}{logged.query}"


# Creating -----------------------------------------------------------------------------


@pytest.mark.parametrize("stage_name", ["upserting", "many"])
def test_a_contact_needs_a_name(
    stage_name: str, request: pytest.FixtureRequest
) -> None:
    stage: Stage = request.getfixturevalue(stage_name)
    fields = {
        name: rule.model_dump(exclude_defaults=True)
        for name, rule in stage.sync.fields.items()
        if name != "LastName"
    }
    stage.change_sync(fields=fields)
    stage.put(stage.key(0), {"LastName": "A"})
    result = stage.run()
    assert (result.acknowledged, result.rejected) == (1, result.planned - 1)
    assert result.rejections == {"REQUIRED_FIELD_MISSING": result.planned - 1}
    assert {each.field for each in service.rejected(places(), stage.sync)} == {
        "LastName"
    }


def test_a_field_that_vanishes_is_told_before_anything_is_sent(
    upserting: Stage,
) -> None:
    upserting.remote.drop_field("Intent_Grade__c")
    with pytest.raises(BadInputError, match="Intent_Grade__c: is not there"):
        upserting.run()
    assert not upserting.writes()


def test_an_object_that_is_not_there_is_told(upserting: Stage) -> None:
    del org(upserting).schema["Contact"]
    with pytest.raises(BadInputError, match="Intent_Contact_Id__c: is not there"):
        upserting.run()


def test_rows_that_others_hold_are_sent_again(upserting: Stage) -> None:
    for number in (0, 3):
        org(upserting).locks[upserting.key(number)] = 2
    assert upserting.run().acknowledged == 12
    assert upserting.records() == upserting.expected()


# Credentials and quota ----------------------------------------------------------------


def test_a_token_that_expires_is_renewed_once(many: Stage) -> None:
    many.change_sync(options={})
    many.remote.tokens_last = 2
    result = many.run()
    assert result.acknowledged == result.planned
    assert many.remote.authentications == 2


def test_revoked_credentials_stop_the_run(upserting: Stage) -> None:
    upserting.remote.revoke()
    with pytest.raises(RefusedError, match="INTENT_SALESFORCE"):
        upserting.run()


def test_a_signed_assertion_gets_a_token(
    upserting: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    key = rsa.generate_private_key(65537, 2048)
    file = tmp_path / "key.pem"
    file.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    monkeypatch.delenv("INTENT_SALESFORCE_CLIENT_SECRET")
    monkeypatch.setenv("INTENT_SALESFORCE_PRIVATE_KEY_FILE", str(file))
    monkeypatch.setenv("INTENT_SALESFORCE_USERNAME", org(upserting).username)
    public = key.public_key().public_bytes(
        Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
    )
    other = rsa.generate_private_key(65537, 2048).public_key()
    org(upserting).public_key = other.public_bytes(
        Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
    ).decode()
    with pytest.raises(RefusedError):
        upserting.run()
    org(upserting).public_key = public.decode()
    assert upserting.run().acknowledged == 12
    monkeypatch.setenv("INTENT_SALESFORCE_USERNAME", "somebody@shop.example")
    with pytest.raises(RefusedError):
        upserting.run()


def test_the_days_requests_used_up_leave_the_rest_for_tomorrow(many: Stage) -> None:
    many.change_sync(options={}, rows_at_once=20)
    many.remote.daily_limit = 8
    result = many.run()
    assert 0 < result.acknowledged < result.planned
    assert result.deferred == result.planned - result.acknowledged
    assert result.exit_code is ExitCode.DEFERRED
    with open_ledger(many.shop.ledger) as ledger:
        assert ledger.rows("select daily_limit from quota order by rowid desc limit 1")
    many.remote.daily_limit = 1_000
    many.remote.next_day()
    with open_ledger(many.shop.ledger) as ledger, ledger.commit() as connection:
        connection.execute("delete from quota")
        connection.execute("delete from requests")
    assert many.run().deferred == 0
    assert many.records() == many.expected()


# Jobs ---------------------------------------------------------------------------------


def test_many_rows_are_one_job(many: Stage) -> None:
    result = many.run()
    assert result.acknowledged == result.planned == 230
    assert states(many) == ["JobComplete"]
    assert len(many.remote.requests(r"composite/sobjects")) == 0
    assert many.records() == many.expected()


def test_a_job_that_fails_after_a_part_is_made_good(many: Stage) -> None:
    org(many).failing = [100]
    result = many.run()
    assert result.acknowledged == result.planned
    assert states(many) == ["Failed"]  # the rest are few enough for requests
    assert many.records() == many.expected()


def test_jobs_that_fail_time_and_again_leave_their_rows(many: Stage) -> None:
    org(many).failing = [1] * 9
    result = many.run()
    assert result.deferred == result.planned - 3
    assert states(many) == ["Failed"] * 3
    org(many).failing = []
    assert many.run().deferred == 0
    assert many.records() == many.expected()


def test_a_job_that_is_stuck_is_given_up_and_its_rows_sent_again(
    many: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "MOST_HOURS", 0.1 / 3600)
    org(many).stuck = 1
    result = many.run()
    assert result.acknowledged == result.planned
    assert states(many) == ["Aborted", "JobComplete"]
    assert many.records() == many.expected()


def test_a_job_that_vanishes_is_made_good(many: Stage) -> None:
    remote = org(many)
    remote.faults.add(
        Fault(html_page().kind, 404, {}, b'[{"errorCode":"NOT_FOUND","message":""}]'),
        path=f"{JOBS}/750",
        method="GET",
    )
    result = many.run()
    assert result.acknowledged == result.planned
    assert many.records() == many.expected()


def test_rows_that_are_in_no_results_are_sent_again(many: Stage) -> None:
    for number in (0, 7):
        many.remote.omit(many.key(number))
    result = many.run()
    assert result.acknowledged == result.planned
    assert many.records() == many.expected()


def test_locked_and_refused_rows_of_a_file(many: Stage) -> None:
    org(many).locks[many.key(3)] = 1
    many.remote.poison(many.key(4), "is bad", "Intent_Score__c")
    result = many.run()
    assert (result.acknowledged, result.rejected) == (229, 1)
    [refused] = service.rejected(places(), many.sync)
    assert (refused.code, refused.field) == (
        "FIELD_CUSTOM_VALIDATION_EXCEPTION",
        "Intent_Score__c",
    )


def test_the_days_records_used_up_leave_the_rest_for_tomorrow(many: Stage) -> None:
    org(many).bulk_records_left = 50
    result = many.run()
    assert (result.acknowledged, result.deferred) == (50, 180)
    assert result.exit_code is ExitCode.DEFERRED
    assert "Bulk API" in result.reason
    org(many).bulk_records_left = None
    assert many.run().deferred == 0
    assert many.records() == many.expected()


STEPS: Mapping[str, tuple[str, str]] = {
    "create": ("POST", f"{JOBS}$"),
    "upload": ("PUT", "/batches$"),
    "close": ("PATCH", f"{JOBS}/750"),
    "poll": ("GET", f"{JOBS}/750[^/]*$"),
    "results": ("GET", "/successfulResults$"),
}


@pytest.mark.parametrize(
    ("step", "fault"),
    [
        *((step, fault) for step in STEPS for fault in (DROP, APPLY_DROP)),
        ("create", html_page()),
        ("upload", applies_and_answers(504)),
        ("upload", html_page()),
        ("close", applies_and_answers(504)),
        ("results", html_page()),
    ],
    ids=lambda value: value if isinstance(value, str) else value.kind,
)
def test_a_step_whose_answer_is_lost_does_no_harm(
    many: Stage, step: str, fault: Fault
) -> None:
    method, path = STEPS[step]
    many.remote.faults.add(fault, path, method)
    result = many.run()
    assert many.remote.faults.befell == [fault]
    assert result.acknowledged == result.planned
    assert many.records() == many.expected()
    assert states(many).count("JobComplete") == 1
    assert set(states(many)) <= {"JobComplete", "Aborted", "Open"}


CHILD = """
import json, sys
from intent.settings import places
from intent.sync import service
from intent.sync.spec import Sync
from sync_stage import GUARDS, Silent
service.run(places(), Sync.model_validate(json.loads(sys.argv[1])), Silent(), GUARDS)
"""


def run_until_killed(stage: Stage, method: str, path: str) -> None:
    """Run in a process of its own, which is killed when it waits for an answer."""
    told = {**stage.sync.model_dump(mode="json", by_alias=True, exclude_none=True)}
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD, json.dumps({**told, "name": stage.sync.name})],
        env={**os.environ, "PYTHONPATH": str(HERE)},
        cwd=HERE,
    )
    try:
        end = time.monotonic() + 60
        while not stage.remote.faults.befell:
            assert process.poll() is None
            assert time.monotonic() < end, f"{method} {path} never came"
            time.sleep(0.01)
        time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize(
    ("step", "applied"),
    [
        *((step, applied) for step in list(STEPS)[:3] for applied in (False, True)),
        ("poll", True),
        ("results", True),
    ],
)
def test_a_process_killed_in_a_job_is_made_good_by_the_next(
    many: Stage, step: str, applied: bool
) -> None:
    method, path = STEPS[step]
    many.remote.faults.add(APPLY_HANG if applied else HANG, path, method)
    run_until_killed(many, method, path)
    result = many.run()
    assert result.deferred == result.in_doubt == result.rejected == 0
    assert many.records() == many.expected()
    assert max(many.remote.creations.values()) == 1
    # A file that was handed over is not handed over again.
    is_handed_over = (step, applied) not in {
        *(("create", each) for each in (False, True)),
        *(("upload", each) for each in (False, True)),
        ("close", False),
    }
    uploads = many.remote.requests("/batches$", "PUT")
    assert len([each for each in uploads if each.status == 201]) <= 2
    assert states(many).count("JobComplete") == 1
    if is_handed_over:
        assert len(uploads) == 1
        assert states(many) == ["JobComplete"]


def test_a_job_that_vanished_while_nobody_looked_is_sent_again(many: Stage) -> None:
    method, path = STEPS["results"]
    many.remote.faults.add(HANG, path, method)
    run_until_killed(many, method, path)
    org(many).let_a_week_pass()
    many.shop.change("segment = 'warm', intent_score = 1.5")
    result = many.run()
    assert result.deferred == result.in_doubt == 0
    assert many.records() == many.expected()
    assert max(many.remote.creations.values()) == 1
