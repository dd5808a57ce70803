"""What would make contacts hot, against a search through all that they could do."""

import csv
import shutil
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from conftest import DEMO, FEEDS, PROJECT, Row, Shop, copy_project
from later import DAY, HOUR, MINUTE, Known, all_known, check_cooling, seconds_at
from reference import compare, read_world, score_world
from reference.next_action import Action, actions_to_ask_for, smallest_action
from reference.rules import Sheet, read_feed_rules
from reference.values import midnight_of
from reference.world import World

TOLERANCE = 1e-9
END = datetime(DEMO.until.year, DEMO.until.month, DEMO.until.day)


def expected_actions(
    shop: Shop, world: World, feeds: tuple[str, ...]
) -> dict[str, Action]:
    """Try everything on each contact below hot, by the primary sheet."""
    seeds = shop.project / "seeds"
    asked = actions_to_ask_for(world.own_doings, read_feed_rules(seeds), feeds)
    clock = clock_of(shop)
    below = {
        row["contact_id"]
        for row in shop.rows(
            "from contact_scores where score_model = 'purchase' and segment <> 'hot'"
        )
    }
    found = {}
    for known in all_known(world, clock):
        days = known.done | known.derived
        action = smallest_action(
            days, primary(known, world), asked, int(seconds_at(clock))
        )
        if action is not None and known.contact_id in below:
            found[known.contact_id] = action
    return found


def clock_of(shop: Shop) -> datetime:
    found: datetime = shop.value("select as_of from intent_intermediate.int_clock")
    return found


def primary(known: Known, world: World) -> Sheet:
    [sheet] = [sheet for sheet in known.sheets(world) if sheet.is_primary]
    return sheet


def assert_same(rows: list[Row], expected: dict[str, Action]) -> None:
    found = {row["contact_id"]: row for row in rows}
    assert len(found) == len(rows)
    told = {key: (row["activity"], row["points"]) for key, row in found.items()}
    assert told == {key: action[:2] for key, action in expected.items()}
    for contact, action in expected.items():
        after = found[contact]["intent_score_after"]
        assert abs(after - action.intent_score_after) <= TOLERANCE, contact
        assert found[contact]["intent_score"] < after


# ---------------------------------------------------------------- the demo, at midnight


@pytest.fixture(scope="module")
def world(demo_shop: Shop) -> World:
    return read_world(demo_shop.landing, PROJECT / "seeds", FEEDS)


def test_of_all_that_a_contact_could_do_the_smallest_that_lifts_is_told(
    demo_shop: Shop, world: World
) -> None:
    expected = expected_actions(demo_shop, world, FEEDS)
    assert_same(demo_shop.rows("from next_best_action"), expected)
    assert len({action.activity for action in expected.values()}) > 4


def test_done_for_real_it_makes_the_contact_hot(
    demo_shop: Shop, world: World, tmp_path: Path
) -> None:
    """The raw event in the landing folder, and everything that follows of it."""
    names = {
        activity: name
        for (feed, name), activity in read_feed_rules(
            PROJECT / "seeds"
        ).activities.items()
        if feed == "web"
    }
    members = {known.contact_id: known.members for known in all_known(world, END)}
    actions = {
        row["contact_id"]: row
        for row in demo_shop.rows("from next_best_action")
        if row["activity"] in names
    }
    shop = Shop(tmp_path)
    shutil.copytree(demo_shop.landing, shop.landing)
    lines = ["event_id,event_name,event_time,received_at,user_id,email,anonymous_id"]
    for contact, row in actions.items():
        moment = f"{END:%FT%TZ}"
        identifiers = identifiers_of(members[contact])
        lines.append(
            f"new-{contact},{names[row['activity']]},{moment},{moment},{identifiers}"
        )
    shop.land("web/events", "new.csv", "\n".join(lines) + "\n")
    a_second_later = END + timedelta(seconds=1)
    changed = read_world(shop.landing, PROJECT / "seeds", FEEDS)
    result = score_world(changed, a_second_later)
    scores = {
        info.contact_id: result.scores[key, "purchase"].intent_score
        for key, info in result.contacts.items()
        if info.contact_id in actions
    }
    assert len(scores) > 8
    for contact, row in actions.items():
        # In a second, 0.00001 of the score has faded.
        assert scores[contact] >= row["intent_score_after"] - 1e-4, row
        assert scores[contact] >= 3.0 - 1e-4, row


