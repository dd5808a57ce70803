"""Faults in what tools record: delays, repetitions, gaps, values that can't be.

Each row of an event bears at most one kind of dirt, besides an untidy email, so that
what was planted can be counted and found again.
"""

from dataclasses import dataclass, replace
from enum import IntFlag

import numpy as np
from numpy.typing import NDArray

from intent.demo.basics import DAY, HOUR, MINUTE, SECOND, Columns, concat, take
from intent.demo.people import Staff
from intent.demo.world import World


class Dirt(IntFlag):
    """Kinds of dirt; a row's `dirt` is the sum of its kinds."""

    DUPLICATE = 1
    """The same event id delivered again, later, possibly in another file."""
    LATE = 2
    """Received days after it happened."""
    FUTURE = 4
    """Happened more than 5 minutes after it was received: a wrong clock."""
    BOT = 8
    """Robots that look at many products within minutes, and say that they are one."""
    MAIL_PRIVACY_OPEN = 16
    """Opened by a privacy proxy, not by the person."""
    LINK_SCANNER = 32
    """Opened and clicked by a company's mail scanner that says so."""
    MISSING_IDENTIFIER = 64
    """Nothing says who it was."""
    UNKNOWN_NAME = 128
    """An event name that nobody listed."""
    NEGATIVE_QUANTITY = 256
    """Fewer than no pieces."""
    MISSING_TIME = 512
    """No time of the event."""
    UNTIDY_EMAIL = 1024
    """An email in capitals or between blanks."""
    SUPERSEDED = 2048
    """An older version of a record of which a newer one was written too."""
    BURST = 1 << 12
    """Product views faster than a person's, by a browser like any other."""
    HIDDEN_SCANNER = 1 << 13
    """Opened and clicked by a mail scanner that only its haste gives away."""
    INTERNAL = 1 << 14
    """Done by the shop's own people."""
    TEST_ACCOUNT = 1 << 15
    """Done by accounts that only test the shop."""
    MALFORMED_EMAIL = 1 << 16
    """Something else where the email should be."""
    NEGATIVE_DWELL = 1 << 17
    """A page looked at for less than no time."""
    RATING_OUT_OF_RANGE = 1 << 18
    """More stars than there are, or fewer."""
    WRONG_TYPE = 1 << 19
    """Words where a number or a date should be."""
    IMPOSSIBLE_VALUE = 1 << 20
    """Born after the record was written, or with a negative income."""
    SHARED_DEVICE = 1 << 21
    """On the tablet in the store, where many log in; done by people."""
    REUSED_COOKIE = 1 << 22
    """On a second-hand device with its first owner's cookie; done by people."""


@dataclass(frozen=True)
class Shares:
    """Shares of a table's rows that bear each kind of dirt."""

    late: float = 0.010
    future: float = 0.002
    missing_identifier: float = 0.002
    unknown_name: float = 0.003
    missing_time: float = 0.001
    duplicate: float = 0.010
    malformed_email: float = 0.0
    """Of the rows that carry an email."""
    untidy_email: float = 0.030
    """Of the rows that carry an email."""
    negative_quantity: float = 0.005
    """Of the rows that carry a quantity."""
    negative_dwell: float = 0.005
    """Of the rows that carry a dwell time."""
    out_of_range: float = 0.015
    """Of the rows that carry a score."""


UNKNOWN_NAMES = 2
"""Names that nobody listed, per table; they come after the known ones."""

LATE_AFTER = (DAY, 10 * DAY)
FUTURE_BY = (10 * MINUTE, 36 * HOUR)
AGAIN_AFTER = (MINUTE, 3 * DAY)
OUT_OF_RANGE = (-1.0, 11.0)

_BY_SHARE = {
    Dirt.LATE: "late",
    Dirt.FUTURE: "future",
    Dirt.MISSING_IDENTIFIER: "missing_identifier",
    Dirt.UNKNOWN_NAME: "unknown_name",
    Dirt.MISSING_TIME: "missing_time",
}
_KEEPS_EMAIL_TIDY = (
    Dirt.MISSING_IDENTIFIER | Dirt.MALFORMED_EMAIL | Dirt.INTERNAL | Dirt.TEST_ACCOUNT
)


