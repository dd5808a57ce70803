"""The feeds' contracts are read as dbt's sources write them."""

from pathlib import Path

import pytest
from intent.contracts import Column, find_contract, read_contracts
from intent.errors import BadInputError

STAGING = Path(__file__).resolve().parents[2] / "models" / "staging"


def write_sources(folder: Path, text: str) -> Path:
    feed = folder / "web"
    feed.mkdir()
    (feed / "_web__sources.yml").write_text(text)
    return folder


def test_the_projects_own_contracts() -> None:
    contracts = read_contracts(STAGING)

    assert {"web.events", "shop.orders", "email.events", "crm.contacts"} <= set(
        contracts
    )
    events = contracts["web.events"]
    assert (events.feed, events.table, events.key) == ("web", "events", "web.events")
    assert events.column("quantity") == Column(
        "quantity", "double", False, "Pieces; a negative number is quarantined."
    )
    assert events.column("nothing") is None
    assert all(each.column("received_at") for each in contracts.values())


@pytest.mark.parametrize(
    ("table", "time"),
    [
        ("web.events", "event_time"),
        ("shop.orders", "ordered_at"),
        ("shop.returns", "returned_at"),
        ("shop.order_lines", None),
    ],
)
def test_the_time_a_thing_happened(table: str, time: str | None) -> None:
    column = read_contracts(STAGING)[table].time_column

    assert (column.name if column else None) == time


def test_an_unknown_table_names_the_known_ones() -> None:
    with pytest.raises(
        BadInputError, match=r"Did you mean web\.events\?.*shop\.orders"
    ):
        find_contract(read_contracts(STAGING), "web.event")


def test_no_contracts(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="No contracts in"):
        read_contracts(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sources: [", "can't be read"),
        ("- a list", "not a dbt sources file"),
        ("sources: [{tables: [{name: events}]}]", "without a `name`"),
        (
            "sources: [{name: web, tables: [{name: events, columns: "
            "[{name: x, data_type: varchar}]}]}]",
            "events.x has data_type 'varchar'; allowed are text, timestamp",
        ),
    ],
)
def test_a_sources_file_that_is_wrong(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        read_contracts(write_sources(tmp_path, text))
