"""What a mapping means for one file: the SQL of each contract column, and its faults.

Pure: it reads names and types and returns text.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from intent.contracts import RECEIVED_AT, Column, Contract
from intent.errors import BadInputError
from intent.load_mapping import ColumnRule, SourceRule, TableRule, constant_text
from intent.load_sql import (
    SQL_TYPES,
    Conversion,
    SourceColumn,
    as_text,
    convertible,
    literal,
    literals,
    raw_sql,
    value_sql,
)
from intent.yaml_files import nearest

CSV_NULLS = ("", "NULL", "null", "\\N")
OTHER_NULLS = ("",)
A_KIND = {
    "text": "a text",
    "timestamp": "a time",
    "boolean": "a yes or no",
    "double": "a number",
    "bigint": "a whole number",
}
CAST_HINTS = {
    "timestamp": "times are read as ISO (2024-05-31T23:59:59Z); for others say `format`"
    " (such as '%d/%m/%Y %H:%M'), for numbers since 1970 `unit: s` or `ms`",
    "double": "for decimal commas say `decimal: ','`",
    "bigint": "whole numbers only",
    "boolean": "true/false, yes/no, y/n, t/f and 1/0 are known",
}
LATE_LIMIT = "INTERVAL 5 MINUTES"


@dataclass(frozen=True)
class Fault:
    """A reason to refuse a row, and the SQL that is true for such rows."""

    reason: str
    sql: str
    column: str
    is_cast: bool


@dataclass(frozen=True)
class PlannedColumn:
    """A contract column, and how its value comes to be."""

    column: Column
    raw: str | None
    value: str
    is_derived: bool
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True)
class Plan:
    """How one contract table is filled from one file."""

    contract: Contract
    matched: str
    columns: tuple[PlannedColumn, ...]
    reads: frozenset[str]
    """The file's columns that are read."""
    needs_row_numbers: bool

    @property
    def faults(self) -> tuple[Fault, ...]:
        """All reasons for which rows may be refused."""
        return tuple(fault for each in self.columns for fault in each.faults)

    @property
    def refused(self) -> str:
        """SQL that is true for a row that is refused."""
        return " OR ".join(f"({each.sql})" for each in self.faults) or "FALSE"

    def rows_sql(self, row_number: bool, extra: Sequence[str] = ()) -> str:
        """SQL of the file's rows with raw values `r0`.. and converted ones `v0`..

        Args:
            row_number: whether to carry the row's number along.
            extra: SQL of further columns to carry along.
        """
        carried = [*(["row_"] if row_number or self.needs_row_numbers else []), *extra]
        raws = [
            f"{each.raw} AS r{i}"
            for i, each in enumerate(self.columns)
            if each.raw is not None
        ]
        read = ", ".join([*carried, f"{self.matched} AS matched_", *raws])
        direct, derived = (
            ", ".join(
                f"{each.value} AS v{i}"
                for i, each in enumerate(self.columns)
                if each.is_derived is want
            )
            for want in (False, True)
        )
        converted = f"SELECT *, {direct} FROM (SELECT {read} FROM source)"
        return f"SELECT *, {derived} FROM ({converted})" if derived else converted

    def accepted_sql(self, any_refused: bool) -> str:
        """SQL of the rows that the contract can hold, as the contract has them.

        Args:
            any_refused: whether there are rows to leave out. Looking for them makes
                DuckDB convert every value twice, so it is done only if need be.
        """
        columns = ", ".join(
            f"v{i} AS {each.column.name}" for i, each in enumerate(self.columns)
        )
        taken = f"AND NOT coalesce({self.refused}, FALSE)" if any_refused else ""
        return (
            f"SELECT {columns} FROM ({self.rows_sql(row_number=False)}) "
            f"WHERE matched_ {taken}"
        )

    def counts_sql(self) -> str:
        """SQL of the numbers of rows for this table, and of refused ones of them."""
        return (
            "SELECT count(*) FILTER (matched_), "
            f"count(*) FILTER (matched_ AND coalesce({self.refused}, FALSE)) "
            f"FROM ({self.rows_sql(row_number=False)})"
        )

    def failures_sql(self) -> str:
        """SQL of two numbers for each of `cast_columns`: values, and failed ones."""
        counts = ", ".join(
            f"count(r{i}), count(r{i}) FILTER (v{i} IS NULL)" for i in self.cast_columns
        )
        return (
            f"SELECT {counts or 'NULL'} FROM ({self.rows_sql(row_number=False)}) "
            "WHERE matched_"
        )

    @property
    def cast_columns(self) -> tuple[int, ...]:
        """Places of the columns whose values may fail to convert."""
        return tuple(
            i
            for i, each in enumerate(self.columns)
            if any(fault.is_cast for fault in each.faults)
        )

    def refused_sql(self, extra: Sequence[str]) -> str:
        """SQL of the refused rows: number, reasons, and the columns of `extra`."""
        reasons = ", ".join(
            f"CASE WHEN {each.sql} THEN {literal(each.reason)} END"
            for each in self.faults
        )
        rows = self.rows_sql(row_number=True, extra=extra)
        return (
            f"SELECT list_filter([{reasons}], x -> x IS NOT NULL) AS reasons_, * "
            f"FROM ({rows}) WHERE matched_ AND coalesce({self.refused}, FALSE)"
        )


