"""Files of others: what they are, and how DuckDB reads them without losing a row."""

import codecs
import csv
import gzip
import hashlib
import io
import json
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Literal, cast

import duckdb

from intent.errors import BadInputError, UnavailableError
from intent.load_mapping import Format, SourceRule
from intent.load_sql import SourceColumn, identifier, kind_of, literal, literals

SUFFIXES: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".json": "json",
    ".ndjson": "json",
    ".jsonl": "json",
}
DELIMITERS = (",", ";", "\t", "|")
CHUNK = 1 << 20
LONGEST_ROW = 8 * CHUNK
READ_BUFFER = 4 * LONGEST_ROW
LONGEST_HEADER = CHUNK
MOST_COLUMNS = 2_000
"""So many keys mean that keys are data, such as ids: no deeper ones are named."""
GZIP_MAGIC = b"\x1f\x8b"
PARQUET_MAGIC = b"PAR1"
ZIP_MAGIC = b"PK\x03\x04"
BYTE_ORDER_MARKS = ((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
# A text that files don't hold: it makes DuckDB's CSV reader give whole lines.
NO_DELIMITER = "\x1f"
Ends = Literal["plain", "mixed", "cr"]
NO_SPACE = ("No space left", "File too large", "quota", "disk full", "Could not write")
REJECT_REASONS = {
    "TOO MANY COLUMNS": "more fields than the header names",
    "MISSING COLUMNS": "fewer fields than the header names",
    "UNQUOTED VALUE": "a quote that is not closed, or text after a closing quote",
}


@dataclass(frozen=True)
class Lines:
    """What one pass over a text file's bytes found."""

    count: int
    blank: tuple[int, ...]
    """The numbers of the empty lines, from 1."""
    ends: Ends
    """Whether all lines end alike, in LF and CRLF, or in CR alone."""
    last_sign: bytes
    """The last byte that is no white space."""


@dataclass(frozen=True)
class Inspection:
    """A file that was looked at, before DuckDB reads it."""

    path: Path
    format: Format
    gzipped: bool
    sha256: str
    size: int
    modified_ns: int
    encoding: str = "utf-8"
    lines: Lines = field(default_factory=lambda: Lines(0, (), "plain", b""))


@contextmanager
def guard(doing: str) -> Iterator[None]:
    """Turn DuckDB's faults into ones a user can act on.

    DuckDB quotes values in some messages; these may be personal data, so only the
    kind of fault is passed on.
    """
    try:
        yield
    except duckdb.InterruptException as fault:
        raise KeyboardInterrupt from fault
    except duckdb.Error as fault:
        message = str(fault)
        if any(each in message for each in NO_SPACE):
            raise UnavailableError(
                f"{doing}: no room to write. Free some disk space, or give another "
                "place with --landing; nothing of this file was landed."
            ) from fault
        if isinstance(fault, duckdb.OutOfMemoryException):
            raise UnavailableError(
                f"{doing}: not enough memory or disk space for working files."
            ) from fault
        kind = message.partition(":")[0]
        raise BadInputError(
            f"{doing}: the file can't be read ({kind}). It may be damaged: export or "
            "copy it again."
        ) from fault


def split_suffix(path: Path) -> tuple[str, bool]:
    """Return a file's suffix without `.gz`, and whether that was there."""
    gzipped = path.suffix.lower() == ".gz"
    return (Path(path.stem) if gzipped else path).suffix.lower(), gzipped


def find_files(paths: list[Path]) -> tuple[list[Path], list[Path]]:
    """Resolve folders to the files in them.

    Returns:
        The files to load, and the files of folders that are of no known kind.
    """
    found: list[Path] = []
    skipped: list[Path] = []
    for path in paths:
        if not path.is_dir():
            found.append(path)
            continue
        inside = sorted(
            each
            for each in path.iterdir()
            if each.is_file() and not each.name.startswith(".")
        )
        known = [each for each in inside if split_suffix(each)[0] in SUFFIXES]
        if not known:
            raise BadInputError(
                f"{path}: no file to load in this folder; known are files ending in "
                f"{', '.join(SUFFIXES)}, the texts also with .gz."
            )
        found += known
        skipped += [each for each in inside if each not in known]
    return list(dict.fromkeys(found)), skipped


def inspect_file(path: Path, rule: SourceRule) -> Inspection:
    """Look at a file: does it exist, is it what it says, what is its hash.

    Raises:
        BadInputError: it can't be loaded; the message says why and what to do.
    """
    if not path.exists():
        raise BadInputError(f"{path}: no such file.")
    if not path.is_file():
        raise BadInputError(f"{path}: not a regular file; write it to a file first.")
    try:
        stat = path.stat()
        if stat.st_size == 0:
            raise BadInputError(
                f"{path}: the file is empty (0 bytes): export it again."
            )
        with path.open("rb") as file:
            head = file.read(4)
            file.seek(-min(4, stat.st_size), io.SEEK_END)
            tail = file.read(4)
        kind, gzipped = _what_it_is(path, rule, head, tail)
        sha256 = _sha256(path)
    except OSError as fault:
        raise UnavailableError(f"{path} can't be read: {fault.strerror}.") from fault
    looked_at = Inspection(
        path=path,
        format=kind,
        gzipped=gzipped,
        sha256=sha256,
        size=stat.st_size,
        modified_ns=stat.st_mtime_ns,
    )
    return looked_at if kind == "parquet" else _inspect_text(looked_at, rule)


def check_unchanged(file: Inspection) -> None:
    """Refuse a file that was written to while it was read."""
    stat = file.path.stat()
    if (stat.st_size, stat.st_mtime_ns) != (file.size, file.modified_ns):
        raise UnavailableError(
            f"{file.path} changed while it was read; nothing of it was landed. Load it "
            "again when its writer is done."
        )


def _what_it_is(
    path: Path, rule: SourceRule, head: bytes, tail: bytes
) -> tuple[Format, bool]:
    """Tell a file's format by its name or the mapping, and check its first bytes."""
    suffix, named_gz = split_suffix(path)
    kind = rule.format or SUFFIXES.get(suffix)
    if kind is None:
        raise BadInputError(
            f"{path}: '{suffix or path.name}' says no known format; known are "
            f"{', '.join(SUFFIXES)}. Or give `source: {{format: csv}}` in a mapping."
        )
    gzipped = head.startswith(GZIP_MAGIC)
    if named_gz and not gzipped:
        raise BadInputError(f"{path}: named .gz, but its content is not gzip.")
    if head == ZIP_MAGIC:
        raise BadInputError(
            f"{path}: this is a zip file or an Excel workbook. Save it as CSV (UTF-8)."
        )
    if kind == "parquet" and (head != PARQUET_MAGIC or tail != PARQUET_MAGIC):
        what = "cut off" if head == PARQUET_MAGIC else "not Parquet, or damaged"
        raise BadInputError(f"{path}: the file is {what}: export or copy it again.")
    if kind != "parquet" and head == PARQUET_MAGIC:
        raise BadInputError(f"{path}: this is Parquet; name it .parquet.")
    return kind, gzipped


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _open_bytes(path: Path, gzipped: bool) -> IO[bytes]:
    return cast(IO[bytes], gzip.open(path)) if gzipped else path.open("rb")


def _chunks(path: Path, gzipped: bool) -> Iterator[bytes]:
    """Read a file's bytes, unzipped."""
    try:
        with _open_bytes(path, gzipped) as file:
            while chunk := file.read(CHUNK):
                yield chunk
    except (gzip.BadGzipFile, EOFError, zlib.error) as fault:
        raise BadInputError(
            f"{path}: the gzip file is damaged or cut off: copy it again."
        ) from fault


def _inspect_text(file: Inspection, rule: SourceRule) -> Inspection:
    """Check a text file's encoding and count its lines."""
    first = next(_chunks(file.path, file.gzipped), b"")
    if not first:
        raise BadInputError(f"{file.path}: the file is empty inside its gzip wrapping.")
    try:
        encoding = codecs.lookup(rule.encoding).name
    except LookupError as fault:
        raise BadInputError(
            f"The mapping's source.encoding '{rule.encoding}' is unknown; usual are "
            "utf-8, latin-1, cp1252, utf-16."
        ) from fault
    for mark, name in BYTE_ORDER_MARKS:
        if first.startswith(mark) and encoding == "utf-8":
            encoding = name
    lines = _scan_lines(file, encoding)
    return Inspection(**{**file.__dict__, "encoding": encoding, "lines": lines})


def _scan_lines(file: Inspection, encoding: str) -> Lines:
    """Decode a file and count its lines, streaming."""
    count, blank, crlf, cr, last, sign = 0, list[int](), 0, 0, b"\n", b""
    for chunk in _utf8_chunks(file, encoding):
        crlf += chunk.count(b"\r\n")
        plain = chunk
        if b"\r" in chunk:
            plain = chunk.replace(b"\r\n", b"\n")
            cr += plain.count(b"\r")
        if b"\n\n" in plain or (last == b"\n" and plain.startswith(b"\n")):
            blank += _blank_lines(last + plain, count)
        count += plain.count(b"\n")
        last = plain[-1:] or last
        sign = plain.rstrip()[-1:] or sign
    if count == 0 and cr:
        return Lines(cr + (last != b"\r"), (), "cr", sign)
    ends: Ends = "mixed" if 0 < crlf < count else "plain"
    return Lines(count + (last != b"\n"), tuple(blank), ends, sign)


def _blank_lines(text: bytes, before: int) -> list[int]:
    """Number the empty lines of a text, whose first byte is the one before it."""
    numbers, line, position = [], before, 1
    for match in re.finditer(rb"(?<=\n)\n", text):
        line += text.count(b"\n", position, match.start()) + 1
        position = match.end()
        numbers.append(line)
    return numbers


def _utf8_chunks(file: Inspection, encoding: str) -> Iterator[bytes]:
    """Read a text file as UTF-8, a line end never cut in two.

    Raises:
        BadInputError: its bytes are not of that encoding, or it is no text.
    """
    decoder = codecs.getincrementaldecoder(encoding)()
    read, held = 0, b""
    wide = encoding.startswith(("utf-16", "utf-32"))
    for chunk in _chunks(file.path, file.gzipped):
        if b"\0" in chunk and not wide:
            raise BadInputError(
                f"{file.path}: this is no text: it holds zero bytes. If it is UTF-16 "
                "text, say `source: {encoding: utf-16}` in the mapping."
            )
        try:
            text = decoder.decode(chunk)
        except UnicodeDecodeError as fault:
            raise _wrong_encoding(file, encoding, chunk, read, fault) from None
        plain = chunk if encoding == "utf-8" else text.encode()
        read += plain.count(b"\n")
        plain, held = held + plain, b""
        if plain.endswith(b"\r"):
            plain, held = plain[:-1], b"\r"
        if plain:
            yield plain
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as fault:
        raise _wrong_encoding(file, encoding, b"", read, fault) from None
    if held:
        yield held


def _wrong_encoding(
    file: Inspection, encoding: str, chunk: bytes, read: int, fault: UnicodeDecodeError
) -> BadInputError:
    """Say where a text stops to be of its encoding."""
    line = read + chunk.count(b"\n", 0, fault.start) + 1
    hint = (
        "say `source: {encoding: latin-1}` (or cp1252) in the mapping if it comes "
        "from Windows or Excel"
        if encoding == "utf-8"
        else "give the right one as `source.encoding` in the mapping"
    )
    return BadInputError(
        f"{file.path}, line {line}: not {encoding.upper()} text; {hint}, or save it as "
        "UTF-8."
    )


class Source:
    """A file that DuckDB can read, as the view `source`.

    The view has a column per used column of the file, and `row_`, the row's place
    from 1, once `number_rows` was called.
    """

    def __init__(
        self, con: duckdb.DuckDBPyConnection, file: Inspection, scratch: Path
    ) -> None:
        """Take a file that was inspected; `scratch` is a folder for working files."""
        self.con = con
        self.file = file
        self.scratch = scratch
        self.columns: tuple[SourceColumn, ...] = ()
        self.whole_row: tuple[tuple[str, str], ...] = ()
        """The row as the file has it: pairs of a name and its text in SQL."""
        self.is_numbered = False

    def open(self) -> None:
        """Find the file's columns."""
        raise NotImplementedError

    def use(self, names: set[str]) -> None:
        """Get the columns of these names ready in the view `source`."""

    def survey(self) -> int:
        """Read the file once, and set aside what is no row, in `unreadable`.

        Returns:
            The number of readable rows.
        """
        self.con.execute(
            "CREATE OR REPLACE TEMP TABLE unreadable "
            "(row_ BIGINT, reason_ VARCHAR, line_ VARCHAR)"
        )
        with guard(str(self.file.path)):
            return self.count("source")

    def number_rows(self) -> None:
        """Give the view `source` the column `row_`, the place among readable rows."""

    def settle_row_numbers(self, table: str) -> None:
        """Make `row_` in a table the place among all rows of the file."""

    def count(self, relation: str) -> int:
        """Count the rows of a table or view."""
        # To the end: DuckDB writes down unreadable lines when a result is used up.
        rows = self.con.execute(f"SELECT count(*) FROM {relation}").fetchall()
        return int(rows[0][0])

    def linked(self, target: Path | None = None) -> str:
        """The file's path as an SQL text, under a name that is safe to DuckDB.

        In the names that DuckDB is given, `*` and `[` are wildcards and `x=1` adds
        columns; so it gets a link.
        """
        link = self.scratch / "source"
        if not link.is_symlink():
            link.symlink_to((target or self.file.path).resolve())
        return literal(str(link))


class ParquetSource(Source):
    """A Parquet file."""

    def open(self) -> None:
        """Find the file's columns, with the fields inside of structs."""
        self._read = (
            f"read_parquet({self.linked()}, file_row_number = true, "
            "hive_partitioning = false)"
        )
        with guard(str(self.file.path)):
            described = self.con.execute(f"DESCRIBE SELECT * FROM {self._read}")
            types = [(str(row[0]), str(row[1])) for row in described.fetchall()[:-1]]
            self._found = [
                (name, sql, kind)
                for top, kind in types
                for name, sql, kind in self._fields(top, identifier(top), kind)
            ]
        self.columns = tuple(
            SourceColumn(name, kind_of(sql_type), f"c{i}")
            for i, (name, _, sql_type) in enumerate(self._found)
        )
        self.whole_row = tuple(
            (name, f"CAST({identifier('t_' + name)} AS VARCHAR)") for name, _ in types
        )
        view = [
            f"{_readable(sql, sql_type)} AS c{i}"
            for i, (_, sql, sql_type) in enumerate(self._found)
        ] + [f"{identifier(name)} AS {identifier('t_' + name)}" for name, _ in types]
        self.con.execute(
            f"CREATE OR REPLACE TEMP VIEW source AS SELECT {', '.join(view)}, "
            f"file_row_number + 1 AS row_ FROM {self._read}"
        )
        self.is_numbered = True

    def _fields(self, name: str, sql: str, kind: str) -> list[tuple[str, str, str]]:
        """A column, then the fields inside of it, by dotted names."""
        found = [(name, sql, kind)]
        if kind.startswith("STRUCT(") and not kind.endswith("]"):
            inside = self.con.execute(
                f"DESCRIBE SELECT unnest(CAST(NULL AS {kind}))"
            ).fetchall()
            for row in inside:
                field_sql = f"struct_extract({sql}, {literal(str(row[0]))})"
                found += self._fields(f"{name}.{row[0]}", field_sql, str(row[1]))
        return found


def _readable(sql: str, sql_type: str) -> str:
    """SQL of a column in a type that conversions know."""
    known = sql_type == "VARCHAR" or kind_of(sql_type) != "text"
    return sql if known else f"CAST({sql} AS VARCHAR)"


class CsvSource(Source):
    """A CSV file, also one with `;` or tabs between its fields."""

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        file: Inspection,
        scratch: Path,
        rule: SourceRule,
    ) -> None:
        """Take a file that was inspected, and what the mapping says of it."""
        super().__init__(con, file, scratch)
        self.rule = rule

    def open(self) -> None:
        """Read the header and make the view."""
        path, gzipped = plain_copy(self.file, self.scratch)
        skip = _leading_blank_lines(self.file.lines)
        names, delimiter, self._header_lines = read_header(
            path, gzipped, self.file.path, self.rule.delimiter
        )
        self.columns = tuple(
            SourceColumn(name, "text", f"c{i}") for i, name in enumerate(names)
        )
        self.whole_row = tuple((each.name, each.sql) for each in self.columns)
        fields = ", ".join(f"'{each.sql}': 'VARCHAR'" for each in self.columns)
        self._read = (
            f"read_csv({self.linked(path)}, header = true, skip = {skip}, "
            f"delim = {literal(delimiter)}, quote = '\"', escape = '\"', "
            f"auto_detect = false, columns = {{{fields}}}, store_rejects = true, "
            f"rejects_limit = 0, max_line_size = {LONGEST_ROW}, "
            f"buffer_size = {READ_BUFFER}, "
            f"hive_partitioning = false, "
            f"compression = '{'gzip' if gzipped else 'none'}')"
        )
        self.con.execute(
            f"CREATE OR REPLACE TEMP VIEW source AS SELECT * FROM {self._read}"
        )

    def survey(self) -> int:
        """Read the file once, and set aside the lines that are no rows."""
        rows = super().survey()
        rejects = self._rejects()
        for line, kinds, _ in rejects:
            if unknown := set(kinds) - set(REJECT_REASONS):
                raise BadInputError(
                    f"{self.file.path}, row {self._row_number(line)}: "
                    f"{unknown.pop().lower()}: is a quote opened and never closed?"
                )
        texts = [str(text).strip("\r\n") for _, _, text in rejects]
        self._check_nothing_lost(rows, texts, rejects[0][0] if rejects else None)
        if rejects:
            self.con.executemany(
                "INSERT INTO unreadable VALUES (?, ?, ?)",
                [
                    [self._row_number(line), REJECT_REASONS[kinds[0]], text]
                    for (line, kinds, _), text in zip(rejects, texts, strict=True)
                ],
            )
        return rows

    def _rejects(self) -> list[tuple[int, list[str], str]]:
        """The lines that DuckDB could not make a row of, in the file's order."""
        # DuckDB makes the table with the first such line.
        exists = self.count("duckdb_tables() WHERE table_name = 'reject_errors'")
        if not exists:
            return []
        return self.con.execute(
            "SELECT line, list_sort(list_distinct(list(CAST(error_type AS VARCHAR)))), "
            "any_value(csv_line) FROM reject_errors GROUP BY line ORDER BY line"
        ).fetchall()

    def _row_number(self, line: int) -> int:
        """Number a row as people count them: from 1, without header and blanks."""
        blank_before = sum(1 for each in self.file.lines.blank if each < line)
        return line - 1 - blank_before

    def _check_nothing_lost(
        self, rows: int, unreadable: list[str], first_bad: int | None
    ) -> None:
        """Check that every line of the file is in a row or set aside.

        A quote that is never closed can make a CSV reader swallow any number of
        lines. Lines are counted on their own, so that this can't pass unseen.
        """
        lines, blank = self.file.lines.count, len(self.file.lines.blank)
        expected = lines - self._header_lines - rows - len(unreadable)
        if 0 <= expected <= blank:
            return
        inside = " + ".join(
            f"coalesce(length({c.sql}) - length(replace({c.sql}, chr(10), '')), 0)"
            for c in self.columns
        )
        with guard(str(self.file.path)):
            row = self.con.execute(
                f"SELECT coalesce(sum({inside}), 0) FROM source"
            ).fetchone()
        embedded = int(row[0]) if row else 0
        embedded += sum(text.count("\n") for text in unreadable)
        lost = expected - embedded
        if not 0 <= lost <= blank:
            near = f" near row {self._row_number(first_bad)}" if first_bad else ""
            raise BadInputError(
                f"{self.file.path}: {abs(lost)} lines can't be told apart{near}, most "
                'likely since a quote (") is opened and never closed. Nothing of this '
                "file was landed: mend that row and load it again."
            )

    def number_rows(self) -> None:
        """Copy the rows to a working table, whose order is the file's."""
        if self.is_numbered:
            return
        with guard(str(self.file.path)):
            self.con.execute(
                f"CREATE OR REPLACE TEMP TABLE rows_ AS SELECT * FROM {self._read}"
            )
            self.con.execute(
                "CREATE OR REPLACE TEMP VIEW source AS "
                "SELECT *, rowid + 1 AS row_ FROM rows_"
            )
        self.is_numbered = True

    def settle_row_numbers(self, table: str) -> None:
        """Count the unreadable rows into the numbers too.

        The n-th readable row stands after those unreadable ones before which fewer
        than n readable rows stand.
        """
        if self.count("unreadable") == 0:
            return
        self.con.execute(
            "CREATE OR REPLACE TEMP TABLE shifts AS SELECT max(place) AS shift, "
            "row_ - place AS readable_before FROM "
            "(SELECT row_, row_number() OVER (ORDER BY row_) AS place "
            "FROM unreadable) GROUP BY ALL"
        )
        self.con.execute(
            f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT t.* EXCLUDE (row_), "
            f"row_ + coalesce(shift, 0) AS row_ FROM {table} t "
            "ASOF LEFT JOIN shifts s ON s.readable_before < t.row_"
        )


def plain_copy(file: Inspection, scratch: Path) -> tuple[Path, bool]:
    """A text file in UTF-8 with one kind of line ends: itself, or a working copy.

    DuckDB's reader knows few encodings and stops at a file with both kinds of ends.

    Returns:
        The file to read, and whether it is gzipped.
    """
    if file.encoding == "utf-8" and file.lines.ends == "plain":
        return file.path, file.gzipped
    copy = scratch / "plain"
    end = b"\r" if file.lines.ends == "cr" else b"\r\n"
    try:
        with copy.open("wb") as out:
            for chunk in _utf8_chunks(file, file.encoding):
                out.write(chunk.replace(end, b"\n"))
    except OSError as fault:
        raise UnavailableError(
            f"{file.path}: no working copy can be written: {fault.strerror}."
        ) from fault
    return copy, False


def read_header(
    path: Path, gzipped: bool, shown: Path, delimiter: str | None
) -> tuple[list[str], str, int]:
    """Read a CSV file's header.

    Returns:
        Its names, the delimiter, and how many lines of the file it takes.
    """
    with _open_bytes(path, gzipped) as file:
        head = file.read(LONGEST_HEADER).decode("utf-8-sig", errors="ignore")
    text = head.lstrip("\r\n")
    first = re.split(r"\r\n|\n|\r", text, maxsplit=1)[0]
    delimiter = delimiter or _guess_delimiter(first)
    reader = csv.reader(
        io.StringIO(text.replace("\r\n", "\n").replace("\r", "\n"), newline=""),
        delimiter=delimiter,
    )
    try:
        names = [name.strip() for name in next(reader, [])]
    except csv.Error as fault:
        raise BadInputError(f"{shown}: its header can't be read: {fault}.") from fault
    names = [name or f"unnamed_{i}" for i, name in enumerate(names, start=1)]
    twice = [
        name for name, n in Counter(each.lower() for each in names).items() if n > 1
    ]
    if twice:
        raise BadInputError(
            f"{shown}: the header names columns more than once: {', '.join(twice)}. "
            "Rename them, so that it is clear which is meant."
        )
    return names, delimiter, reader.line_num


def _guess_delimiter(header: str) -> str:
    """The likeliest delimiter of a header: what stands in it most often."""
    unquoted = re.sub(r'"[^"]*"', "", header)
    return max(DELIMITERS, key=unquoted.count)


def _leading_blank_lines(lines: Lines) -> int:
    return sum(1 for i, each in enumerate(lines.blank, start=1) if each == i)


class JsonSource(Source):
    """A JSON file: one object per line, an array of objects, or objects in a row."""

    def open(self) -> None:
        """Find the keys of all objects, also of those inside others."""
        path, gzipped = plain_copy(self.file, self.scratch)
        compression = "gzip" if gzipped else "uncompressed"
        shape = self._shape(path, gzipped)
        if shape == "newline_delimited":
            self.con.execute(
                "CREATE OR REPLACE TEMP VIEW lines_ AS SELECT line_ FROM read_csv("
                f"{self.linked(path)}, header = false, delim = '{NO_DELIMITER}', "
                "quote = '', escape = '', auto_detect = false, "
                f"columns = {{'line_': 'VARCHAR'}}, max_line_size = {LONGEST_ROW}, "
                f"buffer_size = {READ_BUFFER}, "
                f"hive_partitioning = false, compression = '{compression}')"
            )
        else:
            self._read_objects(path, shape, compression)
        with guard(str(self.file.path)):
            self._paths = self._find_keys()
        self.columns = tuple(
            SourceColumn(name, "text", f"c{i}") for i, name in enumerate(self._paths)
        )
        self.use(set())

    def use(self, names: set[str]) -> None:
        """Make the view with just these columns, so that JSON is parsed once a row."""
        used = [each for each in self.columns if each.name in names]
        pointers = ", ".join(literal(self._paths[each.name]) for each in used)
        fields = "".join(
            f", found[{i}] AS {each.sql}" for i, each in enumerate(used, start=1)
        )
        found = (
            f", json_extract_string(line_, [{pointers}]) AS found" if pointers else ""
        )
        number = ", row_" if self.is_numbered else ""
        self._used = names
        self.whole_row = ()
        self.con.execute(
            f"CREATE OR REPLACE TEMP VIEW source AS SELECT line_{number}{fields} FROM "
            f"(SELECT *{found} FROM lines_ WHERE {IS_OBJECT})"
        )

    def survey(self) -> int:
        """Read the file once, and set aside the lines that are no JSON objects."""
        rows = super().survey()
        with guard(str(self.file.path)):
            if self.count("lines_ WHERE trim(line_) <> ''") != rows:
                self.number_rows()
                self.con.execute(
                    "INSERT INTO unreadable SELECT row_, 'not a JSON object', line_ "
                    f"FROM lines_ WHERE trim(line_) <> '' AND NOT ({IS_OBJECT})"
                )
        return rows

    def number_rows(self) -> None:
        """Copy the lines to a working table, whose order is the file's."""
        if self.is_numbered:
            return
        with guard(str(self.file.path)):
            self.con.execute(
                "CREATE OR REPLACE TEMP TABLE rows_ AS SELECT line_ FROM lines_"
            )
            self.con.execute(
                "CREATE OR REPLACE TEMP VIEW lines_ AS "
                "SELECT line_, rowid + 1 AS row_ FROM rows_"
            )
        self.is_numbered = True
        self.use(self._used)

    def _find_keys(self) -> dict[str, str]:
        """Name every key of the objects by dots, with its JSON pointer.

        Goes down level by level: to gather whole structures in one go would take
        memory in proportion to the rows.
        """
        rows = self.con.execute(
            f"SELECT DISTINCT unnest(json_keys(line_)) FROM lines_ WHERE {IS_OBJECT} "
            "ORDER BY ALL"
        ).fetchall()
        paths = {str(key): _step("", str(key)) for (key,) in rows}
        level = paths
        while level and len(paths) < MOST_COLUMNS:
            parents = list(level)
            pointers = literals(level.values())
            rows = self.con.execute(
                "SELECT DISTINCT parent, unnest(keys) AS key FROM (SELECT "
                f"unnest(range({len(parents)})) AS parent, "
                f"unnest(json_keys(line_, [{pointers}])) AS keys FROM lines_ "
                f"WHERE {IS_OBJECT} AND contains(substr(trim(line_), 2), '{{')) "
                "ORDER BY ALL"
            ).fetchall()
            found = {
                f"{parents[parent]}.{key}": _step(level[parents[parent]], str(key))
                for parent, key in rows
            }
            level = {name: each for name, each in found.items() if name not in paths}
            paths |= level
        return paths

    def _shape(self, path: Path, gzipped: bool) -> str:
        """Tell how the objects of a file stand."""
        with _open_bytes(path, gzipped) as file:
            head = file.read(LONGEST_ROW).decode("utf-8-sig", errors="ignore").lstrip()
        if head.startswith("["):
            if self.file.lines.last_sign != b"]":
                # DuckDB takes an array that ends early for a whole one.
                raise BadInputError(
                    f"{self.file.path}: not valid JSON: the array is not closed, so "
                    "its end is missing: export or copy it again."
                )
            return "array"
        first = head.partition("\n")[0]
        try:
            json.loads(first)
        except ValueError:
            # A first line that opens an object and leaves it open is laid out over
            # several lines; any other is one bad line of many.
            return "unstructured" if first.strip() in ("{",) else "newline_delimited"
        return "newline_delimited"

    def _read_objects(self, path: Path, shape: str, compression: str) -> None:
        try:
            self.con.execute(
                "CREATE OR REPLACE TEMP VIEW lines_ AS "
                "SELECT CAST(json AS VARCHAR) AS line_ "
                f"FROM read_json_objects({self.linked(path)}, format = '{shape}', "
                f"compression = '{compression}', maximum_object_size = {LONGEST_ROW})"
            )
            self.count("lines_")
        except duckdb.Error as fault:
            place = re.search(r"at byte \d+ in record/value \d+", str(fault))
            raise BadInputError(
                f"{self.file.path}: not valid JSON"
                f"{' ' + place.group() if place else ''}: export or copy it again."
            ) from fault


IS_OBJECT = "json_valid(line_) AND starts_with(trim(line_, E' \\t\\r\\n'), '{')"


def _step(pointer: str, key: str) -> str:
    """The JSON pointer of a key below another pointer."""
    return f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}"


def open_source(
    con: duckdb.DuckDBPyConnection,
    file: Inspection,
    rule: SourceRule,
    scratch: Path,
    say: Callable[[str], None],
) -> Source:
    """Open a file for DuckDB."""
    say(f"opening {file.path.name}")
    source: Source
    match file.format:
        case "csv":
            source = CsvSource(con, file, scratch, rule)
        case "json":
            source = JsonSource(con, file, scratch)
        case "parquet":
            source = ParquetSource(con, file, scratch)
    source.open()
    return source
