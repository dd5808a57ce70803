"""Lands files of others as the Parquet that the feeds' contracts promise.

A file is inspected, planned, checked and written aside; only when all of it stands is
it moved into the landing folder. So a load that fails changes nothing, and the same
load twice lands once.
"""

import csv
import datetime as dt
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from intent.contracts import Contract
from intent.erasure.guard import Guard
from intent.erasure.landed import Changes
from intent.erasure.rows import shapes_of
from intent.erasure.survey import LandedFile
from intent.errors import BadInputError, UnavailableError
from intent.load_mapping import (
    ColumnRule,
    Mapping,
    SourceRule,
    identity_mapping,
    mapping_hash,
    with_received_at,
)
from intent.load_plan import CAST_HINTS, Plan, Planner, late_sql
from intent.load_sources import (
    Inspection,
    Source,
    check_unchanged,
    guard,
    inspect_file,
    open_source,
    split_suffix,
)
from intent.load_sql import literal

PARTIAL = ".partial"
"""Where files grow. The name starts with a dot, so the feeds' globs pass it by."""
ABANDONED_AFTER = 24 * 3600
MEMORY_LIMIT = "2GB"
EXAMPLES = 3
NAMES_SHOWN = 10
LONGEST_NAME_SHOWN = 60
UNREADABLE = "unreadable"


@dataclass(frozen=True)
class Limit:
    """How many refused rows are borne: a count, or a share of the rows."""

    count: int | None = None
    share: float | None = None

    @classmethod
    def parse(cls, text: str) -> "Limit":
        """Read `10`, `0.05` or `5%`.

        Raises:
            BadInputError: it is none of these.
        """
        try:
            if text.endswith("%"):
                share = float(text[:-1]) / 100
            elif "." in text:
                share = float(text)
            else:
                count = int(text)
                if count >= 0:
                    return cls(count=count)
                share = -1.0
        except ValueError:
            share = -1.0
        if not 0 <= share <= 1:
            raise BadInputError(
                f"--max-refused '{text}' is neither a count (10) nor a share "
                "(5% or 0.05)."
            )
        return cls(share=share)

    def exceeded(self, refused: int, rows: int) -> bool:
        """Say whether that many refused rows are too many."""
        if self.count is not None:
            return refused > self.count
        return self.share is not None and refused > self.share * rows

    def __str__(self) -> str:
        """Show the limit as it is given."""
        return str(self.count) if self.share is None else f"{self.share * 100:g}%"


@dataclass(frozen=True)
class Request:
    """What a load is asked to do, the same for each of its files."""

    landing: Path
    contracts: dict[str, Contract]
    event_names: dict[str, frozenset[str]]
    """The event names that are known, by feed."""
    mapping: Mapping | None
    tables: tuple[str, ...]
    """The tables to fill; one where there is no mapping."""
    received_at: str | None = None
    dry_run: bool = False
    replace: bool = False
    limit: Limit = Limit()
    guard: Guard | None = None
    """Knows the contacts that were erased; none were if there is none."""

    @property
    def refused(self) -> Path:
        """Where refused rows go: beside the landing folder."""
        return self.landing.absolute().parent / "refused"


@dataclass
class Reason:
    """Why rows were refused."""

    reason: str
    rows: int
    examples: list[int]


@dataclass
class TableReport:
    """What became of a file's rows in one table."""

    table: str
    status: str = "checked"
    rows: int = 0
    taken: int = 0
    refused: int = 0
    not_for_this_table: int = 0
    erased: int = 0
    """Rows of contacts that were erased: they are left out."""
    reasons: list[Reason] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    landed: str | None = None
    refused_file: str | None = None


@dataclass
class FileReport:
    """What became of a file."""

    file: str
    status: str = "checked"
    rows: int = 0
    unreadable: int = 0
    not_mapped: int = 0
    ignored_columns: list[str] = field(default_factory=list)
    reasons: list[Reason] = field(default_factory=list)
    """Why rows of the file are no rows at all."""
    unreadable_file: str | None = None
    tables: list[TableReport] = field(default_factory=list)
    error: str | None = None


@dataclass(frozen=True)
class _Ready:
    """A finished file that waits to be moved to its place."""

    partial: Path
    final: Path
    is_private: bool
    replaces: tuple[Path, ...] = ()


