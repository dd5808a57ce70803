"""Reads the answers of Klaviyo, which are JSON:API.

Source: the guide Rate limits, status codes, and errors
(https://developers.klaviyo.com/en/docs/rate_limits_and_error_handling).
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import orjson

from intent.sync.model import Advice, Outcome, Request, Response, State, Verdict

REVISION = "2026-07-15"
"""Each revision stays as it is for two years (guide API versioning and deprecation)."""
JSON_API = "application/vnd.api+json"
HEADERS = {"content-type": JSON_API, "accept": JSON_API, "revision": REVISION}
INVALID = (400, 409, 413, 415, 422)
REFUSED = (
    "Klaviyo refuses the key. Check INTENT_KLAVIYO_API_KEY: has it all the scopes that "
    "`intent sync setup` lists?"
)
PLACE = re.compile(r"/profiles/data/(\d+)(?:/|$)")
Kind = TypeVar("Kind")


def ask(path: str, lane: str) -> Request:
    """A request that reads."""
    headers = {"accept": JSON_API, "revision": REVISION}
    return Request("GET", path, headers=headers, lane=lane)


def trouble_of(response: Response) -> Verdict | None:
    """What an answer means that is not about rows. Of 429, Retry-After is obeyed."""
    if response.status in (401, 403):
        return Verdict(advice=Advice.REFUSED, message=REFUSED)
    if response.status in (408, 429) or response.status >= 500:
        return Verdict(advice=Advice.RESEND)
    return None


def content_of(response: Response) -> Mapping[str, Any]:
    """An answer as an object. Raises: ValueError."""
    content = orjson.loads(response.content)
    if not isinstance(content, dict):
        raise ValueError("an answer that is no object")
    return content


def data_of(response: Response, kind: type[Kind]) -> Kind:
    """The data of an answer. Raises: ValueError."""
    data = content_of(response).get("data")
    if not isinstance(data, kind):
        raise ValueError("an answer without its data")
    return data


def errors_of(response: Response) -> Sequence[Mapping[str, Any]]:
    """The errors that an answer names; none if it is not Klaviyo's own."""
    try:
        errors = content_of(response).get("errors")
    except ValueError:
        return ()
    return [error for error in errors or () if isinstance(error, dict)]


def rejected(error: Mapping[str, Any] | None = None) -> Outcome:
    """Why a row was refused."""
    told = error or {}
    pointer = str((told.get("source") or {}).get("pointer") or "")
    _, _, field = pointer.rpartition("/properties/")
    return Outcome(
        State.REJECTED,
        str(told.get("code") or "invalid").upper(),
        field if "/properties/" in pointer else "",
        str(told.get("detail") or told.get("title") or "Klaviyo does not say why"),
    )


def place_of(error: Mapping[str, Any], rows: int) -> int | None:
    """The place of the row that an error points at."""
    found = PLACE.search(str((error.get("source") or {}).get("pointer") or ""))
    place = int(found[1]) if found else rows
    return place if place < rows else None


def email_in(payload: Any) -> str:
    """The address in a profile as it was sent, in lower case; '' if there is none."""
    if not isinstance(payload, dict):
        return ""
    inner = payload.get("data")
    told = inner if isinstance(inner, dict) else payload
    attributes = told.get("attributes")
    email = (attributes if isinstance(attributes, dict) else told).get("email")
    return email.lower() if isinstance(email, str) else ""
