"""The life of a contact at a destination, as the live smoke test plays it.

It comes, changes, stands beside a row that is refused, leaves and is deleted, by the
same code that syncs run by. It is invented, and looks it: its name begins with `MARK`,
its address ends in example.com.
"""

import asyncio
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import orjson
import pytest
from intent.settings import places
from intent.sync import service
from intent.sync.agree import differing
from intent.sync.destinations import find_adapter
from intent.sync.ledger import open_ledger
from intent.sync.model import WRITES, RemoteRecord, Request, Response, Row, Value
from intent.sync.packing import FAULT
from intent.sync.results import RunResult
from intent.sync.session import Session, make_adapter, open_session
from intent.sync.spec import Sync
from intent.sync.stop import Stop
from intent.sync.wire import HttpChannel
from sync_shop import SyncShop
from sync_stage import GUARDS, Silent

MARK = "intent-live-test"
JSON = {"content-type": "application/json"}
BEFORE = 1_600_000_000
"""A moment long ago."""


@dataclass(frozen=True)
class Fact:
    """What documents leave open, and what was seen of it."""

    words: str
    holds: bool | None
    """None: either is fine, and is only told."""
    seen: str = ""

    def __str__(self) -> str:
        mark = {True: "yes", False: "NO", None: "seen"}[self.holds]
        return f"{mark:4} {self.words}{f': {self.seen}' if self.seen else ''}"


@dataclass
class Live:
    """A destination, two invented contacts, and what was said between us."""

    sync: Sync
    shop: SyncShop
    patch: pytest.MonkeyPatch
    seconds: float
    """How long to wait for what was acknowledged to be seen."""
    names: tuple[str, str]
    heard: list[tuple[Request, Response]] = field(default_factory=list)

    @classmethod
    def open(
        cls, sync: Sync, shop: SyncShop, patch: pytest.MonkeyPatch, seconds: float
    ) -> Self:
        """Put the contacts into the shop; the second is not told to anybody yet."""
        some = secrets.token_hex(4)
        live = cls(sync, shop, patch, seconds, (f"{MARK}-{some}-1", f"{MARK}-{some}-2"))
        for number, name in enumerate(live.names):
            shop.change(
                f"contact_id = '{name}', email = '{name}@example.com', segment = 'hot',"
                f" is_exportable = {number == 0}, top_interest = 'shoes',"
                " hot_until = timestamp '2030-01-01 08:00:00', intent_score = 3.2",
                f"contact_id = md5('contact {number}')",
            )
        send = HttpChannel.send

        async def overheard(channel: HttpChannel, request: Request) -> Response:
            response = await send(channel, request)
            live.heard.append((request, response))
            return response

        patch.setattr(HttpChannel, "send", overheard)
        return live

    @property
    def keys(self) -> tuple[str, str]:
        """What the contacts are called over there."""
        first, second = self.names
        is_email = self.sync.match.column == "email"
        end = "@example.com" if is_email else ""
        return f"{first}{end}", f"{second}{end}"

    @property
    def adapter(self) -> Any:
        return make_adapter(self.sync)

    def run(self) -> RunResult:
        """Send what changed."""
        return service.run(places(), self.sync, Silent(), GUARDS)

    def told(self) -> None:
        """Run, and make sure that all was acknowledged."""
        result = self.run()
        assert result.planned > 0
        assert result.acknowledged == result.planned, result

    def within(self, act: Callable[[Session, Any], Any]) -> Any:
        """Do something by an open session, and its courier."""

        async def main() -> Any:
            with open_ledger(places().ledger) as ledger:
                async with open_session(ledger, self.adapter, Stop()) as session:
                    await session.describe()  # some know fields by numbers
                    async with session.runner("") as runner:
                        return await act(session, runner.courier)

        return asyncio.run(main())

    def ask(self, request: Request) -> Response:
        """The answer to a request of any kind."""

        async def exchange(session: Session, courier: Any) -> Response:
            reply = await courier.exchange(request, asks_budget=False)
            if reply is None or reply.response is None:
                raise session.stop.error or AssertionError("there was no answer")
            response: Response = reply.response
            return response

        answer: Response = self.within(exchange)
        return answer

    def read(self, *keys: str) -> Mapping[str, RemoteRecord]:
        """The records of some keys, as the destination has them."""

        async def look(session: Session, courier: Any) -> Any:
            found = await courier.look_up(keys, list(self.sync.fields))
            if found is None:
                raise session.stop.error or AssertionError("it can't be asked")
            return found

        found: Mapping[str, RemoteRecord] = self.within(look)
        return found

    @property
    def can_read(self) -> bool:
        """Records can be read back."""
        return bool(self.adapter.lookup_rows)

    def sees(self, wanted: Mapping[str, Value] | None, key: str = "") -> None:
        """Wait until a record has these values; None: until it is not there."""
        if not self.can_read:
            return
        key = key or self.keys[0]
        deadline = time.monotonic() + self.seconds
        while True:
            found = self.read(key).get(key)
            if wanted is None:
                wrong = ["it is still there"] if found else []
            elif found is None:
                wrong = ["it is not there"]
            else:
                wrong = differing(wanted, found.values)
            if not wrong:
                return
            assert time.monotonic() < deadline, f"{self.sync.name}: {wrong}"
            time.sleep(min(2.0, self.seconds / 10))

    def sees_the_mart(self) -> None:
        """Wait until the first contact is there as the mart has it."""
        wanted = self.shop.expected(self.sync)[self.keys[0]]
        self.sees(wanted)

    def answers(self, path: str) -> list[Response]:
        """What was answered to requests whose path has a text in it."""
        return [answer for request, answer in self.heard if path in request.path]

    def set(self, values: str, number: int = 0) -> None:
        """Change one of the contacts."""
        self.shop.change(values, f"contact_id = '{self.names[number]}'")


