"""The reference on tiny landing folders: bad input, one stream, identity, clocks."""

import hashlib
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import Result, World, account_rows, compare, read_world, score_world
from reference.activities import event_of, group_events
from reference.contract import IDENTIFIER_KINDS, TABLES
from reference.hand_made import Row, Tables, write_file, write_landing, write_seeds
from reference.read import read_batches, typed_rows
from reference.rules import FeedRules
from reference.values import (
    moment_of,
    seconds_of,
    to_flag,
    to_number,
    to_seconds,
    to_text,
)

FEEDS = ("web", "shop", "email", "crm")
SOURCES = Path(__file__).parents[2] / "models" / "staging"


def at(day: int, hour: int = 12, minute: int = 0, second: int = 0) -> datetime:
    return datetime(2026, 3, day, hour, minute, second)


def midnight(day: int) -> datetime:
    return at(day, hour=0)


def web(
    event_id: str, name: str = "Product Viewed", day: int = 1, **more: object
) -> Row:
    time = more.pop("event_time", at(day))
    return {
        "event_id": event_id,
        "event_name": name,
        "event_time": time,
        "received_at": time,
        **more,
    }


def order(order_id: str, day: int, **more: object) -> Row:
    time = more.pop("ordered_at", at(day))
    return {
        "order_id": order_id,
        "customer_id": "7",
        "ordered_at": time,
        "received_at": time,
        **more,
    }


def returned(return_id: str, order_id: str | None, day: int, **more: object) -> Row:
    return {
        "return_id": return_id,
        "order_id": order_id,
        "customer_id": "7",
        "returned_at": at(day),
        "is_full_return": True,
        "received_at": at(day),
        **more,
    }


@pytest.fixture(scope="session")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_seeds(tmp_path_factory.mktemp("seeds"))


class Maker:
    """Reads a world from rows."""

    def __init__(self, landing: Path, seeds: Path) -> None:
        self.landing = landing
        self.seeds = seeds

    def __call__(
        self, tables: Tables, kind: str = "ndjson", feeds: tuple[str, ...] = FEEDS
    ) -> World:
        landing = self.landing / kind
        write_landing(landing, tables, kind)
        return read_world(landing, self.seeds, feeds)


@pytest.fixture
def world_of(tmp_path: Path, seeds: Path) -> Maker:
    return Maker(tmp_path, seeds)


def count(result: Result, contact: str, activity: str) -> int | None:
    driver = result.drivers.get((contact, "main", activity))
    return None if driver is None else driver.activity_count


# Values


@pytest.mark.parametrize(
    ("raw", "moment"),
    [
        ("2026-03-01T10:20:30Z", datetime(2026, 3, 1, 10, 20, 30)),
        ("2026-03-01 10:20:30", datetime(2026, 3, 1, 10, 20, 30)),
        ("2026-03-01T10:20:30.999999", datetime(2026, 3, 1, 10, 20, 30)),
        ("2026-03-01T10:20:30.999999999Z", datetime(2026, 3, 1, 10, 20, 30)),
        ("2026-03-01T10:20:30+02:00", datetime(2026, 3, 1, 8, 20, 30)),
        ("1969-12-31T23:59:58.5Z", datetime(1969, 12, 31, 23, 59, 58)),
        (" 2026-03-01 ", datetime(2026, 3, 1)),
    ],
)
def test_timestamps_are_cut_to_seconds(raw: str, moment: datetime) -> None:
    seconds = to_seconds(raw)
    assert seconds is not None
    assert moment_of(seconds) == moment


@pytest.mark.parametrize(
    "raw", ["yesterday", "2026-02-30", "infinity", "1767225600", 1767225600, True]
)
def test_other_values_are_no_timestamps(raw: object) -> None:
    with pytest.raises(ValueError, match=r".*"):
        to_seconds(raw)


def test_texts_numbers_and_flags() -> None:
    assert to_text("  a b ") == "a b"
    assert to_text("   ") is None
    assert to_text(7) == "7"
    assert to_number(" 2.5 ") == 2.5
    assert to_number("") is None
    assert to_flag("TRUE") is True
    assert to_flag(False) is False
    with pytest.raises(ValueError, match="many"):
        to_number("many")
    with pytest.raises(ValueError, match="maybe"):
        to_flag("maybe")