def identifiers_of(members: tuple[str, ...]) -> str:
    """Return the columns user_id, email, anonymous_id with one of a contact's ids."""
    kinds = ("user_id", "email", "anonymous_id")
    for index, kind in enumerate(kinds):
        for member in members:
            name, _, value = member.partition(":")
            if name == kind:
                columns = ["", "", ""]
                columns[index] = value
                return ",".join(columns)
    raise AssertionError(members)


# --------------------------------------------------------- a day that has begun, at any
# --------------------------------------------------------- moment, by other rules

OWN_FEEDS = ("web", "shop")
OWN_RULES = {
    "purchase,purchase,": "purchase,purchase,,1.5,60,8,3,,true,",
    "purchase,cart_updated,": "purchase,cart_updated,,9,0.1,,,purchase,true,",
    "purchase,subscription_started,": "purchase,subscription_started,,12,100,,,,true,",
    "purchase,complaint_made,": "purchase,complaint_made,,-7,2,,,,true,",
    "purchase,cart_added,": (
        "purchase,cart_added,,2,7,8,5,purchase,true,\n"
        "purchase,cart_added,repeat_customer,3,2,9,4,purchase,true,"
    ),
}
OWN_NAMES = {
    "web,Coupon Applied,": "web,Coupon Applied,subscription_started,",
    "web,Coupon Denied,": "web,Coupon Denied,complaint_made,",
}
BROWSING = (
    "Session Started",
    "Product Viewed",
    "Products Searched",
    "Product Added",
    "Product Added",
    "Checkout Started",
    "Product Added to Wishlist",
    "Form Submitted",
    "Signed In",
    "Newsletter Subscribed",
)
SOMETIMES = ("Coupon Applied", "Coupon Denied")
WEB_COLUMNS = (
    "event_id",
    "event_name",
    "event_time",
    "received_at",
    "user_id",
    "email",
    "anonymous_id",
)
ORDER_COLUMNS = (
    "order_id",
    "customer_id",
    "email",
    "ordered_at",
    "updated_at",
    "received_at",
)
DIPPING = "dips"
PEOPLE = 250


def change_seed(file: Path, changes: dict[str, str]) -> None:
    lines = file.read_text(encoding="utf-8").splitlines()
    for start, line in changes.items():
        [index] = [i for i, old in enumerate(lines) if old.startswith(start)]
        lines[index] = line
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")


def random_visits(rng: Random, now: datetime) -> Iterator[tuple[str, datetime, str]]:
    """Yield who (a cookie or an account) did what when, on past days and today."""
    today = min(90 * MINUTE, now - now.replace(hour=0, minute=0, second=0))
    for person in range(PEOPLE):
        user, cookie = f"u{person}", f"a{person}"
        for _ in range(rng.randrange(6)):
            at = now - DAY * rng.uniform(0.1, 12)
            yield rng.choice([user, cookie]), at, rng.choice(BROWSING)
        if rng.random() < 0.1:
            yield user, now - DAY * rng.uniform(0, 40), rng.choice(SOMETIMES)
        favourite = rng.choice(BROWSING)
        for _ in range(rng.choice([0, 2, 4, 8])):
            who = user if rng.random() < 0.8 else cookie
            name = rng.choice([favourite, favourite, rng.choice(BROWSING)])
            yield who, now - today * rng.random(), name


def random_orders(rng: Random, now: datetime) -> Iterator[tuple[str, datetime]]:
    """Yield customers: some once, some in a rhythm that makes the next order due."""
    for person in range(0, PEOPLE, 2):
        rhythm = rng.choice([0, 0, 6, 10])
        if not rhythm:
            yield f"u{person}", now - DAY * rng.uniform(0, 6)
            continue
        last = now - DAY * rhythm * rng.uniform(0.5, 1.8)
        for back in range(5):
            yield f"u{person}", last - back * rhythm * DAY


