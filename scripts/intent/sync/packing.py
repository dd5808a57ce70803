"""Packs rows into parts so that a row at which an adapter fails spoils no other.

An adapter should refuse what it can't write. Where it fails instead, by a fault of
ours, the rows concerned are halved down to the one, which is refused; without that it
would fail each run anew, and keep all other rows from being sent.
"""

import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from intent.errors import IntentError
from intent.sync.adapter import Adapter
from intent.sync.model import Outcome, Part, Row, State

FAULT = "FAULT_OF_INTENT"
MOST_FAULTS = 100
"""Rows of one run. If there are more, it is not the rows that are special."""


def words_of(error: BaseException) -> str:
    """A fault of the program in words, without the values that its text may quote."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "?"
    return f"a fault of intent ({type(error).__name__} at {where}); please report it"


def of_ours(error: BaseException) -> IntentError:
    """A fault of the program that stops a run."""
    return IntentError(
        f"The run was stopped by {words_of(error)}. Its rows are left for the next one."
    )


class _Source:
    """Rows on their way into an adapter, and those that have not come out of it."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = iter(rows)
        self.waiting: dict[int, Row] = {}
        self.error: Exception | None = None

    def __iter__(self) -> Iterator[Row]:
        while True:
            try:
                row = next(self._rows)
            except StopIteration:
                return
            except Exception as error:
                self.error = error
                raise
            self.waiting[row.seq] = row
            yield row


@dataclass
class Faults:
    """Counts the rows of one run at which we fail."""

    count: int = 0

    def outcome(self, error: Exception) -> Outcome:
        """How such a row ends.

        Raises:
            IntentError: there were many already.
        """
        self.count += 1
        if self.count > MOST_FAULTS:
            raise of_ours(error) from None
        return Outcome(State.REJECTED, FAULT, "", words_of(error))


@dataclass(frozen=True)
class Packer:
    """Packs rows for an adapter."""

    adapter: Adapter[Any]
    faults: Faults
    refuse: Callable[[Row, Outcome], None]
    """Is told of each row that can't be packed."""

    def pack(self, rows: Iterable[Row]) -> Iterator[Part]:
        """Pack rows of one phase as they come.

        Raises:
            IntentError: it is not the rows that are at fault.
        """
        source = _Source(rows)
        while True:
            source.waiting = {}
            try:
                for part in self.adapter.pack(source):
                    for row in part.rows:
                        source.waiting.pop(row.seq, None)
                    yield part
                return
            except Exception as error:
                if source.error is not None:
                    raise
                fault = error
            if not source.waiting:
                raise of_ours(fault) from None
            yield from self._halved(list(source.waiting.values()), fault)

    def _halved(self, rows: Sequence[Row], error: Exception) -> Iterator[Part]:
        if len(rows) == 1:
            self.refuse(rows[0], self.faults.outcome(error))
            return
        middle = (len(rows) + 1) // 2
        for half in (rows[:middle], rows[middle:]):
            try:
                parts = list(self.adapter.pack(half))
            except Exception as fault:
                yield from self._halved(half, fault)
            else:
                yield from parts
