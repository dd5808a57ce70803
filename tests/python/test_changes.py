"""What changed between two clocks, in a shop in which everything changes.

What is told comes in three heaps: what is known at the earlier clock, what happened
since, and what was learned of earlier things since. The warehouse is built with the
first, and then with all of them and other rules. The reference scores the way between
the clocks from the same heaps, with and without each.
"""

import json
import shutil
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from conftest import Shop, copy_project
from intent.diff.model import Clock
from intent.diff.tables import set_changes, set_clocks, set_everyone
from intent.warehouse import open_warehouse
from reference import read_world
from reference.changes import PARTS, Change, Way, changes
from reference.hand_made import Row, write_file
from reference.score import contact_id_of
from reference.world import World

FEEDS = ["web", "shop"]
FIRST = datetime(2026, 3, 1)
BEFORE = datetime(2026, 5, 1)
AFTER = datetime(2026, 5, 8)
BUILT_AT = BEFORE + timedelta(hours=5)
"""What had come by then, the build as of the earlier clock knows."""
LEARNED = BEFORE + timedelta(days=2, hours=9)
WORLDS = 60
TABLES = {
    "view": ("web", "events"),
    "cart": ("web", "events"),
    "identify": ("web", "identifies"),
    "order": ("shop", "orders"),
    "return": ("shop", "returns"),
}
EVENT_NAMES = {"view": "Product Viewed", "cart": "Product Added"}
SHEETS = ("purchase", "loyalty", "sample", "trial")


def day(number: float) -> datetime:
    """So many days after the earlier clock, or before it."""
    return BEFORE + timedelta(days=number)


@dataclass
class Told:
    """The three heaps of rows: (feed, table) and row."""

    known: list[tuple[tuple[str, str], Row]] = field(default_factory=list)
    news: list[tuple[tuple[str, str], Row]] = field(default_factory=list)
    learned: list[tuple[tuple[str, str], Row]] = field(default_factory=list)
    numbers: int = 0

    def tell(self, kind: str, at: datetime, *, late: bool = False, **given: Any) -> str:
        """Put a row on the heap it belongs to; return the id it was given."""
        self.numbers += 1
        cells = {"key": f"{kind}{self.numbers}", "of_effect": at, **given}
        key, of_effect = cells.pop("key"), cells.pop("of_effect")
        received_at = at + timedelta(seconds=5)
        if late or of_effect > at:
            received_at = max(LEARNED, of_effect) + timedelta(seconds=self.numbers)
        row = {**own_cells(kind, key, at), **cells, "received_at": received_at}
        heap = self.known
        if received_at > BUILT_AT:
            heap = self.learned if of_effect < BEFORE else self.news
        heap.append((TABLES[kind], row))
        return str(key)


def own_cells(kind: str, key: str, at: datetime) -> dict[str, object]:
    """The cells that rows of a kind have besides those of whom they tell."""
    if kind == "order":
        return {"order_id": key, "ordered_at": at, "updated_at": at}
    if kind == "return":
        return {"return_id": key, "returned_at": at, "is_full_return": "true"}
    cells: dict[str, object] = {"event_id": key, "event_time": at}
    return {**cells, "event_name": EVENT_NAMES[kind]} if kind != "identify" else cells


def tell_of_single_causes(told: Told) -> None:
    """People to whom one thing happens each, and one to whom all of it does."""
    for name in ("late", "all"):
        told.tell("view", day(-9), user_id=name)
        told.tell("cart", day(-3), user_id=name, late=True)
    told.tell("view", day(-3), user_id="all", late=True)
    for name in ("news", "all"):
        told.tell("cart", day(-2), user_id=name)
        told.tell("identify", day(-8), user_id=name, email=f"{name}@x.example")
        told.tell("order", day(3), email=f"{name}@x.example")
        told.tell("cart", day(4), user_id=name)
    for name in ("linked", "all"):
        told.tell("view", day(-5), user_id=name)
        told.tell("cart", day(-4), anonymous_id=f"cookie of {name}")
        told.tell("view", day(1), anonymous_id=f"cookie of {name}")
        told.tell("identify", day(2), user_id=name, anonymous_id=f"cookie of {name}")
    for name in ("returned", "all"):
        told.tell("order", day(-6), customer_id=name, key=f"o {name}")
        told.tell("return", day(2), customer_id=name, order_id=f"o {name}")
    told.tell("identify", day(-12), user_id="all", email="all@x.example")
    told.tell(
        "order", day(-12), customer_id="all", email="all@x.example", key="o joins all"
    )


