"""`intent explain`: the numbers of the marts and of past midnights, in words."""

import json
import math
import random
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from functools import cache
from io import StringIO

import pytest
from conftest import DEMO, FEEDS, PROJECT, Shop
from intent.errors import BadInputError, UnavailableError
from intent.explain import explain, print_explanation, resolve
from intent.explain.bands import LOOKBACK_NIGHTS, segment_at, since_when
from intent.explain.explanation import nights_before
from intent.explain.fading import Amount, first_under, leaves_at, score_after
from intent.explain.model import NEVER, Edges, Explanation, Moment, Since
from intent.explain.past import read_past
from intent.explain.plot import plot_scores
from intent.explain.resolve import find_contact
from intent.settings import places
from intent.warehouse import open_warehouse
from reference import read_world, score_world
from reference.world import World
from rich.cells import cell_len
from rich.console import Console

Ask = Callable[..., Explanation]

EDGES = Edges(3.0, 2.7, 1.0, 0.8)
CLOCK = datetime(2026, 7, 1)
NEAR = 1e-9
CHOSEN = """
    with ranked as (
        select
            contacts.contact_id,
            contacts.state,
            contacts.segment,
            scores.raw_score,
            scores.intent_score,
            count(*) as identifiers,
        from contact_intent as contacts
        inner join contact_scores as scores
            on
                contacts.contact_id = scores.contact_id
                and contacts.score_model = scores.score_model
        inner join intent_intermediate.int_contact_identifiers as identifiers
            on contacts.contact_id = identifiers.contact_id
        group by all
    )
    select contact_id from (from ranked order by intent_score desc limit 2)
    union select contact_id
    from (from ranked where segment = 'hot' and intent_score < 3 limit 1)
    union select contact_id
    from (from ranked where segment = 'warm' and intent_score < 1 limit 1)
    union select contact_id
    from (from ranked where segment = 'cold' and intent_score >= 0.8 limit 1)
    union select contact_id from (from ranked order by raw_score limit 1)
    union select contact_id from (from ranked order by identifiers desc limit 1)
    union select contact_id from (from ranked where state = 'never_active' limit 1)
"""
"""Contacts of all kinds: the hottest, those between edges, angry ones, known well."""


@pytest.fixture(scope="module")
def ask(demo_shop: Shop) -> Iterator[Ask]:
    """Explains contacts of the demo shop, as the command does."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in demo_shop.environment.items():
            patch.setenv(name, value)
        place = places()

        @cache
        def explained(
            contact: str, day: date | None = None, sheet: str = "purchase"
        ) -> Explanation:
            return explain(place, contact, day, sheet)

        yield explained


@pytest.fixture(scope="module")
def chosen(demo_shop: Shop) -> list[str]:
    found = [row["contact_id"] for row in demo_shop.rows(CHOSEN)]
    assert len(found) >= 7
    return found


@pytest.fixture(scope="module")
def world(demo_shop: Shop) -> World:
    return read_world(demo_shop.landing, PROJECT / "seeds", FEEDS)


def test_at_the_clock_of_the_build_all_is_as_the_marts_have_it(
    demo_shop: Shop, ask: Ask, chosen: list[str]
) -> None:
    for contact_id in chosen:
        explained = ask(contact_id)
        [contact] = demo_shop.rows(
            f"from contact_intent where contact_id = '{contact_id}'"
        )
        assert explained.is_live
        assert explained.as_of == contact["as_of"]
        for name in ("intent_score", "segment", "state", "buying_stage"):
            assert getattr(explained, name) == contact[name]
        for name in ("hot_until", "warm_until"):
            assert getattr(explained, name) == contact[name]
        assert (explained.fit.score, explained.fit.grade) == (
            contact["fit_score"],
            contact["fit_grade"],
        )
        assert [each.product_category for each in explained.interests or ()][:1] == [
            each for each in [contact["top_interest"]] if each
        ]
        drivers = demo_shop.rows(
            "from contact_intent_drivers where score_model = 'purchase' "
            f"and contact_id = '{contact_id}' order by driver_rank"
        )
        assert [each.activity for each in explained.drivers] == [
            row["activity"] for row in drivers
        ]
        for driver, row in zip(explained.drivers, drivers, strict=True):
            for name in ("activity_count", "last_at", "decayed_amount", "contribution"):
                assert getattr(driver, name) == row[name]


def test_the_parts_add_up_to_the_score(ask: Ask, chosen: list[str]) -> None:
    for contact_id in chosen:
        for sheet in ("purchase", "loyalty"):
            explained = ask(contact_id, sheet=sheet)
            parts = math.fsum(driver.contribution for driver in explained.drivers)
            assert parts == pytest.approx(explained.intent_score, abs=NEAR)
            for driver in explained.drivers:
                rule = driver.rule
                assert rule.points * driver.decayed_amount >= 0
                assert abs(driver.activity_score) <= (rule.cap or math.inf)


def test_worked_out_anew_the_clock_gives_what_the_marts_say(
    ask: Ask, chosen: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The way of past midnights, at the clock of the build."""
    for sheet in ("purchase", "loyalty"):
        told = [ask(each, sheet=sheet) for each in chosen]
        with monkeypatch.context() as patch:
            patch.setattr("intent.explain.explanation.read_live", read_past)
            anew = [explain(places(), each, None, sheet) for each in chosen]
        for live, past in zip(told, anew, strict=True):
            assert not past.is_live
            assert past.intent_score == pytest.approx(live.intent_score, abs=NEAR)
            assert past.segment == live.segment
            assert past.state == live.state
            assert past.buying_stage == live.buying_stage
            assert past.fit.score == pytest.approx(live.fit.score, abs=NEAR)
            assert past.fit.grade == live.fit.grade
            assert past.fit.known_share == pytest.approx(live.fit.known_share, abs=NEAR)
            assert [(each.attribute, each.value) for each in past.fit.drivers] == [
                (each.attribute, each.value) for each in live.fit.drivers
            ]
            assert (past.hot_until, past.warm_until) == (
                live.hot_until,
                live.warm_until,
            )
            assert [each.segment for each in past.past] == [
                each.segment for each in live.past
            ]
            assert len(past.drivers) == len(live.drivers)
            for one, other in zip(past.drivers, live.drivers, strict=True):
                assert (one.activity, one.rule, one.activity_count, one.last_at) == (
                    other.activity,
                    other.rule,
                    other.activity_count,
                    other.last_at,
                )
                assert one.contribution == pytest.approx(other.contribution, abs=NEAR)
                assert one.decayed_amount == pytest.approx(
                    other.decayed_amount, abs=NEAR
                )


