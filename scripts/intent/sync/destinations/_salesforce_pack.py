"""Rows into requests and files: up to 2,000 rows in requests, more in Bulk files."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from intent.sync.destinations import _salesforce_members as members
from intent.sync.destinations._salesforce_values import (
    CLEARED,
    header,
    ids_of,
    json_record,
    line,
)
from intent.sync.model import Op, Part, Row
from intent.sync.spec import Mode, Sync

COLLECTION_ROWS = 200
"""REST API Developer Guide, sObject Collections: records in a request."""
COLLECTION_SIZE = 4_000_000
"""Bytes of a request; no limit is documented, proxies have theirs."""
BULK_ABOVE = 2_000
"""Limits and Allocations Quick Reference, Bulk API: more rows than this should go by
Bulk API 2.0, fewer by requests."""
BULK_ROWS = 50_000
"""Of a file: five of Salesforce's internal batches of 10,000, each full. With more rows
it would only take more memory."""
BULK_SIZE = 100_000_000
"""Bulk API 2.0 Developer Guide, Upload Job Data: at most 100 MB, as they grow to 150 MB
on arrival."""
BULK = "bulk "


@dataclass(frozen=True)
class Sizes:
    """How much goes together."""

    collection_rows: int = COLLECTION_ROWS
    collection_size: int = COLLECTION_SIZE
    bulk_above: int = BULK_ABOVE
    bulk_rows: int = BULK_ROWS
    bulk_size: int = BULK_SIZE

    @classmethod
    def wished(cls, rows_at_once: int | None, bulk_above: int) -> "Sizes":
        """As a sync wishes, within what is allowed."""
        rows = rows_at_once or BULK_ROWS
        return cls(
            collection_rows=min(rows, COLLECTION_ROWS),
            bulk_above=bulk_above,
            bulk_rows=rows,
        )


def route_of(row: Row, sync: Sync) -> str:
    """By what kind of request a row goes."""
    match row.op:
        case Op.DELETE | Op.JOIN | Op.DROP:
            return row.op.value
        case Op.LEAVE:
            return "update"
        case _:
            return "update" if sync.mode is Mode.UPDATE_ONLY else "upsert"


def targets(part: Part) -> Sequence[tuple[Row, str]]:
    """The records of a part in their order: the row of each, and its id or ''."""
    if part.route.endswith("upsert"):
        return [(row, "") for row in part.rows]
    return [(row, record_id) for row in part.rows for record_id in ids_of(row)]


def records(row: Row, route: str, sync: Sync) -> Sequence[bytes]:
    """The records that a row becomes in a request."""
    match route:
        case "upsert":
            return [json_record(row, sync, {sync.match.field: row.key})]
        case "update":
            return [json_record(row, sync, {"id": each}) for each in ids_of(row)]
        case "join":
            return [members.json_member(row, sync, each) for each in ids_of(row)]
        case _:  # only ids, which stand in the address
            return [each.encode() for each in ids_of(row)]


def lines(row: Row, route: str, sync: Sync) -> Sequence[bytes]:
    """The lines that a row becomes in a Bulk file."""
    keys = [row.key] if route == f"{BULK}upsert" else ids_of(row)
    return [line(row, sync, key) for key in keys]


def key_column(route: str, sync: Sync) -> str:
    """The column by which a Bulk file's rows are found again."""
    return sync.match.field if route == f"{BULK}upsert" else "Id"


def content_of(part: Part, sync: Sync) -> bytes:
    """The body of a part: as packed, or made anew after a crash."""
    if part.content:
        return part.content
    encode = lines if part.route.startswith(BULK) else records
    pieces = [piece for row in part.rows for piece in encode(row, part.route, sync)]
    return joined(pieces, part.route, sync)


def joined(pieces: Sequence[bytes], route: str, sync: Sync) -> bytes:
    """The pieces as one body."""
    if route.startswith(BULK):
        return header(sync, key_column(route, sync)) + b"".join(pieces)
    if route in ("upsert", "update", "join"):
        return b'{"allOrNone":false,"records":[' + b",".join(pieces) + b"]}"
    return b""


@dataclass
class Pile:
    """What is to become one part of a route; it is cut as soon as it is full."""

    route: str
    most_rows: int
    most_bytes: int
    sync: Sync
    encode: Callable[[Row, str, Sync], Sequence[bytes]]
    rows: list[Row] = field(default_factory=list)
    pieces: list[bytes] = field(default_factory=list)
    size: int = 0

    def add(self, row: Row) -> Iterator[Part]:
        """Put a row on it; yields the part before if the row would not fit."""
        pieces = self.encode(row, self.route, self.sync)
        commas = 0 if self.route.startswith(BULK) else len(pieces)
        size = sum(map(len, pieces)) + commas
        too_many = len(self.pieces) + len(pieces) > self.most_rows
        if self.rows and (too_many or self.size + size > self.most_bytes):
            yield self.cut()
        self.rows.append(row)
        self.pieces += pieces
        self.size += size

    def cut(self) -> Part:
        """The part that it is now; then it is empty."""
        content = joined(self.pieces, self.route, self.sync)
        part = Part(self.rows, self.route, content)
        self.rows, self.pieces, self.size = [], [], 0
        return part


@dataclass
class Writes:
    """Rows of one route that write fields: few, until they turn out to be many."""

    route: str
    sync: Sync
    sizes: Sizes
    few: list[Row] = field(default_factory=list)
    many: Pile | None = None
    apart: list[Row] = field(default_factory=list)
    """Rows with a text that means something else in a file."""

    def add(self, row: Row) -> Iterator[Part]:
        """Take a row."""
        if CLEARED in row.values.values():
            self.apart.append(row)
            return
        if self.many:
            yield from self.many.add(row)
            return
        self.few.append(row)
        if len(self.few) > self.sizes.bulk_above and self.takes_files:
            self.many = self.file()
            for each in self.few:
                yield from self.many.add(each)
            self.few = []

    @property
    def takes_files(self) -> bool:
        """False: the shop wants fewer rows at once than a file is worth."""
        return self.sizes.bulk_rows > COLLECTION_ROWS

    def file(self) -> Pile:
        """An empty Bulk file."""
        route = f"{BULK}{self.route}"
        first = header(self.sync, key_column(route, self.sync))
        most = self.sizes.bulk_size - len(first)
        return Pile(route, self.sizes.bulk_rows, most, self.sync, lines)

    def finish(self) -> Iterator[Part]:
        """The parts that are left."""
        if self.many:
            yield self.many.cut()
        pile = requests(self.route, self.sync, self.sizes)
        for row in (*self.few, *self.apart):
            if len(ids_of(row)) > COLLECTION_ROWS:
                file = self.file()
                yield from file.add(row)
                yield file.cut()
            else:
                yield from pile.add(row)
        if pile.rows:
            yield pile.cut()


def requests(route: str, sync: Sync, sizes: Sizes) -> Pile:
    """An empty request."""
    most = members.DROPS if route == "drop" else sizes.collection_rows
    return Pile(route, most, sizes.collection_size, sync, records)


def pack(rows: Iterable[Row], sync: Sync, sizes: Sizes) -> Iterator[Part]:
    """Put rows together into parts, a route at a time, each as full as is allowed."""
    writes = {route: Writes(route, sync, sizes) for route in ("upsert", "update")}
    others = {
        route: requests(route, sync, sizes) for route in ("delete", "join", "drop")
    }
    for row in rows:
        route = route_of(row, sync)
        yield from (writes.get(route) or others[route]).add(row)
    for write in writes.values():
        yield from write.finish()
    for pile in others.values():
        if pile.rows:
            yield pile.cut()