def test_contract_is_that_of_the_sources() -> None:
    """Every column that is not a text can make a row malformed: none is forgotten."""
    described = {}
    for path in SOURCES.glob("*/_*__sources.yml"):
        for source in yaml.safe_load(path.read_text())["sources"]:
            for table in source["tables"]:
                described[source["name"], table["name"]] = {
                    column["name"]: column["data_type"] for column in table["columns"]
                }
    for table in TABLES:
        columns = described[table.feed, table.name]
        assert table.columns <= columns.keys()
        kinds = tuple(kind for kind in IDENTIFIER_KINDS if kind in columns)
        assert table.identifiers == (kinds if table.time else ())
        for data_type, names in (
            ("timestamp", table.timestamps),
            ("double", table.doubles),
            ("boolean", table.booleans),
        ):
            assert {n for n, kind in columns.items() if kind == data_type} == set(names)


# Files


@pytest.mark.parametrize(
    "kind", ["parquet", "csv", "csv.gz", "ndjson", "ndjson.gz", "json", "jsonl"]
)
def test_all_kinds_of_files_say_the_same(world_of: Maker, kind: str) -> None:
    rows = [
        web("1", user_id=" u ", email="A@Example.com ", quantity=1.0),
        web("2", user_id="u", email="", event_time=at(2) + timedelta(milliseconds=999)),
        web("3", user_id="u", quantity=-1.0),
        web("4", user_id=None, email="   "),
    ]
    world = world_of({("web", "events"): rows}, kind)
    result = score_world(world, midnight(5))
    assert result.contacts.keys() == {"email:a@example.com"}
    assert count(result, "email:a@example.com", "product_viewed") == 2
    driver = result.drivers["email:a@example.com", "main", "product_viewed"]
    assert driver.last_at == at(2)
    assert account_rows(world)["web", "events"] == Counter(
        {
            "rows_in": 4,
            "counted": 2,
            "quarantined:negative_quantity": 1,
            "quarantined:no_identifier": 1,
        }
    )


def test_parquet_timestamps_are_cut_to_seconds(tmp_path: Path) -> None:
    assert seconds_of(datetime(1969, 12, 31, 23, 59, 58, 500_000)) == -2
    times = [
        datetime(1969, 12, 31, 23, 59, 58, 500_000),
        datetime(2026, 3, 1, 10, 20, 30, 999_999),
    ]
    path = tmp_path / "part.parquet"
    for unit in ("ms", "us", "ns"):
        kind = pyarrow.timestamp(unit, tz="Europe/Berlin" if unit == "us" else None)
        column = pyarrow.array([*times, None], pyarrow.timestamp("us"))
        table = pyarrow.table({"event_time": column.cast(kind, safe=False)})
        pyarrow.parquet.write_table(table, path)
        (batch,) = read_batches(path, frozenset({"event_time"}))
        assert batch["event_time"] == [*map(seconds_of, times), None]


def test_only_the_feeds_of_the_shop_are_read(world_of: Maker) -> None:
    tables: Tables = {
        ("web", "events"): [web("1", "Order Completed", user_id="u", order_id="o")],
        ("shop", "orders"): [order("o", 1)],
    }
    both = score_world(world_of(tables), midnight(5))
    assert count(both, "customer_id:7", "purchase") == 1
    assert count(both, "user_id:u", "purchase") is None
    web_only = score_world(world_of(tables, feeds=("web",)), midnight(5))
    assert count(web_only, "user_id:u", "purchase") == 1


