"""What becomes of contacts and scores as more is learned of who is who.

One shop holds all cases, each under names of its own, and is built at two clocks.
"""

import csv
import hashlib
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from conftest import ASSERTED, Shop, copy_project
from reference.hand_made import Row, write_file

FEEDS = ["web", "shop", "crm"]
BEFORE_THE_ORDER = datetime(2026, 6, 20)
AFTER_THE_ORDER = datetime(2026, 6, 21)
MANY = 10_000
TOLERANCE = 1e-9

Told = tuple[str, Row]


def at(day: int, hour: int = 12) -> datetime:
    return datetime(2026, 6, day, hour)


def told(table: str, time: datetime, **values: object) -> Told:
    """A row of a table of events, with the time that its contract asks for."""
    name = "ordered_at" if table == "shop/orders" else "event_time"
    return table, {name: time, "received_at": time + timedelta(minutes=1), **values}


def record(table: str, created: datetime, updated: datetime, **values: object) -> Told:
    times = {"created_at": created, "updated_at": updated, "received_at": updated}
    return table, {**times, **values}


def viewed(time: datetime, **who: object) -> Told:
    return told("web/events", time, event_name="Product Viewed", **who)


def added(time: datetime, **who: object) -> Told:
    return told("web/events", time, event_name="Product Added", **who)


def login(time: datetime, **who: object) -> Told:
    return told("web/identifies", time, **who)


def merged_and_parted(name: str, *, is_merged: bool) -> Iterator[Told]:
    """Two people who are taken for one for a while, or never are."""
    account, email = f"{name}-account", f"{name}@two.example"
    for day in (1, 7, 12, 18):
        yield viewed(at(day), user_id=account)
        yield added(at(day, 15), email=email)
    if is_merged:
        yield login(at(5), user_id=account, email=email)
        yield told(
            "crm/identifier_links",
            at(10),
            user_id=account,
            email=email,
            is_withdrawn=True,
        )


def visitor(name: str, *, orders: bool) -> Iterator[Told]:
    """A cookie, and an email known of old; the order shows whose the cookie is."""
    email = f"{name}@one.example"
    yield viewed(at(2), email=email)
    for day in (15, 17, 19):
        yield viewed(at(day), anonymous_id=f"{name}-cookie")
        yield added(at(day, 15), anonymous_id=f"{name}-cookie")
    if orders:
        yield told(
            "web/events",
            at(20, 10),
            event_name="Order Completed",
            anonymous_id=f"{name}-cookie",
            email=email,
            order_id=f"{name}-order",
        )


