"""What Eloqua's answers mean.

Requests are answered by the status, with a typed JSON error where one is wrong; rows of
a sync by codes such as ELQ-00002. Sources: the pages HTTP Status Codes, HTTP Validation
Errors and Eloqua Status Codes of
https://docs.oracle.com/en/cloud/saas/marketing/eloqua-rest-api.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from intent.sync.model import (
    ACKNOWLEDGED,
    Advice,
    Op,
    Outcome,
    Response,
    Row,
    State,
    Verdict,
)
from intent.sync.outbox import EXISTS, NO_MATCH

STAGING_FULL_SECONDS = 60.0
CONFLICT_SECONDS = 5.0
REFUSED = Verdict(
    advice=Advice.REFUSED,
    message="Eloqua refuses the credentials, or they lack a right. Check company, user "
    "and password, that INTENT_ELOQUA_URL is still the instance's address, and the "
    "rights that `intent sync setup` names.",
)
BY_STATUS: Mapping[int, Verdict] = {
    401: REFUSED,
    403: REFUSED,
    409: Verdict(advice=Advice.RESEND, wait=CONFLICT_SECONDS),
    412: Verdict(advice=Advice.RESEND, wait=STAGING_FULL_SECONDS),
    429: Verdict(advice=Advice.RESEND),
}
"""409: another sync of the definition is under way; 412 and 413: the storage space is
used up, which the end of syncs under way gives back."""
PROCESSED = "ELQ-00001"
UNMATCHED, EXISTING = "ELQ-00034", "ELQ-00048"


def read(response: Response) -> dict[str, Any]:
    """An answer's JSON.

    Raises:
        ValueError: it is none of Eloqua's.
    """
    answer = orjson.loads(response.content)
    if not isinstance(answer, dict):
        raise ValueError("not an answer of Eloqua's")
    return answer


def items(response: Response) -> list[dict[str, Any]]:
    """The items of a list.

    Raises:
        ValueError: it is none.
    """
    found = read(response).get("items")
    if found is None:
        found = read(response).get("elements")
    if not isinstance(found, list):
        raise ValueError("not a list of Eloqua's: it has no items")
    return found


def is_fine(response: Response) -> bool:
    """The request was carried out."""
    return 200 <= response.status < 300


def judge(response: Response) -> Verdict | None:
    """What an answer means that does not depend on what was asked; None: look at it."""
    if is_fine(response):
        return None
    if response.status >= 500:
        return Verdict(advice=Advice.RESEND)
    return BY_STATUS.get(response.status)


def rejection(response: Response) -> Outcome:
    """What becomes of a row whose request was refused as a whole.

    Raises:
        ValueError: it is no error of Eloqua's.
    """
    told = orjson.loads(response.content)
    first = told[0] if isinstance(told, list) and told else told
    if not isinstance(first, dict):
        raise ValueError("not an error of Eloqua's")
    requirement = first.get("requirement")
    kind = requirement.get("type") if isinstance(requirement, dict) else ""
    parts = (first.get("property"), first.get("parameter"), kind)
    message = " ".join(str(part) for part in parts if part)
    code = str(first.get("type") or f"status_{response.status}")
    return Outcome(State.REJECTED, code=code, message=message)


def row_outcome(row: Row, told: Mapping[str, Any]) -> Outcome:
    """How a row ended that is among a sync's rejects."""
    code, message = str(told.get("statusCode") or ""), str(told.get("message") or "")
    if code == UNMATCHED:
        if row.op in {Op.LEAVE, Op.DROP}:
            return ACKNOWLEDGED
        return Outcome(State.SKIPPED, code=NO_MATCH, message=message)
    if code == EXISTING:
        return Outcome(State.SKIPPED, code=EXISTS, message=message)
    invalid = told.get("invalidFields") or []
    field = str(invalid[0]) if invalid else ""
    return Outcome(State.REJECTED, code=code, field=field, message=message)