class LoadRefusedError(BadInputError):
    """A file was read and declined; the report says what was found."""

    def __init__(self, message: str, report: FileReport) -> None:
        """Carry the report along."""
        super().__init__(message)
        self.report = report


def read_event_names(file: Path) -> dict[str, frozenset[str]]:
    """Read the event names that each feed knows, from the seed of that name."""
    names: dict[str, set[str]] = {}
    try:
        with file.open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines):
                names.setdefault(row["feed"], set()).add(row["event_name"])
    except (OSError, KeyError, UnicodeDecodeError):
        # Without the sheet, names can't be checked here; the build checks them too.
        return {}
    return {feed: frozenset(each) for feed, each in names.items()}


def load_file(
    path: Path, request: Request, say: Callable[[str], None] = lambda _: None
) -> FileReport:
    """Load one file into the landing folder.

    Args:
        path: the file.
        request: what to do with it.
        say: told what is being done.

    Returns:
        What became of its rows.

    Raises:
        LoadRefusedError: rows were refused, too many of them.
        IntentError: the file or a place can't be used; nothing was landed.
    """
    rule = request.mapping.source if request.mapping else SourceRule()
    say(f"looking at {path.name}")
    file = inspect_file(path, rule)
    with _workspace(request) as scratch, _connection(scratch, rule.timezone) as con:
        source = open_source(con, file, rule, scratch, say)
        return _Load(request, file, source, scratch, say).run()


