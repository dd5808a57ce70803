"""The marts that syncs read: attached read-only, checked, and let go of."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from intent.errors import BadInputError, LockedError, UnavailableError
from intent.sync.fields import quoted
from intent.sync.ledger import LOCK_WORDS, Ledger, kind_of
from intent.sync.load import at
from intent.sync.spec import FieldType, Sync
from intent.warehouse import PUBLIC_SCHEMA
from intent.yaml_files import did_you_mean

PROMISED = (
    *("contact_id", "as_of", "intent_score", "segment"),
    *("is_exportable", "is_holdout"),
)
"""Columns of contact_intent without which nothing is sent."""
RED = ("silent", "late", "collapsed")
"""Findings of `feed_health` by which contacts seem to cool down that don't."""
NUMBERS = frozenset(
    (
        *("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "FLOAT", "DOUBLE"),
        *("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "DECIMAL"),
    )
)
MOMENTS = frozenset(("TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "DATE"))
FITTING: Mapping[FieldType, frozenset[str]] = {
    FieldType.NUMBER: NUMBERS,
    FieldType.INTEGER: NUMBERS,
    FieldType.BOOLEAN: frozenset(("BOOLEAN",)),
    FieldType.DATETIME: MOMENTS,
    FieldType.DATE: MOMENTS,
}
"""The column types that a field's type can be made of; any can be text."""


@dataclass(frozen=True)
class Source:
    """The warehouse as a sync finds it."""

    catalog: str
    columns: Mapping[str, Mapping[str, str]]
    """Of each mart: column -> type."""
    as_of: datetime | None
    ranks: Mapping[str, int]
    """Of the shown sheet's segments, 1 for the highest."""
    red_feeds: Sequence[str]
    sheet: str | None

    def mart(self, name: str) -> str:
        """A mart's name in SQL."""
        return f"{quoted(self.catalog)}.{quoted(PUBLIC_SCHEMA)}.{quoted(name)}"

    def has(self, mart: str, column: str) -> bool:
        """True if a mart has a column."""
        return column in self.columns.get(mart, {})


@contextmanager
def attached(
    ledger: Ledger,
    warehouse: Path,
    wait: float = 0.0,
    is_stopped: Callable[[], bool] = lambda: False,
) -> Iterator[Source]:
    """Have the warehouse within reach of the ledger's connection.

    Args:
        ledger: whose connection reads it.
        warehouse: the DuckDB file.
        wait: for how many seconds to wait if another process writes to it.
        is_stopped: tells that nobody waits any more.

    Raises:
        LockedError: another process still writes to it.
        UnavailableError: there is none, or it can't be read.
        BadInputError: what was built is not whole.
    """
    catalog = attach(ledger, warehouse, wait, is_stopped)
    try:
        yield inspect(ledger, catalog, warehouse)
    finally:
        ledger.connection.execute(f"detach {quoted(catalog)}")


def attach(
    ledger: Ledger, warehouse: Path, wait: float, is_stopped: Callable[[], bool]
) -> str:
    """Attach the warehouse, and return its name there."""
    if not warehouse.is_file():
        raise UnavailableError(
            f"There is no warehouse {warehouse} yet. Build it first: `intent build`."
        )
    # Views name the catalog that they were made in, which is called as the file is.
    path = str(warehouse).replace("'", "''")
    deadline = time.monotonic() + wait
    while True:
        try:
            ledger.connection.execute(
                f"attach '{path}' as {quoted(warehouse.stem)} (read_only)"
            )
            return warehouse.stem
        except duckdb.Error as error:
            if not any(words in str(error) for words in LOCK_WORDS):
                raise UnavailableError(
                    f"The warehouse {warehouse} can't be read ({kind_of(error)})."
                ) from error
            if time.monotonic() >= deadline or is_stopped():
                raise LockedError(
                    f"The warehouse {warehouse} is in use: a build runs. Wait until "
                    "it is done; `intent sync run --wait 60` does so."
                ) from error
        time.sleep(0.2)


def inspect(ledger: Ledger, catalog: str, warehouse: Path) -> Source:
    """Look at what there is, and refuse what is not whole.

    Raises:
        BadInputError: a mart is missing, half built, or not as promised.
    """
    columns: dict[str, dict[str, str]] = {}
    for mart, column, kind in ledger.rows(
        "select table_name, column_name, data_type from duckdb_columns()"
        " where database_name = ? and schema_name = ?",
        [catalog, PUBLIC_SCHEMA],
    ):
        columns.setdefault(mart, {})[column] = kind
    found = columns.get("contact_intent", {})
    if missing := [name for name in PROMISED if name not in found]:
        raise BadInputError(
            f"The warehouse {warehouse} has no contact_intent with "
            f"{', '.join(missing)}. Build it: `intent build`."
        )
    contacts = f"{quoted(catalog)}.{quoted(PUBLIC_SCHEMA)}.contact_intent"
    [[clocks, as_of, sheet, out_of_range]] = ledger.rows(
        f"select count(distinct as_of), max(as_of), {sheet_of(found)},"
        " count(*) filter (not intent_score between 0 and 5 or isnan(intent_score))"
        f" from {contacts}"
    )
    if clocks > 1:
        raise BadInputError(
            f"The warehouse {warehouse} is half built: contact_intent is as of several "
            "moments. Build it again: `intent build`."
        )
    if out_of_range:
        raise BadInputError(
            f"contact_intent has {out_of_range:,} contacts whose intent_score is not "
            "between 0 and 5. Nothing is sent. Build it again: `intent build`."
        )
    ranks = read_ranks(ledger, catalog, sheet)
    unknown = ledger.rows(
        f"select distinct segment from {contacts}"
        f" where segment is not null and not list_contains(?, segment)",
        [list(ranks)],
    )
    if unknown:
        raise BadInputError(
            f"contact_intent has {len(unknown)} segments that score_bands does not "
            "have. Nothing is sent. Build it again: `intent build`."
        )
    return Source(
        catalog=catalog,
        columns=columns,
        as_of=as_of,
        ranks=ranks,
        red_feeds=read_red_feeds(ledger, catalog, columns, as_of),
        sheet=sheet,
    )


def sheet_of(columns: Mapping[str, str]) -> str:
    """SQL for the shown sheet's name."""
    return "max(score_model)" if "score_model" in columns else "null"


def read_ranks(ledger: Ledger, catalog: str, sheet: str | None) -> Mapping[str, int]:
    """The ranks of the sheet's segments; those of design where there is no seed."""
    has_seed = ledger.rows(
        "select 1 from duckdb_tables() where database_name = ?"
        " and schema_name = 'intent_rules' and table_name = 'score_bands'",
        [catalog],
    )
    if has_seed and sheet:
        found = ledger.rows(
            f'select band, "rank" from {quoted(catalog)}.intent_rules.score_bands'
            " where score_model = ? order by 2",
            [sheet],
        )
        if found:
            return dict(found)
    return {"hot": 1, "warm": 2, "cold": 3}


def read_red_feeds(
    ledger: Ledger,
    catalog: str,
    columns: Mapping[str, Mapping[str, str]],
    as_of: datetime | None,
) -> Sequence[str]:
    """The feeds that bring too little, on the last whole day or the one that runs."""
    if "status" not in columns.get("feed_health", {}):
        return []
    found = ledger.rows(
        "select distinct feed || '.' || feed_table || ' is ' || status from"
        f" {quoted(catalog)}.{quoted(PUBLIC_SCHEMA)}.feed_health"
        " where list_contains(?, status)"
        " and arrival_date >= cast(? as timestamp)::date - 1 order by 1",
        [list(RED), as_of],
    )
    return [name for (name,) in found]


def refuse_mapping(sync: Sync, source: Source) -> None:
    """Check that the marts have what a sync's fields are made of.

    Raises:
        BadInputError: with all that is missing or does not fit, by line.
    """
    faults: list[tuple[tuple[str, ...], str]] = []
    for key, mart in (("source", sync.source), *(("also", each) for each in sync.also)):
        if mart not in source.columns:
            hint = did_you_mean(mart, source.columns)
            faults.append(((key,), f"there is no mart {mart}{hint}"))
        elif key == "also" and not source.has(mart, sync.row_id):
            faults.append(((key,), f"{mart} has no column {sync.row_id}"))
    if faults:
        raise BadInputError(worded(sync, faults))
    for path, name in (
        (("row_id",), sync.row_id),
        (("match", "column"), sync.match.column),
    ):
        if column_type(sync, source, name) is None:
            faults.append((path, f"{sync.source} has no column {name}"))
    for field, rule in sync.fields.items():
        for name in rule.sources:
            kind = column_type(sync, source, name)
            fitting = FITTING.get(rule.type)
            if kind is None:
                mart, _, column = name.rpartition(".")
                hint = did_you_mean(column, source.columns[mart or sync.source])
                wrong = f"there is no column {name}{hint}"
                faults.append((("fields", field), wrong))
            elif fitting and kind.partition("(")[0] not in fitting:
                faults.append(
                    (
                        ("fields", field, "type"),
                        f"{name} is {kind}, of which no {rule.type} can be made",
                    )
                )
    faults += unknown_segments(sync, source)
    if faults:
        raise BadInputError(worded(sync, faults))


def unknown_segments(
    sync: Sync, source: Source
) -> Sequence[tuple[tuple[str, ...], str]]:
    """Lists of segments that there are not."""
    changes = sync.segment_changes
    if changes is None or changes.column != "segment":
        return []
    known = ", ".join(source.ranks)
    return [
        (
            ("segment_changes", "lists", segment),
            f"there is no such segment (there are: {known})",
        )
        for segment in changes.lists
        if segment not in source.ranks
    ]


def column_type(sync: Sync, source: Source, name: str) -> str | None:
    """The type of a column that a sync names; None if there is no such."""
    mart, _, column = name.rpartition(".")
    return source.columns[mart or sync.source].get(column)


def worded(sync: Sync, faults: Sequence[tuple[tuple[str, ...], str]]) -> str:
    """Faults of a sync's file in words, a line each."""
    return "\n".join(f"{at(sync, *path)}: {wrong}" for path, wrong in faults)
