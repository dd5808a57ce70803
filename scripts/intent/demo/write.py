"""Writing the demo: feeds into the landing folder, the truth beside it."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from intent.demo import (
    loyalty,
    records,
    render_elsewhere,
    render_events,
    render_records,
    sales,
    service,
    tracked,
    truth,
    voices,
)
from intent.demo.basics import Columns, take
from intent.demo.cells import Names
from intent.demo.dirt import Dirt
from intent.demo.files import month_slices, write_table
from intent.demo.landing import Landing
from intent.demo.spec import DemoSpec, DemoSummary
from intent.demo.world import World, make_world
from intent.errors import UnavailableError

TRUTH = "demo_truth"
"""Folder beside the landing folder for what no tool would know."""

Progress = Callable[[str, int], None]
"""Told after each file: the table, such as `web.events`, and the rows in the file."""


def write_demo_feeds(
    landing: Path, spec: DemoSpec, on_progress: Progress | None = None
) -> DemoSummary:
    """Write an invented shop's raw files to `<landing>/<feed>/<table>/`.

    The same spec gives the same files. An earlier demo there is replaced; a folder
    with other files is refused. What was planted, who is behind each cookie and
    how ready each contact was goes to the folder `demo_truth` beside `landing`.

    Args:
        landing: The landing folder; made if it is not there.
        spec: The shop to invent.
        on_progress: Called after each file with table and rows.

    Raises:
        BadInputError: The spec is impossible, or the folder holds files of others.
        UnavailableError: The folder can't be written to.
    """
    started = time.perf_counter()
    spec.check()
    try:
        place = Landing(landing, spec)
        try:
            writer = _Writer(place, make_world(spec), on_progress)
            writer.write_all(spec.seed)
            place.publish()
            writer.write_truth(landing.parent / TRUTH)
        finally:
            place.discard()
    except OSError as error:
        raise UnavailableError(f"demo: can't write to {landing}: {error}") from error
    return DemoSummary(
        rows=writer.rows,
        planted=writer.planted,
        events=writer.rows["web.events"] + writer.rows["email.events"],
        seconds=time.perf_counter() - started,
    )


@dataclass(frozen=True)
class _Table:
    """How a raw table comes about."""

    record: Callable[[World, int], Columns]
    """Its rows as the tool recorded them, by world and seed."""
    render: Callable[[Names, Columns], Any]
    """The rows as an Arrow table; its first column is the row's id."""
    file: str
    """Its file, `{}` in place of the month if there is one for each."""


_TABLES = {
    "web.events": _Table(
        tracked.record_web, render_events.web_events, "events_{}.parquet"
    ),
    "web.identifies": _Table(
        tracked.record_identifies, render_events.web_identifies, "identifies.parquet"
    ),
    "email.events": _Table(
        tracked.record_email, render_events.email_events, "events_{}.ndjson"
    ),
    "shop.customers": _Table(
        records.shop_customers, render_records.shop_customers, "customers.csv"
    ),
    "shop.orders": _Table(
        records.shop_orders, render_records.shop_orders, "orders.csv"
    ),
    "shop.order_lines": _Table(
        records.shop_order_lines, render_records.shop_order_lines, "order_lines.csv"
    ),
    "shop.returns": _Table(
        records.shop_returns, render_records.shop_returns, "returns.csv"
    ),
    "shop.subscriptions": _Table(
        loyalty.subscription_events,
        render_elsewhere.subscription_events,
        "subscriptions.csv",
    ),
    "crm.contacts": _Table(
        records.crm_contacts, render_records.crm_contacts, "contacts.csv"
    ),
    "crm.interactions": _Table(
        sales.crm_interactions, render_elsewhere.crm_interactions, "interactions.csv"
    ),
    "crm.identifier_links": _Table(
        sales.identifier_links,
        render_elsewhere.identifier_links,
        "identifier_links.csv",
    ),
    "loyalty.events": _Table(
        loyalty.loyalty_events, render_elsewhere.loyalty_events, "events.parquet"
    ),
    "reviews.reviews": _Table(
        voices.product_reviews, render_elsewhere.product_reviews, "reviews.csv.gz"
    ),
    "support.tickets": _Table(
        service.support_tickets, render_elsewhere.support_tickets, "tickets.ndjson.gz"
    ),
    "support.ratings": _Table(
        service.support_ratings, render_elsewhere.support_ratings, "ratings.csv"
    ),
    "surveys.responses": _Table(
        voices.survey_responses, render_elsewhere.survey_responses, "responses.ndjson"
    ),
    "social.events": _Table(
        voices.social_events, render_elsewhere.social_events, "events.ndjson.gz"
    ),
}


class _Writer:
    """Writes tables and counts what is in them."""

    def __init__(
        self, place: Landing, world: World, on_progress: Progress | None
    ) -> None:
        self._place = place
        self._world = world
        self._names = Names(world)
        self._progress = on_progress or (lambda _table, _rows: None)
        self.rows: dict[str, int] = {}
        self.planted: dict[str, dict[str, int]] = {}
        self._planted_rows: list[Any] = []

    def write_all(self, seed: int) -> None:
        """Write every feed, one table at a time to save memory."""
        for name, table in _TABLES.items():
            rows = table.record(self._world, seed)
            self.rows[name] = len(rows["dirt"])
            self.planted[name] = {}
            for file, part in _files(table, rows):
                rendered = table.render(self._names, part)
                self._note_planted(name, part["dirt"], rendered.column(0))
                write_table(rendered, self._place.path(name, file))
                self._progress(name, rendered.num_rows)

    def _note_planted(self, table: str, dirt: NDArray[Any], ids: Any) -> None:
        """Note what is planted in rows of a table, and where."""
        feed, name = table.split(".")
        for kind in Dirt:
            where = np.flatnonzero(dirt & kind)
            if not len(where):
                continue
            label = str(kind.name).lower()
            so_far = self.planted[table].get(label, 0)
            self.planted[table][label] = so_far + len(where)
            columns = {"feed": feed, "table_name": name, "kind": label}
            repeated = {key: pa.repeat(v, len(where)) for key, v in columns.items()}
            row_id = ids.combine_chunks().take(pa.array(where))
            self._planted_rows.append(pa.table({**repeated, "row_id": row_id}))

    def write_truth(self, folder: Path) -> None:
        """Write what no tool would know; each file aside, then renamed."""
        folder.mkdir(parents=True, exist_ok=True)
        tables = {
            "planted": truth.planted(self.planted),
            "planted_rows": pa.concat_tables(self._planted_rows),
            **truth.tables(self._world, self._names),
        }
        for name, table in tables.items():
            aside = folder / f".{name}.parquet"
            write_table(table, aside)
            aside.replace(folder / f"{name}.parquet")


def _files(table: _Table, rows: Columns) -> Iterator[tuple[str, Columns]]:
    """The files of a table and the rows of each."""
    if "{}" not in table.file:
        yield table.file, rows
        return
    for month, part in month_slices(rows["received"]):
        yield table.file.format(month), take(rows, part)
