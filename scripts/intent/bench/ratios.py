"""From what was measured to ratios: what next to what, and what is aimed at."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from intent.bench.builds import SAME_AS_PEERS
from intent.bench.steps import Findings

GIBIBYTE = 2**30


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    what: str
    seconds: float
    cpu_seconds: float | None = None
    peak_bytes: int | None = None
    against: str = ""
    ratio: float | None = None
    cpu_ratio: float | None = None
    """The same of processors' seconds: others on the machine hardly change it."""
    aim: str = ""

    def as_json(self) -> dict[str, Any]:
        """The line as plain data."""
        return dict(self.__dict__)


def rows_of(findings: Findings, earlier: Mapping[int, Any]) -> list[Row]:
    """The table. `earlier`: findings at other sizes, by their events."""
    return [
        *build_rows(findings),
        *scoring_rows(findings),
        *peer_rows(findings),
        *start_rows(findings),
        *growth_rows(findings, earlier),
    ]


def build_rows(findings: Findings) -> Iterator[Row]:
    """The full build, the refresh, and one event."""
    bound, full, refresh = findings.bound, findings.full, findings.refresh
    yield Row(
        "the bound: read, deduplicate, write, group",
        bound.seconds,
        bound.cpu_seconds,
        bound.peak_bytes,
    )
    yield Row(
        "full build, raw to marts, all tests",
        full.measured.seconds,
        full.measured.cpu_seconds,
        full.measured.peak_bytes,
        "the bound",
        full.measured.seconds / bound.seconds,
        full.measured.cpu_seconds / bound.cpu_seconds,
        "2.0",
    )
    yield Row(
        "refresh after 1% new events",
        refresh.measured.seconds,
        refresh.measured.cpu_seconds,
        refresh.measured.peak_bytes,
        "full build",
        refresh.measured.seconds / full.measured.seconds,
        refresh.measured.cpu_seconds / full.measured.cpu_seconds,
    )
    smallest = findings.floor
    yield Row(
        "the same, less what the smallest shop takes",
        max(refresh.measured.seconds - smallest.measured.seconds, 0),
        max(refresh.measured.cpu_seconds - smallest.measured.cpu_seconds, 0),
        None,
        "full build",
        max(refresh.measured.seconds - smallest.measured.seconds, 0)
        / full.measured.seconds,
        max(refresh.measured.cpu_seconds - smallest.measured.cpu_seconds, 0)
        / full.measured.cpu_seconds,
        "0.05",
    )
    event, sending = findings.event.measured, findings.sending
    yield Row(
        "one event, from landed to payload",
        event.seconds + sending.seconds,
        event.cpu_seconds + sending.cpu_seconds,
        max(event.peak_bytes, sending.peak_bytes),
        aim="20 s",
    )


def scoring_rows(findings: Findings) -> Iterator[Row]:
    """Scoring alone."""
    taken = findings.scoring
    group, first = taken["group_by"], taken["sheets_1"]
    sheets = sum(name.startswith("sheets_") for name in taken)
    yield Row("a plain group-by of the facts", group["seconds"], group["cpu_seconds"])

    def against(
        what: str, part: Mapping[str, float], name: str, whole: Mapping[str, float]
    ) -> Row:
        return Row(
            what,
            part["seconds"],
            part["cpu_seconds"],
            None,
            name,
            part["seconds"] / whole["seconds"],
            part["cpu_seconds"] / whole["cpu_seconds"],
            {"a plain group-by": "2.0", "the first": "0.5"}.get(name, ""),
        )

    yield against("scoring one sheet", first, "a plain group-by", group)
    yield against(
        "scoring one sheet",
        first,
        "a group-by by contact",
        taken["group_by_contact"],
    )
    if sheets > 1:
        last = taken[f"sheets_{sheets}"]
        more = {name: (last[name] - first[name]) / (sheets - 1) for name in first}
        yield against("each further sheet", more, "the first", first)
    yield against("drivers", taken["drivers"], "one sheet", first)
    yield against("hot_until", taken["hot_until"], "one sheet", first)


def peer_rows(findings: Findings) -> Iterator[Row]:
    """The same scores by others. What takes us longer than them has a ratio below 1."""
    ours = findings.ours
    again = findings.refresh.model_seconds(SAME_AS_PEERS)
    yield Row(
        "ours: cleaned events to scores",
        ours.seconds,
        ours.cpu_seconds,
        ours.peak_bytes,
    )
    yield Row("ours: the same in the refresh, by dbt's account", again)
    for name, peer in findings.peers.items():
        seconds, cpu = peer.measured.seconds, peer.measured.cpu_seconds
        peak = peer.measured.peak_bytes
        what = f"{name}: cleaned events to scores"
        yield Row(
            what,
            seconds,
            cpu,
            peak,
            "ours",
            seconds / ours.seconds,
            cpu / ours.cpu_seconds,
            "over 1",
        )
        yield Row(
            what,
            seconds,
            cpu,
            peak,
            "ours in the refresh",
            seconds / again,
            aim="over 20",
        )


def start_rows(findings: Findings) -> Iterator[Row]:
    """What dbt takes by itself."""
    floor = findings.floor
    yield Row(
        "build of the smallest shop", floor.measured.seconds, floor.measured.cpu_seconds
    )
    yield Row("of it, before dbt begins", floor.start_seconds)
    yield Row(
        f"of it, each of {len(floor.nodes)} nodes", floor.dbt_seconds / len(floor.nodes)
    )


def growth_rows(findings: Findings, earlier: Mapping[int, Any]) -> Iterator[Row]:
    """The full build next to that at a tenth of the events, if it was measured."""
    before = earlier.get(findings.spec.events // 10)
    if before:
        full = findings.full.measured
        yield Row(
            "full build",
            full.seconds,
            full.cpu_seconds,
            full.peak_bytes,
            "that at a tenth",
            full.seconds / before["full"]["seconds"],
            full.cpu_seconds / before["full"]["cpu_seconds"],
            "11",
        )
