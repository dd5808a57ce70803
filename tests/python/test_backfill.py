"""Which midnights a backfill writes, in which passes, and what it refuses."""

from datetime import date, timedelta

import intent.backfill
import pytest
from conftest import Shop
from intent.backfill import (
    MOST_MIDNIGHTS,
    BackfillRequest,
    Grain,
    Stock,
    parse_day,
    refuse_length,
    refuse_range,
    split,
)
from intent.errors import BadInputError

MAY = date(2026, 5, 1)


def stock(facts: dict[date, int]) -> Stock:
    """A warehouse that was built in the course of the last day of May."""
    return Stock(
        last_midnight=date(2026, 5, 31),
        sheet="purchase",
        fact_days=list(facts),
        fact_counts=list(facts.values()),
        lived=frozenset(),
    )


def month(grain: Grain) -> BackfillRequest:
    return BackfillRequest(MAY, date(2026, 5, 31), grain)


def test_midnights_are_a_day_or_a_week_apart() -> None:
    assert month(Grain.DAY).midnights() == [MAY + timedelta(days=n) for n in range(31)]
    weeks = [date(2026, 5, day) for day in (1, 8, 15, 22, 29)]
    assert month(Grain.WEEK).midnights() == weeks
    assert month(Grain.WEEK).count == 5
    assert BackfillRequest(MAY, MAY).midnights() == [MAY]


def test_each_pass_has_a_bounded_number_of_facts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(intent.backfill, "FACTS_PER_PASS", 100)
    # The days before: 10 at the first midnight, 20 at the second, ..., 310 at the last.
    stocked = stock({MAY + timedelta(days=n): 10 for n in range(-1, 30)})
    midnights = month(Grain.DAY).midnights()
    passes = list(split(midnights, stocked))
    assert [day for each in passes for day in each] == midnights
    # 10 + 20 + 30 + 40, then 50, ..., and one that alone has more is a pass.
    assert [len(each) for each in passes[:4]] == [4, 1, 1, 1]
    assert len(passes) == 28


def test_a_year_of_weeks_of_a_million_events_is_one_pass() -> None:
    days = [date(2025, 7, 1) + timedelta(days=n) for n in range(365)]
    stocked = stock(dict.fromkeys(days, 1_600))
    year = BackfillRequest(date(2025, 7, 8), date(2026, 6, 30), Grain.WEEK)
    assert len(list(split(year.midnights(), stocked))) == 1


@pytest.mark.parametrize("text", ["2026-02-30", "yesterday", "01.05.2026", ""])
def test_a_day_is_one_of_the_calendar(text: str) -> None:
    with pytest.raises(BadInputError, match=r"--from: .* no day of the calendar"):
        parse_day("--from", text)


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [
        (MAY, MAY - timedelta(days=1), "reversed"),
        (MAY, MAY + timedelta(days=10_000), r"10,001 midnights; at most 4,000 .* week"),
    ],
)
def test_a_range_that_is_none_is_refused(first: date, last: date, words: str) -> None:
    with pytest.raises(BadInputError, match=words):
        refuse_length(BackfillRequest(first, last))


def test_ten_thousand_days_may_be_written_by_weeks() -> None:
    long = BackfillRequest(MAY, MAY + timedelta(days=10_000), Grain.WEEK)
    refuse_length(long)
    assert long.count < MOST_MIDNIGHTS
    with pytest.raises(BadInputError, match="a shorter range, and then the next one"):
        refuse_length(BackfillRequest(MAY, date(2126, 5, 1), Grain.WEEK))


@pytest.mark.parametrize(
    ("facts", "last", "words"),
    [
        ({MAY: 1}, date(2026, 6, 1), "2026-06-01 is after 2026-05-31, the newest"),
        ({MAY: 1}, MAY, "nothing before 2026-05-02"),
        ({}, MAY, "no activity"),
    ],
)
def test_a_range_of_which_the_warehouse_has_nothing_is_refused(
    facts: dict[date, int], last: date, words: str
) -> None:
    with pytest.raises(BadInputError, match=words):
        refuse_range(BackfillRequest(MAY - timedelta(days=9), last), stock(facts))


def test_bad_input_is_told_in_words(shop: Shop) -> None:
    for first, last, code, words in (
        ("2026-05-02", "2026-05-01", 3, "reversed"),
        ("2026-05-32", "2026-06-01", 3, "--from: '2026-05-32' is no day"),
        ("2026-05-01", "2026-06-01", 4, "no warehouse"),
    ):
        done = shop.intent("backfill", "--from", first, "--to", last)
        assert (done.returncode, done.stdout) == (code, "")
        assert words in done.stderr
        assert "Traceback" not in done.stderr
