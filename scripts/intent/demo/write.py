"""Writing the demo: feeds into the landing folder, the truth beside it."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from intent.demo import records, render
from intent.demo.basics import DAY, take
from intent.demo.dirt import Dirt, record_email, record_identifies, record_web
from intent.demo.landing import Landing
from intent.demo.spec import DemoSpec, DemoSummary
from intent.demo.world import TRUTH_EVERY_DAYS, World, make_world
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


class _Writer:
    """Writes tables and counts what is in them."""

    def __init__(
        self, place: Landing, world: World, on_progress: Progress | None
    ) -> None:
        self._place = place
        self._world = world
        self._names = render.Names(world)
        self._progress = on_progress or (lambda _table, _rows: None)
        self.rows: dict[str, int] = {}
        self.planted: dict[str, dict[str, int]] = {}
        self._planted_rows: list[Any] = []

    def write_all(self, seed: int) -> None:
        """Write every feed, one table at a time to save memory."""
        world, names = self._world, self._names
        rows = record_web(world, seed)
        self._count("web.events", rows["dirt"], lambda w: render.web_ids(rows["id"][w]))
        for month, part in render.month_slices(rows["received"]):
            table = render.web_events(names, take(rows, part))
            self._parquet("web.events", f"events_{month}.parquet", table)
        rows = record_identifies(world, seed)
        self._count(
            "web.identifies", rows["dirt"], lambda w: render.identify_ids(rows["id"][w])
        )
        table = render.web_identifies(names, rows)
        self._parquet("web.identifies", "identifies.parquet", table)
        rows = record_email(world, seed)
        self._count(
            "email.events", rows["dirt"], lambda w: render.email_ids(rows["id"][w])
        )
        for month, part in render.month_slices(rows["received"]):
            table = render.email_events(names, take(rows, part))
            path = self._place.path("email.events", f"events_{month}.ndjson")
            path.write_bytes(render.json_lines(table))
            self._progress("email.events", table.num_rows)
        self._records(seed)

    def _records(self, seed: int) -> None:
        """Write the records of shop and CRM."""
        for name, recorded, rendered in (
            ("shop.customers", records.shop_customers, render.shop_customers),
            ("shop.orders", records.shop_orders, render.shop_orders),
            ("shop.order_lines", records.shop_order_lines, render.shop_order_lines),
            ("shop.returns", records.shop_returns, render.shop_returns),
            ("crm.contacts", records.crm_contacts, render.crm_contacts),
        ):
            rows = recorded(self._world, seed)
            self._csv(name, rows["dirt"], rendered(self._names, rows))

    def _csv(self, table_name: str, dirt: NDArray[Any], table: Any) -> None:
        """Write one CSV file, the only one of its table."""
        ids = table.column(0).combine_chunks()
        self._count(table_name, dirt, lambda where: ids.take(pa.array(where)))
        path = self._place.path(table_name, table_name.split(".")[1] + ".csv")
        pa_csv.write_csv(table, path)
        self._progress(table_name, table.num_rows)

    def _parquet(self, table_name: str, file_name: str, table: Any) -> None:
        """Write one Parquet file."""
        path = self._place.path(table_name, file_name)
        pq.write_table(table, path, compression="zstd", compression_level=1)
        self._progress(table_name, table.num_rows)

    def _count(
        self, table: str, dirt: NDArray[Any], ids: Callable[[NDArray[Any]], Any]
    ) -> None:
        """Note how many rows a table gets, what is planted in them and where.

        `ids` gives the ids of rows by their index.
        """
        self.rows[table] = len(dirt)
        self.planted[table] = {}
        feed, name = table.split(".")
        for kind in Dirt:
            where = np.flatnonzero(dirt & kind)
            if not len(where):
                continue
            label = str(kind.name).lower()
            self.planted[table][label] = len(where)
            columns = {"feed": feed, "table_name": name, "kind": label}
            repeated = {key: pa.repeat(v, len(where)) for key, v in columns.items()}
            self._planted_rows.append(pa.table({**repeated, "row_id": ids(where)}))

    def write_truth(self, folder: Path) -> None:
        """Write what no tool would know; each file aside, then renamed."""
        folder.mkdir(parents=True, exist_ok=True)
        planted = [
            {
                "feed": table.split(".")[0],
                "table_name": table.split(".")[1],
                "kind": kind,
                "rows": rows,
            }
            for table, kinds in self.planted.items()
            for kind, rows in kinds.items()
        ]
        for name, table in (
            ("planted", pa.Table.from_pylist(planted)),
            ("planted_rows", pa.concat_tables(self._planted_rows)),
            ("contacts", self._contacts()),
            ("cookies", self._cookies()),
            ("readiness", self._readiness()),
        ):
            aside = folder / f".{name}.parquet.tmp"
            pq.write_table(table, aside, compression="zstd", compression_level=1)
            aside.replace(folder / f"{name}.parquet")

    def _contacts(self) -> Any:
        """All contacts with the identifiers that they have."""
        traits, names = self._world.contacts, self._names
        number = np.arange(len(traits["name"]))
        clean = np.zeros(len(number), np.int16)
        return pa.table(
            {
                "contact_number": pa.array(number, pa.int32()),
                "email": names.emails(number, clean, traits["has_email"]),
                "customer_id": render.pick(
                    names.customers, number, traits["has_account"]
                ),
                "crm_id": render.pick(names.crm_ids, number, traits["in_crm"]),
                "life": render.pick(
                    pa.array(["active", "dormant", "never_active"]), traits["life"]
                ),
            }
        )

    def _cookies(self) -> Any:
        """Whose each cookie is; no contact for those who stay anonymous."""
        owner = self._world.cookie_owner
        return pa.table(
            {
                "anonymous_id": render.cookie_ids(np.arange(len(owner))),
                "contact_number": pa.array(owner, mask=owner < 0),
            }
        )

    def _readiness(self) -> Any:
        """Hidden readiness of each contact on every seventh day."""
        level = self._world.readiness
        contacts, samples = level.shape
        first = self._world.calendar.start // DAY
        days = (first + TRUTH_EVERY_DAYS * np.arange(samples)).astype(np.int32)
        return pa.table(
            {
                "contact_number": pa.array(
                    np.repeat(np.arange(contacts, dtype=np.int32), samples)
                ),
                "as_of_date": pa.array(np.tile(days, contacts)).cast(pa.date32()),
                "readiness": level.ravel(),
            }
        )