def tell_of_hard_cases(told: Told) -> None:
    """What is easily taken for something else."""
    order: dict[str, Any] = {"customer_id": "cancelled since", "key": "o since"}
    told.tell("order", day(-20), **order)
    told.tell(
        "order",
        day(-20),
        **order,
        updated_at=day(4),
        cancelled_at=day(4),
        of_effect=day(4),
    )
    order = {"customer_id": "cancelled before", "key": "o before"}
    told.tell("order", day(-20), **order)
    told.tell(
        "order", day(-20), **order, updated_at=day(4), cancelled_at=day(-4), late=True
    )
    told.tell("order", day(-7), customer_id="wrong customer", key="o moved")
    told.tell(
        "order",
        day(-7),
        customer_id="right customer",
        key="o moved",
        updated_at=day(2),
        late=True,
    )
    # It is the eldest, so the contact goes by the visitor's id, once there is one.
    told.tell("cart", day(-6), anonymous_id="a visitor")
    told.tell("cart", day(1), anonymous_id="a visitor")
    told.tell("identify", day(2), user_id="registered", anonymous_id="a visitor")
    told.tell("cart", day(2), user_id="newcomer")
    told.tell("identify", day(2), user_id="newcomer", anonymous_id="a new cookie")
    told.tell("view", day(1), anonymous_id="a new cookie")
    for name in ("merged", "absorbed"):
        told.tell("cart", day(-9 if name == "merged" else -8), user_id=name)
    for name in ("merged", "absorbed"):
        told.tell("identify", day(5), user_id=name, email="both@x.example")
    told.tell("view", day(-8), anonymous_id="cookie linked late")
    told.tell("view", day(-7), user_id="linked late")
    told.tell(
        "identify",
        day(-6),
        user_id="linked late",
        anonymous_id="cookie linked late",
        late=True,
    )
    # Their next order is due between the clocks. One was told with a wrong amount.
    for name in ("regular", "dearer than told"):
        for number in range(5):
            order = {"customer_id": name, "key": f"o {name} {number}"}
            order = {**order, "currency": "EUR", "order_total": 20}
            told.tell("order", day(-49.5 + 10 * number), **order)
    order = {**order, "order_total": 60, "updated_at": day(2)}
    told.tell("order", day(-9.5), **order, late=True)


def tell_of_random_people(told: Told) -> None:
    """Small worlds, each with names of its own."""
    rng = Random(5)  # noqa: S311 - no secret
    for world in range(WORLDS):
        users = [f"w{world}u{number}" for number in range(2)]
        cookies = [f"w{world}c{number}" for number in range(2)]
        emails = [f"w{world}.{number}@x.example" for number in range(2)]
        for number in rng.sample(range(-40, 14), rng.randint(4, 14)):
            at = day(number / 2 + rng.random() / 3)
            late = at < BEFORE and rng.random() < 0.3
            kind = rng.choice([*TABLES, "view", "cart", "order"])
            email = {"email": rng.choice(emails)}
            if kind in EVENT_NAMES:
                who = rng.choice([email, {"user_id": rng.choice(users)}, {}, {}])
                cookie = {} if "email" in who else {"anonymous_id": rng.choice(cookies)}
                told.tell(kind, at, late=late, **who, **cookie)
            elif kind == "identify":
                pair = [
                    {"user_id": rng.choice(users)},
                    email,
                    {"anonymous_id": rng.choice(cookies)},
                ]
                first, second = rng.sample(pair, 2)
                told.tell(kind, at, late=late, **first, **second)
            else:
                tell_of_order(told, rng, at, email, late=late)


