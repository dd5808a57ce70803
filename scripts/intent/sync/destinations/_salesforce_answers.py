"""What Salesforce's answers mean.

Its errors are lists of `{errorCode, message, fields}`, for whole requests, and in the
results of single records with `statusCode` in place of `errorCode`.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from intent.sync.model import (
    Advice,
    Op,
    Outcome,
    Quota,
    Response,
    Row,
    State,
    Verdict,
)
from intent.sync.outbox import NO_MATCH

RETRIED = frozenset(
    (
        "UNABLE_TO_LOCK_ROW",
        "SERVER_UNAVAILABLE",
        "SERVICE_UNAVAILABLE",
        "REQUEST_RUNNING_TOO_LONG",
        "QUERY_TIMEOUT",
        "UNKNOWN_EXCEPTION",
        "TXN_SECURITY_RUNTIME_EXCEPTION",
        "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    )
)
"""Nothing is wrong with the row: another try may do."""
GONE = frozenset(
    (
        "ENTITY_IS_DELETED",
        "INVALID_CROSS_REFERENCE_KEY",
        "NOT_FOUND",
        "CANNOT_UPDATE_CONVERTED_LEAD",
    )
)
"""The record that was to be changed is no more."""
STRUCTURAL = frozenset(
    (
        "INVALID_FIELD",
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        "INVALID_TYPE",
        "INVALID_TYPE_FOR_OPERATION",
        "NOT_FOUND",
        "INSUFFICIENT_ACCESS_OR_READONLY",
    )
)
"""Codes of a refused request by which no row can be right: a field, the object or a
right is missing."""
LIMIT = "REQUEST_LIMIT_EXCEEDED"
BUSY_SECONDS = 30.0
"""Salesforce counts requests at once that last 20 seconds or longer."""
USAGE = re.compile(r"(?<![\w-])api-usage=(\d+)/(\d+)")
BULK_ERROR = re.compile(r"\A(?P<code>[A-Za-z_]+):(?P<message>.*)\Z", re.DOTALL)
BULK_FIELDS = re.compile(r":(?P<fields>[\w, ]*) ?--\s*\Z")


def read(response: Response) -> Any:
    """The body as JSON. Raises ValueError if it is none."""
    return orjson.loads(response.content)


def errors_of(response: Response) -> Sequence[Mapping[str, Any]]:
    """The errors in a body; none if it is another body, such as a proxy's page."""
    try:
        body = read(response)
    except ValueError:
        return []
    found = body if isinstance(body, list) else [body]
    return [each for each in found if isinstance(each, dict) and "errorCode" in each]


def quota(response: Response) -> Quota | None:
    """The day's requests, by the header that comes with each answer."""
    found = USAGE.search(response.headers.get("sforce-limit-info", ""))
    return Quota(int(found[1]), int(found[2])) if found else None


def judge(response: Response, rows: Sequence[Row]) -> Verdict | None:
    """What a refused request means for its rows; None: it was not refused."""
    if response.status < 300:
        return None
    errors = errors_of(response)
    first = errors[0] if errors else {}
    code, message = str(first.get("errorCode", "")), str(first.get("message", ""))
    if passing := _will_pass(response, code, message):
        return passing
    if response.status == 403 and code not in STRUCTURAL:
        return Verdict(advice=Advice.REFUSED, message=f"{code}: {message}")
    if not errors:
        raise ValueError(f"no answer of Salesforce's: status {response.status}")
    if len(rows) > 1 and code not in STRUCTURAL:
        return Verdict(advice=Advice.SPLIT)
    return Verdict({row.seq: rejected(errors) for row in rows})


def _will_pass(response: Response, code: str, message: str) -> Verdict | None:
    """What to do about what has nothing to do with the rows; None: it has."""
    if response.status == 401:
        return Verdict(advice=Advice.REAUTHORISE)
    if code == LIMIT and "concurrent" not in message.lower():
        return Verdict(advice=Advice.STOP, message="the day's API requests are used up")
    if code == LIMIT or code in RETRIED:
        return Verdict(wait=BUSY_SECONDS)
    if response.status >= 500 or response.status in (408, 429):
        return Verdict(wait=seconds(response.headers.get("retry-after")))
    return None


def seconds(text: str | None) -> float | None:
    """A Retry-After in seconds; Salesforce documents none, what stands before may."""
    return float(text) if text and text.isdecimal() else None


def rejected(errors: Sequence[Mapping[str, Any]]) -> Outcome:
    """The outcome of a record that was refused."""
    first = errors[0] if errors else {}
    return Outcome(
        State.REJECTED,
        code=code_of(first),
        field=", ".join(map(str, first.get("fields") or ())),
        message=str(first.get("message", "")),
    )


def code_of(error: Mapping[str, Any]) -> str:
    """The code of an error, by either of its names."""
    return str(error.get("statusCode") or error.get("errorCode") or "UNKNOWN")


def failure(
    row: Row, errors: Sequence[Mapping[str, Any]], by_id: bool
) -> Outcome | None:
    """How a record fared that was not written; None: it is to be sent again.

    Args:
        row: of which the record is one.
        errors: what Salesforce says.
        by_id: it was to be found by its id, and may be there no more.
    """
    codes = {code_of(error) for error in errors}
    if codes & RETRIED:
        return None
    names_fields = any(error.get("fields") for error in errors)
    if by_id and codes & GONE and not names_fields:
        if row.op is Op.DELETE:
            return Outcome(State.ACKNOWLEDGED)
        return Outcome(State.SKIPPED, code=NO_MATCH, message=code_of(errors[0]))
    if row.op is Op.JOIN and "DUPLICATE_VALUE" in codes:
        return Outcome(State.ACKNOWLEDGED)
    return rejected(errors)


def row_outcome(outcomes: Iterable[Outcome | None]) -> Outcome | None:
    """How a row fared by how its records did; None: it is to be sent again."""
    all_of_them = list(outcomes)
    for state in (State.REJECTED, None, State.ACKNOWLEDGED, State.SKIPPED):
        for outcome in all_of_them:
            if (outcome.state if outcome else None) == state:
                return outcome
    return None


def bulk_error(text: str) -> Mapping[str, Any]:
    """The error that a line of failed results tells, as other answers have it.

    It is written as `CODE:message:fields --`.
    """
    found = BULK_ERROR.match(text.strip())
    if not found:
        return {"statusCode": "UNKNOWN", "message": text}
    message, fields = found["message"], []
    if tail := BULK_FIELDS.search(message):
        message = message[: tail.start()]
        fields = [name.strip() for name in tail["fields"].split(",") if name.strip()]
    return {"statusCode": found["code"], "message": message, "fields": fields}
