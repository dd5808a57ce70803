"""Answers in JSON, as far as several destinations give the same."""

from datetime import UTC, datetime
from typing import Any

import orjson

from intent.sync.model import Advice, Response, Value, Verdict
from intent.sync.spec import FieldType


def read_object(response: Response) -> dict[str, Any]:
    """The object that an answer is.

    Raises:
        ValueError: it is none.
    """
    found = orjson.loads(response.content)
    if not isinstance(found, dict):
        raise ValueError("an answer that is no object")
    return found


def trouble_of(response: Response, refused: str) -> Verdict | None:
    """What an answer means that is not about rows, by its status.

    Args:
        response: the answer.
        refused: what to tell people whose credentials are refused.
    """
    if response.status in (401, 403):
        return Verdict(advice=Advice.REFUSED, message=refused)
    if response.status in (408, 429) or response.status >= 500:
        return Verdict(advice=Advice.RESEND)
    return None


def heard(value: Any, kind: FieldType) -> Value:
    """A value in our form; one that somebody else wrote otherwise stays as it is."""
    if not isinstance(value, str) or kind not in (FieldType.DATETIME, FieldType.DATE):
        is_plain = isinstance(value, str | int | float | bool | None)
        return value if is_plain else orjson.dumps(value).decode()
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return value
    moment = moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    form = "%Y-%m-%d" if kind is FieldType.DATE else "%Y-%m-%dT%H:%M:%SZ"
    return moment.strftime(form)
