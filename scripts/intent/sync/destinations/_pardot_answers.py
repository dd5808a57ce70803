"""What Account Engagement's answers mean.

Version 5 tells errors as `{"code": 122, "message": "..."}`; the same code comes with
several statuses, so the code counts, not the status. Source: the page Error Codes of
https://developer.salesforce.com/docs/marketing/pardot/guide.
"""

import re
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
from intent.sync.outbox import NO_MATCH

BAD_TOKEN = 184
"""The access token is invalid, unknown or malformed."""
TOO_MANY_AT_ONCE = 66
"""More than five requests under way."""
BUSY_SECONDS = 1.0
DAY_IS_OVER = 122
"""The calls of the day are used up."""
DENIED = frozenset({49, 181, 182, 183})
"""The user may not do this, or is none of this business unit."""
REFUSED = Verdict(
    advice=Advice.REFUSED,
    message="Account Engagement denies access. Check the business unit's id, and that "
    "the user has a role there with the rights that `intent sync setup` names.",
)
BY_CODE: Mapping[int | None, Verdict] = {
    DAY_IS_OVER: Verdict(
        advice=Advice.STOP,
        message="Account Engagement's calls of the day are used up (122).",
    ),
    TOO_MANY_AT_ONCE: Verdict(advice=Advice.RESEND, wait=BUSY_SECONDS),
    BAD_TOKEN: Verdict(advice=Advice.REAUTHORISE),
    **dict.fromkeys(DENIED, REFUSED),
}
BY_STATUS: Mapping[int, Verdict] = {
    401: Verdict(advice=Advice.REAUTHORISE),
    403: REFUSED,
    429: Verdict(advice=Advice.RESEND),
}
GONE = re.compile(r"(?i)not found|no match|doesn?['\u2019]?t exist|not exist|recycle")
"""How a row is refused whose prospect is not there, or in the recycle bin."""


def read(response: Response) -> dict[str, Any]:
    """An answer's JSON.

    Raises:
        ValueError: it is none of Account Engagement's.
    """
    answer = orjson.loads(response.content)
    if not isinstance(answer, dict):
        raise ValueError("not an answer of Account Engagement")
    return answer


def judge(response: Response) -> Verdict | None:
    """What an answer means that does not depend on what was asked; None: look at it.

    A 4xx with a code that is not listed here is the request's own fault, and is left to
    who sent it.

    Raises:
        ValueError: it is none of Account Engagement's.
    """
    if is_fine(response):
        return None
    if response.status >= 500:
        return Verdict(advice=Advice.RESEND)
    code = code_of(response)
    verdict = BY_CODE.get(code) or BY_STATUS.get(response.status)
    if verdict is None and code is None:
        raise ValueError("not an error of Account Engagement: it has no code")
    return verdict


def is_fine(response: Response) -> bool:
    """The request was carried out."""
    return 200 <= response.status < 300


def code_of(response: Response) -> int | None:
    """The code of an error; None if it has none, such as a proxy's page."""
    try:
        code = read(response).get("code")
    except ValueError:
        return None
    return code if isinstance(code, int) else None


def rejection(response: Response) -> Outcome:
    """What becomes of a row whose request was refused as a whole."""
    answer = read(response)
    return Outcome(
        State.REJECTED, code=str(answer["code"]), message=str(answer.get("message", ""))
    )


def row_outcome(row: Row, reason: str) -> Outcome:
    """How a row ended that is among an import's errors."""
    if GONE.search(reason):
        if row.op in {Op.LEAVE, Op.DROP}:
            return ACKNOWLEDGED
        return Outcome(State.SKIPPED, code=NO_MATCH, message=reason)
    return Outcome(State.REJECTED, code="import_error", message=reason)
