"""Who is who: identifiers, dated links, connected components."""

from collections.abc import Iterable
from typing import NamedTuple

from .contract import ANONYMOUS_KIND
from .read import Row

Link = tuple[str, str]


def crm_precedence(identifier: str) -> int:
    """Order by kind: what names a CRM record comes before what names a person."""
    kind, _, _ = identifier.partition(":")
    return ("crm_id", "customer_id", "email", "phone").index(kind)


class Objection(NamedTuple):
    """What one version of a CRM record says, ordered so that the newest is largest."""

    version: int
    received_at: float
    is_objected: bool


class Identities:
    """All identifiers and links that usable rows tell of, with their first times."""

    def __init__(self) -> None:
        self.first_seen: dict[str, int] = {}
        self.linked_at: dict[Link, int] = {}
        self._objections: dict[str, Objection] = {}
        self._standing_objections: set[str] = set()
        self._crm_identifiers: dict[str, set[str]] = {}

    def add(self, identifiers: tuple[str, ...], time: int) -> None:
        """Take in a row's identifiers: the first one is linked to each other."""
        for identifier in identifiers:
            if time < self.first_seen.get(identifier, time + 1):
                self.first_seen[identifier] = time
        for other in identifiers[1:]:
            link = (identifiers[0], other)
            if time < self.linked_at.get(link, time + 1):
                self.linked_at[link] = time

    def add_crm_version(self, row: Row, *, is_read: bool) -> None:
        """Take in what a version of a CRM record says about profiling, if anything.

        An objection on a row that could not be read to its end stands.
        """
        record = min(row.identifiers, key=crm_precedence)
        self._crm_identifiers.setdefault(record, set()).update(row.identifiers)
        if not is_read and row.objected_to_profiling:
            self._standing_objections.add(record)
        if not is_read or row.objected_to_profiling is None:
            return
        objection = Objection(
            version=row.version or 0,
            received_at=_latest_first(row.received_at),
            is_objected=row.objected_to_profiling,
        )
        self._objections[record] = max(
            objection, self._objections.get(record, objection)
        )

    def objectors(self) -> set[str]:
        """Return all identifiers of records that object, at whatever time."""
        records = self._standing_objections | {
            record for record, each in self._objections.items() if each.is_objected
        }
        return {one for record in records for one in self._crm_identifiers[record]}

    def components(self, clock: float) -> list[tuple[str, ...]]:
        """Return who is one and the same by what was known before the clock.

        Within a component the identifier with the smallest (first seen, text), which
        names it, comes first.
        """
        parents = {
            identifier: identifier
            for identifier, time in self.first_seen.items()
            if time < clock
        }
        for (one, other), time in self.linked_at.items():
            if time < clock:
                parents[_root(parents, one)] = _root(parents, other)
        members: dict[str, list[str]] = {}
        for identifier in parents:
            members.setdefault(_root(parents, identifier), []).append(identifier)
        return [tuple(sorted(group, key=self._age)) for group in members.values()]

    def _age(self, identifier: str) -> tuple[int, str]:
        return self.first_seen[identifier], identifier


def is_contact(members: Iterable[str]) -> bool:
    """Tell a contact from a visitor of whom only cookies are known."""
    return any(not member.startswith(f"{ANONYMOUS_KIND}:") for member in members)


def _latest_first(received_at: int | None) -> float:
    return float("-inf") if received_at is None else received_at


def _root(parents: dict[str, str], identifier: str) -> str:
    while parents[identifier] != identifier:
        parents[identifier] = parents[parents[identifier]]
        identifier = parents[identifier]
    return identifier
