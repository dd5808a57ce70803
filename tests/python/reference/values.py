"""Single raw values, read as the contract's types.

Each function returns the value, None where there is none, or raises ValueError where
the value is not of the type.
"""

import json
import re
from datetime import UTC, date, datetime, timedelta

EPOCH = datetime(1970, 1, 1)
SECOND = timedelta(seconds=1)
SECONDS_PER_DAY = 86_400

TRUE_WORDS = frozenset({"true", "t", "yes", "y", "1"})
FALSE_WORDS = frozenset({"false", "f", "no", "n", "0"})

ISO_TIMESTAMP = re.compile(
    r"\d{4}-\d\d-\d\d"
    r"([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d(:?\d\d)?)?)?"
)


def to_text(raw: object) -> str | None:
    """Read a text: trimmed, and none if nothing is left."""
    if raw is None:
        return None
    if isinstance(raw, str):
        return raw.strip() or None
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, bytes):
        return raw.decode().strip() or None
    if isinstance(raw, dict | list):
        return json.dumps(raw, separators=(",", ":"))
    return str(raw)


def to_email(raw: object) -> str | None:
    """Read an email: in lower case, Gmail's without dots and tags; None if it is none.

    An email has one @ with something before it, a domain with a dot inside, no blank.
    """
    local, at_sign, domain = (to_text(raw) or "").lower().partition("@")
    if domain in ("gmail.com", "googlemail.com"):
        local, domain = local.partition("+")[0].replace(".", ""), "gmail.com"
    name, dot, end = domain.partition(".")
    is_whole = all((local, at_sign, name, dot, end))
    if not is_whole or "@" in domain or " " in local + domain:
        return None
    return f"{local}@{domain}"


def to_seconds(raw: object) -> int | None:
    """Read a timestamp as whole seconds since 1970 in UTC, cut, not rounded."""
    if isinstance(raw, datetime):
        return seconds_of(raw)
    if isinstance(raw, date):
        return seconds_of(datetime(raw.year, raw.month, raw.day))
    if raw is not None and not isinstance(raw, str):
        raise ValueError(raw)
    text = to_text(raw)
    if text is None:
        return None
    if not ISO_TIMESTAMP.fullmatch(text):
        raise ValueError(text)
    return seconds_of(datetime.fromisoformat(text))


def to_number(raw: object) -> float | None:
    """Read a number."""
    if isinstance(raw, dict | list):
        raise ValueError(raw)
    text = to_text(raw)
    return None if text is None else float(text)


def to_flag(raw: object) -> bool | None:
    """Read a truth value, also from the usual words for it."""
    text = to_text(raw)
    if text is None:
        return None
    word = text.lower()
    if word in TRUE_WORDS:
        return True
    if word in FALSE_WORDS:
        return False
    raise ValueError(raw)


def seconds_of(moment: datetime) -> int:
    """Return the whole seconds from 1970 to `moment`; naive moments are UTC."""
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    return (moment - EPOCH) // SECOND


def moment_of(seconds: float) -> datetime:
    """Return the naive UTC moment that stands `seconds` after 1970."""
    return EPOCH + timedelta(seconds=seconds)


def midnight_of(seconds: int) -> int:
    """Return the start of the UTC day in which `seconds` stands."""
    return seconds - seconds % SECONDS_PER_DAY