@pytest.mark.parametrize(
    ("day", "sheet"), [(date(2026, 4, 15), "loyalty"), (date(2026, 6, 20), "purchase")]
)
def test_past_midnights_agree_with_the_reference(
    world: World, ask: Ask, chosen: list[str], day: date, sheet: str
) -> None:
    at = datetime(day.year, day.month, day.day)
    expected = score_world(world, at)
    by_id = {each.contact_id: key for key, each in expected.contacts.items()}
    known = [each for each in chosen if each in by_id]
    assert len(known) >= 4
    for contact_id in known:
        key = by_id[contact_id]
        info, profile = expected.contacts[key], expected.profiles[key]
        explained = ask(contact_id, day, sheet)
        score = expected.scores[key, sheet]
        assert explained.intent_score == pytest.approx(score.intent_score, abs=NEAR)
        assert explained.raw_score == pytest.approx(score.raw_score, abs=NEAR)
        assert {
            each.activity: (each.activity_count, each.last_at)
            for each in explained.drivers
        } == {
            activity: (driver.activity_count, driver.last_at)
            for (owner, model, activity), driver in expected.drivers.items()
            if (owner, model) == (key, sheet)
        }
        for driver in explained.drivers:
            assert driver.contribution == pytest.approx(
                expected.drivers[key, sheet, driver.activity].contribution,
                abs=NEAR,
            )
        assert explained.state == info.state
        assert explained.buying_stage == profile.stage
        assert explained.fit.score == pytest.approx(profile.fit.score, abs=NEAR)
        assert explained.fit.grade == profile.fit.grade
        assert sum(explained.identifiers.values()) == len(info.members)
        [then] = [each for each in ask(contact_id, None, sheet).past if each.at == at]
        assert then.intent_score == pytest.approx(score.intent_score, abs=NEAR)


def test_any_of_its_names_leads_to_a_contact(demo_shop: Shop) -> None:
    [row] = demo_shop.rows(
        "select contact_id, email, list(identifier) as identifiers"
        " from contact_intent"
        " inner join intent_intermediate.int_contact_identifiers using (contact_id)"
        " where intent_score > 1 and email is not null group by all"
        " order by count(*) desc limit 1"
    )
    for name in (
        row["contact_id"],
        row["contact_id"][:12].upper(),
        f" {row['email'].upper()} ",
        *row["identifiers"],
        *(each.partition(":")[2] for each in row["identifiers"]),
    ):
        with open_warehouse(demo_shop.warehouse) as connection:
            found = find_contact(connection, name, CLOCK)
        assert (found.contact_id, found.goes_by_another_id) == (
            row["contact_id"],
            False,
        ), name


def test_a_retired_id_leads_to_the_one_of_now(demo_shop: Shop, ask: Ask) -> None:
    retired = demo_shop.rows(
        "select retired_contact_id, contact_id from retired_contact_ids"
        " inner join contact_scores using (contact_id) limit 1"
    )[0]
    explained = ask(retired["retired_contact_id"])
    assert explained.contact_id == retired["contact_id"]
    assert "goes by this one now" in explained.notes[0]


