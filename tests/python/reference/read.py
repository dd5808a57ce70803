"""Landing files into rows: Parquet, CSV and NDJSON, each possibly gzipped."""

import csv
import gzip
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, TypeVar

import pyarrow
import pyarrow.parquet

from .contract import IMPOSSIBLE, Table
from .values import midnight_of, to_email, to_flag, to_number, to_seconds, to_text

BATCH_ROWS = 65_536
TESTIMONIAL = "Testimonial Given"
UNITS_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}

Value = TypeVar("Value")
Record = Mapping[str, object]
Batch = dict[str, list[object]]


@dataclass(slots=True)
class Row:
    """One raw row, read as its contract says; what a table lacks is None."""

    key: str | None
    time: int | None
    received_at: int | None
    version: int | None
    identifiers: tuple[str, ...]
    """As 'kind:value', in the order of precedence."""
    event_name: str | None
    detail: str | None
    """What the name alone does not say: the reason of a return, say."""
    order_id: str | None
    form_submission_id: str | None
    user_agent: str | None
    message_id: str | None
    measured: float | None
    bad_value: str | None
    """The reason of the first number that is out of its range."""
    reversed_at: int | None
    product_category: str | None
    declared: dict[str, str | float]
    """What the record says of its contact, as far as it says anything."""
    is_whole_order: bool
    amount: float | None
    currency: str | None
    is_machine_open: bool | None
    objected_to_profiling: bool | None
    is_withdrawn: bool | None
    has_malformed_email: bool
    is_malformed: bool


def read_table(landing: Path, table: Table) -> Iterator[Row]:
    """Read all files of a table, `<feed>/<table>/*` in the landing folder."""
    for path in sorted((landing / table.feed / table.name).glob("*")):
        if path.is_file() and not path.name.startswith((".", "_")):
            for batch in read_batches(path, table.columns):
                yield from typed_rows(batch, table)


def read_batches(path: Path, columns: frozenset[str]) -> Iterator[Batch]:
    """Read a file in column-wise batches, with the columns that it has."""
    kind = path.name.removesuffix(".gz").rpartition(".")[2].lower()
    if kind == "parquet":
        yield from _read_parquet(path, columns)
        return
    if kind not in READERS:
        raise ValueError(f"{path}: neither Parquet, CSV nor NDJSON")
    with _open_text(path) as lines:
        records = READERS[kind](lines)
        while chunk := list(islice(records, BATCH_ROWS)):
            yield {name: [record.get(name) for record in chunk] for name in columns}


def typed_rows(batch: Batch, table: Table) -> Iterator[Row]:
    """Read a batch's values as the contract's types."""
    return _Typed(batch, table).rows()


