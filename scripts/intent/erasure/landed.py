"""Reads files of rows in batches, and writes them again without some of the rows.

What stays of a text file stays byte by byte, but for rows of which a value is blanked.
"""

import csv
import gzip
import io
import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from intent.erasure.files import written_aside
from intent.erasure.rows import Columns, Mask, Verdict
from intent.errors import BadInputError

BATCH = 20_000
FORMAT = re.compile(r"\.((?i:parquet)|(?i:csv|ndjson|jsonl)(\.gz)?)$")
"""As the build tells formats by their names."""

Judge = Callable[[Columns, int], Verdict]


@dataclass(frozen=True)
class Batch:
    """Some rows of a file: what they say, and what they are made of."""

    columns: Columns
    count: int
    rows: Any
    """For the file's format alone: records of text, or an Arrow table."""


@dataclass
class Changes:
    """How many rows of a file were removed or changed, and how many there were."""

    rows: int = 0
    removed: int = 0
    blanked: int = 0

    def __bool__(self) -> bool:
        """True if anything was changed."""
        return bool(self.removed or self.blanked)

    def count(self, verdict: Verdict) -> None:
        """Add what became of a batch."""
        self.rows += len(verdict.removed)
        self.removed += int(verdict.removed.sum())
        touched = np.zeros(len(verdict.removed), bool)
        for mask in verdict.blanked.values():
            touched |= mask
        self.blanked += int(touched.sum())


def is_readable(file: Path) -> bool:
    """True if the file is of a format that the build reads."""
    return FORMAT.search(file.name) is not None


def inspect(file: Path, judge: Judge) -> Changes:
    """Count what would be changed; `judge` sees every batch."""
    changes = Changes()
    with open_rows(file) as rows:
        for batch in rows:
            changes.count(judge(batch.columns, batch.count))
    return changes


def rewrite(file: Path, judge: Judge) -> Changes:
    """Write a file again as `judge` says; it is whole at every moment."""
    changes = Changes()
    with written_aside(file) as aside:
        with open_rows(file) as rows, rows.writer(aside) as writer:
            for batch in rows:
                verdict = judge(batch.columns, batch.count)
                changes.count(verdict)
                writer.write(batch, verdict)
        if not changes:
            aside.unlink()
    return changes


