"""Does the same for several syncs, of which one that fails stops no other."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from intent.errors import ExitCode, IntentError, worst
from intent.sync.spec import Sync

T = TypeVar("T")


@dataclass(frozen=True)
class Fault:
    """Why something came to nothing."""

    of: str
    """The sync's name, or what else failed."""
    error: IntentError

    def as_json(self) -> dict[str, Any]:
        """The same as plain data."""
        return {
            "of": self.of,
            "error": str(self.error),
            "exit_code": int(self.error.exit_code),
        }


@dataclass
class Several(Generic[T]):
    """What came of each, and why others came to nothing."""

    results: list[T] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    @contextmanager
    def keeping_faults(self, of: str) -> Iterator[None]:
        """Keep a fault of the block, instead of raising it."""
        try:
            yield
        except IntentError as error:
            self.faults.append(Fault(of, error))

    @property
    def worst_fault(self) -> ExitCode:
        """The exit code of the fault that asks most of the user."""
        return worst(each.error.exit_code for each in self.faults)


def do_each(
    syncs: Several[Sync], act: Callable[[Sync], T], into: Several[T] | None = None
) -> Several[T]:
    """Act on each sync; what fails is kept with the faults that there were.

    Args:
        syncs: those to act on.
        act: what to do with one.
        into: is filled as it goes, for one who may be stopped half-way.
    """
    several: Several[T] = Several() if into is None else into
    several.faults += syncs.faults
    for sync in syncs.results:
        with several.keeping_faults(sync.name):
            several.results.append(act(sync))
    return several
