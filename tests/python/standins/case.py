"""What the tests that all destinations share must know of one to run."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from standins.kit import StandIn

Told = tuple[str, str, str | None, str | None]
EventReader = Callable[[Mapping[str, Any]], Told]


class Trait(StrEnum):
    """What some tests ask of a destination.

    A case has all that it does not say it lacks: a new destination meets every test,
    and has to say why where it is let off.
    """

    CONTACTS = "contacts"
    """Rows are contacts, who may be created and leave."""
    UPSERT = "upsert"
    UPDATE_ONLY = "update_only"
    CREATE_ONLY = "create_only"
    MIRROR = "mirror"
    EVENTS = "events"
    """It is told changes of segments as events; the case can read them."""
    LISTS = "lists"
    """It has lists; the case names some."""
    SPELLINGS = "spellings"
    """Records are found by email, whose case does not matter."""
    READ_BACK = "read back"
    """It is asked what it has: answers that leave rows out (the stand-in's `omit`) are
    noticed, and runs are reconciled."""
    NAMES_ROWS = "names rows"
    """Its answers name rows: one that leaves a row out still tells of the others."""
    SCHEMA = "schema"
    """Fields are created by an admin there, and the set-up lists them."""
    QUOTA = "quota"
    """Requests of a day are counted there: the stand-in's `daily_limit`."""
    TOO_MANY = "too many"
    """Who asks too often is answered by 429, and maybe told how long to wait."""
    TOKENS = "tokens"
    """It gives out tokens that expire."""
    CLOCK = "clock"
    """It believes no request that is dated long ago."""
    ONE_AT_A_TIME = "one at a time"
    """What comes last holds: no two requests with one key may be under way."""
    FIXED_PATHS = "fixed paths"
    """Its paths are the same for all: that there is none (404) is a passing fault."""
    NUMBERS = "numbers"
    """Its sync has numbers that may be any: `score_change_7d`."""
    JOBS = "jobs"
    """Rows go there in jobs that end later: the stand-in's `hold_a_job` and so on."""


@dataclass(frozen=True)
class Case:
    """A destination, by one of its syncs.

    The module of a stand-in has its own in `CASES`: the usual one first.
    """

    name: str
    sync: str
    """The sync's file in `syncs`, without the ending."""
    stand_in: Callable[[], StandIn]
    settings: Callable[[str], Mapping[str, str]]
    """The variables that lead to a stand-in, by its address."""
    writes: str = ""
    """Where requests go that write: a regular expression of paths."""
    carries: str = ""
    """Of these, where those go that have the rows; empty: all of them."""
    unheard: str = ""
    """Where no answer may come from if nobody is to hear that rows were written; empty:
    as `writes`."""
    lists_at: str = ""
    """Where lists are written to, if rows are written elsewhere."""
    echo: Callable[[str], Any] = field(default=lambda words: {"error": words})
    """An answer that refuses a request in some words, as the body is there."""
    echo_status: int = 400
    changes: Mapping[str, Any] = field(default_factory=dict)
    """What the case has otherwise than the sync's file. Changes of the segment are told
    by the tests of that only."""
    remote: Mapping[str, Any] = field(default_factory=dict)
    """Attributes of the stand-in."""
    kind: str = ""
    """Of the records, as the stand-in's `records`, `put` and `remove` take it."""
    lists: Mapping[str, str] = field(default_factory=dict)
    """The ids of the lists that the stand-in has, by segment."""
    event: EventReader | None = None
    """Key, id, segment before and after, of one of the stand-in's events."""
    lacks: Mapping[Trait, str] = field(default_factory=dict)
    """What it has not, and why."""
    names_in_path: bool = False
    """The destination takes the match key in the path, and in no other way."""

    def __str__(self) -> str:
        return self.name

    def has(self, *traits: Trait) -> bool:
        """Whether it has all of some traits."""
        return not self.lacks.keys() & set(traits)


def not_contacts(what: str) -> Mapping[Trait, str]:
    """What destinations lack whose rows are others than contacts."""
    traits = (
        Trait.CONTACTS,
        Trait.SPELLINGS,
        Trait.UPSERT,
        Trait.CREATE_ONLY,
        Trait.MIRROR,
        Trait.EVENTS,
        Trait.LISTS,
    )
    return dict.fromkeys(traits, f"{what} are there before, and stay")
