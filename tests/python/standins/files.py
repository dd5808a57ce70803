"""A tool that imports the files, written from docs/destinations/files.md alone."""

import hashlib
import io
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from standins.kit import Fields, Value

CELL = re.compile(r'("(?:[^"]|"")*"|[^",\n]*)(,|\n)')
QUOTED = re.compile(r"\A'('*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20])")
RECORD = ("create", "update", "leave")


@dataclass
class FilesStandIn:
    """Reads a folder as the docs say, into a store of its own."""

    folder: Path
    creations: Counter[str] = field(default_factory=Counter)
    _records: dict[str, Fields] = field(default_factory=dict)
    _events: dict[str, dict[str, Any]] = field(default_factory=dict)
    _lists: dict[str, set[str]] = field(default_factory=dict)
    _taken: set[str] = field(default_factory=set)

    def records(self, kind: str = "") -> dict[str, Fields]:
        """The records by match key, after all files that are there."""
        del kind
        self.take()
        return self._records

    def events(self) -> list[dict[str, Any]]:
        """The events, each once, in the order in which they came."""
        self.take()
        return list(self._events.values())

    def lists(self) -> dict[str, set[str]]:
        """The members of each list."""
        self.take()
        return self._lists

    def take(self) -> None:
        """Import the files that have a manifest, in the order of their names."""
        for name in sorted(self.manifests().keys() - self._taken):
            manifest = self.manifests()[name]
            for row in read_file(self.folder / manifest["file"], manifest):
                self.apply(row, manifest)
            self._taken.add(name)

    def manifests(self) -> Mapping[str, dict[str, Any]]:
        """The manifests by name."""
        return {
            file.name: json.loads(file.read_text(encoding="utf-8"))
            for file in self.folder.glob("*.json")
            if not file.name.startswith(".")
        }

    def apply(self, row: dict[str, Value], manifest: Mapping[str, Any]) -> None:
        """Do what a row says."""
        op, key = str(row.pop("op")), str(row.pop(manifest["match_field"]))
        if op == "delete":
            self._records.pop(key, None)
        elif op in RECORD:
            if op == "leave" and key not in self._records:
                return
            self.creations[key] += key not in self._records
            self._records.setdefault(key, {}).update(row)
        elif op == "event":
            self._events.setdefault(str(row["event_id"]), {"key": key, **row})
        elif op == "join":
            self._lists.setdefault(str(row["list"]), set()).add(key)
        else:
            self._lists.get(str(row["list"]), set()).discard(key)


def read_file(file: Path, manifest: Mapping[str, Any]) -> Iterator[dict[str, Value]]:
    """The rows of a data file; fields that are to be left alone are not among them."""
    content = file.read_bytes()
    assert hashlib.sha256(content).hexdigest() == manifest["sha256"]
    types = {column["name"]: column["type"] for column in manifest["columns"]}
    reader = {"csv": read_csv, "ndjson": read_ndjson, "parquet": read_parquet}
    rows = reader[manifest["format"]](content, types)
    assert len(rows) == manifest["rows"]
    for row in rows:
        assert row.keys() <= types.keys()
        if manifest["format"] == "ndjson":
            yield row
            continue
        unset = set(str(row.pop("unset", None) or "").split(";"))
        yield {k: v for k, v in row.items() if v is not None or k in unset}


def read_csv(content: bytes, types: Mapping[str, str]) -> Sequence[dict[str, Value]]:
    """Cells in quotes are texts; one without anything is a null."""
    header, *rows = lines_of(content.decode())
    assert [parse(cell, "text") for cell in header] == list(types)
    return [
        {
            name: parse(cell, kind)
            for (name, kind), cell in zip(types.items(), row, strict=True)
        }
        for row in rows
    ]


def lines_of(text: str) -> list[list[str]]:
    """The cells of each line, as they are written."""
    lines: list[list[str]] = [[]]
    for match in CELL.finditer(text):
        lines[-1].append(match[1])
        if match[2] == "\n":
            lines.append([])
    assert sum(len(match[0]) for match in CELL.finditer(text)) == len(text)
    return lines[:-1]


def parse(cell: str, kind: str) -> Value:
    """A cell of CSV in the type that the manifest names."""
    if cell == "":
        return None
    if cell.startswith('"'):
        text = cell[1:-1].replace('""', '"')
        return QUOTED.sub(r"\1", text) if QUOTED.match(text) else text
    match kind:
        case "number":
            return float(cell)
        case "integer":
            return int(cell)
        case _:
            return {"true": True, "false": False}[cell]


def read_ndjson(content: bytes, types: Mapping[str, str]) -> Sequence[dict[str, Value]]:
    del types
    return [json.loads(line) for line in content.splitlines()]


def read_parquet(
    content: bytes, types: Mapping[str, str]
) -> Sequence[dict[str, Value]]:
    table = pq.read_table(io.BytesIO(content))
    assert table.column_names == list(types)
    rows: list[dict[str, Any]] = table.to_pylist()
    return [{name: plain(value) for name, value in row.items()} for row in rows]


def plain(value: Any) -> Value:
    """A value as JSON has it."""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%SZ}"
    if isinstance(value, date):
        return value.isoformat()
    found: Value = value
    return found
