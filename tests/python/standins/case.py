"""What the conformance suite must know of a destination to run it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from intent.sync.spec import Mode

from standins.kit import StandIn

ALL_MODES = frozenset(Mode)
Told = tuple[str, str, str | None, str | None]
EventReader = Callable[[Mapping[str, Any]], Told]


@dataclass(frozen=True)
class Case:
    """A destination, by one of its syncs.

    The module of a stand-in has its own in `CASES`.
    """

    name: str
    sync: str
    """The sync's file in `syncs`, without the ending."""
    stand_in: Callable[[], StandIn]
    settings: Callable[[str], Mapping[str, str]]
    """The variables that lead to a stand-in, by its address."""
    changes: Mapping[str, Any] = field(default_factory=dict)
    """What the case has otherwise than the sync's file. Changes of the segment are told
    by the tests of that only."""
    kind: str = ""
    """Of the records, as the stand-in's `records`, `put` and `remove` take it."""
    has_contacts: bool = True
    """False: its rows are accounts, which nobody creates or leaves in these tests."""
    modes: frozenset[Mode] = ALL_MODES
    """Those that it can be run in."""
    lists: Mapping[str, str] = field(default_factory=dict)
    """The ids of the lists that the stand-in has, by segment; empty: it has none."""
    event: EventReader | None = None
    """Key, id, segment before and after, of one of the stand-in's events; None: the
    destination is told no events."""
    omits: bool = False
    """Answers may leave rows out: the stand-in's `omit` works."""
    has_schema: bool = True
    """Fields are created by an admin there, and the set-up lists them."""
    names_in_path: bool = False
    """The destination takes the match key in the path, and in no other way."""

    def __str__(self) -> str:
        return self.name
