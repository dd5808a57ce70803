"""SQL that turns a stranger's columns into a contract's, as pure text functions.

Every conversion comes as a pair: the value as the file has it (`raw`), and the value
as the contract wants it (`value`). A row is refused where `raw` is there and `value`
is not: so nothing is ever guessed, and nothing that fails is lost.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from intent.contracts import DataType

Kind = Literal[
    "text", "integer", "double", "timestamp", "timestamptz", "boolean", "nested"
]

SQL_TYPES: dict[DataType, str] = {
    "text": "VARCHAR",
    "timestamp": "TIMESTAMP",
    "boolean": "BOOLEAN",
    "double": "DOUBLE",
    "bigint": "BIGINT",
}
TRUE_WORDS = ("true", "t", "yes", "y", "1")
FALSE_WORDS = ("false", "f", "no", "n", "0")
MICROSECONDS = {"s": 1_000_000, "ms": 1_000, "us": 1}
# Years 1 to 9999: what other engines can hold too.
FIRST_MICROSECOND = -62_135_596_800_000_000
LAST_MICROSECOND = 253_402_300_799_999_999
NO_SECONDS = r"^(\d{4}-\d\d-\d\d[T ]\d\d:\d\d)([Z+-].*)$"
# A figure whose thousands, if parted at all, are parted in threes. Without this check
# "1.5" in a file of decimal commas would silently become 15.
THOUSANDS = {
    ",": r"[+-]?(\d+|\d{1,3}([. ''\x{a0}\x{202f}]\d{3})+)(,\d+)?",
    ".": r"[+-]?(\d+|\d{1,3}([, ''\x{a0}\x{202f}]\d{3})+)(\.\d+)?",
}


@dataclass(frozen=True)
class SourceColumn:
    """A column of the file: its name there, and how SQL reaches it."""

    name: str
    kind: Kind
    sql: str


@dataclass(frozen=True)
class Conversion:
    """How values are to be read, beyond what their types say."""

    multiply: float | None = None
    decimal: str | None = None
    unit: str | None = None
    format: str | None = None
    prefix: str | None = None
    whole_number: bool = False
    names: tuple[tuple[str, str], ...] = ()


def identifier(name: str) -> str:
    """Quote a name for SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: str) -> str:
    """Quote a text for SQL."""
    return "'" + value.replace("'", "''") + "'"


def literals(values: Iterable[str]) -> str:
    """Quote texts for SQL, as the inside of a list."""
    return ", ".join(literal(value) for value in values)


def kind_of(sql_type: str) -> Kind:
    """Say what kind of value an SQL type of DuckDB holds."""
    base = sql_type.upper().split("(", maxsplit=1)[0]
    if base.endswith("[]") or base in ("STRUCT", "MAP", "UNION", "LIST"):
        return "nested"
    kinds: dict[str, Kind] = {
        "BOOLEAN": "boolean",
        "DOUBLE": "double",
        "FLOAT": "double",
        "DECIMAL": "double",
        "DATE": "timestamp",
        "TIMESTAMP WITH TIME ZONE": "timestamptz",
    }
    if base in kinds:
        return kinds[base]
    if base.startswith("TIMESTAMP"):
        return "timestamp"
    return "integer" if base.endswith(("INT", "INTEGER")) else "text"


def convertible(kind: Kind, target: DataType, how: Conversion) -> str | None:
    """Say why no value of that kind can become the target type, or None if it can."""
    if target == "timestamp":
        if kind in ("integer", "double") and how.unit is None:
            return (
                "holds numbers; if they count since 1970, say "
                "`unit: s` (or ms, us) in the mapping"
            )
        if kind in ("boolean", "nested"):
            return "holds no times"
    if target in ("double", "bigint") and kind in (
        "timestamp",
        "timestamptz",
        "boolean",
        "nested",
    ):
        return "holds no numbers"
    if target == "boolean" and kind in ("timestamp", "timestamptz", "nested"):
        return "holds no yes or no"
    return None


def raw_sql(column: SourceColumn, target: DataType, nulls: Sequence[str]) -> str:
    """SQL of the value as the file has it, null where the file means "nothing"."""
    if column.kind == "text":
        null_words = [*nulls, "NaN", "nan"] if target in ("double", "bigint") else nulls
        words = literals(null_words)
        # Most texts start with no space; to trim all would take half of the time.
        return (
            f"CASE WHEN starts_with({column.sql}, ' ') "
            f"THEN CASE WHEN trim({column.sql}) NOT IN ({words}) THEN {column.sql} END "
            f"WHEN {column.sql} NOT IN ({words}) THEN {column.sql} END"
        )
    if column.kind == "double":
        # pandas writes "nothing" as NaN.
        return f"CASE WHEN NOT isnan({column.sql}) THEN {column.sql} END"
    return column.sql


