"""Lands several files, of which one that can't be used keeps no other out."""

from collections.abc import Callable, Sequence
from pathlib import Path

from intent.contracts import Contract, find_contract, read_contracts
from intent.demo import holds_demo
from intent.erasure.guard import mark_checked, read_guard
from intent.erasure.keyring import FILE as HASHES
from intent.errors import BadInputError, ExitCode, IntentError, UnavailableError
from intent.load import (
    FileReport,
    LoadRefusedError,
    Request,
    load_file,
    read_event_names,
)
from intent.load_mapping import Mapping, check_against_contracts, read_mapping
from intent.settings import Places


def prepare(
    where: Places, mapping: str | None, to: str | None = None, dry_run: bool = False
) -> Request:
    """What is to be done with files of one shape.

    Args:
        where: the places; `landing` is to be filled.
        mapping: a shipped one's name, or a path. None: the table's own columns.
        to: the only table to fill.
        dry_run: nothing is to be landed.

    Raises:
        BadInputError: there is no such mapping or table, or the demo is in the way.
    """
    contracts = read_contracts(where.staging)
    used, tables = choose_tables(mapping, to, contracts)
    if holds_demo(where.landing) and not dry_run:
        raise BadInputError(
            f"The landing folder {where.landing} holds the demo: its people would "
            "mix with yours. Take it away first: `intent demo --clear`."
        )
    return Request(
        landing=where.landing,
        contracts=contracts,
        event_names=read_event_names(where.seeds / "feeds" / "event_names.csv"),
        mapping=used,
        tables=tables,
        dry_run=dry_run,
        guard=read_guard(where),
    )


def choose_tables(
    mapping: str | None, to: str | None, contracts: dict[str, Contract]
) -> tuple[Mapping | None, tuple[str, ...]]:
    """Find the mapping, and the tables to fill."""
    if to is not None:
        find_contract(contracts, to)
    if mapping is None:
        if to is None:
            raise BadInputError(
                "Which table is this for? Say --to FEED.TABLE, or give a --mapping. "
                f"Tables: {', '.join(contracts)}."
            )
        return None, (to,)
    used, name = read_mapping(mapping)
    check_against_contracts(used, name, contracts)
    if to is not None and to not in used.tables:
        raise BadInputError(
            f"Mapping {name} says nothing of {to}; it fills {', '.join(used.tables)}."
        )
    return used, (to,) if to else tuple(used.tables)


def load_files(
    files: Sequence[Path],
    request: Request,
    where: Places,
    say: Callable[[str], None] = lambda _: None,
) -> tuple[list[FileReport], list[IntentError]]:
    """Load each file; the faults are those of files that were not landed."""
    reports, faults = [], []
    for path in files:
        try:
            reports.append(load_file(path, request, say))
        except IntentError as fault:
            faults.append(fault)
            report = FileReport(str(path), status="failed")
            if isinstance(fault, LoadRefusedError):
                report = fault.report
            report.error = str(fault)
            reports.append(report)
    note_checked(reports, where)
    return reports, faults


def note_checked(reports: Sequence[FileReport], where: Places) -> None:
    """Note that what was landed now was looked at for erased contacts."""
    landed = [
        Path(table.landed).absolute().relative_to(where.landing).as_posix()
        for report in reports
        for table in report.tables
        if table.landed and table.status == "landed"
    ]
    if landed and (where.erasures / HASHES).exists():
        mark_checked(where, landed)


def all_faults(faults: Sequence[IntentError]) -> IntentError:
    """One fault that tells all of them; a place that failed weighs most."""
    if len(faults) == 1:
        return faults[0]
    worst = max(each.exit_code for each in faults)
    kind = UnavailableError if worst == ExitCode.UNAVAILABLE else BadInputError
    text = "\n".join(str(each) for each in faults)
    return kind(f"{len(faults)} files were not landed:\n{text}")