@pytest.mark.parametrize("preferred", ["shop", "web"])
def test_a_cancellation_is_believed_of_whichever_feed_tells_it(
    tmp_path: Path, preferred: str
) -> None:
    seeds = write_seeds(tmp_path / "seeds")
    ranks = {"shop": 2, "web": 2, preferred: 1}
    (seeds / "feeds" / "feed_preferences.csv").write_text(
        "feed,preference,note\n"
        + "".join(f"{feed},{rank},\n" for feed, rank in ranks.items())
    )
    world = Maker(tmp_path / "landing", seeds)(
        {
            ("web", "events"): [web("1", "Order Completed", user_id="u", order_id="o")],
            ("shop", "orders"): [
                order("o", 1, cancelled_at=at(3)),
                order("q", 1, cancelled_at=at(3), updated_at=at(3)),
                order("q", 1, updated_at=at(4)),
            ],
        }
    )
    before, after = (score_world(world, midnight(day)) for day in (3, 5))
    told_by = "user_id:u" if preferred == "web" else "customer_id:7"
    assert (count(before, told_by, "purchase") or 0) >= 1
    # The order that was restored stands; the other is gone, whoever is believed.
    assert sum(count(after, who, "purchase") or 0 for who in after.contacts) == 1


# Bad input

EMAIL = {"event_id": "1", "event_name": "Opened Email", "email": "a@b.c"}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (web(" ", user_id="u", value="much"), "malformed_value"),
        (web("1", user_id="u", event_time="soon"), "malformed_value"),
        (web(" ", user_id="u", event_time=None), "no_event_id"),
        (web("1", "Unheard Of", user_id="u", event_time=None), "no_time"),
        (web("1", "Unheard Of", quantity=-1), "unknown_event_name"),
        (web("1", "Opened Email", user_id="u"), "unknown_event_name"),
        ({**web("1", user_id="u"), "event_name": None}, "unknown_event_name"),
        (web("1", quantity=-0.5), "negative_quantity"),
        (web("1", received_at=at(1, 11)), "no_identifier"),
        (
            web("1", user_id="u", received_at=at(1, 11, 54, 59), user_agent="curl/8"),
            "future_event",
        ),
        (web("1", user_id="u", received_at=at(1, 11, 55)), None),
        (web("1", user_id="u", received_at=None), None),
    ],
)
def test_quarantine_takes_the_first_reason(
    world_of: Maker, row: Row, reason: str | None
) -> None:
    world = world_of({("web", "events"): [row]})
    fate = "counted" if reason is None else f"quarantined:{reason}"
    assert account_rows(world)["web", "events"] == Counter({"rows_in": 1, fate: 1})
    assert len(score_world(world, midnight(5)).contacts) == (reason is None)


# Machines


@pytest.mark.parametrize(
    ("agent", "reason"),
    [
        ("GoogleBot/2.1", "bot_user_agent"),
        ("ScanBot/1", "a_first_reason"),
        # As bare as this, it only opens mails.
        (" Mozilla/5.0 ", None),
        ("my curl/8", None),
    ],
)
def test_machines_name_themselves(
    world_of: Maker, agent: str, reason: str | None
) -> None:
    rows = [web("1", user_id="u", anonymous_id="a", user_agent=agent)]
    world = world_of({("web", "events"): rows})
    fate = "counted" if reason is None else f"quarantined:{reason}"
    assert account_rows(world)["web", "events"] == Counter({"rows_in": 1, fate: 1})
    (info,) = score_world(world, midnight(5)).contacts.values()
    # Whoever made it, the row tells that the two belong together.
    assert set(info.members) == {"user_id:u", "anonymous_id:a"}
    assert info.state == ("active" if reason is None else "never_active")


def test_machine_opens_but_not_their_clicks_are_machine_traffic(
    world_of: Maker,
) -> None:
    shared = {"email": "a@b.c", "event_time": at(1), "is_machine_open": True}
    rows = [
        {"event_id": "1", "event_name": "Opened Email", **shared},
        {"event_id": "2", "event_name": "Clicked Email", **shared},
    ]
    world = world_of({("email", "events"): rows})
    assert account_rows(world)["email", "events"] == Counter(
        {"rows_in": 2, "quarantined:mail_privacy_open": 1, "counted": 1}
    )