def test_a_contact_is_explained_as_it_was_by_the_links_of_then(
    demo_shop: Shop, ask: Ask
) -> None:
    """Before two were merged, each was a contact of its own."""
    merged = demo_shop.rows(
        """
        select before.identifier, before.contact_id, before.valid_to
        from intent_intermediate.int_identifier_contacts as before
        inner join intent_intermediate.int_contact_identifiers as now_of
            on
                before.identifier = now_of.identifier
                and before.contact_id <> now_of.contact_id
        inner join contact_scores as scores
            on
                now_of.contact_id = scores.contact_id
                and scores.score_model = 'purchase'
        where
            before.identifier not like 'anonymous_id:%'
            and before.valid_to > before.valid_from
        limit 1
        """
    )[0]
    day = merged["valid_to"]
    then = ask(merged["identifier"], date(day.year, day.month, day.day))
    assert then.contact_id == merged["contact_id"]
    today = ask(merged["identifier"])
    assert today.contact_id != then.contact_id
    assert any(f"Today it goes by {today.contact_id}" in note for note in then.notes)


SECRET = "nobody.knows@example.net"


@pytest.mark.parametrize(
    "typed",
    [SECRET, "0123456789abcdef", "customer_id:none such", "secret", "fax:1", "phone:x"],
)
def test_whom_nobody_knows_is_not_repeated(ask: Ask, typed: str) -> None:
    with pytest.raises(BadInputError) as caught:
        ask(typed)
    assert typed not in str(caught.value)
    assert "Give a contact_id" in str(caught.value) or "is none" in str(caught.value)


def test_several_contacts_are_told_by_their_ids(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resolve, "LEAST_OF_ID", 1)
    with pytest.raises(
        BadInputError,
        match=r"fits \d+ contacts: (a[0-9a-f]{31},? ){5}and \d+ more\. Give",
    ):
        ask("a")


def test_who_objected_and_who_is_no_contact_yet_are_not_explained(
    demo_shop: Shop, ask: Ask
) -> None:
    suppressed = demo_shop.value(
        "select contact_id from contact_intent where state = 'suppressed' limit 1"
    )
    for day in (None, date(2026, 6, 1)):
        with pytest.raises(BadInputError, match="objected to profiling"):
            ask(suppressed, day)
    visitor = demo_shop.value(
        "select identifier from intent_intermediate.int_contact_identifiers"
        " anti join intent_intermediate.int_contacts using (contact_id) limit 1"
    )
    with pytest.raises(BadInputError, match="visitor"):
        ask(visitor)
    newest = demo_shop.rows(
        "select contact_id, cast(first_seen_at as date) as day"
        " from intent_intermediate.int_contacts where not is_suppressed"
        " order by first_seen_at desc limit 1"
    )[0]
    with pytest.raises(BadInputError, match=f"known since {newest['day']}"):
        ask(newest["contact_id"], newest["day"])


def test_clocks_and_sheets_that_there_are_not(ask: Ask, chosen: list[str]) -> None:
    with pytest.raises(BadInputError, match="after the clock of the last build"):
        ask(chosen[0], DEMO.until + timedelta(days=1))
    with pytest.raises(BadInputError, match="known since"):
        ask(chosen[0], date(1969, 1, 1))
    with pytest.raises(BadInputError, match=r"There are: purchase, loyalty, sample\."):
        ask(chosen[0], sheet="surprise")


def test_the_command_prints_it(demo_shop: Shop) -> None:
    [row] = demo_shop.rows(
        "from contact_intent where email is not null order by intent_score desc limit 1"
    )
    done = demo_shop.intent("explain", row["email"], "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert list(told) == [
        *("contact_id", "as_of", "is_live", "notes", "sheet", "raw_score"),
        *("intent_score", "segment", "segment_since", "state", "hot_until"),
        *("warm_until", "drivers", "past", "future", "buying_stage", "fit"),
        *("interests", "next_step", "identifiers"),
    ]
    assert told["contact_id"] == row["contact_id"]
    assert told["intent_score"] == row["intent_score"]
    assert len(told["past"]) == LOOKBACK_NIGHTS + 1
    assert len(told["future"]) == 30
    assert set(told["drivers"][0]["rule"]) >= {"points", "half_life_days", "cap"}
    assert row["email"] not in done.stdout + done.stderr

    done = demo_shop.intent("explain", row["contact_id"], "--as-of", "2026-6-31")
    assert done.returncode == 3
    assert done.stderr.startswith("Error: --as-of: '2026-6-31' is no day")


