"""What HubSpot's answers to batches mean, row by row.

Results come in any order. Each row carries its number as `objectWriteTraceId`, which
comes back with its result, or in the context of its error.
"""

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from intent.sync.model import (
    Advice,
    Outcome,
    Response,
    Row,
    State,
    Verdict,
)
from intent.sync.outbox import EXISTS, NO_MATCH

ROLLING = "TEN_SECONDLY_ROLLING"
WAITS = {ROLLING: 10.0, "SECONDLY": 1.0}
"""Seconds by the policy that a 429 names, where it has no Retry-After."""
LOCKED_WAIT = 2.0
"""Seconds: a record that HubSpot itself changes at the moment, status 423."""
FOR_ALL_ROWS = frozenset(("PROPERTY_DOESNT_EXIST", "READ_ONLY_VALUE"))
"""What is wrong with a property whatever its value."""
TRACE = "objectWriteTraceId"


@dataclass(frozen=True)
class Fault:
    """One thing that HubSpot finds wrong."""

    code: str
    field: str
    message: str

    @property
    def outcome(self) -> Outcome:
        """The outcome of a row that it is wrong with."""
        return Outcome(State.REJECTED, self.code, self.field, self.message)


@dataclass(frozen=True)
class Batch:
    """The rows of a batch, and how each was named in it."""

    rows: Sequence[Row]
    match_field: str
    by_record_id: bool = False
    """Rows whose record's id is known were named by it, not by their match key."""
    creates: bool = False

    def find(self, trace: str) -> Row | None:
        """The row of a trace id."""
        return next((row for row in self.rows if str(row.seq) == trace), None)

    def named(self, name: str) -> Row | None:
        """The row that was sent under a name."""
        return next((row for row in self.rows if self.name(row) == name), None)

    def name(self, row: Row) -> str:
        """What a row is named by."""
        return (row.remote_id if self.by_record_id else None) or row.key

    def row_of(self, result: Mapping[str, Any]) -> Row | None:
        """The row that a result is of."""
        if trace := str(result.get(TRACE) or ""):
            return self.find(trace)
        properties = result.get("properties")
        key = properties.get(self.match_field) if isinstance(properties, dict) else None
        for row in self.rows:
            if self.by_record_id and row.remote_id is not None:
                if row.remote_id == str(result.get("id")):
                    return row
            elif key is not None and row.key.lower() == str(key).lower():
                return row
        return None

    def rows_of(self, error: Mapping[str, Any]) -> list[Row]:
        """The rows that an error is about, as far as it says so."""
        context = error.get("context")
        if not isinstance(context, dict):
            context = {}
        traces = strings(context.get(TRACE)) or strings(error.get(TRACE))
        names = strings(context.get("ids")) + strings(context.get("id"))
        found = [self.find(trace) for trace in traces] if traces else []
        found += [] if traces else [self.named(name) for name in names]
        return [row for row in found if row is not None]


def batch_verdict(batch: Batch, response: Response) -> Verdict:
    """What the answer to a batch means.

    Raises:
        ValueError: it is none of HubSpot's.
    """
    if verdict := trouble(response):
        return verdict
    if response.status == 413:
        return Verdict(advice=Advice.SPLIT, message="the batch is too large")
    body = read_object(response)
    if response.status in (200, 201, 207):
        return several(batch, body)
    if response.status in (400, 404, 409):
        return whole(batch, body)
    raise ValueError(f"the status {response.status}")


def trouble(response: Response) -> Verdict | None:
    """The verdict on an answer that is not about rows; None if it is.

    Raises:
        ValueError: it is none of HubSpot's.
    """
    status = response.status
    if status == 429:
        return too_many(response)
    if status in (401, 403):
        return Verdict(advice=Advice.REFUSED, message=why_refused(response))
    if status == 423:
        return Verdict(wait=LOCKED_WAIT)
    if status == 477 or status >= 500:  # 477: the account moves to another place
        return Verdict()
    return None


def too_many(response: Response) -> Verdict:
    """The verdict on a 429, by the limit that was reached."""
    policy = ""
    with contextlib.suppress(ValueError):
        policy = str(read_object(response).get("policyName", "")).upper()
    if policy == "DAILY":
        return Verdict(
            advice=Advice.STOP,
            message="HubSpot's quota of requests for today is used up",
        )
    wait = None if "retry-after" in response.headers else WAITS.get(policy)
    return Verdict(wait=wait)


def why_refused(response: Response) -> str:
    """What to tell the user of a 401 or 403."""
    if response.status == 401:
        return (
            "HubSpot refuses the access token. Set INTENT_HUBSPOT_TOKEN to the one "
            "that the private app shows now."
        )
    scopes: list[str] = []
    with contextlib.suppress(ValueError):
        body = read_object(response)
        for each in (body, *dicts(body.get("errors"))):
            context = each.get("context")
            if isinstance(context, dict):
                for name in ("missingScopes", "requiredGranularScopes"):
                    scopes += strings(context.get(name))
    named = ", ".join(dict.fromkeys(scopes)) or "`intent sync setup` lists them"
    return f"HubSpot says that the private app lacks scopes: {named}."


