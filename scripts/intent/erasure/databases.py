"""Writes DuckDB files and copies of tables anew, without what was erased.

A row that *is* about an erased contact, as a column holds nothing but its identifier or
contact id, is left out. A value that only mentions one among other things is made null.
Nothing of it is ever written to the new file, so no page of it can hold it.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb

from intent.erasure.files import full_disk_told, sync
from intent.erasure.identifiers import KINDS, Erased
from intent.errors import UnavailableError

STAYS = "main.deletions"
"""The ledger's table of what is still to be deleted elsewhere; it has match keys."""
WHOLE = "main.outbox"
"""The ledger's table whose rows are sent as they are, or not at all."""
BLANK = "[erased]"
OWNER_COLUMNS = (*KINDS, "identifier", "linked_identifier", "contact_id")
NODE = "node"
"""The number that stands for an identifier where many are compared."""
SHORTEST_WHOLE = 4
"""So short a text may be anything, in a column that doesn't say that it is an id."""

Rows = Iterable[tuple[str, str]]
"""Rows of landing files: the file within the landing folder, and the row's own key."""


@dataclass(frozen=True)
class Column:
    """A column of a table."""

    name: str
    data_type: str
    is_nullable: bool = True

    @property
    def sql(self) -> str:
        """The column's name, quoted."""
        return quoted(self.name)

    @property
    def is_text(self) -> bool:
        """True if it may hold an identifier."""
        simple = self.data_type.partition("(")[0].removesuffix("[]")
        return self.is_plain_text or simple not in (
            *("BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"),
            *("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"),
            *("FLOAT", "DOUBLE", "DECIMAL", "DATE", "TIME", "TIMESTAMP", "INTERVAL"),
            *("TIMESTAMP WITH TIME ZONE", "TIMESTAMP_S", "TIMESTAMP_MS"),
            *("TIMESTAMP_NS", "TIME WITH TIME ZONE", "BIT"),
        )

    @property
    def is_number(self) -> bool:
        """True if it numbers identifiers, as the identity tables do."""
        is_named_so = self.name == NODE or self.name.endswith(f"_{NODE}")
        return is_named_so and self.data_type == "BIGINT"

    @property
    def is_plain_text(self) -> bool:
        """True if its type is text."""
        return self.data_type in ("VARCHAR", "JSON")

    @property
    def text(self) -> str:
        """Its value as text, in SQL."""
        return self.sql if self.data_type == "VARCHAR" else f"cast({self.sql} as text)"


@dataclass
class Left:
    """What was left out of a table."""

    removed: int = 0
    blanked: int = 0