def tell_of_order(
    told: Told, rng: Random, at: datetime, email: Mapping[str, str], *, late: bool
) -> None:
    """An order that stands, is cancelled or comes back; told at once or late."""
    key = told.tell("order", at, late=late, **email)
    ends_at = at + timedelta(days=rng.randint(1, 12))
    if ends_at >= AFTER or rng.random() < 0.4:
        return
    told_late = ends_at < BEFORE and (late or rng.random() < 0.4)
    # The news that an order is cancelled would tell that there was one.
    if rng.random() < 0.5 or (late and not told_late):
        told.tell("return", ends_at, late=told_late, order_id=key, **email)
    elif ends_at >= BEFORE or told_late:
        told.tell(
            "order",
            at,
            key=key,
            updated_at=ends_at + timedelta(hours=1),
            cancelled_at=ends_at,
            late=told_late,
            of_effect=max(at, ends_at),
            **email,
        )


def land(landing: Path, rows: list[tuple[tuple[str, str], Row]], name: str) -> None:
    tables: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for table, row in rows:
        tables[table].append(row)
    for (feed, table_name), of_table in tables.items():
        write_file(landing / feed / table_name / f"{name}.ndjson", of_table)


def set_rules(seeds: Path, changed: bool) -> None:
    """Orders of a higher value count at both clocks; at the later much is different."""
    rules = seeds / "rules" / "activity_rules.csv"
    text = rules.read_text().replace(
        "purchase,order_value_risen,,0,", "purchase,order_value_risen,,2,"
    )
    if changed:
        text = text.replace("purchase,cart_added,,2,", "purchase,cart_added,,3,")
        text += "trial,product_viewed,,2,7,,,,true,\n"
        sheets = rules.with_name("score_models.csv")
        sheets.write_text(
            sheets.read_text()
            .replace("loyalty,active,false,20", "loyalty,active,false,15")
            .replace("sample,draft", "sample,archived")
            + "trial,draft,false,10,\n"
        )
        bands = rules.with_name("score_bands.csv")
        bands.write_text(
            bands.read_text()
            + "trial,hot,3,2.7,1\ntrial,warm,1,0.8,2\ntrial,cold,0,0,3\n"
        )
    rules.write_text(text)


@dataclass
class Changed:
    """The shop, and the worlds that the reference reads of its rows."""

    shop: Shop
    known: World
    with_news: World
    all: World
    """By the rules of the later clock, as `known` is by those of the earlier."""
    told_of_all: dict[str, Any]
    """By the command, of everyone between the two clocks."""


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Changed:
    folder = tmp_path_factory.mktemp("changes")
    shop = Shop(folder / "shop", copy_project(folder / "project"))
    told = Told()
    for tell in (tell_of_single_causes, tell_of_hard_cases, tell_of_random_people):
        tell(told)
    seeds = shop.project / "seeds"
    options = ("--exclude-resource-type", "test")

    set_rules(seeds, changed=False)
    land(shop.landing, told.known, "known")
    shutil.copytree(shop.landing, folder / "news")
    shop.build(f"{BEFORE:%Y-%m-%d}", *options, intent_feeds=FEEDS)
    known = read_world(shop.landing, seeds, FEEDS)

    land(folder / "news", told.news, "news")
    land(shop.landing, told.news + told.learned, "rest")
    with_news = read_world(folder / "news", seeds, FEEDS)
    set_rules(seeds, changed=True)
    shop.build(f"{AFTER:%Y-%m-%d}", *options, intent_feeds=FEEDS)
    everything = read_world(shop.landing, seeds, FEEDS)
    told_of_all = told_by(shop, "--from", f"{BEFORE:%Y-%m-%d}")
    return Changed(shop, known, with_news, everything, told_of_all)