class Rows:
    """A file of rows that is open for reading."""

    def __init__(self, file: Path) -> None:
        """Open the file."""
        self.file = file
        self._stack = ExitStack()

    def __enter__(self) -> "Rows":
        """Give itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self._stack.close()

    def __iter__(self) -> Iterator[Batch]:
        """Read the rows, some at a time."""
        raise NotImplementedError

    def writer(self, file: Path) -> "Writer":
        """A writer of the same format."""
        raise NotImplementedError


class Writer:
    """Writes rows to a file of the same format as they were read from."""

    def __init__(self, stream: IO[bytes]) -> None:
        """Write to this stream."""
        self.stream = stream
        self._stack = ExitStack()
        self._stack.enter_context(stream)

    def __enter__(self) -> "Writer":
        """Give itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Finish the file."""
        self._stack.close()

    def write(self, batch: Batch, verdict: Verdict) -> None:
        """Write what is left of a batch."""
        raise NotImplementedError


def open_rows(file: Path) -> Rows:
    """Open a file of rows, by its name."""
    found = FORMAT.search(file.name)
    kind = found[1].lower().removesuffix(".gz") if found else ""
    if kind == "parquet":
        return ParquetRows(file)
    return CsvRows(file) if kind == "csv" else JsonRows(file)


# Texts


@dataclass(frozen=True)
class Record:
    """A record of a text file: its bytes, and what they say."""

    raw: bytes
    value: Any


class TextRows(Rows):
    """A file of text, maybe gzipped."""

    def __init__(self, file: Path) -> None:
        """Open the file."""
        super().__init__(file)
        self.opener = gzip.open if file.suffix.lower() == ".gz" else open
        self.stream = self._stack.enter_context(self.open(file, "rb"))

    def __iter__(self) -> Iterator[Batch]:
        """Read the records, some at a time."""
        held: list[Record] = []
        for record in self.records():
            held.append(record)
            if len(held) == BATCH:
                yield self.batch(held)
                held = []
        yield self.batch(held)

    def records(self) -> Iterator[Record]:
        """Read the records one by one."""
        raise NotImplementedError

    def batch(self, records: list[Record]) -> Batch:
        """Turn records into columns."""
        raise NotImplementedError

    def lines(self) -> Iterator[bytes]:
        """Read lines with their ends: LF, CRLF or, where there is no LF, CR."""
        first = self.stream.peek(1 << 16)  # type: ignore[attr-defined]
        if b"\n" in first or b"\r" not in first:
            yield from self.stream
            return
        rest = b""
        while chunk := self.stream.read(1 << 20):
            *whole, rest = re.split(rb"(?<=\r)", rest + chunk)
            yield from whole
        if rest:
            yield rest

    def open(self, file: Path, mode: str) -> IO[bytes]:
        """Open a file of the same kind."""
        return cast(IO[bytes], self.opener(file, mode))


class TextWriter(Writer):
    """Writes records as they were."""

    def __init__(
        self, stream: IO[bytes], blank: Callable[[Record, Sequence[str]], bytes]
    ) -> None:
        """Write to this stream; `blank` says a record again without some values."""
        super().__init__(stream)
        self.blank = blank

    def write(self, batch: Batch, verdict: Verdict) -> None:
        """Write what is left of a batch."""
        for place, record in enumerate(batch.rows):
            if verdict.removed[place]:
                continue
            names = [name for name, mask in verdict.blanked.items() if mask[place]]
            self.stream.write(self.blank(record, names) if names else record.raw)


class CsvRows(TextRows):
    """A CSV file with a header."""

    def __init__(self, file: Path) -> None:
        """Open the file and read its header."""
        super().__init__(file)
        csv.field_size_limit(sys.maxsize)
        self._held: list[bytes] = []
        self._reader = csv.reader(self._decoded())
        header = next(self._reader, [])
        self.header = b"".join(self._held)
        self._held.clear()
        self.names = [each.strip('" \ufeff').lower() for each in header]

    def _decoded(self) -> Iterator[str]:
        for line in self.lines():
            self._held.append(line)
            yield line.decode("utf-8", "surrogateescape")

    def records(self) -> Iterator[Record]:
        """Read the records one by one; a record may hold several lines."""
        try:
            for cells in self._reader:
                yield Record(b"".join(self._held), cells)
                self._held.clear()
        except csv.Error as error:
            raise BadInputError(
                f"{self.file} can't be read as CSV ({error}), so it can't be searched. "
                "Mend or remove it."
            ) from error

    def batch(self, records: list[Record]) -> Batch:
        """Turn records into columns."""
        columns = {
            name: texts(
                [each.value[i] if i < len(each.value) else None for each in records]
            )
            for i, name in enumerate(self.names)
        }
        return Batch(columns, len(records), records)

    def writer(self, file: Path) -> Writer:
        """A writer of CSV that begins with the same header."""
        writer = TextWriter(self.open(file, "wb"), self.blank)
        writer.stream.write(self.header)
        return writer

    def blank(self, record: Record, names: Sequence[str]) -> bytes:
        """Say a record again without some values."""
        cells = list(record.value)
        for place, name in enumerate(self.names):
            if name in names and place < len(cells):
                cells[place] = ""
        text = io.StringIO()
        csv.writer(text, lineterminator="").writerow(cells)
        end = record.raw[len(record.raw.rstrip(b"\r\n")) :]
        return text.getvalue().encode("utf-8", "surrogateescape") + end


class JsonRows(TextRows):
    """A file with one JSON object on each line."""

    def records(self) -> Iterator[Record]:
        """Read the lines one by one; one that is no object is a text."""
        for line in self.lines():
            try:
                value = json.loads(line, parse_int=str, parse_float=str)
            except (ValueError, RecursionError):
                value = None
            if not isinstance(value, dict):
                value = {"": line.decode("utf-8", "replace").strip()}
            yield Record(line, value)

    def batch(self, records: list[Record]) -> Batch:
        """Turn objects into columns, one for each key."""
        found: dict[str, list[str | None]] = {}
        for place, record in enumerate(records):
            for key, value in record.value.items():
                name = key.lower()
                if name not in found:
                    found[name] = [None] * len(records)
                found[name][place] = as_text(value)
        columns = {name: texts(values) for name, values in found.items()}
        return Batch(columns, len(records), records)

    def writer(self, file: Path) -> Writer:
        """A writer of lines of JSON."""
        return JsonWriter(self.open(file, "wb"), self.blank)

    def blank(self, record: Record, names: Sequence[str]) -> bytes:
        """Say an object again with null for some values."""
        try:
            value = json.loads(record.raw)
        except ValueError:
            return b""
        kept = {k: None if k.lower() in names else v for k, v in value.items()}
        text = json.dumps(kept, ensure_ascii=False, separators=(",", ":"))
        return text.encode("utf-8", "surrogatepass") + b"\n"


class JsonWriter(TextWriter):
    """Writes lines of JSON; one empty line where none is left, as no file is empty."""

    wrote = False

    def write(self, batch: Batch, verdict: Verdict) -> None:
        """Write what is left of a batch."""
        super().write(batch, verdict)
        self.wrote = self.wrote or not verdict.removed.all()

    def __exit__(self, *exit_: object) -> None:
        """Finish the file."""
        if not self.wrote:
            self.stream.write(b"\n")
        super().__exit__(*exit_)


def as_text(value: Any) -> str | None:
    """A value of JSON as text; objects and lists as they are written."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)


