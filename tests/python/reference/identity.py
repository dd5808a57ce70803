"""Who is who: identifiers, dated statements about pairs of them, connected components.

Everything is judged by whole UTC days: what is in force at a clock is what stood at the
end of the last day that began before it.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import NamedTuple

from .contract import ANONYMOUS_KIND
from .read import Row
from .values import midnight_of

Pair = frozenset[str]
Limits = Mapping[tuple[str, str], int]
"""(kind of an identifier, kind that it is linked with) to how many it may be."""

INFINITY = float("inf")


def kind_of(identifier: str) -> str:
    """Return the kind of an identifier, which stands before its value."""
    return identifier.partition(":")[0]


def crm_precedence(identifier: str) -> int:
    """Order by kind: what names a CRM record comes before what names a person."""
    return ("crm_id", "customer_id", "email", "phone").index(kind_of(identifier))


class Objection(NamedTuple):
    """What one version of a CRM record says, ordered so that the newest is largest."""

    version: int
    received_at: float
    is_objected: bool


class Version(NamedTuple):
    """What a record of a person shows at some time."""

    time: int
    received_at: float
    identifiers: tuple[str, ...]

    def precedence(self) -> tuple[int, float, list[str]]:
        """Order by time, and of one second by arrival; else what is shown decides."""
        shown = {kind_of(identifier): identifier for identifier in self.identifiers}
        texts = [shown.get(kind, "") for kind in ("customer_id", "email", "phone")]
        return self.time, self.received_at, texts


class Loss(NamedTuple):
    """An identifier that a record let go, and that another record came to hold."""

    identifier: str
    record_kind: str
    released_at: int
    lost_at: int


class Identities:
    """All identifiers that usable rows name, and all that the rows say of pairs."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.first_seen: dict[str, int] = {}
        self._told: dict[Pair, set[int]] = defaultdict(set)
        self._withdrawn: dict[Pair, set[int]] = defaultdict(set)
        self._versions: dict[str, set[Version]] = defaultdict(set)
        self._objections: dict[str, Objection] = {}
        self._standing_objections: set[str] = set()
        self._crm_identifiers: dict[str, set[str]] = {}
        self._ordered_versions: dict[str, list[Version]] = {}

    def add(self, identifiers: tuple[str, ...], time: int) -> None:
        """Take in a row's identifiers: the first one is linked to each other."""
        for identifier in identifiers:
            self._see(identifier, time)
        for other in identifiers[1:]:
            self._told[Pair((identifiers[0], other))].add(time)

    def withdraw(self, identifiers: tuple[str, ...], time: int) -> None:
        """Take in that these identifiers are not one person, each with each."""
        for one in identifiers:
            for other in identifiers:
                if one != other:
                    self._withdrawn[Pair((one, other))].add(time)

    def add_record(self, row: Row, record_kind: str) -> None:
        """Take in a version of a record: its own id is linked to each other one.

        The record is as old as it says; the rest is known since the version.
        """
        if row.time is None or row.version is None:
            return
        record = next(one for one in row.identifiers if kind_of(one) == record_kind)
        self._see(record, min(row.time, row.version))
        others = tuple(one for one in row.identifiers if one != record)
        for other in others:
            self._see(other, row.version)
            self._told[Pair((record, other))].add(row.version)
        received_at = _latest_first(row.received_at)
        self._versions[record].add(Version(row.version, received_at, others))

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
        """Return who is one and the same by what was known at the clock.

        Within a component the identifier with the smallest (first seen, text), which
        names it, comes first.
        """
        parents = {
            identifier: identifier
            for identifier, time in self.first_seen.items()
            if midnight_of(time) < clock
        }
        for one, other in self.links(clock):
            parents[_root(parents, one)] = _root(parents, other)
        members: dict[str, list[str]] = {}
        for identifier in parents:
            members.setdefault(_root(parents, identifier), []).append(identifier)
        return [tuple(sorted(group, key=self._age)) for group in members.values()]

    def links(self, clock: float) -> list[Pair]:
        """Return the pairs that join at the clock: told, not parted, nobody shared."""
        parted = self._partings
        told = [pair for pair in self._told if self._is_told(pair, clock, parted)]
        neighbours: dict[tuple[str, str], int] = defaultdict(int)
        for pair in told:
            for one, other in _both_ways(pair):
                neighbours[one, kind_of(other)] += 1
        shared = {
            one
            for (one, kind), count in neighbours.items()
            if count > self.limits.get((kind_of(one), kind), INFINITY)
        }
        return [pair for pair in told if not pair & shared]

    def _is_told(
        self, pair: Pair, clock: float, parted: Mapping[Pair, set[int]]
    ) -> bool:
        """Tell what the last word about a pair was; of a tie, that they are not one."""
        last_told = _last_before(clock, self._told[pair])
        last_parted = max(
            _last_before(clock, self._withdrawn.get(pair, ())),
            _last_before(clock, parted.get(pair, ())),
        )
        return last_told > last_parted

    @cached_property
    def _partings(self) -> dict[Pair, set[int]]:
        """Return when pairs were parted because one of the two changed hands."""
        pairs_of: dict[str, list[tuple[str, Pair]]] = defaultdict(list)
        for pair in self._told:
            for one, other in _both_ways(pair):
                pairs_of[one].append((other, pair))
        partings: dict[Pair, set[int]] = defaultdict(set)
        for loss in self._losses_of_days():
            for other, pair in pairs_of[loss.identifier]:
                if min(self._told[pair]) < loss.released_at and not (
                    kind_of(other) == loss.record_kind
                    and self._shows(other, loss.identifier, loss.lost_at)
                ):
                    partings[pair].add(loss.lost_at)
        return partings

    def _losses_of_days(self) -> Iterator[Loss]:
        """Yield what was lost; what several lose on a day they lose at once."""
        days: dict[tuple[str, str, int], list[Loss]] = defaultdict(list)
        for loss in self._losses():
            day = midnight_of(loss.lost_at)
            days[loss.identifier, loss.record_kind, day].append(loss)
        for (identifier, record_kind, _), losses in days.items():
            released_at = max(loss.released_at for loss in losses)
            lost_at = max(loss.lost_at for loss in losses)
            yield Loss(identifier, record_kind, released_at, lost_at)

    def _losses(self) -> Iterator[Loss]:
        holders: dict[tuple[str, str], set[str]] = defaultdict(set)
        for record, versions in self._versions.items():
            for version in versions:
                for identifier in version.identifiers:
                    holders[kind_of(record), identifier].add(record)
        for (record_kind, identifier), records in holders.items():
            for record in records:
                others = records - {record}
                for released_at, shown_again_at in self._absences(record, identifier):
                    lost_at = self._next_held(others, identifier, released_at)
                    if lost_at < shown_again_at:
                        yield Loss(identifier, record_kind, released_at, int(lost_at))

    def _absences(self, record: str, identifier: str) -> Iterator[tuple[int, float]]:
        """Yield when a record lets an identifier go, and when it shows it again."""
        released_at: int | None = None
        was_shown = False
        for version in self._versions_of(record):
            is_shown = identifier in version.identifiers
            if was_shown and not is_shown:
                released_at = version.time
            if is_shown and released_at is not None:
                yield released_at, version.time
                released_at = None
            was_shown = is_shown
        if released_at is not None:
            yield released_at, INFINITY

    def _next_held(self, records: set[str], identifier: str, since: int) -> float:
        """Return the first time from `since` on at which a record shows it."""
        if any(self._shows(record, identifier, since) for record in records):
            return since
        return min(
            (
                version.time
                for record in records
                for version in self._versions_of(record)
                if version.time > since and identifier in version.identifiers
            ),
            default=INFINITY,
        )

    def _shows(self, record: str, identifier: str, time: int) -> bool:
        shown: tuple[str, ...] = ()
        for version in self._versions_of(record):
            if version.time <= time:
                shown = version.identifiers
        return identifier in shown

    def _versions_of(self, record: str) -> list[Version]:
        """Return a record's versions in order, of each second the one received last."""
        if record not in self._ordered_versions:
            ordered = sorted(self._versions[record], key=Version.precedence)
            last = {version.time: version for version in ordered}
            self._ordered_versions[record] = [last[time] for time in sorted(last)]
        return self._ordered_versions[record]

    def _see(self, identifier: str, time: int) -> None:
        if time < self.first_seen.get(identifier, time + 1):
            self.first_seen[identifier] = time

    def _age(self, identifier: str) -> tuple[int, str]:
        return self.first_seen[identifier], identifier


def is_contact(members: Iterable[str]) -> bool:
    """Tell a contact from a visitor of whom only cookies are known."""
    return any(not member.startswith(f"{ANONYMOUS_KIND}:") for member in members)


def _both_ways(pair: Pair) -> Iterator[tuple[str, str]]:
    one, other = pair
    yield one, other
    yield other, one


def _last_before(clock: float, times: Iterable[int]) -> float:
    """Return the last time whose day began before the clock."""
    return max((time for time in times if midnight_of(time) < clock), default=-INFINITY)


def _latest_first(received_at: int | None) -> float:
    return float("-inf") if received_at is None else received_at


def _root(parents: dict[str, str], identifier: str) -> str:
    while parents[identifier] != identifier:
        parents[identifier] = parents[parents[identifier]]
        identifier = parents[identifier]
    return identifier