def several(batch: Batch, body: Mapping[str, Any]) -> Verdict:
    """What an answer says of each row; those that it leaves out are unknown."""
    if not isinstance(body.get("results"), list):
        raise ValueError("an answer without results")
    outcomes: dict[int, Outcome] = {}
    for result in dicts(body["results"]):
        row = batch.row_of(result)
        if row is not None and "id" in result:
            outcomes[row.seq] = Outcome(State.ACKNOWLEDGED, remote_id=str(result["id"]))
    unclear = []
    for error in dicts(body.get("errors")):
        guilty = batch.rows_of(error)
        if is_about_rows(error):
            outcomes |= {row.seq: outcome_of(error, batch) for row in guilty}
        if not guilty:
            unclear.append(error)
    if not unclear or all(row.seq in outcomes for row in batch.rows):
        return Verdict(outcomes)
    if len(batch.rows) == 1:
        return whole(batch, unclear[0])
    return Verdict(outcomes, Advice.SPLIT)


def whole(batch: Batch, body: Mapping[str, Any]) -> Verdict:
    """What it means that a batch is refused as a whole: all rows, or one spoils it."""
    if not ({"category", "message", "errors"} & body.keys()):
        raise ValueError("a refusal without a reason")
    if len(batch.rows) == 1:
        return Verdict({batch.rows[0].seq: outcome_of(body, batch)})
    faults = list(faults_of(body))
    outcomes = {
        row.seq: fault.outcome
        for fault in faults
        if fault.code in FOR_ALL_ROWS
        for row in batch.rows
        if fault.field in row.values
    }
    return Verdict(outcomes, Advice.SPLIT, message=faults[0].message)


def is_about_rows(error: Mapping[str, Any]) -> bool:
    """It is the row that is wrong, not the server that is busy."""
    category = str(error.get("category", "")).upper()
    return category not in ("RATE_LIMITS", "RATE_LIMIT", "INTERNAL_ERROR", "TIMEOUT")


def outcome_of(error: Mapping[str, Any], batch: Batch) -> Outcome:
    """The outcome of the one row that an error is about."""
    category = str(error.get("category", "")).upper()
    if category == "OBJECT_NOT_FOUND":
        return Outcome(State.SKIPPED, NO_MATCH)
    if category == "CONFLICT" and batch.creates:
        return Outcome(State.SKIPPED, EXISTS, remote_id=existing_id(error))
    return next(iter(faults_of(error))).outcome


def existing_id(error: Mapping[str, Any]) -> str | None:
    """The id of the record that is there already, if an error says so."""
    context = error.get("context")
    if isinstance(context, dict) and (found := strings(context.get("existingId"))):
        return found[0]
    message = str(error.get("message", ""))
    return (
        message.rpartition("Existing ID: ")[2] if "Existing ID: " in message else None
    )


def faults_of(error: Mapping[str, Any]) -> Iterator[Fault]:
    """What an error says is wrong, the finest words first; always at least one.

    Faults of values are JSON within the message: `Property values were not valid:
    [{"isValid": false, "message": ..., "error": ..., "name": ...}]`.
    """
    category = str(error.get("category") or "REFUSED").upper()
    message = str(error.get("message", ""))
    found = False
    for detail in (*inner_faults(message), *dicts(error.get("errors"))):
        inner = list(inner_faults(str(detail.get("message", ""))))
        for each in inner or [detail]:
            found = True
            yield Fault(
                code=str(each.get("error") or each.get("code") or category).upper(),
                field=str(each.get("name") or each.get("in") or ""),
                message=str(each.get("message", "")),
            )
    if not found:
        yield Fault(category, "", message)


def inner_faults(message: str) -> list[dict[str, Any]]:
    """The faults that a message holds as JSON."""
    start, end = message.find("[{"), message.rfind("}]")
    if start < 0 or end < start:
        return []
    with contextlib.suppress(ValueError):
        return dicts(orjson.loads(message[start : end + 2]))
    return []


def read_object(response: Response) -> dict[str, Any]:
    """The JSON object of an answer.

    Raises:
        ValueError: it holds something else.
    """
    body = orjson.loads(response.content)
    if not isinstance(body, dict):
        raise ValueError("an answer that is no object")
    return body


def dicts(value: object) -> list[dict[str, Any]]:
    """The objects of a list; none if it is something else."""
    items: Iterable[object] = value if isinstance(value, list) else ()
    return [item for item in items if isinstance(item, dict)]


def strings(value: object) -> list[str]:
    """The texts of a list, or a text alone."""
    if isinstance(value, str):
        return [value]
    items: Iterable[object] = value if isinstance(value, list) else ()
    return [str(item) for item in items]