class Planner:
    """Plans the tables of one file."""

    def __init__(  # noqa: PLR0913
        self,
        columns: tuple[SourceColumn, ...],
        rule: SourceRule,
        *,
        is_csv: bool,
        sha256: str,
        now: str,
        file: str,
    ) -> None:
        """Take what is known of the file.

        Args:
            columns: the file's columns.
            rule: how the file is written.
            is_csv: whether nulls are words in it.
            sha256: the file's hash, of which row ids are made.
            now: the moment of landing, UTC, as ISO text.
            file: the file's name for messages.
        """
        self.by_name = {each.name: each for each in columns}
        self.by_lower = {each.name.lower(): each for each in columns}
        self.rule = rule
        self.nulls = rule.null_values
        if self.nulls is None:
            self.nulls = CSV_NULLS if is_csv else OTHER_NULLS
        self.sha256 = sha256
        self.now = now
        self.file = file

    def plan(self, contract: Contract, table: TableRule) -> Plan:
        """Plan one table.

        Raises:
            BadInputError: the file lacks columns that the mapping names, or has them
                in a type that can't be converted.
        """
        self._check_columns(contract, table)
        columns = tuple(
            self._column(contract, each, table) for each in contract.columns
        )
        found = {name: self.find(name) for name in table.reads}
        return Plan(
            contract=contract,
            matched=self.where(table),
            columns=columns,
            reads=frozenset(each.name for each in found.values() if each),
            needs_row_numbers=any(each.row_number for each in table.columns.values()),
        )

    def where(self, table: TableRule) -> str:
        """SQL that is true for the file's rows that a table takes."""
        parts = []
        for name, accepted in table.where.items():
            column = self.find(name)
            if column is None:
                raise self._unknown_columns([name], "where")
            text = as_text(column.sql, column.kind)
            words = [constant_text(each) for each in accepted if each is not None]
            tests = [f"{text} IN ({literals(words)})"] if words else []
            if len(words) < len(accepted):
                tests.append(f"{text} IS NULL")
            parts.append(f"coalesce({' OR '.join(tests) or 'FALSE'}, FALSE)")
        return " AND ".join(f"({each})" for each in parts) or "TRUE"

    def find(self, name: str) -> SourceColumn | None:
        """The file's column of that name, whatever its case."""
        return self.by_name.get(name) or self.by_lower.get(name.lower())

    def _check_columns(self, contract: Contract, table: TableRule) -> None:
        missing = sorted(name for name in table.reads if self.find(name) is None)
        if missing:
            raise self._unknown_columns(missing, contract.key)
        for name, rule in table.columns.items():
            column, promised = self.find(rule.column or ""), contract.column(name)
            if column is None or promised is None:
                continue
            why = convertible(column.kind, promised.data_type, self._conversion(rule))
            if why:
                raise BadInputError(
                    f"{self.file}: {contract.key}.{name} is to be "
                    f"{A_KIND[promised.data_type]}, and its column '{column.name}' "
                    f"{why}."
                )

    def _unknown_columns(self, missing: list[str], where: str) -> BadInputError:
        near = [
            f"'{name}' (nearest: {', '.join(found)})"
            if (found := nearest(name, self.by_name))
            else f"'{name}'"
            for name in missing
        ]
        return BadInputError(
            f"{self.file} has no column {', '.join(near)}, which the mapping names for "
            f"{where}. It has: {', '.join(self.by_name)}."
        )

    def _conversion(
        self, rule: ColumnRule, names: tuple[tuple[str, str], ...] = ()
    ) -> Conversion:
        return Conversion(
            multiply=rule.multiply,
            decimal=rule.decimal,
            unit=rule.unit,
            format=rule.format or self.rule.timestamp_format,
            prefix=rule.prefix,
            whole_number=rule.whole_number,
            names=names,
        )

    def _column(
        self, contract: Contract, column: Column, table: TableRule
    ) -> PlannedColumn:
        """Plan one contract column."""
        rule = table.columns.get(column.name)
        place = contract.names.index(column.name)
        if rule is None:
            return _planned(column, f"CAST(NULL AS {SQL_TYPES[column.data_type]})")
        if rule.column is not None or rule.constant is not None:
            return self._read(contract, column, rule, table)
        if rule.now:
            return _planned(column, f"CAST({literal(self.now)} AS TIMESTAMP)")
        if rule.row_number:
            prefix = literal(f"{self.sha256[:12]}-")
            return _planned(column, f"{prefix} || CAST(row_ AS VARCHAR)")
        if rule.hash_of:
            # A null and an empty text differ, and no two rows run into each other.
            parts = ", ".join(
                f"coalesce({as_text(each.sql, each.kind)}, chr(30))"
                for name in rule.hash_of
                if (each := self.find(name))
            )
            return PlannedColumn(
                column, f"md5(concat_ws(chr(31), {parts}))", f"r{place}", False
            )
        return _derived(contract, column, rule, table)

    def _read(
        self, contract: Contract, column: Column, rule: ColumnRule, table: TableRule
    ) -> PlannedColumn:
        """Plan a column that is read from the file, or is the same everywhere."""
        place = contract.names.index(column.name)
        source = (
            self.find(rule.column)
            if rule.column is not None
            else SourceColumn("", "text", literal(_constant(rule)))
        )
        if source is None:
            raise self._unknown_columns([rule.column or ""], contract.key)
        names = tuple(table.event_names.items()) if column.name == "event_name" else ()
        raw = raw_sql(source, column.data_type, self.nulls or ())
        value = value_sql(
            f"r{place}",
            source.kind,
            column.data_type,
            self._conversion(rule, names),
            self.rule.timezone,
        )
        theirs = source.name or "a constant"
        shown = "" if theirs == column.name else f" (from {theirs})"
        faults = []
        if column.data_type != "text":
            faults.append(
                Fault(
                    f"{column.name}{shown} is not {A_KIND[column.data_type]}",
                    f"r{place} IS NOT NULL AND v{place} IS NULL",
                    column.name,
                    is_cast=True,
                )
            )
        if column.required:
            faults.append(
                Fault(
                    f"{column.name}{shown} is missing",
                    f"r{place} IS NULL",
                    column.name,
                    is_cast=False,
                )
            )
        return PlannedColumn(column, raw, value, False, tuple(faults))