@pytest.mark.parametrize(
    ("seconds", "flagged"),
    [
        ([0, 5, 10], {0, 5, 10}),
        ([0, 5, 11], set()),
        # Everything that some span of ten seconds with three events covers.
        ([0, 9, 10, 18, 30], {0, 9, 10, 18}),
        ([7, 7, 7], {7}),
    ],
)
def test_bursts_are_faster_than_people(
    world_of: Maker, seconds: list[int], flagged: set[int]
) -> None:
    rows = [
        web(str(number), user_id="u", event_time=at(1, 12, 0, second))
        for number, second in enumerate(seconds)
    ]
    account = account_rows(world_of({("web", "events"): rows}))["web", "events"]
    bursts = sum(second in flagged for second in seconds)
    assert account["quarantined:burst"] == bursts
    assert account["counted"] == len(seconds) - bursts


@pytest.mark.parametrize(
    "row",
    [
        web("3", user_id="other", event_time=at(1, 23, 59, 59)),
        web("3", user_id="u", event_time=at(2, 0, 0, 0)),
    ],
)
def test_a_burst_is_one_identifiers_and_of_one_day(world_of: Maker, row: Row) -> None:
    rows = [web(n, user_id="u", event_time=at(1, 23, 59, 59)) for n in ("1", "2")]
    account = account_rows(world_of({("web", "events"): [*rows, row]}))
    assert account["web", "events"]["counted"] == 3


def test_a_scanner_handles_mails_as_they_arrive(world_of: Maker) -> None:
    def mail(number: int, name: str, message: str, time: datetime) -> Row:
        return {
            "event_id": str(number),
            "event_name": f"{name} Email",
            "email": "a@b.c",
            "message_id": message,
            "event_time": time,
        }

    rows = [
        mail(1, "Received", "scanned", at(2, 0, 0, 5)),
        mail(2, "Opened", "scanned", at(1, 23, 59, 50)),  # before it lets it through
        mail(3, "Clicked", "scanned", at(2, 0, 0, 25)),
        mail(4, "Clicked", "scanned", at(2, 0, 0, 26)),
        mail(5, "Received", "read", at(3)),
        mail(6, "Opened", "read", at(3)),  # alone, it may be a person
        mail(7, "Opened", "never received", at(4)),
        mail(8, "Clicked", "never received", at(4)),
    ]
    account = account_rows(world_of({("email", "events"): rows}))["email", "events"]
    assert account["quarantined:link_scanner"] == 2
    assert account["no_activity"] + account["counted"] == 6


def test_whoever_has_an_internal_email_is_internal_wherever_it_goes(
    world_of: Maker,
) -> None:
    world = world_of(
        {
            ("web", "events"): [
                web("1", user_id="7", anonymous_id="a"),
                web("2", anonymous_id="a"),
                web("3", anonymous_id="b"),
            ],
            ("shop", "orders"): [order("o", 1, email="Ann@Shop.example")],
            ("web", "identifies"): [
                {
                    "event_id": "1",
                    "event_time": at(9),
                    "user_id": "7",
                    "email": "ann@shop.example",
                }
            ],
        }
    )
    accounts = account_rows(world)
    assert accounts["web", "events"]["quarantined:internal_account"] == 2
    assert accounts["web", "events"]["counted"] == 1
    assert accounts["shop", "orders"]["quarantined:internal_account"] == 1


def test_order_lines_have_neither_time_nor_identifier(world_of: Maker) -> None:
    rows: list[Row] = [
        {"order_line_id": "1", "order_id": "o", "quantity": 2, "received_at": at(1)},
        {"order_line_id": "2", "order_id": "o", "quantity": -2, "received_at": at(1)},
        {"order_line_id": "3", "order_id": "o", "quantity": "x", "received_at": at(1)},
        {"order_line_id": None, "order_id": "o", "received_at": at(1)},
    ]
    world = world_of({("shop", "order_lines"): rows})
    assert account_rows(world)["shop", "order_lines"] == Counter(
        {
            "rows_in": 4,
            "no_activity": 1,
            "quarantined:negative_quantity": 1,
            "quarantined:malformed_value": 1,
            "quarantined:no_event_id": 1,
        }
    )


def test_only_usable_rows_link(world_of: Maker) -> None:
    rows = [
        web("1", user_id="u", anonymous_id="a", quantity=-1),
        web("2", "Page Viewed", user_id="v", anonymous_id="b"),
        web("3", "Page Viewed", user_id="v", anonymous_id="b"),
    ]
    result = score_world(world_of({("web", "events"): rows}), midnight(5))
    (info,) = result.contacts.values()
    assert set(info.members) == {"user_id:v", "anonymous_id:b"}
    assert info.state == "never_active"