def value_sql(
    raw: str, kind: Kind, target: DataType, how: Conversion, zone: str
) -> str:
    """SQL of the value as the contract wants it, null where it can't be had.

    Args:
        raw: SQL that reaches the raw value; repeated, so best a plain column.
        kind: what the raw value is.
        target: the contract's type.
        how: the mapping's wishes.
        zone: the time zone of times that name none; the session must be set to it.
    """
    match target:
        case "text":
            value = _text(raw, kind, how)
        case "timestamp":
            value = _timestamp(raw, kind, how, zone)
        case "boolean":
            value = _boolean(raw, kind)
        case "double":
            value = _double(raw, kind, how)
        case "bigint":
            value = _bigint(raw, kind, how)
    return f"CAST({value} AS {SQL_TYPES[target]})"


def as_text(sql: str, kind: Kind) -> str:
    """SQL of a value as text; a whole number gets no decimals.

    A customer id that pandas turned to a float (17850.0) must still be the 17850
    that other files have.
    """
    if kind == "text":
        return sql
    if kind == "double":
        return (
            f"CASE WHEN {sql} = trunc({sql}) AND abs({sql}) < 1e15 "
            f"THEN CAST(TRY_CAST({sql} AS BIGINT) AS VARCHAR) "
            f"ELSE CAST({sql} AS VARCHAR) END"
        )
    return f"CAST({sql} AS VARCHAR)"


def _text(raw: str, kind: Kind, how: Conversion) -> str:
    value = as_text(raw, kind)
    if how.whole_number:
        value = rf"regexp_replace({value}, '^\s*(-?\d+)\.0+\s*$', '\1')"
    if how.names:
        arms = " ".join(
            f"WHEN {literal(theirs)} THEN {literal(ours)}" for theirs, ours in how.names
        )
        value = f"CASE {value} {arms} ELSE {value} END"
    return f"{literal(how.prefix)} || {value}" if how.prefix else value


def _timestamp(raw: str, kind: Kind, how: Conversion, zone: str) -> str:
    if how.unit is not None:
        return _epoch(raw, MICROSECONDS[how.unit])
    if kind == "timestamp" and zone == "UTC":
        value = f"TRY_CAST({raw} AS TIMESTAMP)"
    elif kind in ("timestamp", "timestamptz"):
        value = f"TRY_CAST({raw} AS TIMESTAMPTZ)"
    elif how.format is not None:
        parsed = f"try_strptime(trim({raw}), {literal(how.format)})"
        value = f"CAST({parsed} AS TIMESTAMPTZ)"
    else:
        # DuckDB wants seconds where there is an offset; ISO does not.
        padded = rf"regexp_replace(trim({raw}), '{NO_SECONDS}', '\1:00\2')"
        value = (
            f"coalesce(TRY_CAST(trim({raw}) AS TIMESTAMPTZ), "
            f"TRY_CAST({padded} AS TIMESTAMPTZ))"
        )
    # UTC without a zone, and null for infinity; AT TIME ZONE takes twice as long.
    return f"make_timestamp(epoch_us({value}))"


def _epoch(raw: str, factor: int) -> str:
    micros = f"TRY_CAST(round(TRY_CAST({raw} AS DOUBLE) * {factor}) AS BIGINT)"
    return (
        f"CASE WHEN {micros} BETWEEN {FIRST_MICROSECOND} AND {LAST_MICROSECOND} "
        f"THEN make_timestamp({micros}) END"
    )


def _boolean(raw: str, kind: Kind) -> str:
    if kind == "boolean":
        return raw
    word = f"lower(trim({as_text(raw, kind)}))"
    return (
        f"CASE WHEN {word} IN ({literals(TRUE_WORDS)}) THEN TRUE "
        f"WHEN {word} IN ({literals(FALSE_WORDS)}) THEN FALSE END"
    )


def _double(raw: str, kind: Kind, how: Conversion) -> str:
    number = f"TRY_CAST({_plain_number(raw, kind, how)} AS DOUBLE)"
    finite = f"CASE WHEN isfinite({number}) THEN {number} END"
    # + 0 turns the -0 that a change of sign makes of 0 into 0.
    return finite if how.multiply is None else f"{finite} * {how.multiply!r} + 0"


def _bigint(raw: str, kind: Kind, how: Conversion) -> str:
    value = _plain_number(raw, kind, how)
    if kind == "double":
        value = f"CASE WHEN {value} = trunc({value}) THEN {value} END"
    elif kind == "text":
        # A cast alone would round 1.5 to 2.
        value = (
            rf"CASE WHEN regexp_full_match(trim({value}), '[+-]?\d+(\.0*)?') "
            f"THEN {value} END"
        )
    number = f"TRY_CAST({value} AS BIGINT)"
    if how.multiply is None:
        return number
    product = f"{number} * {how.multiply!r}"
    whole = f"{product} = trunc({product})"
    return f"CASE WHEN {whole} THEN TRY_CAST({product} AS BIGINT) END"


def _plain_number(raw: str, kind: Kind, how: Conversion) -> str:
    """A number's text with a decimal point and nothing between the thousands."""
    if kind != "text":
        return raw
    if how.decimal is None:
        return f"trim({raw})"
    digits = r"[^0-9,+-]" if how.decimal == "," else r"[^0-9.+-]"
    return (
        f"CASE WHEN regexp_full_match(trim({raw}), '{THOUSANDS[how.decimal]}') THEN "
        f"replace(regexp_replace({raw}, '{digits}', '', 'g'), ',', '.') END"
    )