@dataclass
class Finder:
    """The SQL that finds what was erased in the columns of a table."""

    erased: Erased
    rows: Rows = ()
    mentions_remove: bool = False
    """Leave out the rows that mention an identifier as well."""
    parameters: dict[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Put the values into parameters, so that no SQL holds them."""
        distinctive = "|".join(each.pattern for each in self.erased.distinctive)
        ids = "|".join(sorted(self.erased.contact_ids))
        kinds = "|".join(KINDS)
        patterns = [
            rf"\s*(?:(?:{kinds}):\s*)?(?:{distinctive})\s*" if distinctive else "",
            ids,
        ]
        self.parameters = {
            "whole": "|".join(f"(?:{each})" for each in patterns if each) or r"[^\s\S]",
            "mentions": self.erased.mentions or r"[^\s\S]",
            "typed": [each.typed for each in self.erased.identifiers],
            "nodes": [],
            "files": [file for file, _ in self.rows],
            "row_keys": [key for _, key in self.rows],
        }
        for name in {*KINDS, *(name for name, _ in self.erased.keys)}:
            self.parameters[f"of_{name}"] = sorted(self.erased.values(name))
        self.parameters["longer"] = sorted(
            each.value
            for each in self.erased.identifiers
            if len(each.value) >= SHORTEST_WHOLE
        )

    def of_table(self, name: str) -> "Finder":
        """The finder for one table: in some, a mention removes the row."""
        if unquoted(name) != WHOLE or self.mentions_remove:
            return self
        whole = replace(self, mentions_remove=True)
        whole.parameters["nodes"] = self.parameters["nodes"]
        return whole

    def is_about(self, columns: Sequence[Column]) -> str:
        """SQL that is true for a row that goes."""
        tests = [f"{each.sql} in $nodes" for each in columns if each.is_number]
        for each in columns:
            if each.name in KINDS:
                tests.append(f"trim({as_text(each)}) in $of_{each.name}")
            if not each.is_text:
                continue
            tests.append(f"regexp_full_match({each.text}, $whole, 'i')")
            tests.append(f"trim({each.text}) in $typed")
            if self.mentions_remove:
                tests.append(f"regexp_matches({each.text}, $mentions, 'i')")
                tests.append(f"trim({each.text}) in $longer")
        tests += self.refers(columns)
        return " or ".join(f"coalesce({each}, false)" for each in tests) or "false"

    def refers(self, columns: Sequence[Column]) -> Iterator[str]:
        """SQL that is true for a row of nobody's that refers to a record that went."""
        by_name = {each.name: each for each in columns}
        owners = [by_name[name].sql for name in OWNER_COLUMNS if name in by_name]
        nobodys = f"coalesce({', '.join(owners)}) is null" if owners else "true"
        for name in sorted({name for name, _ in self.erased.keys} & set(by_name)):
            yield f"{nobodys} and trim({as_text(by_name[name])}) in $of_{name}"
        if {"source_file", "event_id"} <= set(by_name) and self.rows:
            yield (
                f"{nobodys} and (source_file, trim(event_id)) in "
                "(select unnest($files), unnest($row_keys))"
            )

    def mentions(self, column: Column) -> str:
        """SQL that is true for a value that mentions what was erased."""
        return f"coalesce(regexp_matches({column.text}, $mentions, 'i'), false)"

    def needed(self, sql: str) -> dict[str, object]:
        """The parameters that a query names."""
        return {name: self.parameters[name] for name in re.findall(r"\$(\w+)", sql)}


def as_text(column: Column) -> str:
    """A column of ids as text, a whole number without a fraction."""
    if column.data_type in ("DOUBLE", "FLOAT"):
        return f"regexp_replace(cast({column.sql} as text), '\\.0$', '')"
    return column.text


def without(relation: str, columns: Sequence[Column], finder: Finder) -> str:
    """SQL of the rows of a relation that stay, as they are to be."""
    shown = []
    for each in columns:
        if not each.is_text or finder.mentions_remove:
            shown.append(each.sql)
            continue
        blank = "null" if each.is_nullable or not each.is_plain_text else f"'{BLANK}'"
        shown.append(
            f"case when {finder.mentions(each)} then {blank} else {each.sql} end "
            f"as {each.sql}"
        )
    return (
        f"select {', '.join(shown)} from {relation} "
        f"where not ({finder.is_about(columns)})"
    )


def count(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    columns: Sequence[Column],
    finder: Finder,
) -> Left:
    """Count what would be left out of a relation."""
    mentions = [finder.mentions(each) for each in columns if each.is_text]
    sql = (
        f"select count(*) filter (is_about), "
        f"count(*) filter (not is_about and mentions) from (select "
        f"{finder.is_about(columns)} as is_about, "
        f"{' or '.join(mentions) or 'false'} as mentions from {relation})"
    )
    [[removed, blanked]] = connection.execute(sql, finder.needed(sql)).fetchall()
    return Left(removed, blanked)


def tables_of(
    connection: duckdb.DuckDBPyConnection, database: str
) -> list[tuple[str, list[Column]]]:
    """All tables of a database, in the order they were made, with their columns."""
    rows = connection.execute(
        "select t.schema_name, t.table_name, "
        "list((c.column_name, c.data_type, c.is_nullable) order by c.column_index) "
        "from duckdb_tables() as t inner join duckdb_columns() as c "
        "using (database_oid, schema_oid, table_oid) "
        "where t.database_name = ? and not t.internal and not t.temporary "
        "group by t.schema_name, t.table_name, t.table_oid "
        "order by t.table_oid, 1, 2",
        [database],
    ).fetchall()
    return [
        (f"{quoted(schema)}.{quoted(table)}", [Column(*each) for each in columns])
        for schema, table, columns in rows
    ]


def note_nodes(
    connection: duckdb.DuckDBPyConnection, database: str, finder: Finder
) -> None:
    """Have the numbers found that stand for erased identifiers."""
    nodes: set[int] = set()
    for name, columns in tables_of(connection, database):
        if {"identifier", NODE} <= {each.name for each in columns}:
            sql = (
                f"select {NODE} from {quoted(database)}.{name} "
                f"where {finder.is_about(columns)}"
            )
            rows = connection.execute(sql, finder.needed(sql)).fetchall()
            nodes |= {node for (node,) in rows}
    finder.parameters["nodes"] = sorted(nodes)


def find_in_database(
    connection: duckdb.DuckDBPyConnection, database: str, finder: Finder
) -> dict[str, Left]:
    """Count what is to be left out of each table of a database that is attached."""
    found = {}
    for name, columns in tables_of(connection, database):
        relation = f"{quoted(database)}.{name}"
        if unquoted(name) == STAYS:
            continue
        left = count(connection, relation, columns, finder.of_table(name))
        if left.removed or left.blanked:
            found[unquoted(name)] = left
    return found


def rows_of_nobody(
    connection: duckdb.DuckDBPyConnection, database: str
) -> set[tuple[str, str]]:
    """The rows of landing files that are in some table, and name nobody there."""
    found: set[tuple[str, str]] = set()
    for name, columns in tables_of(connection, database):
        names = {each.name for each in columns}
        if {"source_file", "event_id"} <= names:
            owners = sorted(names & set(OWNER_COLUMNS))
            nobodys = " and ".join(f"{each} is null" for each in owners) or "true"
            found |= set(
                connection.execute(
                    f"select distinct source_file, trim(event_id) "
                    f"from {quoted(database)}.{name} "
                    f"where {nobodys} and event_id is not null"
                ).fetchall()
            )
    return found


def copy_without(
    connection: duckdb.DuckDBPyConnection,
    database: str,
    target: Path,
    finder: Finder | None,
) -> None:
    """Write all of an attached database that stays to a new file.

    Without a finder, all stays that was not deleted.
    """
    with full_disk_told(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        wal_of(target).unlink(missing_ok=True)
    connection.execute(f"attach '{escaped(target)}' as anew")
    try:
        connection.execute(f"copy from database {quoted(database)} to anew (schema)")
        for name, columns in tables_of(connection, database):
            relation = f"{quoted(database)}.{name}"
            rows, values = f"select * from {relation}", None
            if finder and unquoted(name) != STAYS:
                rows = without(relation, columns, finder.of_table(name))
                values = finder.needed(rows) or None
            connection.execute(f"insert into anew.{name} {rows}", values)
        connection.execute("checkpoint anew")
    finally:
        connection.execute("detach anew")


def put_in_place(new: Path, file: Path) -> None:
    """Let a finished database file take the place of another."""
    with full_disk_told(file):
        if file.exists():
            new.chmod(file.stat().st_mode & 0o777)
        sync(new)
        wal_of(file).unlink(missing_ok=True)
        new.replace(file)
        sync(file.parent)


@contextmanager
def opened(
    file: Path, *, alone: bool
) -> Iterator[tuple[duckdb.DuckDBPyConnection, str]]:
    """Open a database file, and give the name that it has in SQL.

    Args:
        file: the file.
        alone: keep all others out meanwhile.

    Raises:
        UnavailableError: it is not there, somebody else has it, or it is none; or the
            disk is full.
    """
    if not file.is_file():
        raise UnavailableError(f"There is no database {file}.")
    connection = None
    try:
        connection = duckdb.connect(str(file) if alone else ":memory:")
        if not alone:
            # Views name the database that they were made in, so it keeps its name.
            connection.execute(
                f"attach '{escaped(file)}' as {quoted(file.stem)} (read_only)"
            )
        connection.execute("set TimeZone = 'UTC'")
        yield connection, file.stem
    except duckdb.Error as error:
        raise fault(error, file) from error
    finally:
        if connection is not None:
            connection.close()


def fault(error: duckdb.Error, file: Path) -> UnavailableError:
    """Word what DuckDB says, without the values that it may quote."""
    message = str(error)
    if "lock on file" in message or "already open" in message:
        return UnavailableError(
            f"{file} is in use by another process. Close it there, then give the same "
            "command again."
        )
    if any(
        each in message for each in ("No space left", "Could not write", "too large")
    ):
        return UnavailableError(
            f"The disk of {file} is full. Each file is whole, as it was or as it is to "
            "be. Make room (twice the size of that file), then give the same command "
            "again."
        )
    return UnavailableError(
        f"{file} can't be read or written ({message.partition(':')[0]}). Nothing of it "
        "was changed."
    )


def wal_of(file: Path) -> Path:
    """The file in which DuckDB notes what is not yet in the database file."""
    return file.with_name(f"{file.name}.wal")


def quoted(name: str) -> str:
    """A name for SQL."""
    return '"' + name.replace('"', '""') + '"'


def unquoted(name: str) -> str:
    """A name as a person reads it."""
    return name.replace('"', "")


def escaped(path: Path) -> str:
    """A path for an SQL text."""
    return str(path).replace("'", "''")