# One stream


def test_same_event_id_counts_once(world_of: Maker) -> None:
    rows = [
        web("1", user_id="u", event_time=at(2, 9)),
        web("1", user_id="u", event_time=at(2, 8)),
    ]
    world = world_of({("web", "events"): rows})
    result = score_world(world, midnight(5))
    assert count(result, "user_id:u", "product_viewed") == 1
    driver = result.drivers["user_id:u", "main", "product_viewed"]
    assert driver.last_at == at(2, 8)
    assert account_rows(world)["web", "events"] == Counter(
        {"rows_in": 2, "counted": 1, "duplicates": 1}
    )


def test_order_told_by_several_feeds_counts_once_as_the_shop_says(
    world_of: Maker,
) -> None:
    tables: Tables = {
        ("web", "events"): [
            web("1", "Order Completed", user_id="u", order_id="o"),
            web("2", "Order Completed", user_id="u", order_id="o"),
            web("3", "Order Completed", user_id="u"),
        ],
        ("shop", "orders"): [
            order("o", 2, updated_at=at(2)),
            order("o", 2, updated_at=at(3), ordered_at=at(2, 13)),
            order("o", 2, updated_at=at(3), ordered_at=at(2, 14)),
        ],
    }
    world = world_of(tables)
    result = score_world(world, midnight(5))
    assert count(result, "customer_id:7", "purchase") == 1
    assert result.drivers["customer_id:7", "main", "purchase"].last_at == at(2, 13)
    # The order without an id can't be known to be the same.
    assert count(result, "user_id:u", "purchase") == 1
    accounts = account_rows(world)
    assert accounts["web", "events"] == Counter(
        {"rows_in": 3, "counted": 1, "superseded": 2}
    )
    assert accounts["shop", "orders"] == Counter(
        {"rows_in": 3, "counted": 1, "superseded": 1, "duplicates": 1}
    )


def told(**more: object) -> dict[str, object]:
    """Return how one row tells of an order, the same unless said otherwise."""
    usual = {"event_id": "5", "user_id": "u", "event_time": at(2, 8)}
    return {**web("5", "Order Completed", order_id="o"), **usual, **more}


@pytest.mark.parametrize(
    ("winner", "loser"),
    [
        (told(event_time=at(2, 7), user_id="v", event_id="9"), told()),
        (told(user_id="t", event_id="9"), told()),
        (told(event_id="4", received_at=at(2, 8)), told(received_at=at(2, 9))),
        (told(received_at=at(2, 9)), told(received_at=at(2, 8))),
    ],
)
def test_named_columns_settle_what_versions_do_not(winner: Row, loser: Row) -> None:
    web_events = TABLES[0]
    rules = FeedRules({("web", "Order Completed"): "purchase"}, {"web": 1}, (), {})
    batch = {name: [loser.get(name), winner.get(name)] for name in web_events.columns}
    events = [event_of(row, web_events, rules) for row in typed_rows(batch, web_events)]
    ((first, second),) = group_events(filter(None, events), rules)
    assert (second, first) == tuple(events)


# Reversal


def purchases(world: World, day: int) -> tuple[int | None, float]:
    result = score_world(world, midnight(day))
    score = result.scores["customer_id:7", "main"]
    return count(result, "customer_id:7", "purchase"), score.raw_score


def test_cancelled_order_counts_up_to_the_day_of_its_cancellation(
    world_of: Maker,
) -> None:
    orders = [
        order("o", 2),
        order("o", 2, updated_at=at(6), cancelled_at=at(6, 23)),
    ]
    world = world_of({("shop", "orders"): orders})
    assert purchases(world, 3) == (1, 10)
    assert purchases(world, 6) == (1, 10)
    assert purchases(world, 7) == (None, 0)