def _constant(rule: ColumnRule) -> str:
    return "" if rule.constant is None else constant_text(rule.constant)


def _planned(column: Column, value: str) -> PlannedColumn:
    """A column that can't fail."""
    return PlannedColumn(column, None, value, is_derived=False)


def _derived(
    contract: Contract, column: Column, rule: ColumnRule, table: TableRule
) -> PlannedColumn:
    """Plan a column that is made of other contract columns."""
    places = [contract.names.index(name) for name in rule.refers_to]
    # greatest passes over nulls.
    value = f"greatest({', '.join(f'v{i}' for i in places)})"
    sure = any(contract.columns[i].required for i in places)
    if not column.required or sure:
        # Where a required one is missing, that alone is reason enough.
        return PlannedColumn(column, None, value, True)
    raws = [
        f"r{i} IS NULL"
        for i in places
        if table.columns[contract.columns[i].name].column is not None
    ]
    place = contract.names.index(column.name)
    fault = Fault(
        f"{column.name} is missing (as are {', '.join(rule.refers_to)})",
        " AND ".join([f"v{place} IS NULL", *raws]),
        column.name,
        is_cast=False,
    )
    return PlannedColumn(column, None, value, True, (fault,))


def late_sql(contract: Contract, relation: str) -> str | None:
    """SQL that counts the rows that came before they happened, if that can be told."""
    time = contract.time_column
    if time is None or contract.column(RECEIVED_AT) is None:
        return None
    return (
        f"SELECT count(*) FROM {relation} "
        f"WHERE {time.name} > {RECEIVED_AT} + {LATE_LIMIT}"
    )
