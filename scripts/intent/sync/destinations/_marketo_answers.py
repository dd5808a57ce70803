"""What Marketo's answers mean.

It answers nearly everything with the status 200: `success` tells whether the request as
a whole went through, `errors` why not, and `status` and `reasons` of each result how a
record ended. The numbers are from the page Error Codes of Marketo's developer guide.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson

from intent.sync.model import (
    ACKNOWLEDGED,
    RECORD_OPS,
    Advice,
    Op,
    Outcome,
    Response,
    Row,
    State,
    Verdict,
)
from intent.sync.outbox import EXISTS, NO_MATCH

TOKEN = frozenset({"601", "602"})
"""The token is invalid or expired."""
PAUSES: Mapping[str, float | None] = {
    "606": 20.0,  # more than 100 calls in the past 20 seconds
    "608": None,  # temporarily unavailable
    "614": None,  # the subscription can't be reached
    "615": 1.0,  # ten calls are under way
    "713": None,  # transient
    "1016": 30.0,  # ten imports are queued
    "1019": 30.0,  # the list is being imported to
}
"""Not carried out: to be sent again, after so many seconds."""
MAYBE_DONE = frozenset({"604", "611"})
"""Timed out or broke off within, as with a status of 5xx: may have been carried out in
part. (By the guide no 6xx was; a duplicate costs more than a look.)"""
QUOTA = "607"
FORBIDDEN = frozenset({"403", "603", "616", "703", "1009", "1018"})
"""The user of the API or the subscription may not do this at all."""
ADVICE: Mapping[str, Advice] = {
    **dict.fromkeys({"401", *TOKEN}, Advice.REAUTHORISE),
    **dict.fromkeys({"429", "503", *PAUSES}, Advice.RESEND),
    **dict.fromkeys(FORBIDDEN, Advice.REFUSED),
    QUOTA: Advice.STOP,
}
WHOLE = frozenset({"605", "610", "612", "613", "1002", "1006", "1011", "1013", "1025"})
"""What is wrong is the same for all rows: splitting them would find no culprit."""

REASONS_TO_SKIP = {"1004": NO_MATCH, "1005": EXISTS}
NO_LEAD, NO_FIELD, NOT_ON_LIST = "1004", "1006", "1015"
UNDONE = {
    (Op.LEAVE, NO_LEAD),
    (Op.DELETE, NO_LEAD),
    (Op.DROP, NO_LEAD),
    (Op.DROP, NOT_ON_LIST),
}
"""What is to be undone is undone already."""
DONE = frozenset({"500", "502", "604", "611"})
"""Timed out or broke off within: may have been carried out in part. (By the guide no
6xx was; a duplicate costs more than a look.)"""
QUOTA = "607"
FORBIDDEN = frozenset({"603", "616", "703", "1008", "1009", "1018"})
"""The user of the API, its partition or the subscription may not do this at all."""
WHOLE = frozenset({"605", "610", "612", "613", "1002", "1006", "1011", "1013", "1025"})
"""What is wrong is the same for all rows: splitting them would find no culprit."""

NO_LEAD, EXISTS, NO_FIELD, NOT_ON_LIST = "1004", "1005", "1006", "1015"
DONE = frozenset({"created", "updated", "deleted", "added", "removed"})
NAMED = re.compile(r"[Ff]ield\s+['\u2018\u2019\"]([A-Za-z][A-Za-z0-9_]*)['\u2019\"]")


def read(response: Response) -> dict[str, Any]:
    """An answer's JSON.

    Raises:
        ValueError: it is none of Marketo's.
    """
    answer = orjson.loads(response.content)
    if not isinstance(answer, dict) or not isinstance(answer.get("success"), bool):
        raise ValueError("not an answer of Marketo's: it has no success")
    return answer


def refusal(response: Response) -> tuple[str, str] | None:
    """Code and message of an answer that refuses the request as a whole.

    Raises:
        ValueError: it is no answer of Marketo's.
    """
    if response.status != 200:
        return str(response.status), ""
    answer = read(response)
    if answer["success"]:
        return None
    errors = answer.get("errors") or []
    return code_and_message(errors[0] if errors else {})


def code_and_message(told: Any) -> tuple[str, str]:
    """Code and message of an error or a reason."""
    if not isinstance(told, dict):
        return "", ""
    return str(told.get("code", "")), str(told.get("message", ""))


def judge(code: str, message: str, rows: Sequence[Row], repeatable: bool) -> Verdict:
    """What the refusal of a whole request means.

    Args:
        code: Marketo's, or the status of HTTP.
        message: Marketo's.
        rows: what was sent.
        repeatable: sending it twice does no more than sending it once.
    """
    advice = ADVICE.get(code, Advice.SPLIT)
    if is_maybe_done(code):
        advice = Advice.RESEND if repeatable else Advice.IN_DOUBT
    if advice is Advice.SPLIT and (code in WHOLE or len(rows) == 1):
        refused = rejection(code, message)
        return Verdict(outcomes={row.seq: refused for row in rows})
    words = {
        Advice.STOP: "Marketo's calls of the day are used up (607). They are counted "
        "anew from midnight, Central Standard Time.",
        Advice.REFUSED: f"Marketo denies access ({code}). "
        "Check the role of the API-only user, its partitions and the list of allowed "
        "addresses.",
    }
    return Verdict(advice=advice, wait=PAUSES.get(code), message=words.get(advice, ""))


def judge_look(code: str, message: str) -> Verdict:
    """What the refusal of a look-up means."""
    if code in WHOLE:
        return Verdict(
            advice=Advice.REFUSED,
            message=f"Marketo can't be asked for these fields ({code}). "
            "Check the fields of the sync with `intent sync check`.",
        )
    return judge(code, message, rows=(), repeatable=True)


def is_maybe_done(code: str) -> bool:
    """Whether a request that ended so may have been carried out."""
    is_status = len(code) == 3 and code.startswith("5")
    return code in MAYBE_DONE or (is_status and code not in ADVICE)


def rejection(code: str, message: str) -> Outcome:
    """A record that is refused."""
    named = NAMED.search(message) if code == NO_FIELD else None
    return Outcome(
        State.REJECTED,
        code=code or "no code",
        field=named.group(1) if named else "",
        message=message,
    )


def record_outcome(row: Row, result: Any) -> Outcome | None:
    """How one record ended; None if that is not told, or is to be tried again."""
    if not isinstance(result, dict):
        return None
    if result.get("status") in DONE:
        told = result.get("id") if row.op in RECORD_OPS else None
        return replace(ACKNOWLEDGED, remote_id=str(told) if told else None)
    reasons = result.get("reasons") or result.get("errors") or [result.get("reason")]
    code, message = code_and_message(reasons[0])
    if not code or code in ADVICE or is_maybe_done(code):
        return None
    if (row.op, code) in UNDONE:
        return ACKNOWLEDGED
    if code in REASONS_TO_SKIP:
        return Outcome(State.SKIPPED, code=REASONS_TO_SKIP[code], message=message)
    return rejection(code, message)


def in_order(rows: Sequence[Row], results: Sequence[Any]) -> dict[int, Outcome]:
    """How each record ended, where results stand in the order of the request.

    Results of leads name no key. If their number is not that of the rows, none can be
    told from another, and all are unknown.
    """
    if len(rows) != len(results):
        return {}
    pairs = zip(rows, results, strict=True)
    told = ((row.seq, record_outcome(row, result)) for row, result in pairs)
    return {seq: outcome for seq, outcome in told if outcome is not None}


def by_id(
    rows: Iterable[Row], results: Iterable[Any], ids: Mapping[int, Sequence[int]]
) -> dict[int, Outcome]:
    """How each row ended, where results name the lead.

    A row whose match key several leads share stands for all of them: it has ended when
    all have, and is refused if one is.
    """
    by_lead = {
        result["id"]: result
        for result in results
        if isinstance(result, dict) and "id" in result
    }
    outcomes = {}
    for row in rows:
        told = [record_outcome(row, by_lead.get(lead)) for lead in ids[row.seq]]
        ended = [outcome for outcome in told if outcome is not None]
        if len(ended) == len(told):
            ended.sort(key=lambda outcome: outcome.state is not State.REJECTED)
            outcomes[row.seq] = ended[0]
    return outcomes