def test_order_cancelled_on_its_day_never_counts(world_of: Maker) -> None:
    world = world_of({("shop", "orders"): [order("o", 2, cancelled_at=at(2, 13))]})
    result = score_world(world, midnight(3))
    assert result.drivers == {}
    assert result.contacts["customer_id:7"].state == "never_active"


def test_full_return_reverses_and_is_an_activity_itself(world_of: Maker) -> None:
    tables: Tables = {
        ("shop", "orders"): [order("o", 2), order("p", 2, ordered_at=at(2, 8))],
        ("shop", "returns"): [
            returned("r", "o", 6),
            returned("r", "o", 6),
            returned("s", "p", 6, is_full_return=False),
            returned("t", None, 6),
        ],
    }
    world = world_of(tables)
    assert purchases(world, 6) == (2, 20)
    assert purchases(world, 7) == (1, 10 - 3)
    result = score_world(world, midnight(7))
    # The order that stands was the earlier one of the day.
    assert result.drivers["customer_id:7", "main", "purchase"].last_at == at(2, 8)
    assert account_rows(world)["shop", "returns"]["duplicates"] == 1


def test_return_reverses_an_order_that_only_the_tracker_told(world_of: Maker) -> None:
    tables: Tables = {
        ("web", "events"): [
            web("1", "Order Completed", day=2, user_id="u", order_id="o")
        ],
        ("shop", "returns"): [returned("r", "o", 6)],
    }
    world = world_of(tables)
    before = score_world(world, midnight(6))
    assert count(before, "user_id:u", "purchase") == 1
    after = score_world(world, midnight(7))
    assert count(after, "user_id:u", "purchase") is None


def test_cancelled_order_discharges_up_to_its_cancellation(world_of: Maker) -> None:
    linked = {"customer_id": "7", "email": "a@b.c"}
    tables: Tables = {
        ("web", "events"): [web("1", "Product Added", day=1, email="a@b.c")],
        ("shop", "orders"): [order("o", 2, **linked, cancelled_at=at(6))],
    }
    world = world_of(tables)
    contact = "email:a@b.c"
    counts = [
        count(score_world(world, midnight(day)), contact, "cart_added")
        for day in (2, 3, 6, 7)
    ]
    assert counts == [1, 0, 0, 1]


# Identity


def test_chain_from_cookie_to_customer_at_past_clocks(world_of: Maker) -> None:
    tables: Tables = {
        ("web", "events"): [web("1", day=1, anonymous_id="a")],
        ("web", "identifies"): [
            {"event_id": "1", "event_time": at(3), "anonymous_id": "a", "user_id": "u"},
            {"event_id": "2", "event_time": at(4), "user_id": "u", "email": "A@b.c"},
        ],
        ("shop", "customers"): [
            {"customer_id": "7", "email": "a@B.c", "created_at": at(5)}
        ],
    }
    world = world_of(tables)
    assert score_world(world, midnight(3)).contacts == {}
    by_day = {
        day: score_world(world, midnight(day)).contacts["anonymous_id:a"].members
        for day in (4, 5, 6)
    }
    assert by_day == {
        4: ("anonymous_id:a", "user_id:u"),
        5: ("anonymous_id:a", "user_id:u", "email:a@b.c"),
        6: ("anonymous_id:a", "user_id:u", "email:a@b.c", "customer_id:7"),
    }
    known = score_world(world, midnight(4))
    assert count(known, "anonymous_id:a", "product_viewed") == 1
    contact_id = hashlib.md5(b"anonymous_id:a", usedforsecurity=False).hexdigest()
    assert known.contacts["anonymous_id:a"].contact_id == contact_id


def test_identifier_first_seen_at_the_clock_is_not_known_yet(world_of: Maker) -> None:
    rows = [web("1", "Page Viewed", user_id="u", event_time=midnight(2))]
    world = world_of({("web", "events"): rows})
    assert score_world(world, midnight(2)).contacts == {}
    assert len(score_world(world, midnight(2) + timedelta(seconds=1)).contacts) == 1


