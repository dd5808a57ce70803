"""What can be told to go wrong at a stand-in, and what then goes over the wire."""

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from enum import StrEnum


class Kind(StrEnum):
    """Where in the handling of a request the fault lies."""

    ANSWER = "answer"
    """Nothing is applied; the fault's own answer is given."""
    APPLY_ANSWER = "apply, answer"
    """The request is applied; the fault's own answer is given."""
    DROP = "drop"
    """Nothing is applied; the connection is closed."""
    APPLY_DROP = "apply, drop"
    """The request is applied; the connection is closed."""
    RESET = "reset"
    """Nothing is applied; the connection is reset (RST)."""
    APPLY_RESET = "apply, reset"
    HANG = "hang"
    """Nothing is applied, and no answer comes."""
    APPLY_HANG = "apply, hang"
    """The request is applied, and no answer comes."""
    TRUNCATE = "truncate"
    """The request is applied; the body ends in its middle, with a fitting length."""
    CUT = "cut"
    """The request is applied; the connection ends in the middle of the body."""
    DRIP = "drip"
    """The request is applied; the answer comes a byte at a time."""


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong."""

    kind: Kind
    status: int = 500
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    drip_seconds: float = 0.05
    """Between two bytes of a DRIP."""


def answers(
    status: int, body: str = "", headers: Mapping[str, str] | None = None
) -> Fault:
    """An answer without doing anything, such as 503."""
    return Fault(Kind.ANSWER, status, headers or {}, body.encode())


def applies_and_answers(status: int, body: str = "") -> Fault:
    """An answer that hides that the request was applied, such as a gateway's 504."""
    return Fault(Kind.APPLY_ANSWER, status, {}, body.encode())


def too_many(after: float | datetime | str | None = None) -> Fault:
    """A 429 with Retry-After as seconds, as HTTP date, as any text, or without."""
    match after:
        case None:
            headers = {}
        case datetime():
            headers = {"Retry-After": format_datetime(after, usegmt=True)}
        case _:
            headers = {"Retry-After": str(after)}
    return Fault(Kind.ANSWER, 429, headers, b"{}")


def html_page(status: int = 200) -> Fault:
    """A proxy's page in place of an answer; nothing is applied."""
    page = b"<!doctype html><html><body><h1>Down for maintenance</h1></body></html>"
    return Fault(Kind.ANSWER, status, {"Content-Type": "text/html"}, page)


DROP = Fault(Kind.DROP)
APPLY_DROP = Fault(Kind.APPLY_DROP)
RESET = Fault(Kind.RESET)
APPLY_RESET = Fault(Kind.APPLY_RESET)
HANG = Fault(Kind.HANG)
APPLY_HANG = Fault(Kind.APPLY_HANG)
TRUNCATE = Fault(Kind.TRUNCATE)
CUT = Fault(Kind.CUT)
DRIP = Fault(Kind.DRIP)


@dataclass
class _Rule:
    """A fault and the requests that it befalls."""

    fault: Fault
    method: str
    path: re.Pattern[str]
    skip: int
    times: int | None

    def befalls(self, method: str, path: str) -> bool:
        if self.method not in (method, "*") or not self.path.search(path):
            return False
        if self.skip:
            self.skip -= 1
            return False
        if self.times is None:
            return True
        if not self.times:
            return False
        self.times -= 1
        return True


class Faults:
    """What is to go wrong at a stand-in. Rules are looked at in their order."""

    def __init__(self) -> None:
        self._rules: list[_Rule] = []
        self._rate = 0.0
        self._at_random: Sequence[Fault] = ()
        self._dice = random.Random(0)  # noqa: S311
        self.befell: list[Fault] = []
        """The faults that there were, in their order."""

    def add(
        self,
        fault: Fault,
        path: str = "",
        method: str = "*",
        nth: int = 1,
        times: int | None = 1,
    ) -> None:
        """Let a fault befall requests.

        Args:
            fault: what.
            path: a regular expression that the path has a match of.
            method: GET, POST ...; `*` is any.
            nth: of these requests, from which on (the first is 1).
            times: how many; None: all from then on.
        """
        self._rules.append(_Rule(fault, method, re.compile(path), nth - 1, times))

    def at_rate(
        self,
        rate: float,
        seed: int = 0,
        of: Sequence[Fault] = (answers(500), answers(503), too_many()),
    ) -> None:
        """Let faults befall a share of all requests, such as 0.01, at random."""
        self._rate, self._at_random = rate, of
        self._dice = random.Random(seed)  # noqa: S311

    def clear(self) -> None:
        """Let nothing go wrong any more."""
        self._rules.clear()
        self._rate = 0.0

    def next(self, method: str, path: str) -> Fault | None:
        """What befalls this request."""
        fault = next(
            (rule.fault for rule in self._rules if rule.befalls(method, path)), None
        )
        if not fault and self._rate and self._dice.random() < self._rate:
            fault = self._dice.choice(self._at_random)
        if fault:
            self.befell.append(fault)
        return fault