class _Load:
    """The load of one file that is open."""

    def __init__(
        self,
        request: Request,
        file: Inspection,
        source: Source,
        scratch: Path,
        say: Callable[[str], None],
    ) -> None:
        self.request = request
        self.file = file
        self.source = source
        self.con = source.con
        self.scratch = scratch
        self.say = say
        self.report = FileReport(file=str(file.path))
        self.ready: list[_Ready] = []
        self.finals: dict[str, Path] = {}
        self.mapping = with_received_at(
            request.mapping
            or identity_mapping(
                request.contracts[request.tables[0]],
                [each.name for each in source.columns],
                str(file.path),
            ),
            request.received_at,
        )

    def run(self) -> FileReport:
        """Check the rows, write them aside, and move them to their places."""
        new = [key for key in self.request.tables if not self._is_landed(key)]
        if not new:
            self.report.status = "already landed"
            return self.report
        plans = [self._plan(key) for key in new]
        self._read_rows(plans)
        if self.report.rows == 0:
            self.report.status = "no rows"
            return self.report
        for plan in plans:
            self._fill(plan)
        self._decide()
        self._set_unreadable_aside()
        check_unchanged(self.file)
        if not self.request.dry_run:
            _publish(self.ready)
            self.report.status = "landed" if self.finals else "erased"
            for table in self.report.tables:
                if table.table in self.finals:
                    table.status = "landed"
                    table.landed = str(self.finals[table.table])
        return self.report

    # What there is

    def _plan(self, key: str) -> Plan:
        planner = Planner(
            self.source.columns,
            self.mapping.source,
            is_csv=self.file.format == "csv",
            sha256=self.file.sha256,
            now=dt.datetime.now(dt.UTC).replace(tzinfo=None, microsecond=0).isoformat(),
            file=str(self.file.path),
        )
        rule = self.mapping.tables[key]
        formats = {each.format for each in rule.columns.values()}
        for each in formats | {self.mapping.source.timestamp_format}:
            self._check_format(each)
        return planner.plan(self.request.contracts[key], rule)

    def _check_format(self, time_format: str | None) -> None:
        if time_format is None:
            return
        try:
            self.con.execute(f"SELECT try_strptime('', {literal(time_format)})")
        except duckdb.Error as fault:
            raise BadInputError(
                f"The mapping's time format '{time_format}' is not one: it is made of "
                "parts such as %Y-%m-%d %H:%M:%S, %d/%m/%Y, %z."
            ) from fault

    def _is_landed(self, key: str) -> bool:
        """Say whether this content was landed with this mapping, and note it.

        Raises:
            BadInputError: it was landed with another mapping; to land it again would
                count it twice.
        """
        landed = self._landed(key)
        same = [each for each in landed if each.name.endswith(self._hashes(key))]
        if same:
            self.report.tables.append(
                TableReport(key, status="already landed", landed=str(same[0]))
            )
        elif landed and not self.request.replace:
            raise BadInputError(
                f"{self.file.path} was landed in {key} before, with another mapping "
                f"({landed[0].name}). To land it anew in its place, add --replace."
            )
        return bool(same)

    def _landed(self, key: str) -> list[Path]:
        """The landed files of this content, whatever the mapping and their stem."""
        folder = self.request.landing / key.replace(".", "/")
        return sorted(folder.glob(f"*-{self.file.sha256[:12]}-*.parquet"))

    def _hashes(self, key: str) -> str:
        mapped = mapping_hash(self.mapping, key)
        return f"-{self.file.sha256[:12]}-{mapped[:8]}.parquet"

    def _name(self, key: str) -> str:
        suffix, gzipped = split_suffix(self.file.path)
        name = self.file.path.name.removesuffix(self.file.path.suffix * gzipped)
        stem = name[: -len(suffix)] if suffix else name
        return re.sub(r"[^A-Za-z0-9_.-]+", "_", stem)[:80] + self._hashes(key)

    def _read_rows(self, plans: Sequence[Plan]) -> None:
        """Read the file once and say what is in it."""
        used = frozenset[str]().union(*(each.reads for each in plans))
        self.source.use(set(used))
        self.say(f"reading {self.file.path.name}")
        readable = self.source.survey()
        if any(each.needs_row_numbers for each in plans):
            self.source.number_rows()
        self.report.unreadable = self.source.count(UNREADABLE)
        self.report.rows = readable + self.report.unreadable
        self.report.reasons = self._reasons(
            f"SELECT [reason_] AS reasons_, row_ FROM {UNREADABLE}"
        )
        self.report.ignored_columns = [
            each.name
            for each in self.source.columns
            if each.name not in used
            and not any(name.startswith(f"{each.name}.") for name in used)
        ]
        if all(self.mapping.tables[key].where for key in self.request.tables):
            self.report.not_mapped = self._count_not_mapped(plans)

    def _count_not_mapped(self, plans: Sequence[Plan]) -> int:
        """Count the rows that no table takes."""
        if len(plans) < len(self.request.tables):
            plans = [self._plan(key) for key in self.request.tables]
        matched = " OR ".join(each.matched for each in plans)
        return self._number(f"SELECT count(*) FROM source WHERE NOT ({matched})")

    # Each table

    def _fill(self, plan: Plan) -> None:
        """Check a table's rows and write them aside."""
        key = plan.contract.key
        self.say(f"checking {key}")
        table = TableReport(key)
        self.report.tables.append(table)
        with guard(f"{self.file.path}, {key}"):
            counts = self.con.execute(plan.counts_sql()).fetchone() or ()
        table.rows, table.refused = counts[0], counts[1]
        table.taken = table.rows - table.refused
        table.not_for_this_table = (
            self.report.rows - self.report.unreadable - table.rows
        )
        if table.refused:
            self._write_refused(plan, table)
            table.warnings += self._hopeless_columns(plan)
        if table.taken:
            self._write_accepted(plan, table)

    def _write_accepted(self, plan: Plan, table: TableReport) -> None:
        """Write the rows that the contract can hold."""
        key = plan.contract.key
        self.say(f"landing {key}")
        partial = self.scratch / f"{key}.parquet"
        accepted = plan.accepted_sql(any_refused=table.refused > 0)
        with guard(f"{self.request.landing}, {key}"):
            self.con.execute(
                f"COPY ({accepted}) TO {literal(str(partial))} "
                "(FORMAT parquet, COMPRESSION zstd, KV_METADATA "
                f"{{source_sha256: {literal(self.file.sha256)}, "
                f"mapping_sha256: {literal(mapping_hash(self.mapping, key))}}})"
            )
            relation = f"read_parquet({literal(str(partial))})"
            written = self._number(f"SELECT count(*) FROM {relation}")
        if written != table.taken:
            raise UnavailableError(
                f"{self.file.path}: {written} rows were written where {table.taken} "
                "were found; nothing was landed. Was the file changed meanwhile?"
            )
        table.warnings += self._look_at_landed(plan, relation)
        if self.request.guard:
            self._leave_erased_out(self.request.guard, table, partial)
            if not table.taken:
                table.status = "erased"
                return
        final = self.request.landing / key.replace(".", "/") / self._name(key)
        old = tuple(self._landed(key)) if self.request.replace else ()
        old_refused = tuple(self.request.refused / key / each.name for each in old)
        self.ready.append(_Ready(partial, final, False, old + old_refused))
        self.finals[key] = final

    def _leave_erased_out(
        self, guard: Guard, table: TableReport, partial: Path
    ) -> None:
        """Take the rows of contacts that were erased out of what is to land."""
        self.say(f"looking for erased contacts in {table.table}")
        shape = shapes_of(self.request.contracts)[table.table]
        found = guard.clean([LandedFile(partial, table.table, shape)])
        changes = found.get(table.table, Changes())
        table.erased = changes.removed
        table.taken -= changes.removed
        if changes.blanked:
            table.warnings.append(
                f"{changes.blanked} rows of others named erased contacts; they are "
                "taken without that."
            )

    def _look_at_landed(self, plan: Plan, relation: str) -> list[str]:
        """Warn of rows that the contract holds and the build will set aside."""
        warnings = []
        late = late_sql(plan.contract, relation)
        if late and (count := self._number(late)):
            time_column = plan.contract.time_column
            warnings.append(
                f"{count} rows happened (`{time_column.name if time_column else ''}`) "
                "more than 5 minutes after `received_at`: the build will set them "
                "aside. Is the time zone right (source.timezone)?"
            )
        rule = self.mapping.tables[plan.contract.key].columns["received_at"]
        if rule.now:
            warnings.append(
                "`received_at` is the moment of landing, as the file doesn't say it; "
                "for history, scores as of past days need "
                "`received_at: {same_as: ...}`."
            )
        known = self.request.event_names.get(plan.contract.feed)
        if known and plan.contract.column("event_name"):
            warnings += self._unknown_names(relation, known)
        return warnings

    def _unknown_names(self, relation: str, known: frozenset[str]) -> list[str]:
        rows = self.con.execute(
            f"SELECT event_name, count(*) FROM {relation} "
            "WHERE NOT list_contains(?, event_name) "
            "GROUP BY event_name ORDER BY 2 DESC, 1",
            [sorted(known)],
        ).fetchall()
        if not rows:
            return []
        shown = ", ".join(
            f"{show_name(name)} ({count})" for name, count in rows[:NAMES_SHOWN]
        )
        more = f" and {len(rows) - NAMES_SHOWN} more" if len(rows) > NAMES_SHOWN else ""
        return [
            f"unknown event names: {shown}{more}: the build will set these rows aside. "
            "Say `event_names: {theirs: ours}` in the mapping, or add them to the "
            "seed event_names."
        ]

    def _write_refused(self, plan: Plan, table: TableReport) -> None:
        """Write the refused rows whole, as text."""
        key = plan.contract.key
        self.say(f"setting refused rows of {key} aside")
        self.source.number_rows()
        carried = [sql for _, sql in self._whole_row]
        refused = plan.refused_sql([f"{sql} AS w{i}" for i, sql in enumerate(carried)])
        with guard(f"{self.file.path}, {key}"):
            self.con.execute(f"CREATE OR REPLACE TEMP TABLE refused_ AS {refused}")
            self.source.settle_row_numbers("refused_")
            table.reasons = self._reasons("SELECT reasons_, row_ FROM refused_")
        columns = [f"w{i} AS {name}" for i, (name, _) in enumerate(self._whole_row)]
        rows = ", ".join(
            [
                *columns,
                "CAST(NULL AS VARCHAR) AS _line",
                "array_to_string(reasons_, '; ') AS _reason",
            ]
        )
        query = f"SELECT {rows}, row_ AS _row FROM refused_"
        if len(self.request.tables) == 1:
            query += f" UNION ALL BY NAME {self._unreadable_sql()}"
        final = self._aside(key, query, self._name(key))
        table.refused_file = None if self.request.dry_run else str(final)

    @property
    def _whole_row(self) -> list[tuple[str, str]]:
        """The file's row as text: quoted names, none of them ours, and SQL."""
        ours = {"_line", "_reason", "_file", "_row"}
        if not self.source.whole_row:
            return [('"json"', "line_")]
        names = [
            f"{name}_of_file" if name.lower() in ours else name
            for name, _ in self.source.whole_row
        ]
        return [
            ('"' + name.replace('"', '""') + '"', sql)
            for name, (_, sql) in zip(names, self.source.whole_row, strict=True)
        ]

    def _unreadable_sql(self) -> str:
        return (
            f"SELECT line_ AS _line, reason_ AS _reason, row_ AS _row FROM {UNREADABLE}"
        )

    def _set_unreadable_aside(self) -> None:
        """Write what is no row at all: it belongs to no table where there are many."""
        if not self.report.unreadable:
            return
        only = self.report.tables[0] if len(self.request.tables) == 1 else None
        if only and only.refused:
            self.report.unreadable_file = only.refused_file
            return
        folder = only.table if only else UNREADABLE
        key = self.request.tables[0]
        final = self._aside(folder, self._unreadable_sql(), self._name(key))
        self.report.unreadable_file = None if self.request.dry_run else str(final)

    def _aside(self, folder: str, query: str, name: str) -> Path:
        """Write refused rows to a working file, to be moved beside the landing."""
        partial = self.scratch / f"refused-{folder}.parquet"
        with guard(f"{self.request.refused}, {folder}"):
            self.con.execute(
                f"COPY (SELECT *, {literal(str(self.file.path))} AS _file "
                f"FROM ({query}) ORDER BY _row) TO {literal(str(partial))} "
                "(FORMAT parquet, COMPRESSION zstd)"
            )
        if self.request.guard:
            self.request.guard.clean_refused(partial)
        final = self.request.refused / folder / name
        self.ready.append(_Ready(partial, final, is_private=True))
        return final

    # What to make of it

    def _decide(self) -> None:
        """Decline a file of which too much was refused.

        Raises:
            LoadRefusedError: all rows of a table were refused, or more than allowed.
        """
        for table in self.report.tables:
            if table.status == "checked":
                self._decide_on(table)

    def _decide_on(self, table: TableReport) -> None:
        if table.erased and not table.taken:
            return
        limit, unreadable = self.request.limit, self.report.unreadable
        readable = self.report.rows - unreadable
        refused, rows = table.refused + unreadable, table.rows + unreadable
        if table.rows == 0 and readable > 0:
            return  # Its rows are all for other tables.
        if not table.taken:
            hints = "".join(f"\n  {each}" for each in table.warnings)
            message = (
                f"{self.file.path}: all {refused} rows for {table.table} were "
                f"refused, so nothing was landed: {self._why(table)}.{hints}"
            )
        elif limit.exceeded(refused, rows):
            message = (
                f"{self.file.path}: {refused} of {rows} rows for {table.table} were "
                f"refused, more than --max-refused {limit} allows, so nothing was "
                f"landed: {self._why(table)}."
            )
        else:
            return
        self.report.status = "refused"
        for each in self.report.tables:
            each.refused_file = None
        raise LoadRefusedError(message, self.report)

    def _why(self, table: TableReport) -> str:
        """The reasons of a table, most frequent first."""
        reasons = sorted(
            [*table.reasons, *self.report.reasons], key=lambda x: x.rows, reverse=True
        )
        return "; ".join(
            f"{each.reason} ({each.rows:,}, such as row {each.examples[0]})"
            for each in reasons
        )

    def _hopeless_columns(self, plan: Plan) -> list[str]:
        """Tell columns of which no value at all could be converted."""
        with guard(str(self.file.path)):
            counts = self.con.execute(plan.failures_sql()).fetchall()[0]
        rules = self.mapping.tables[plan.contract.key].columns
        return [
            f"none of the {values} values for {column.name} "
            f"({_origin(rules[column.name])}) could be read: most likely the mapping "
            f"is to be mended; {CAST_HINTS[column.data_type]}."
            for i, values, failed in zip(
                plan.cast_columns, counts[::2], counts[1::2], strict=False
            )
            if (column := plan.columns[i].column) and failed == values > 0
        ]

    def _reasons(self, query: str) -> list[Reason]:
        """Count refused rows per reason, with the numbers of the first few."""
        rows = self.con.execute(
            f"SELECT reason, count(*), min(row_, {EXAMPLES}) FROM "
            f"(SELECT unnest(reasons_) AS reason, row_ FROM ({query})) "
            "GROUP BY reason ORDER BY 2 DESC, 1"
        ).fetchall()
        return [Reason(reason, count, examples) for reason, count, examples in rows]

    def _number(self, query: str) -> int:
        with guard(str(self.file.path)):
            row = self.con.execute(query).fetchone()
        return int(row[0]) if row else 0