def test_it_fits_into_80_columns(ask: Ask, chosen: list[str]) -> None:
    for contact_id in chosen:
        for sheet in ("purchase", "loyalty"):
            explained = ask(contact_id, sheet=sheet)
            console = Console(width=80, file=StringIO())
            with console.capture() as captured:
                print_explanation(explained, console)
            text = captured.get()
            lines = text.splitlines()
            assert all(cell_len(line) <= 80 for line in lines)
            assert "…" not in text
            assert "\x1b" not in text
            assert f"\n{explained.intent_score:.2f} " in text
            for driver in explained.drivers:
                if abs(driver.contribution) < 0.005:
                    continue
                row, rule = (
                    each for each in lines if each.startswith(f"{driver.activity} ")
                )
                assert f" {driver.contribution:+.2f} " in row
                assert f" {driver.rule.points:g} " in rule


def test_without_a_warehouse_it_says_what_to_do(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in shop.environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UnavailableError, match="intent build"):
        explain(places(), "0123456789", None, None)


# ------------------------------------------------------------------------- pure parts


@pytest.mark.parametrize(
    ("scores", "segment"),
    [
        ([2.8], "warm"),
        ([3.0, 2.8], "hot"),
        ([2.9999999999], "hot"),
        ([3.0, 2.69, 2.8], "warm"),
        ([None, 0.9], "cold"),
        ([3.0, 0.9], "warm"),
        ([3.0, 0.79, 0.9], "cold"),
        ([], "cold"),
    ],
)
def test_a_band_is_entered_and_left_at_two_edges(
    scores: list[float | None], segment: str
) -> None:
    assert segment_at(scores, EDGES) == segment


def test_since_when_is_the_first_of_an_unbroken_run() -> None:
    days = [datetime(2026, 1, day) for day in range(1, 5)]

    def moments(*segments: str | None) -> list[Moment]:
        return [Moment(*each) for each in zip(days, [1.0] * 4, segments, strict=True)]

    assert since_when(moments("hot", "cold", "hot", "hot")) == Since(days[2], False)
    assert since_when(moments(None, "hot", "hot", "hot")) == Since(days[1], False)
    assert since_when(moments(*["hot"] * 4)) == Since(days[0], or_earlier=True)


def test_the_midnights_before_a_clock() -> None:
    assert nights_before(CLOCK)[-1] == datetime(2026, 6, 30)
    assert nights_before(CLOCK + timedelta(hours=9))[-1] == CLOCK
    assert len(nights_before(CLOCK)) == 2 * LOOKBACK_NIGHTS


def test_a_score_leaves_its_band_in_the_first_minute_under_the_edge() -> None:
    draw = random.Random(4)  # noqa: S311
    left = 0
    for _ in range(30):
        amounts = [
            Amount(
                points=draw.uniform(-6, 9),
                half_life_days=draw.uniform(0.02, 0.6),
                cap=draw.choice([None, 8.0]),
                cap_group=draw.choice(["a", "b"]),
                group_cap=7.0,
            )
            for _ in range(4)
        ]
        day = 24 * 60
        found = first_under(amounts, 5, 0.8, 0, 16**3)
        slow = next(
            (
                minute
                for minute in range(1, 3 * day)
                if score_after(amounts, 5, minute) < 0.8
            ),
            None,
        )
        if slow is not None and slow < 16**3:
            assert found == slow
            left += slow > 1
    assert left > 5


def test_what_never_fades_never_leaves() -> None:
    amount = Amount(9, None, None, "a", None)
    assert leaves_at([amount], 10, 2.7, CLOCK) == NEVER
    assert leaves_at([], 10, 0, CLOCK) == NEVER


def test_the_plot_shows_the_past_the_future_and_the_edges() -> None:
    past = [Moment(CLOCK - timedelta(days=90 - n), n / 25, "warm") for n in range(91)]
    future = [Moment(CLOCK + timedelta(days=n), 3 - n / 10) for n in range(1, 31)]
    lines = [line.plain for line in plot_scores(past, future, EDGES)]
    assert len(lines) == 9
    assert max(len(line) for line in lines) <= 80
    assert any(line.startswith("  hot 3.0 ┈") for line in lines)
    assert "2026-04-02" in lines[-1]
    assert lines[-1].rstrip().endswith("07-31")
    dots = [{n for n, sign in enumerate(line) if ord(sign) > 0x2800} for line in lines]
    # Every day of the past has a dot; a third of those ahead have none.
    assert set(range(10, 56)) <= set().union(*dots)


def test_of_an_unknown_past_there_is_no_line() -> None:
    past = [Moment(CLOCK - timedelta(days=90 - n), None) for n in range(90)]
    lines = plot_scores([*past, Moment(CLOCK, 1.0, "warm")], [Moment(CLOCK, 1)], EDGES)
    assert all("⣀" not in line.plain[10:50] for line in lines[:-1])