def write_rows(file: Path, columns: tuple[str, ...], rows: list[list[str]]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", encoding="utf-8", newline="") as opened:
        csv.writer(opened).writerows([columns, *rows])


def write_own_shop(landing: Path, now: datetime) -> None:
    rng = Random(11)  # noqa: S311 - no secret
    events: list[list[str]] = []
    orders: list[list[str]] = []

    def tell(name: str, at: datetime, user: str = "", cookie: str = "") -> None:
        moment = f"{at:%FT%TZ}"
        email = f"{user}@shop.example" if user else ""
        number = f"e{len(events)}"
        events.append([number, name, moment, moment, user, email, cookie])

    for who, at, name in random_visits(rng, now):
        tell(name, at, **{"user" if who.startswith("u") else "cookie": who})
    for person in range(PEOPLE):  # a login, which joins the cookie and the account
        tell("Product Clicked", now - 20 * DAY, f"u{person}", f"a{person}")
    for name in ("Coupon Applied", "Coupon Denied", "Product Removed"):
        tell(name, now - 2 * MINUTE, DIPPING)
    for user, at in random_orders(rng, now):
        moment = f"{at:%FT%TZ}"
        email = f"{user}@shop.example"
        orders.append([f"o{len(orders)}", f"k{user}", email, moment, moment, moment])
    write_rows(landing / "web" / "events" / "all.csv", WEB_COLUMNS, events)
    write_rows(landing / "shop" / "orders" / "all.csv", ORDER_COLUMNS, orders)


@pytest.fixture(scope="module")
def own_shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A shop built now, in the middle of its customers' day."""
    folder = tmp_path_factory.mktemp("today")
    shop = Shop(folder, copy_project(folder / "project"))
    seeds = shop.project / "seeds"
    change_seed(seeds / "rules" / "activity_rules.csv", OWN_RULES)
    change_seed(seeds / "feeds" / "event_names.csv", OWN_NAMES)
    write_own_shop(shop.landing, datetime.now(UTC).replace(tzinfo=None, microsecond=0))
    done = shop.dbt(
        "build",
        "--exclude-resource-type",
        "unit_test",
        variables={"intent_feeds": list(OWN_FEEDS)},
    )
    assert done.returncode == 0, done.stdout[-5000:]
    return shop


@pytest.fixture(scope="module")
def own_world(own_shop: Shop) -> World:
    return read_world(own_shop.landing, own_shop.project / "seeds", OWN_FEEDS)


def test_what_today_holds_is_counted(own_shop: Shop, own_world: World) -> None:
    clock = clock_of(own_shop)
    scores = own_shop.rows("from contact_scores")
    drivers = own_shop.rows("from contact_intent_drivers")
    assert not compare(
        score_world(own_world, clock), scores, drivers, with_segments=False
    )
    expected = expected_actions(own_shop, own_world, OWN_FEEDS)
    assert_same(own_shop.rows("from next_best_action"), expected)
    assert len(expected) > 20
    cases = Counter(cases_of(own_world, expected, clock))
    # In the first minutes of a day, there are too few.
    assert min(cases[case] for case in CASES) > 1 or clock.hour == 0, cases


CASES = ("done today", "at the limit", "discharged", "by an audience", "due")


def cases_of(
    world: World, actions: dict[str, Action], clock: datetime
) -> Iterator[str]:
    """Yield what had to be minded, for each contact that something lifts."""
    at = int(seconds_at(clock))
    for known in all_known(world, clock):
        if known.contact_id not in actions:
            continue
        sheet = primary(known, world)
        for activity, days in known.done.items():
            rule = sheet.rules.get(activity)
            today = [d for d in days if midnight_of(d.last_at) == midnight_of(at)]
            if rule is None or not today:
                continue
            yield "done today"
            if rule.daily_limit and max(d.quantity for d in today) >= rule.daily_limit:
                yield "at the limit"
        if {"cart_added", "checkout_started"} & known.done.keys() and (
            "purchase" in known.done
        ):
            yield "discharged"
        if "repeat_customer" in known.audiences:
            yield "by an audience"
        if "purchase_due" in known.derived:
            yield "due"


def test_a_score_that_falls_and_rises_leaves_its_band_at_its_first_fall(
    own_shop: Shop,
) -> None:
    contacts = check_cooling(own_shop)
    as_of = clock_of(own_shop)
    rising = [
        contact
        for contact in contacts
        if (until := contact.row["hot_until"]) is not None
        and until.year < 9999
        and any(contact.is_in(2.7, until + hour * HOUR) for hour in range(1, 400))
    ]
    assert rising
    # The quick 9 points are gone within hours, the 7 that pull down within days.
    dipping = min(contact.row["hot_until"] for contact in rising)
    assert as_of < dipping < as_of + DAY
    assert sum(contact.has_negative_amounts() for contact in contacts) > 5