def texts(values: list[str | None]) -> Any:
    """A column of texts."""
    try:
        return pa.array(values, pa.large_string())
    except UnicodeEncodeError:  # bytes that are no text, or half of a surrogate pair
        readable = [
            each if each is None else each.encode("utf-8", "replace").decode()
            for each in values
        ]
        return pa.array(readable, pa.large_string())


# Parquet


class ParquetRows(Rows):
    """A Parquet file."""

    def __init__(self, file: Path) -> None:
        """Open the file."""
        super().__init__(file)
        try:
            self.parquet = self._stack.enter_context(pq.ParquetFile(file))
        except pa.ArrowInvalid as error:
            raise BadInputError(
                f"{file} is no Parquet file, or not the whole of it, so it can't be "
                "searched. Mend or remove it."
            ) from error

    def __iter__(self) -> Iterator[Batch]:
        """Read the row groups one by one."""
        for group in range(self.parquet.num_row_groups):
            table = self.parquet.read_row_group(group).combine_chunks()
            columns = {
                name.lower(): column
                for name, values in zip(table.column_names, table.columns, strict=True)
                if (column := text_column(name, values)) is not None
            }
            yield Batch(columns, table.num_rows, table)

    def writer(self, file: Path) -> Writer:
        """A writer of Parquet with the same schema and compression."""
        return ParquetWriter(file, self.parquet)


class ParquetWriter(Writer):
    """Writes what is left of row groups."""

    def __init__(self, file: Path, source: Any) -> None:
        """Begin a file like `source`."""
        super().__init__(file.open("wb"))
        meta = source.metadata
        first = meta.row_group(0) if meta.num_row_groups else None
        columns = [first.column(i) for i in range(meta.num_columns)] if first else []
        codec = columns[0].compression if columns else "ZSTD"
        self.schema = source.schema_arrow
        self._writer = pq.ParquetWriter(
            self.stream,
            self.schema,
            compression="none" if codec == "UNCOMPRESSED" else codec.lower(),
            use_deprecated_int96_timestamps=any(
                each.physical_type == "INT96" for each in columns
            ),
            store_schema=b"ARROW:schema" in (meta.metadata or {}),
        )
        self._stack.callback(self._writer.close)

    def write(self, batch: Batch, verdict: Verdict) -> None:
        """Write what is left of a row group."""
        table = batch.rows
        for place, name in enumerate(table.column_names):
            mask = verdict.blanked.get(name.lower())
            if mask is not None:
                field = table.schema.field(place)
                table = table.set_column(place, field, without(table[place], mask))
        left = table.filter(pa.array(~verdict.removed))
        if left.num_rows:
            self._writer.write_table(left, row_group_size=left.num_rows)


def without(column: Any, mask: Mask) -> Any:
    """A column with nulls where the mask is true."""
    return pc.if_else(pa.array(mask), pa.scalar(None, column.type), column)


def text_column(name: str, values: Any) -> Any:
    """A column as texts; None where it can hold no identifier."""
    column = values.combine_chunks()
    if isinstance(column, pa.ChunkedArray):
        column = pa.concat_arrays(column.chunks or [pa.array([], column.type)])
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.dictionary_decode()
        kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return column.cast(pa.large_string())
    if pa.types.is_floating(kind):
        # As the build reads whole numbers that a tool made fractions of.
        whole = pc.replace_substring_regex(column.cast(pa.string()), r"\.0$", "")
        return whole.cast(pa.large_string()) if name.lower().endswith("_id") else None
    if pa.types.is_nested(kind) or pa.types.is_binary(kind):
        values = [None if each is None else str(each) for each in column.to_pylist()]
        return texts(values)
    if name.lower().endswith(("_id", "phone")):
        return column.cast(pa.large_string())
    return None
