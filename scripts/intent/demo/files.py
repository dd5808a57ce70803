"""How files are written: Parquet, CSV and lines of JSON, some of them gzipped."""

import gzip
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from intent.demo.basics import DAY


def write_table(table: Any, path: Path) -> None:
    """Write an Arrow table in the format that the file's name says."""
    kind = path.name.removesuffix(".gz").rpartition(".")[2]
    if kind == "parquet":
        pq.write_table(table, path, compression="zstd", compression_level=1)
        return
    data = json_lines(table) if kind == "ndjson" else _csv(table)
    if path.suffix == ".gz":
        data = gzip.compress(data, compresslevel=5, mtime=0)
    path.write_bytes(data)


def _csv(table: Any) -> bytes:
    """An Arrow table as CSV with a header."""
    sink = pa.BufferOutputStream()
    pa_csv.write_csv(table, sink)
    return bytes(sink.getvalue())


def json_lines(table: Any) -> bytes:
    """Newline-delimited JSON; keys of nulls are left out, times end in Z.

    Texts are our own and hold nothing that JSON would have to escape.
    """
    fields = []
    for name, column in zip(table.column_names, table.columns, strict=True):
        is_time = pa.types.is_timestamp(column.type)
        values = column.combine_chunks().cast(pa.string())
        if is_time:
            values = pc.binary_replace_slice(values, 10, 11, "T")
            values = pc.binary_join_element_wise(values, "Z", "")
        quote = '"' if is_time or pa.types.is_string(column.type) else ""
        opening = f'"{name}":{quote}'
        fields.append(pc.binary_join_element_wise(opening, values, quote, ""))
    body = pc.binary_join_element_wise(*fields, ",", null_handling="skip")
    lines = pc.binary_join_element_wise("{", body, "}\n", "")
    data = lines.buffers()[2]
    return b"" if data is None else bytes(data)[: _text_end(lines)]


def _text_end(lines: Any) -> int:
    """Length of the texts of a string array, in bytes."""
    offsets = np.frombuffer(lines.buffers()[1], np.int32)
    return int(offsets[len(lines)])


def month_slices(received: NDArray[np.int64]) -> Sequence[tuple[str, slice]]:
    """Months (such as 2026-01) and the slice of each; `received` is in order."""
    if not len(received):
        return []
    months = (received // DAY).astype("datetime64[D]").astype("datetime64[M]")
    starts = np.flatnonzero(np.concatenate([[True], months[1:] != months[:-1]]))
    ends = np.concatenate([starts[1:], [len(months)]])
    return [
        (str(months[a]), slice(int(a), int(b)))
        for a, b in zip(starts, ends, strict=True)
    ]
