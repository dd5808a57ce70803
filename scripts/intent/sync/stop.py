"""How a run is stopped, and who waits learns of it."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")
GRACE_SECONDS = 5.0
"""How long a request that is under way may go on when the run ends."""


@dataclass
class Stop:
    """Tells all workers of a run to send nothing more."""

    reason: str = ""
    """In words; '' as long as the run goes on."""
    error: Exception | None = None
    """What the command is to fail with, once the ledger is in order."""
    _event: asyncio.Event = field(default_factory=asyncio.Event)

    def __call__(self, reason: str, error: Exception | None = None) -> None:
        """Stop; the first reason holds, and any error."""
        self.reason = self.reason or reason
        self.error = self.error or error
        self._event.set()

    @property
    def is_set(self) -> bool:
        """The run is to end."""
        return self._event.is_set()

    async def first(self, wanted: Coroutine[Any, Any, T]) -> T | None:
        """What is waited for; None if the run ends first."""
        waiting = asyncio.ensure_future(wanted)
        ended = asyncio.ensure_future(self._event.wait())
        try:
            await asyncio.wait({waiting, ended}, return_when=asyncio.FIRST_COMPLETED)
            return waiting.result() if waiting.done() else None
        finally:
            for each in (waiting, ended):
                each.cancel()

    async def soon(self, wanted: Coroutine[Any, Any, T]) -> T | None:
        """What is waited for; None if it takes much longer than the run goes on."""
        waiting = asyncio.ensure_future(wanted)
        ended = asyncio.ensure_future(self._event.wait())
        try:
            await asyncio.wait({waiting, ended}, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait({waiting}, timeout=GRACE_SECONDS)
            return waiting.result() if waiting.done() else None
        finally:
            for each in (waiting, ended):
                each.cancel()

    async def sleep(self, seconds: float) -> None:
        """Wait, but not for longer than the run goes on."""
        try:
            await asyncio.wait_for(self._event.wait(), max(0.0, seconds))
        except TimeoutError:
            return