@dataclass(frozen=True)
class Part:
    """What a destination has otherwise than the others."""

    arrive: Callable[[Live], None] = lambda live: None  # noqa: ARG005
    """Let there be records, where a sync creates none."""
    spoil: Callable[[Sync], tuple[str, str]] | None = None
    """A field, and a value that the destination refuses, or may; None: it takes any."""
    refuses: bool | None = True
    """None: whether it refuses that value is not known."""
    there: Callable[[Live], Iterator[Fact]] = lambda live: iter(())  # noqa: ARG005
    """Facts to be seen while the contact is there."""
    gone: Callable[[Live], Iterator[Fact]] = lambda live: iter(())  # noqa: ARG005
    """Facts to be seen when it is deleted."""


def play(live: Live) -> list[Fact]:
    """Play a contact's life, and tell the facts that were seen."""
    part = PARTS[live.sync.destination]
    findings = service.check(places(), live.sync)
    assert [f"{each.what}: {each.message}" for each in findings if not each.ok] == []
    try:
        part.arrive(live)
        live.told()
        live.sees_the_mart()
        facts = list(part.there(live))
        live.set("segment = 'cold', intent_score = 0.4, hot_until = null")
        live.told()
        live.sees_the_mart()
        if live.can_read:
            facts.append(Fact("null unsets a field", True))
        if part.spoil:
            facts.append(refusal(live, *part.spoil(live.sync), part.refuses))
        live.shop.change("is_exportable = false")
        left = live.run()
        assert left.acknowledged + left.skipped == left.planned > 0, left
        unset = {
            name: None
            for name, rule in live.sync.fields.items()
            if rule.if_null == "clear"
        }
        live.sees(unset)
    finally:
        clean_up(live)
    return facts + list(part.gone(live))