def test_clock_uses_what_came_before_it_only(world_of: Maker) -> None:
    rows = [
        web("1", user_id="u", event_time=midnight(2) - timedelta(seconds=1)),
        web("2", user_id="u", event_time=midnight(2)),
    ]
    world = world_of({("web", "events"): rows})
    assert score_world(world, midnight(1)).contacts == {}
    assert count(score_world(world, midnight(2)), "user_id:u", "product_viewed") == 1
    assert count(score_world(world, midnight(3)), "user_id:u", "product_viewed") == 2


def test_user_and_customer_ids_are_different_namespaces(world_of: Maker) -> None:
    tables: Tables = {
        ("web", "events"): [web("1", user_id="7")],
        ("shop", "orders"): [order("o", 1)],
    }
    result = score_world(world_of(tables), midnight(5))
    assert result.contacts.keys() == {"user_id:7", "customer_id:7"}


def crm(day: int, *, objected: bool | None, **more: object) -> Row:
    return {
        "crm_id": "k",
        "email": "a@b.c",
        "objected_to_profiling": objected,
        "created_at": at(1),
        "updated_at": at(day),
        "received_at": at(day),
        **more,
    }


@pytest.mark.parametrize(
    ("versions", "is_suppressed"),
    [
        ([crm(2, objected=True), crm(3, objected=False)], False),
        ([crm(3, objected=True), crm(2, objected=False)], True),
        ([crm(30, objected=True)], True),
        ([crm(3, objected=True), crm(3, objected=False)], True),
        ([crm(3, objected=True), crm(3, objected=False, received_at=at(4))], False),
        ([crm(3, objected=None)], False),
        ([crm(2, objected=True), crm(3, objected=None)], True),
        ([crm(2, objected=True, updated_at="soon"), crm(3, objected=False)], True),
        ([crm(3, objected=False), crm(1, objected=True, crm_id="l")], True),
    ],
)
def test_newest_version_of_any_crm_record_suppresses(
    world_of: Maker, versions: list[Row], is_suppressed: bool
) -> None:
    tables: Tables = {
        ("crm", "contacts"): versions,
        ("web", "events"): [web("1", email="a@b.c")],
    }
    result = score_world(world_of(tables), midnight(5))
    # A version of after the clock links nothing yet, but its objection holds.
    states = {info.state for info in result.contacts.values()}
    assert states == {"suppressed" if is_suppressed else "active"}
    assert len(result.scores) == len(result.drivers) == (not is_suppressed)


def test_states_and_sheets(world_of: Maker) -> None:
    tables: Tables = {
        ("web", "events"): [
            web("1", user_id="active"),
            web("2", "Page Viewed", user_id="never"),
        ],
        ("email", "events"): [
            {**EMAIL, "event_time": at(1), "email": "dormant@b.c"},
            {
                "event_id": "2",
                "event_name": "Clicked Email",
                "event_time": at(1),
                "email": "dormant@b.c",
            },
        ],
    }
    result = score_world(world_of(tables), midnight(5))
    states = {key: info.state for key, info in result.contacts.items()}
    assert states == {
        "user_id:active": "active",
        "user_id:never": "never_active",
        "email:dormant@b.c": "dormant",
    }
    # The archived sheet scores nobody; rules that are disabled or of 0 points
    # make no driver.
    assert {sheet for _, sheet in result.scores} == {"main"}
    assert result.drivers.keys() == {("user_id:active", "main", "product_viewed")}


# Any order of rows and files


ROWS: list[tuple[tuple[str, str], Row]] = [
    (("web", "events"), web("1", user_id="u", anonymous_id="a")),
    (("web", "events"), web("1", user_id="u", anonymous_id="b")),
    (("web", "events"), web("1", user_id="v", anonymous_id="b", quantity=-1)),
    (("web", "events"), web("2", "Order Completed", user_id="u", order_id="o")),
    (("web", "events"), web("3", "Order Completed", user_id="v", order_id="o")),
    (("web", "events"), web("4", "Order Completed", user_id="v", order_id="p")),
    (("web", "events"), web("5", anonymous_id="b", day=2)),
    (("shop", "orders"), order("o", 2, updated_at=at(3))),
    (("shop", "orders"), order("o", 2, updated_at=at(3), cancelled_at=at(4))),
    (("shop", "orders"), order("q", 2, customer_id="8", email="a@b.c")),
    (("shop", "returns"), returned("r", "p", 4)),
    (("shop", "returns"), returned("r", "q", 4, is_full_return=False)),
    (("crm", "contacts"), crm(2, objected=True)),
    (("crm", "contacts"), crm(2, objected=False)),
    (("crm", "contacts"), crm(2, objected=False, crm_id="l", email="z@b.c")),
]