def chain() -> Iterator[Told]:
    """Accounts each of which shares an email with the one before."""
    for number in range(MANY // 2):
        time = at(1) + timedelta(minutes=number)
        account = f"chain-{number}"
        yield login(time, user_id=account, email=f"chain-{number}@long.example")
        yield login(time, user_id=account, email=f"chain-{number + 1}@long.example")


def crowded_device() -> Iterator[Told]:
    """A device on which ever more people log in, the first of them the day before."""
    yield viewed(at(1, 1), anonymous_id="crowded")
    for number in range(MANY):
        time = at(1) if number == 0 else at(2) + timedelta(minutes=number)
        yield login(time, user_id=f"crowd-{number}", anonymous_id="crowded")


def shared_mailbox() -> Iterator[Told]:
    for number in range(20):
        yield record(
            "shop/customers",
            at(3),
            at(3),
            customer_id=f"team-{number}",
            email="info@team.example",
        )


def ring() -> Iterator[Told]:
    """Four identifiers, each linked with the next; one link is withdrawn."""
    links = [
        {"user_id": "ring", "email": "ring@ring.example"},
        {"email": "ring@ring.example", "phone": "+49ring"},
        {"phone": "+49ring", "crm_id": "ring"},
        {"crm_id": "ring", "user_id": "ring"},
    ]
    for number, link in enumerate(links):
        yield told("crm/identifier_links", at(4, number), **link)
    yield told("crm/identifier_links", at(6), **links[0], is_withdrawn=True)


def changed_hands() -> Iterator[Told]:
    """Old changes the email; weeks later New opens an account with it."""
    email = "moved@hands.example"
    yield record("shop/customers", at(1), at(1), customer_id="old", email=email)
    yield login(at(1), user_id="old", email=email)
    kept = "kept@hands.example"
    yield record("shop/customers", at(1), at(3), customer_id="old", email=kept)
    yield login(at(3), user_id="old", email=kept)
    yield login(at(9, 9), user_id="new", email=email)
    yield record("shop/customers", at(9, 10), at(9, 10), customer_id="new", email=email)


def spellings() -> Iterator[Told]:
    for number, email in enumerate(
        [
            " Ann.Doe@GMail.com",
            "anndoe+shop@googlemail.com",
            "anndoe@gmail.com",
        ]
    ):
        yield login(at(2, number), user_id=f"spelling-{number}", email=email)
    yield login(at(2), user_id="no-email-1", email="n/a")
    yield login(at(2), user_id="no-email-2", email="n/a")
    yield login(at(2), email="n/a")


def late_version() -> Iterator[Told]:
    """A record of old whose email was written on the eve of the order only."""
    yield viewed(at(2), email="late@version.example")
    yield record(
        "crm/contacts",
        at(1),
        at(20, 8),
        crm_id="late",
        email="late@version.example",
    )


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """All cases in one shop with rules of its own, built before the order's day."""
    folder = tmp_path_factory.mktemp("identity")
    shop = Shop(folder, copy_project(folder / "project"))
    land(
        shop.landing,
        [
            *merged_and_parted("parted", is_merged=True),
            *merged_and_parted("control", is_merged=False),
            *visitor("buyer", orders=True),
            *visitor("looker", orders=False),
            *chain(),
            *crowded_device(),
            *shared_mailbox(),
            *ring(),
            *changed_hands(),
            *spellings(),
            *late_version(),
        ],
    )
    build(shop, BEFORE_THE_ORDER)
    return shop


@pytest.fixture(scope="module")
def later(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """The same shop a day later."""
    later = shop.copy_to(tmp_path_factory.mktemp("later"))
    build(later, AFTER_THE_ORDER)
    return later


def land(landing: Path, rows: list[Told]) -> None:
    tables: dict[str, list[Row]] = defaultdict(list)
    for number, (table, row) in enumerate(rows):
        named = (
            {} if table.endswith(("customers", "contacts")) else {"event_id": number}
        )
        tables[table].append({**named, **row})
    for table, of_table in tables.items():
        write_file(landing / table / "rows.ndjson", of_table)


def build(shop: Shop, clock: datetime) -> None:
    shop.build(clock.date().isoformat(), *ASSERTED, intent_feeds=FEEDS)


def contact_id(identifier: str) -> str:
    return hashlib.md5(identifier.encode(), usedforsecurity=False).hexdigest()


def contacts(shop: Shop, pattern: str) -> dict[str, str]:
    """Identifier to contact_id at the shop's clock, of the identifiers like it."""
    rows = shop.rows(f"""
        from intent_intermediate.int_contact_identifiers
        select identifier, contact_id
        where regexp_matches(identifier, '{pattern}')
    """)
    return {row["identifier"]: row["contact_id"] for row in rows}


def scores(shop: Shop, identifier: str) -> dict[str, float]:
    """Every sheet's raw score of the contact that the identifier belongs to."""
    rows = shop.rows(f"""
        from contact_scores
        inner join intent_intermediate.int_contact_identifiers using (contact_id)
        select score_model, raw_score
        where identifier = '{identifier}'
    """)
    return {row["score_model"]: row["raw_score"] for row in rows}


def test_merging_and_parting_restores_every_score(shop: Shop) -> None:
    for identifier in ("user_id:{}-account", "email:{}@two.example"):
        parted = scores(shop, identifier.format("parted"))
        assert parted == pytest.approx(
            scores(shop, identifier.format("control")), abs=TOLERANCE, rel=0
        )
        assert any(parted.values())
    assert contacts(shop, "parted") == {
        identifier: contact_id(identifier)
        for identifier in ("user_id:parted-account", "email:parted@two.example")
    }


def test_while_merged_they_were_one(shop: Shop) -> None:
    rows = shop.rows("""
        from intent_intermediate.int_identifier_contacts
        select contact_id, valid_from::varchar as from_day, valid_to::varchar as to_day
        where identifier = 'email:parted@two.example'
        order by valid_from
    """)
    own = contact_id("email:parted@two.example")
    elder = contact_id("user_id:parted-account")
    assert [tuple(row.values()) for row in rows] == [
        (own, "2026-06-01", "2026-06-05"),
        (elder, "2026-06-05", "2026-06-10"),
        (own, "2026-06-10", None),
    ]


def test_an_order_changes_no_score_before_it(shop: Shop, later: Shop) -> None:
    buyer, looker = "email:buyer@one.example", "email:looker@one.example"
    before = scores(shop, buyer)
    assert before == pytest.approx(scores(shop, looker), abs=TOLERANCE, rel=0)
    assert len(set(contacts(shop, "buyer").values())) == 2
    # From then on all that the cookie did counts as well.
    assert len(set(contacts(later, "buyer").values())) == 1
    assert scores(later, buyer)["purchase"] > before["purchase"] + 1


def test_a_chain_of_ten_thousand_is_one_contact(shop: Shop) -> None:
    found = contacts(shop, "chain-")
    assert len(found) == MANY + 1
    assert set(found.values()) == {contact_id("email:chain-0@long.example")}


def test_ten_thousand_people_on_one_device_stay_apart(shop: Shop) -> None:
    found = contacts(shop, "crowd")
    assert len(found) == MANY + 1
    assert all(found[identifier] == contact_id(identifier) for identifier in found)
    # While there was but one, the device was his.
    first = shop.rows("""
        from intent_intermediate.int_identifier_contacts
        select valid_from::varchar as from_day, valid_to::varchar as to_day, contact_id
        where identifier = 'user_id:crowd-0' order by valid_from
    """)
    device, own = contact_id("anonymous_id:crowded"), contact_id("user_id:crowd-0")
    assert [tuple(row.values()) for row in first] == [
        ("2026-06-01", "2026-06-02", device),
        ("2026-06-02", None, own),
    ]


def test_a_mailbox_of_many_joins_nobody(shop: Shop) -> None:
    found = contacts(shop, "team")
    assert len(found) == len(set(found.values())) == 21


def test_a_ring_holds_without_one_of_its_links(shop: Shop) -> None:
    assert len(contacts(shop, "ring")) == 4
    assert len(set(contacts(shop, "ring").values())) == 1


def test_an_email_that_changes_hands_goes_to_its_new_owner(shop: Shop) -> None:
    found = contacts(shop, "hands.example|_id:(old|new)$")
    assert found["email:moved@hands.example"] == found["customer_id:new"]
    assert found["user_id:new"] == found["customer_id:new"]
    assert found["user_id:old"] == found["customer_id:old"]
    assert found["email:kept@hands.example"] == found["customer_id:old"]
    assert found["customer_id:old"] != found["customer_id:new"]


def test_spellings_of_a_mailbox_are_one_and_no_emails_are_none(shop: Shop) -> None:
    found = contacts(shop, "spelling|anndoe")
    assert len(found) == 4
    assert set(found.values()) == {contact_id("email:anndoe@gmail.com")}
    assert len(set(contacts(shop, "no-email").values())) == 2
    reasons = shop.rows("from quarantined_events select reason")
    assert [row["reason"] for row in reasons] == ["malformed_email"]


def test_a_version_links_from_when_it_was_written(shop: Shop, later: Shop) -> None:
    names = {"crm_id:late", "email:late@version.example"}
    assert contacts(shop, "late") == {name: contact_id(name) for name in names}
    assert set(contacts(later, "late").values()) == {contact_id("crm_id:late")}


def test_retired_ids_lead_to_the_kept_one(shop: Shop) -> None:
    rows = shop.rows("from retired_contact_ids")
    kept = {row["retired_contact_id"]: row["contact_id"] for row in rows}
    ring = set(contacts(shop, "ring").values()).pop()
    names = {contact_id(identifier) for identifier in contacts(shop, "ring")}
    assert {kept[name] for name in names - {ring}} == {ring}
    assert ring not in kept
    assert contact_id("user_id:parted-account") not in kept


def test_a_changed_limit_takes_effect_in_a_plain_build(
    later: Shop, tmp_path: Path
) -> None:
    shop = later.copy_to(tmp_path)
    path = shop.project / "seeds" / "feeds" / "identity_limits.csv"
    original = path.read_text()
    try:
        path.write_text(with_limit(original, "email", "customer_id", 20))
        build_identity(shop)
        found = contacts(shop, "team")
        assert set(found.values()) == {contact_id("customer_id:team-0")}
        path.write_text(original)
        build_identity(shop)
        assert contacts(shop, "team") == contacts(later, "team")
    finally:
        path.write_text(original)


def with_limit(text: str, kind: str, linked_kind: str, people: int) -> str:
    rows = list(csv.reader(text.splitlines()))
    changed = [
        [*row[:2], str(people), *row[3:]] if row[:2] == [kind, linked_kind] else row
        for row in rows
    ]
    assert changed != rows
    return "\n".join(",".join(f'"{cell}"' for cell in row) for row in changed) + "\n"


def build_identity(shop: Shop) -> None:
    done = shop.dbt(
        "build",
        *("--select", "identity_limits", "int_shared_identifiers"),
        *("int_identifier_link_periods", "int_identifier_clusters"),
        *("int_identifier_leaders", "int_identifier_contacts"),
        "int_contact_identifiers",
        *("--indirect-selection", "cautious", "--exclude-resource-type", "unit_test"),
        variables={
            "intent_as_of": AFTER_THE_ORDER.date().isoformat(),
            "intent_feeds": FEEDS,
        },
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr
