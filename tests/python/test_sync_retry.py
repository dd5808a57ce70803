"""When a destination is asked again, and when it is taken to be down."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from intent.sync.retry import FIRST_PAUSE, LONGEST_PAUSE, Breaker, backoff, retry_after

NOW = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "0"}, 0),
        ({"retry-after": "7"}, 7),
        ({"retry-after": " 1.5 "}, 1.5),
        ({"retry-after": "3600"}, 3600),
        ({"x-ratelimit-retry-after": "12"}, 12),
        ({"retry-after": "3", "x-ratelimit-retry-after": "12"}, 12),
        ({"retry-after": "nonsense", "x-ratelimit-retry-after": "12"}, 12),
        ({"retry-after": "Wed, 01 Jul 2026 12:00:30 GMT"}, 30),
        ({"retry-after": "Wed, 01 Jul 2026 14:00:30 +0200"}, 30),
        ({"retry-after": "Wed, 01 Jul 2026 12:00:30 -0000"}, 30),
        ({"retry-after": "Wednesday, 01-Jul-26 12:00:30 GMT"}, 30),
        ({"retry-after": "Wed, 01 Jul 2026 11:59:00 GMT"}, 0),
        ({"retry-after": "Wed, 01 Jul 1970 11:59:00 GMT"}, 0),
        ({"retry-after": ""}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "1e3"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "1" * 400}, None),
        ({"retry-after": "٣"}, None),
        ({"retry-after": "5, 6"}, None),
        ({"retry-after": "Wed, 99 Jul 2026 12:00:30 GMT"}, None),
        ({"retry-after": "2026-07-01T12:00:30Z"}, None),
        ({"retry-later": "5"}, None),
    ],
)
def test_what_an_answer_asks_for(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert retry_after(headers, NOW) == seconds


@given(st.text())
def test_no_header_is_too_strange(text: str) -> None:
    wait = retry_after({"retry-after": text}, NOW)

    assert wait is None or wait >= 0


@given(st.integers(0, 10**6))
def test_a_date_is_as_good_as_seconds(seconds: int) -> None:
    date = format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)

    assert retry_after({"retry-after": date}, NOW) == seconds


def test_pauses_double_up_to_a_minute() -> None:
    longest = [backoff(attempt, lambda: 1.0) for attempt in range(1, 9)]

    assert longest == [1, 2, 4, 8, 16, 32, 60, 60]


@given(st.integers(0, 10**9), st.floats(0, 1))
def test_a_pause_is_a_random_share(attempt: int, share: float) -> None:
    pause = backoff(attempt, lambda: share)

    assert 0 <= pause <= LONGEST_PAUSE
    assert pause == pytest.approx(backoff(attempt, lambda: 1.0) * share)
    assert backoff(attempt, lambda: 1.0) >= FIRST_PAUSE


def test_workers_do_not_come_back_together() -> None:
    assert len({backoff(3) for _ in range(50)}) > 40


def test_the_breaker_opens_after_failures_in_a_row() -> None:
    breaker = Breaker(3)
    for _ in range(2):
        breaker.failed()
    breaker.succeeded()
    for _ in range(2):
        breaker.failed()
    assert not breaker.is_open

    breaker.failed()

    assert breaker.is_open


def test_the_breaker_stays_open() -> None:
    """An answer that was on its way does not start all over again."""
    breaker = Breaker(1)
    breaker.failed()

    breaker.succeeded()

    assert breaker.is_open