def read_shuffled(
    folder: Path, seeds: Path, rows: list[tuple[tuple[str, str], Row]], files: int
) -> World:
    for number in range(files):
        for table in {table for table, _ in rows}:
            part = [row for which, row in rows[number::files] if which == table]
            write_file(folder / table[0] / table[1] / f"{number}.ndjson", part)
    return read_world(folder, seeds, FEEDS)


@settings(database=None, deadline=None, max_examples=25)
@given(rows=st.permutations(ROWS), files=st.integers(1, 3))
def test_order_of_rows_and_files_does_not_matter(
    tmp_path_factory: pytest.TempPathFactory,
    seeds: Path,
    rows: list[tuple[tuple[str, str], Row]],
    files: int,
) -> None:
    expected = read_shuffled(tmp_path_factory.mktemp("as_is"), seeds, ROWS, 1)
    world = read_shuffled(tmp_path_factory.mktemp("shuffled"), seeds, rows, files)
    assert account_rows(world) == account_rows(expected)
    for day in (3, 5, 8):
        assert score_world(world, midnight(day)) == score_world(expected, midnight(day))
    for account in account_rows(world).values():
        assert 2 * account["rows_in"] == account.total()


# Comparison


def warehouse_rows(
    result: Result,
) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    scores: list[dict[str, object]] = [
        {
            "contact_id": result.contacts[contact].contact_id,
            "score_model": sheet,
            "as_of": result.as_of,
            "raw_score": row.raw_score,
            "intent_score": row.intent_score,
            "segment": row.segment,
        }
        for (contact, sheet), row in result.scores.items()
    ]
    drivers: list[dict[str, object]] = [
        {
            "contact_id": result.contacts[contact].contact_id,
            "score_model": sheet,
            "category": "any",
            "activity": activity,
            "activity_count": row.activity_count,
            "last_at": row.last_at,
            "decayed_amount": row.decayed_amount,
            "activity_score": row.activity_score,
            "net_points": row.net_points,
            "contribution": row.contribution,
            "driver_rank": row.driver_rank,
        }
        for (contact, sheet, activity), row in result.drivers.items()
    ]
    return scores, drivers


@pytest.fixture
def result(world_of: Maker) -> Result:
    rows = [web("1", user_id="u"), web("2", "Product Added", user_id="v")]
    return score_world(world_of({("web", "events"): rows}), midnight(5))


def test_compare_finds_nothing_in_equal_rows(result: Result) -> None:
    scores, drivers = warehouse_rows(result)
    scores[0]["intent_score"] = result.scores["user_id:u", "main"].intent_score + 9e-10
    assert compare(result, scores, drivers) == []


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("net_points", 1.00000001),
        ("net_points", float("nan")),
        ("contribution", None),
        ("driver_rank", 2),
        ("last_at", at(1, 11)),
    ],
)
def test_compare_finds_other_values(result: Result, column: str, value: object) -> None:
    scores, drivers = warehouse_rows(result)
    drivers[0][column] = value
    (difference,) = compare(result, scores, drivers)
    assert f"{column} is {value!r} in the warehouse" in difference


def test_compare_finds_missing_extra_and_repeated_rows(result: Result) -> None:
    scores, drivers = warehouse_rows(result)
    scores[0]["score_model"] = "other"
    drivers.append(drivers[0])
    differences = [text.partition(": ")[2] for text in compare(result, scores, drivers)]
    assert sorted(differences) == [
        "only in the reference",
        "only in the warehouse",
        "stands twice in the warehouse",
    ]


def test_compare_can_leave_segments_out(result: Result) -> None:
    scores, drivers = warehouse_rows(result)
    scores[0]["segment"] = "hot"
    assert len(compare(result, scores, drivers)) == 1
    assert compare(result, scores, drivers, with_segments=False) == []