def insider_dirt(world: World, number: NDArray[np.int64]) -> NDArray[np.int32]:
    """The dirt of what contacts do who are no customers; 0 for all others."""
    kinds = np.zeros(len(Staff), np.int32)
    kinds[Staff.EMPLOYEE], kinds[Staff.TEST] = Dirt.INTERNAL, Dirt.TEST_ACCOUNT
    staff = world.contacts["staff"][np.maximum(number, 0)]
    return np.where(number >= 0, kinds[staff], np.int32(0))


def plant(
    rng: np.random.Generator,
    world: World,
    rows: Columns,
    delay: NDArray[np.int64],
    what: tuple[Shares, int],
) -> Columns:
    """The rows with `id` and `received`, dirt planted, in order of arrival.

    `rows` has at, dirt, shows_email, may have kind, quantity, dwell and score. `what`
    holds the shares and the number of known event names, 0 if there are no names.
    Rows that would arrive after the end are not there yet.
    """
    shares, known = what
    n = len(rows["at"])
    end = world.calendar.end
    rows["id"] = np.arange(n)
    received = rows["at"] + delay
    if not known:
        shares = replace(shares, unknown_name=0)
    edges = np.cumsum([getattr(shares, name) for name in _BY_SHARE.values()])
    kinds = np.array([*_BY_SHARE, 0], np.int32)
    drawn = kinds[np.searchsorted(edges, rng.random(n), "right")]
    dirt = np.where(rows["dirt"] == 0, drawn, rows["dirt"]).astype(np.int32)

    late = dirt == Dirt.LATE
    received[late] += _whole_seconds(rng, LATE_AFTER, int(late.sum()))
    ahead = received + _whole_seconds(rng, FUTURE_BY, n)
    dirt[(dirt == Dirt.FUTURE) & (ahead >= end)] = 0
    rows["at"] = np.where(dirt == Dirt.FUTURE, ahead, rows["at"])
    if known:
        other = known + rng.integers(0, UNKNOWN_NAMES, n)
        rows["kind"] = np.where(dirt == Dirt.UNKNOWN_NAME, other, rows["kind"])
    _spoil_numbers(rng, rows, dirt, shares)
    malformed = rows["shows_email"] & (dirt == 0)
    malformed &= rng.random(n) < shares.malformed_email
    dirt[malformed] = Dirt.MALFORMED_EMAIL
    again = np.flatnonzero((dirt == 0) & (rng.random(n) < shares.duplicate))
    untidy = rows["shows_email"] & (rng.random(n) < shares.untidy_email)
    untidy &= (dirt & _KEEPS_EMAIL_TIDY) == 0
    dirt[untidy] |= Dirt.UNTIDY_EMAIL

    rows["dirt"], rows["received"] = dirt, received
    copies = take(rows, again)
    copies["dirt"] = copies["dirt"] | np.int32(Dirt.DUPLICATE)
    copies["received"] = copies["received"] + _whole_seconds(
        rng, AGAIN_AFTER, len(again)
    )
    rows = concat([rows, copies])
    arrived = np.flatnonzero(rows["received"] < end)
    order = np.argsort(rows["received"][arrived], kind="stable")
    return take(rows, arrived[order])


def _spoil_numbers(
    rng: np.random.Generator, rows: Columns, dirt: NDArray[np.int32], shares: Shares
) -> None:
    """Plant numbers that can't be, in clean rows that carry them."""
    n = len(dirt)
    for name, share, kind in (
        ("quantity", shares.negative_quantity, Dirt.NEGATIVE_QUANTITY),
        ("dwell", shares.negative_dwell, Dirt.NEGATIVE_DWELL),
    ):
        if name in rows:
            chosen = (dirt == 0) & (rng.random(n) < share) & (rows[name] > 0)
            dirt[chosen] = kind
            rows[name] = np.where(chosen, -rows[name], rows[name])
    if "score" in rows:
        chosen = (dirt == 0) & (rng.random(n) < shares.out_of_range)
        chosen &= rows["score"] >= 0
        dirt[chosen] = Dirt.RATING_OUT_OF_RANGE
        outside = np.array(OUT_OF_RANGE)[rng.integers(0, len(OUT_OF_RANGE), n)]
        rows["score"] = np.where(chosen, outside, rows["score"])


def _whole_seconds(
    rng: np.random.Generator, span: tuple[int, int], n: int
) -> NDArray[np.int64]:
    """Spans of time in ms, without a rest below a second."""
    return rng.integers(span[0] // SECOND, span[1] // SECOND, n) * SECOND