def _open_text(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _read_csv(lines: IO[str]) -> Iterator[Record]:
    yield from csv.DictReader(lines)


def _read_json(lines: IO[str]) -> Iterator[Record]:
    """Read NDJSON, or one array; numbers stay as written."""
    for line in lines:
        if line.lstrip().startswith("["):
            yield from json.loads(line + lines.read(), parse_int=str, parse_float=str)
        elif line.strip():
            yield json.loads(line, parse_int=str, parse_float=str)


READERS: dict[str, Callable[[IO[str]], Iterator[Record]]] = {
    "csv": _read_csv,
    "ndjson": _read_json,
    "jsonl": _read_json,
    "json": _read_json,
}


def _read_parquet(path: Path, columns: frozenset[str]) -> Iterator[Batch]:
    with pyarrow.parquet.ParquetFile(path) as file:
        present = [name for name in file.schema_arrow.names if name in columns]
        for batch in file.iter_batches(BATCH_ROWS, columns=present):
            values: Batch = dict.fromkeys(columns, [None] * batch.num_rows)
            for name in present:
                values[name] = _arrow_values(batch.column(name))
            yield values


class _Seconds(int):
    """Whole seconds since 1970, told from an integer that a file holds."""


def _arrow_values(column: pyarrow.Array) -> list[object]:
    """Convert a column; timestamps at once to seconds, for speed."""
    if not pyarrow.types.is_timestamp(column.type):
        values: list[object] = column.to_pylist()
        return values
    units = UNITS_PER_SECOND[column.type.unit]
    return [
        None if ticks is None else _Seconds(ticks // units)
        for ticks in column.cast(pyarrow.int64()).to_pylist()
    ]


class _Typed:
    """A batch, read column by column as the contract's types."""

    def __init__(self, batch: Batch, table: Table) -> None:
        self.batch = batch
        self.table = table
        self.size = len(batch[table.key])
        self.malformed: set[int] = set()

    def rows(self) -> Iterator[Row]:
        """Yield the batch's rows."""
        table = self.table
        times = {name: self._read(name, _seconds) for name in table.timestamps}
        numbers = {name: self._read(name, to_number) for name in table.doubles}
        flags = {name: self._read(name, to_flag) for name in table.booleans}
        texts = {name: self._read(name, to_text) for name in table.texts}
        nothing: list[None] = [None] * self.size
        own_times = times[table.time] if table.time else nothing
        keys = self._read(table.key, to_text)
        columns = zip(
            keys,
            own_times,
            times["received_at"],
            self._versions(times),
            self._identifiers(),
            self._names(texts, flags),
            self._details(texts, numbers),
            texts.get("order_id", keys if table.key == "order_id" else nothing),
            texts.get("form_submission_id", nothing),
            texts.get("user_agent", nothing),
            texts.get("message_id", nothing),
            numbers.get(table.measure or "", nothing),
            self._bad_values(numbers, times),
            times.get(table.until or "", nothing),
            texts.get("product_category", nothing),
            self._declared(times, numbers),
            self._whole_orders(texts, flags),
            numbers.get("order_total", numbers.get("value", nothing)),
            texts.get("currency", nothing),
            flags.get("is_machine_open", nothing),
            flags.get("objected_to_profiling", nothing),
            flags.get("is_withdrawn", nothing),
            self._malformed_emails(),
            # Last, as the columns before it find the malformed rows.
            [index in self.malformed for index in range(self.size)],
            strict=True,
        )
        for values in columns:
            yield Row(*values)

    def _read(
        self, name: str, parse: Callable[[object], Value | None]
    ) -> list[Value | None]:
        values: list[Value | None] = []
        for index, raw in enumerate(self.batch[name]):
            try:
                values.append(None if raw is None else parse(raw))
            except ValueError:
                self.malformed.add(index)
                values.append(None)
        return values

    def _names(
        self, texts: dict[str, list[str | None]], flags: dict[str, list[bool | None]]
    ) -> list[str | None]:
        """Return what each row tells."""
        if "is_testimonial" in flags:
            return [
                TESTIMONIAL if flag else self.table.says
                for flag in flags["is_testimonial"]
            ]
        return texts.get("event_name", [self.table.says] * self.size)

    def _details(
        self, texts: dict[str, list[str | None]], numbers: dict[str, list[float | None]]
    ) -> list[str | None]:
        """Return the details of the names, in small letters."""
        columns = [
            [each and each.lower() for each in texts[name]]
            if name in texts
            else [_whole_text(each) for each in numbers[name]]
            for name in self.table.details
        ]
        columns += [
            [None if each is None else word for each in texts[name]]
            for name, word in self.table.detail_words
        ]
        return _first_present(columns, self.size)

    def _bad_values(
        self, numbers: dict[str, list[float | None]], times: dict[str, list[int | None]]
    ) -> list[str | None]:
        """Return the reasons of values that are out of their range."""
        columns = [
            [each.reason if each.is_left_by(n) else None for n in numbers[each.column]]
            for each in self.table.ranges
        ]
        if "birth_date" in times:
            written = self._versions(times)
            columns.append(
                [
                    IMPOSSIBLE if _is_born_after(born, at) else None
                    for born, at in zip(times["birth_date"], written, strict=True)
                ]
            )
        return _first_present(columns, self.size)

    def _versions(self, times: dict[str, list[int | None]]) -> list[int | None]:
        """Return when each row was written."""
        return _first_present([times[name] for name in self.table.version], self.size)

    def _declared(
        self, times: dict[str, list[int | None]], numbers: dict[str, list[float | None]]
    ) -> list[dict[str, str | float]]:
        """Return what each row says of its contact."""
        columns: list[Sequence[str | float | None]] = [
            times.get(name) or numbers.get(name) or self._read(name, to_text)
            for name in self.table.declared
        ]
        if not columns:
            return [{}] * self.size
        return [
            {
                name: value
                for name, value in zip(self.table.declared, row, strict=True)
                if value is not None
            }
            for row in zip(*columns, strict=True)
        ]

    def _whole_orders(
        self, texts: dict[str, list[str | None]], flags: dict[str, list[bool | None]]
    ) -> list[bool]:
        """Tell whether a row is about an order as a whole, not one product of it."""
        if "is_full_return" in flags:
            return [bool(flag) for flag in flags["is_full_return"]]
        return [each is None for each in texts.get("product_id", [None] * self.size)]

    def _malformed_emails(self) -> list[bool]:
        """Return where an email is given that is none; it names nobody."""
        if "email" not in self.table.identifiers:
            return [False] * self.size
        emails = self._read("email", to_text)
        return [email is not None and to_email(email) is None for email in emails]

    def _identifiers(self) -> Iterator[tuple[str, ...]]:
        columns = []
        for kind in self.table.identifiers:
            parse = to_email if kind == "email" else to_text
            columns.append(
                [value and f"{kind}:{value}" for value in self._read(kind, parse)]
            )
        if not columns:
            return iter([()] * self.size)
        return (tuple(filter(None, row)) for row in zip(*columns, strict=True))


def _seconds(raw: object) -> int | None:
    return raw if isinstance(raw, _Seconds) else to_seconds(raw)


def _is_born_after(born: int | None, written_at: int | None) -> bool:
    """Tell whether a record was written before its contact was born."""
    if born is None or written_at is None:
        return False
    return midnight_of(born) > written_at


def _first_present(columns: list[list[Value | None]], size: int) -> list[Value | None]:
    """Return the first value that is not None, row by row."""
    if not columns:
        return [None] * size
    return [
        next((value for value in row if value is not None), None)
        for row in zip(*columns, strict=True)
    ]


def _whole_text(number: float | None) -> str | None:
    """Return the whole step that a number has reached, as text."""
    is_finite = number is not None and math.isfinite(number)
    return str(math.floor(number)) if number is not None and is_finite else None