def told_by(shop: Shop, *arguments: str) -> dict[str, Any]:
    """What `intent diff` tells."""
    done = shop.intent("diff", *arguments, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def way_of(changed: Changed, before: datetime, after: datetime) -> Way:
    """The way between two clocks, of which BEFORE and AFTER were lived."""
    known, everything = changed.known, changed.all
    knows_all = after != BEFORE
    earlier = known if BEFORE in (before, after) else everything
    return Way(
        before=before,
        after=after,
        earlier=earlier,
        with_news=changed.with_news if before == BEFORE else earlier,
        later=everything if knows_all else known,
        links=everything,
        sheets_before=earlier.sheets,
        sheets_after=(everything if knows_all else known).sheets,
        said_before=known if before == BEFORE else None,
        said_after={BEFORE: known, AFTER: everything}.get(after),
    )


Found = dict[tuple[str, str], Change]


@pytest.fixture(scope="module")
def lived(changed: Changed) -> Found:
    """What is worked out between the two clocks that were lived."""
    return found_between(changed, BEFORE, AFTER)


def change_in(row: Mapping[str, Any]) -> Change:
    return Change(
        row["score_from"], row["score_to"], {part: row[part] for part in PARTS}
    )


def found_between(changed: Changed, before: datetime, after: datetime) -> Found:
    """What `intent diff` works out for everyone, between two clocks."""
    with open_warehouse(changed.shop.warehouse) as connection:
        later = clock_of(after)
        earlier = clock_of(before)
        if before != BEFORE:
            earlier = replace(earlier, rule_version=later.rule_version)
        clocks = (earlier, later)
        set_everyone(connection, *clocks)
        set_clocks(connection, *clocks)
        [query] = changed.shop.folder.rglob("compiled/**/diffed_changes.sql")
        found: Found = {}
        for sheet in SHEETS:
            set_changes(connection, query.read_text(), sheet)
            cursor = connection.execute("from changes")
            names = [column[0] for column in cursor.description or ()]
            for values in cursor.fetchall():
                row = dict(zip(names, values, strict=True))
                found[row["contact_id"], sheet] = change_in(row)
        return found


def clock_of(at: datetime) -> Clock:
    """A clock as the two builds left it behind."""
    if at == BEFORE:
        return Clock(at, False, "lived", BUILT_AT, 1)
    return Clock(at, at == AFTER, None, None, 2)


def differences(found: Found, expected: Found) -> Iterator[str]:
    """All that is not as expected, in words; who never scored may be left out."""
    for key in sorted(found.keys() | expected.keys()):
        one, other = found.get(key), expected.get(key)
        if one is None and other is not None:
            if max(map(abs, (*other.parts.values(), other.score_from))) > 0:
                yield f"{key} is missing: {other}"
        elif other is None and one is not None:
            if max(map(abs, (*one.parts.values(), one.score_from))) > 0:
                yield f"{key} is too many: {one}"
        elif one is not None and other is not None:
            for name, value in numbers(one).items():
                if value != pytest.approx(numbers(other)[name], abs=1e-9):
                    yield f"{key}, {name}: {value}, not {numbers(other)[name]}"


def numbers(change: Change) -> dict[str, float]:
    return {"from": change.score_from, "to": change.score_to, **change.parts}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(BEFORE, AFTER, id="both lived"),
        pytest.param(BEFORE, day(4), id="the earlier lived"),
        pytest.param(day(-3), BEFORE, id="the later lived"),
        pytest.param(day(-3), day(4), id="none lived"),
    ],
)
def test_each_part_is_what_the_reference_says(
    changed: Changed, before: datetime, after: datetime
) -> None:
    expected = changes(way_of(changed, before, after))
    found = found_between(changed, before, after)
    assert list(differences(found, expected)) == []
    for change in found.values():
        total = sum(change.parts.values())
        assert total == pytest.approx(change.score_to - change.score_from, abs=1e-9)
    if before != BEFORE:
        assert not any(change.parts["rules"] for change in found.values())


CAUSES = {
    "user_id:late": {"corrections": 1, "rules": 1},
    "email:news@x.example": {"new_activity": 1, "rules": 1},
    "user_id:linked": {"identity": 1, "rules": 1},
    "customer_id:returned": {"new_activity": -1},
    "customer_id:all": {
        "new_activity": -1,
        "corrections": 1,
        "identity": 1,
        "rules": 1,
    },
    "customer_id:cancelled since": {"new_activity": -1},
    "customer_id:cancelled before": {"corrections": -1},
    "customer_id:wrong customer": {"corrections": -1},
    "customer_id:right customer": {"decay": 0, "corrections": 1},
    "anonymous_id:a visitor": {"decay": 0, "identity": 1, "rules": 1},
    "anonymous_id:a new cookie": {"decay": 0, "new_activity": 1, "rules": 1},
    "user_id:merged": {"identity": 1, "rules": 1},
    "user_id:absorbed": {"identity": -1},
    "user_id:linked late": {"decay": 0, "corrections": -1},
    "anonymous_id:cookie linked late": {"corrections": 1},
    "customer_id:regular": {"decay": 1},
    "customer_id:dearer than told": {"decay": 1, "corrections": 1},
}
"""The sign of each part in the sheet `purchase`: if not named, 0, and -1 of decay."""