def refusal(live: Live, field: str, value: str, refuses: bool | None) -> Fact:
    """Send a row with a bad value beside a good one, past our own checks."""
    kind, bad = find_adapter(live.sync.destination), live.keys[1]
    pack, since = kind.pack, len(live.heard)

    def spoilt(row: Row) -> Row:
        is_bad = row.key == bad and row.op in WRITES
        return replace(row, values={**row.values, field: value}) if is_bad else row

    live.set("intent_score = 2.2")
    live.set("is_exportable = true", 1)
    with live.patch.context() as patch:
        patch.setattr(kind, "pack", lambda self, rows: pack(self, map(spoilt, rows)))
        result = live.run()
    assert FAULT not in result.rejections, result
    if refuses is not None:
        assert (result.acknowledged, result.rejected) == (1, 1), result
    live.sees_the_mart()
    with_it = [
        str(answer.status)
        for request, answer in live.heard[since:]
        if value.encode() in request.content
    ]
    codes = ", ".join(result.rejections) or "not refused"
    return Fact(
        f"a bad value of {field}", None, f"{codes} (status {', then '.join(with_it)})"
    )


def clean_up(live: Live) -> None:
    """Delete the contacts over there, as after an erasure."""
    try:
        live.shop.remove("true")
        with open_ledger(places().ledger) as ledger, ledger.commit() as connection:
            connection.execute(
                f'delete from "acked_{live.sync.name}" where match_key in ?',
                [list(live.keys)],
            )
            connection.executemany(
                "insert into deletions values (?, ?, null, 'live', now()::timestamp)",
                [[live.sync.name, key] for key in live.keys],
            )
        result = live.run()
        assert result.acknowledged + result.skipped == result.planned, result
        for key in live.keys:
            live.sees(None, key)
    except BaseException as error:
        error.add_note(
            f"Delete them by hand, if they are there: {' and '.join(live.keys)}"
        )
        raise


def a_number(sync: Sync) -> tuple[str, str]:
    """A field of numbers, and a text that is none."""
    return field_of(sync, "intent_score"), "no number"


def a_long_text(sync: Sync) -> tuple[str, str]:
    """A text that is longer than the documents allow."""
    return field_of(sync, "top_interest"), "x" * 1_001


def field_of(sync: Sync, column: str) -> str:
    """The field that a column fills."""
    return next(name for name, rule in sync.fields.items() if rule.column == column)


# HubSpot ---------------------------------------------------------------------------


def hubspot_there(live: Live) -> Iterator[Fact]:
    adapter, [key, _] = live.adapter, live.keys
    [found] = orjson.loads(live.ask(adapter.lookup([key], [])).content)["results"]
    yield Fact(
        "a contact that is upserted by its email has it",
        found["properties"].get("email") == key,
    )
    results = orjson.loads(live.answers("/batch/upsert")[0].content)["results"]
    yield Fact(
        "results of an upsert carry the trace id",
        all(each.get("objectWriteTraceId") for each in results),
    )
    field = next(iter(live.sync.fields))
    value = live.read(key)[key].values[field]
    by_email = {"id": key, "idProperty": "email", "properties": {field: value}}
    path = f"{adapter.objects}/batch/update"
    answer = live.ask(Request("POST", path, orjson.dumps({"inputs": [by_email]}), JSON))
    yield Fact("batch/update by email", None, f"status {answer.status}")
    yield Fact("emails are found in other case", bool(live.read(key.upper())))


# Salesforce ------------------------------------------------------------------------


def salesforce_arrive(live: Live) -> None:
    if live.sync.mode == "upsert":
        return
    records = [
        {"attributes": {"type": live.sync.object}, "LastName": MARK, "Email": key}
        for key in live.keys
    ]
    path = f"{live.adapter.base}/composite/sobjects"
    body = orjson.dumps({"allOrNone": True, "records": records})
    answer = live.ask(Request("POST", path, body, JSON))
    created = orjson.loads(answer.content)
    assert all(each.get("success") for each in created), created


def salesforce_there(live: Live) -> Iterator[Fact]:
    adapter, [key, _] = live.adapter, live.keys
    record = live.read(key)[key].remote_id
    answer = salesforce_update(live, record, {"Intent_No_Such_Field__c": "x"})
    yield Fact(
        "an unknown field refuses a request as a whole",
        answer.status == 400 and codes_of(answer) == ["INVALID_FIELD"],
        f"status {answer.status} {codes_of(answer)}",
    )
    many = [f"{MARK}-{number}@example.com" for number in range(adapter.lookup_rows)]
    found = adapter.read_lookup(many, [], live.ask(adapter.lookup(many, [])))
    yield Fact(f"a look-up of {len(many):,} addresses is answered", found == {})
    yield Fact("emails are found in other case", bool(live.read(key.upper())))
    if adapter.config.private_key:
        yield Fact(f"an assertion for {adapter.config.audience} is taken", True)


def salesforce_gone(live: Live) -> Iterator[Fact]:
    ids = [
        each["id"]
        for answer in live.answers("/composite/sobjects")
        for each in orjson.loads(answer.content)
        if isinstance(each, dict) and each.get("success") and each.get("id")
    ]
    field = next(iter(live.sync.fields))
    answer = salesforce_update(live, ids[0], {field: None})
    [result] = orjson.loads(answer.content)
    codes = [error["statusCode"] for error in result["errors"]]
    known = {"ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY"}
    yield Fact("a deleted record is told as such", set(codes) <= known, f"{codes}")


def salesforce_update(live: Live, record: str, values: Mapping[str, Any]) -> Response:
    one = {"attributes": {"type": live.sync.object}, "id": record, **values}
    body = orjson.dumps({"allOrNone": False, "records": [one]})
    path = f"{live.adapter.base}/composite/sobjects"
    return live.ask(Request("PATCH", path, body, JSON))


def codes_of(answer: Response) -> list[str]:
    body = orjson.loads(answer.content)
    return [str(each.get("errorCode")) for each in body if isinstance(each, dict)]


# Customer.io -----------------------------------------------------------------------


def customer_io_there(live: Live) -> Iterator[Fact]:
    key, nobody = live.keys[0], f"{live.names[0]}-nobody"
    now = int(time.time())
    interest = field_of(live.sync, "top_interest")
    segment = field_of(live.sync, "segment")
    answer = live.ask(
        customer_io_batch(
            [
                identify(key, BEFORE, {segment: "older"}),
                identify(nobody, now, {segment: "hot", "_update": True}),
                {"type": "person", "action": "delete", "identifiers": {"id": nobody}},
            ],
        )
    )
    yield Fact("an unknown person can be deleted", answer.status == 200)
    if not live.can_read:
        return
    # What is told of another contact after it is seen after it.
    other = live.keys[1]
    live.ask(customer_io_batch([identify(other, now, {interest: "later"})]))
    live.sees({interest: "later"}, other)
    found = live.read(key, nobody)
    is_kept = found[key].values.get(segment) == "hot"
    yield Fact("an update with an older timestamp loses", is_kept)
    yield Fact(
        "`_update` with a timestamp, in a batch, creates nobody", len(found) == 1
    )
    score = field_of(live.sync, "intent_score")
    told = orjson.loads(live.answers("/v1/customers/attributes")[-1].content)
    [customer] = told["customers"]
    kind = type(customer["customer"]["attributes"].get(score)).__name__
    yield Fact("the App API writes a number as", None, kind)


def identify(key: str, at: int, attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "person",
        "action": "identify",
        "identifiers": {"id": key},
        "timestamp": at,
        "attributes": attributes,
    }


def customer_io_batch(operations: Sequence[Mapping[str, Any]]) -> Request:
    body = orjson.dumps({"batch": operations})
    return Request("POST", "/api/v2/batch", body, JSON)


# Marketo ---------------------------------------------------------------------------


def marketo_there(live: Live) -> Iterator[Fact]:
    yield Fact("the client's secret is taken in the body", True)
    yield Fact("a look-up by POST with _method=GET is taken", True)
    found = live.read(live.keys[0].upper())
    yield Fact("emails are found in other case", bool(found))


# Account Engagement ----------------------------------------------------------------


def pardot_there(live: Live) -> Iterator[Fact]:
    key = live.keys[0]
    yield Fact("an import that is ready ends as complete", True)
    yield Fact("who is created by an import has its match email", bool(live.read(key)))
    found = live.read(key.upper())
    yield Fact("emails are found in other case", None, "yes" if found else "no")
    columns = [name for name in live.sync.fields if name.endswith("__c")]
    yield Fact("names of custom fields end in __c", len(columns) > 0)


# Eloqua ------------------------------------------------------------------------------


def eloqua_there(live: Live) -> Iterator[Fact]:
    yield Fact("a CSV file with a blank cell is taken", True)
    logs = [orjson.loads(answer.content)["items"] for answer in live.answers("/logs")]
    codes = {each.get("statusCode") for found in logs for each in found}
    yield Fact("a sync's logs count what was processed", "ELQ-00001" in codes)
    yield Fact("emails are found in other case", bool(live.read(live.keys[0].upper())))


# Klaviyo ---------------------------------------------------------------------------


def klaviyo_there(live: Live) -> Iterator[Fact]:
    key, other = live.keys
    segment = field_of(live.sync, "segment")
    interest = field_of(live.sync, "top_interest")
    told = klaviyo_properties(live, key)
    yield Fact("a complete import is seen", told.get(segment) == "hot")
    job = klaviyo_import(
        live,
        [
            {"attributes": {"email": key}, "meta": unset_by(interest)},
            {"attributes": {"email": other, "properties": {segment: None}}},
            {"attributes": {"email": "no address"}},
        ],
    )
    if job is None:
        yield Fact("a bad address refuses an import as a whole", None)
        return
    path, state = job
    is_unset = interest not in klaviyo_properties(live, key)
    yield Fact("`unset` of an import takes a property away", is_unset)
    counts = [state[name] for name in ("completed_count", "failed_count")]
    yield Fact("a bad address is an error of one row", counts == [2, 1], f"{counts}")
    answer = live.ask(klaviyo_get(f"{path}/import-errors"))
    for error in orjson.loads(answer.content)["data"]:
        attributes = error["attributes"]
        named = "original_payload" if attributes.get("original_payload") else "pointer"
        pointer = (attributes.get("source") or {}).get("pointer")
        yield Fact("an error of an import names its row by", None, f"{named} {pointer}")


def unset_by(name: str) -> dict[str, Any]:
    return {"patch_properties": {"unset": [name]}}


def klaviyo_import(
    live: Live, profiles: Sequence[Mapping[str, Any]]
) -> tuple[str, Mapping[str, Any]] | None:
    """Import, and wait for the end: its path and state; None if it is refused."""
    typed = [{"type": "profile", **profile} for profile in profiles]
    attributes = {"profiles": {"data": typed}}
    data = {"type": "profile-bulk-import-job", "attributes": attributes}
    path = "/api/profile-bulk-import-jobs"
    headers = {**klaviyo_get(path).headers, "content-type": "application/vnd.api+json"}
    answer = live.ask(Request("POST", path, orjson.dumps({"data": data}), headers))
    if answer.status != 202:
        return None
    path = f"{path}/{orjson.loads(answer.content)['data']['id']}"
    while True:
        told = orjson.loads(live.ask(klaviyo_get(path)).content)["data"]["attributes"]
        if told["status"] not in ("queued", "processing"):
            return path, told
        time.sleep(live.seconds / 20)


def klaviyo_properties(live: Live, key: str) -> Mapping[str, Any]:
    answer = live.ask(live.adapter.lookup([key], []))
    [profile] = orjson.loads(answer.content)["data"]
    found: Mapping[str, Any] = profile["attributes"]["properties"]
    return found