def show_name(name: str) -> str:
    """An event name as it may be shown: not if it may be somebody's data."""
    if len(name) > LONGEST_NAME_SHOWN or "@" in name or re.search(r"\d{5}", name):
        return "<not shown: no event name by its look>"
    return repr(name)


def _origin(rule: ColumnRule) -> str:
    return f"column '{rule.column}'" if rule.column is not None else "a constant"


@contextmanager
def _connection(scratch: Path, zone: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a DuckDB of our own, which spills to the working folder."""
    with duckdb.connect(":memory:") as con:
        con.execute(f"SET temp_directory = {literal(str(scratch / 'spill'))}")
        con.execute(f"SET memory_limit = '{MEMORY_LIMIT}'")
        con.execute("SET enable_progress_bar = false")
        con.execute("SET autoinstall_known_extensions = false")
        try:
            con.execute(f"SET TimeZone = {literal(zone)}")
        except duckdb.Error as fault:
            raise BadInputError(
                f"The mapping's source.timezone '{zone}' is unknown; give a name such "
                "as Europe/Berlin or UTC."
            ) from fault
        yield con


@contextmanager
def open_scratch() -> Iterator[tuple[Path, duckdb.DuckDBPyConnection]]:
    """Open a DuckDB and a folder for working files, for looking at a file only."""
    with (
        tempfile.TemporaryDirectory(prefix="intent-load-") as folder,
        _connection(Path(folder), "UTC") as con,
    ):
        yield Path(folder), con


@contextmanager
def _workspace(request: Request) -> Iterator[Path]:
    """Make a folder for working files, in the file system where they will stay."""
    parent = None
    try:
        if not request.dry_run:
            parent = request.landing / PARTIAL
            parent.mkdir(parents=True, exist_ok=True)
            _sweep(parent)
        scratch = Path(tempfile.mkdtemp(prefix="load-", dir=parent))
    except OSError as fault:
        raise UnavailableError(
            f"The landing folder {request.landing} can't be written: {fault.strerror}. "
            "Give another with --landing or INTENT_LANDING."
        ) from fault
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        if parent is not None:
            # Fails, as it should, while another load is at work.
            with suppress(OSError):
                parent.rmdir()


def _sweep(parent: Path) -> None:
    """Remove the working files of loads that were killed long ago."""
    oldest = time.time() - ABANDONED_AFTER
    for each in parent.iterdir():
        with suppress(OSError):
            if each.stat().st_mtime < oldest:
                shutil.rmtree(each, ignore_errors=True)


def _publish(ready: Sequence[_Ready]) -> None:
    """Move finished files to their places, the refused ones first.

    So a landed file says that its load is complete: what it lacks is already aside.
    """
    for each in sorted(ready, key=lambda each: not each.is_private):
        try:
            _publish_one(each)
        except OSError as fault:
            raise UnavailableError(
                f"{each.final} can't be written: {fault.strerror}. Load the file again "
                "when it can: what was landed already is not landed twice."
            ) from fault


def _publish_one(ready: _Ready) -> None:
    folder = ready.final.parent
    if ready.is_private:
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.mkdir(mode=0o700 if ready.is_private else 0o777, parents=True, exist_ok=True)
    partial = ready.partial
    if ready.is_private:
        partial.chmod(0o600)
        if partial.stat().st_dev != folder.stat().st_dev:
            # The landing may be a volume of its own; a rename must not cross it.
            partial = folder / f"{PARTIAL}-{ready.final.name}.tmp"
            shutil.copy(ready.partial, partial)
    _fsync(partial)
    partial.replace(ready.final)
    for old in ready.replaces:
        if old != ready.final:
            old.unlink(missing_ok=True)
    _fsync(folder)


def _fsync(path: Path) -> None:
    """Make a file, or the names in a folder, outlast a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