@pytest.mark.parametrize("contact", CAUSES)
def test_what_happens_shows_in_its_own_part(lived: Found, contact: str) -> None:
    parts = lived[contact_id_of(contact), "purchase"].parts
    signs = {part: (points > 1e-9) - (points < -1e-9) for part, points in parts.items()}
    assert signs == {**dict.fromkeys(PARTS, 0), "decay": -1, **CAUSES[contact]}


def test_the_mart_tells_the_same_of_the_last_week(
    changed: Changed, lived: Found
) -> None:
    rows = changed.shop.rows("from contact_intent_changes")
    assert len(rows) > 300
    in_mart = {(row["contact_id"], row["score_model"]): change_in(row) for row in rows}
    assert list(differences(in_mart, {key: lived[key] for key in in_mart})) == []
    contacts = changed.shop.rows("select contact_id from contact_intent")
    assert {row["contact_id"] for row in contacts} == {key[0] for key in in_mart}


def test_the_command_tells_the_same_of_everyone(changed: Changed, lived: Found) -> None:
    of_sheet = [each for (_, sheet), each in lived.items() if sheet == "purchase"]
    told = changed.told_of_all
    assert told["contacts"] == len(of_sheet)
    for part in told["parts"]:
        total = sum(change.parts[part["part"]] for change in of_sheet)
        assert part["total"] == pytest.approx(total, abs=1e-9)
    assert sum(each["raised"] + each["lowered"] for each in told["parts"]) == (
        sum(abs(each.score_to - each.score_from) >= 0.005 for each in of_sheet)
    )
    assert told["comparison"]["rule_changes"] == [
        {"subject": "purchase, cart_added", "change": "points 2 -> 3"}
    ]


def test_the_command_moves_each_contact_from_its_segment_to_its_new_one(
    changed: Changed,
) -> None:
    told = changed.told_of_all
    counts = {
        (each["from_segment"], each["to_segment"]): each["contacts"]
        for each in told["movements"]
    }
    assert sum(counts.values()) == told["contacts"]
    assert {None, "cold", "warm"} <= {was for was, _ in counts}
    assert any(now is None for _, now in counts)
    # Whom one learned of later, was cold then: the history counted no such contact.
    then = f"""
        select segment, contacts from segment_daily
        where
            as_of_date = '{BEFORE}'
            and score_model = 'purchase'
            and segment in ('hot', 'warm')
    """
    now = "select segment, count(*) as contacts from contact_intent group by 1"
    for side, query in ((0, then), (1, now)):
        for row in changed.shop.rows(query):
            found = sum(n for key, n in counts.items() if key[side] == row["segment"])
            assert (row["segment"], found) == (row["segment"], row["contacts"])


def test_the_command_tells_the_same_of_one(changed: Changed, lived: Found) -> None:
    one = told_by(changed.shop, "user_id:merged", "--from", f"{BEFORE:%Y-%m-%d}")
    expected = lived[contact_id_of("user_id:merged"), "purchase"]
    assert one["parts"] == pytest.approx(expected.parts)
    assert one["before"]["intent_score"] == pytest.approx(expected.score_from)
    absorbed = lived[contact_id_of("user_id:absorbed"), "purchase"]
    [other] = one["predecessors"]
    assert other["contact_id"] == contact_id_of("user_id:absorbed")
    assert other["intent_score"] == pytest.approx(absorbed.score_from)
    for clock, score in (("before", expected.score_from), ("after", expected.score_to)):
        parts = sum(each[f"part_{clock}"] for each in one["movers"])
        assert parts == pytest.approx(score)