def klaviyo_get(path: str) -> Request:
    headers = {"accept": "application/vnd.api+json", "revision": "2026-07-15"}
    return Request("GET", path, headers=headers, lane="poll")


# Braze -----------------------------------------------------------------------------


def braze_there(live: Live) -> Iterator[Fact]:
    key, nobody = live.keys[0], f"{live.names[0]}-nobody"
    segment = field_of(live.sync, "segment")
    only = {"external_id": nobody, "_update_existing_only": True, segment: "hot"}
    answer = live.ask(braze_track([only]))
    yield Fact("an update of nobody is accepted", answer.status == 201)
    answer = live.ask(braze_track([{segment: "hot"}]))
    told = orjson.loads(answer.content)
    yield Fact("an object without an id", None, f"{answer.status} {told}")
    if not live.can_read:
        return
    found = live.read(key, nobody)
    yield Fact("`_update_existing_only` creates nobody", nobody not in found)
    until = found[key].values.get(field_of(live.sync, "hot_until"))
    yield Fact("a moment in the future stays what it is", None, str(until)[:4])


def braze_track(attributes: Sequence[Mapping[str, Any]]) -> Request:
    body = orjson.dumps({"attributes": attributes})
    return Request("POST", "/users/track", body, JSON)


# Connectif -------------------------------------------------------------------------


def connectif_there(live: Live) -> Iterator[Fact]:
    yield Fact("emails are found in other case", bool(live.read(live.keys[0].upper())))
    [answer, *_] = live.answers("/contact-fields/")
    yield Fact("fields are listed", None, f"status {answer.status}")
    answer = live.answers("/contacts/")[-1]
    names = [name for name in answer.headers if name.startswith("x-ratelimit")]
    told = {name: answer.headers[name] for name in sorted(names)}
    yield Fact("what is told of the rate", None, f"{told}")
    nobody = live.adapter.lookup([f"{live.names[0]}-nobody@example.com"], [])
    deleted = live.ask(replace(nobody, method="DELETE"))
    yield Fact("an unknown contact that is deleted", None, f"status {deleted.status}")


# SALESmanago -----------------------------------------------------------------------


def salesmanago_there(live: Live) -> Iterator[Fact]:
    key, adapter = live.keys[0], live.adapter
    yield Fact("emails are found in other case", bool(live.read(key.upper())))
    answers = live.answers("/api/contact/batchupsert")
    told = orjson.loads(answers[0].content)
    yield Fact("the contacts of a batch are told", key in told["contactIds"])
    nobody = f"{live.names[0]}-nobody@example.com"
    found = live.ask(adapter.lookup([key, nobody], []))
    yield Fact("a look-up with an unknown contact", None, f"status {found.status}")
    gone = Request(
        "POST", "/api/contact/delete", orjson.dumps({"email": nobody}), dict(JSON)
    )
    said = orjson.loads(live.ask(gone).content)
    words = f"{said.get('success')} {said.get('message')}"
    yield Fact("an unknown contact that is deleted", None, words)


PARTS = {
    "braze": Part(spoil=a_long_text, refuses=None, there=braze_there),
    "salesmanago": Part(there=salesmanago_there),
    "connectif": Part(spoil=a_number, there=connectif_there),
    "hubspot": Part(spoil=a_number, there=hubspot_there),
    "salesforce": Part(
        arrive=salesforce_arrive,
        spoil=a_number,
        there=salesforce_there,
        gone=salesforce_gone,
    ),
    "customer_io": Part(spoil=a_long_text, refuses=None, there=customer_io_there),
    "marketo": Part(spoil=a_number, there=marketo_there),
    "pardot": Part(spoil=a_number, there=pardot_there),
    "eloqua": Part(spoil=a_number, there=eloqua_there),
    "klaviyo": Part(there=klaviyo_there),
    "webhook": Part(),
}
