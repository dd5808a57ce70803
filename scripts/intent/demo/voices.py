"""What contacts say: reviews, answers to surveys, and in social networks."""

import numpy as np
from numpy.typing import NDArray

from intent.demo.basics import DAY, NEVER, Columns, Stream, concat, random_stream
from intent.demo.dirt import Dirt
from intent.demo.elsewhere import Doing, draw_doings, of_kind, record
from intent.demo.records import cancelled_at
from intent.demo.world import NOBODY, World

REVIEWED = 0.10  # of order lines, members twice as often
TESTIMONIALS = 0.08  # of good reviews
STARS_LEFT_OUT = 0.03
STARS_IN_WORDS = 0.02
STARS = {-1: (0.45, 0.3, 0.15, 0.07, 0.03), 0: (0.03, 0.05, 0.12, 0.35, 0.45)}
STARS[1] = (0.01, 0.01, 0.06, 0.27, 0.65)
"""Shares of one to five stars by mood."""

SURVEYS = (
    Doing("survey", 0.10),
    Doing("feedback request", 0.12),
    Doing("site feedback", 0.06, 2),
    Doing("usability test", 0.015, 2),
)
ASKED_AFTER_ORDER = 0.12
ANSWERED_WITHOUT_NAME = 0.3  # of site feedback: just the cookie

SOCIAL = (
    "Followed",
    "Liked",
    "Shared",
    "Commented",
    "Mentioned",
    "Event Attended",
    "Forum Posted",
    "Forum Replied",
    "Unfollowed",
)
SOCIAL_DO = (
    Doing("Followed", 0.6),
    Doing("Liked", 4.0, 3),
    Doing("Shared", 0.6, 3),
    Doing("Commented", 0.8, 3),
    Doing("Mentioned", 0.25, 2),
    Doing("Event Attended", 0.20, 2),
    Doing("Forum Posted", 0.35, 1),
    Doing("Forum Replied", 0.45, 1),
    Doing("Unfollowed", 0.05),
)


def product_reviews(world: World, seed: int) -> Columns:
    """Rows of reviews/reviews: at, number, product, score (or NaN), testimonial."""
    rng = random_stream(seed, Stream.REVIEWS)
    orders, lines = world.orders, world.lines
    stands = cancelled_at(world, seed)[lines["order"]] == NEVER
    number = orders["number"][lines["order"]]
    share = REVIEWED * np.where(world.contacts["member"][number], 2, 1)
    chosen = np.flatnonzero(stands & (rng.random(len(stands)) < share))
    n = len(chosen)
    number = number[chosen]
    at = orders["at"][lines["order"][chosen]] + rng.integers(4 * DAY, 25 * DAY, n)
    mood = mood_at(world, number, at)
    stars = np.zeros(n)
    for value, shares in STARS.items():
        drawn = rng.choice(len(shares), n, p=shares) + 1
        stars = np.where(mood == value, drawn, stars)
    left_out = rng.random(n) < STARS_LEFT_OUT
    rows = {
        "at": at,
        "number": number,
        "product": lines["product"][chosen],
        "score": np.where(left_out, np.nan, stars),
        "testimonial": (stars == 5) & (rng.random(n) < TESTIMONIALS),
        "by_account": rng.random(n) < 0.5,
    }
    rows = record(rng, world, rows)
    in_words = (rows["dirt"] == 0) & (rng.random(len(rows["at"])) < STARS_IN_WORDS)
    rows["dirt"][in_words & (rows["score"] >= 0)] = Dirt.WRONG_TYPE
    return rows


def survey_responses(world: World, seed: int) -> Columns:
    """Rows of surveys/responses: at, number, survey, score (or NaN), cookie."""
    rng = random_stream(seed, Stream.SURVEYS)
    known = world.contacts["has_email"]
    names = tuple(doing.name for doing in SURVEYS)
    parts = []
    for doing in SURVEYS:
        parts.append(of_kind(names, doing.name, draw_doings(rng, world, doing, known)))
    orders = world.orders
    asked = rng.random(len(orders["at"])) < ASKED_AFTER_ORDER
    later = orders["at"][asked] + rng.integers(3 * DAY, 15 * DAY, int(asked.sum()))
    after = {"number": orders["number"][asked], "at": later}
    parts.append(of_kind(names, "feedback request", after))
    rows = concat(parts)
    n = len(rows["at"])
    rows["survey"] = rows.pop("kind")
    mood = mood_at(world, rows["number"], rows["at"])
    score = np.clip(np.round(rng.normal(7.2 + 2.2 * mood, 1.8, n)), 0, 10)
    told = rng.random(n) < np.where(rows["survey"] == len(names) - 1, 0.3, 0.95)
    rows["score"] = np.where(told, score, np.nan)
    on_site = rows["survey"] == names.index("site feedback")
    first_cookie = np.full(len(known), NOBODY)
    owner, cookie = np.unique(world.cookie_owner, return_index=True)
    first_cookie[owner[owner >= 0]] = cookie[owner >= 0]
    nameless = on_site & (rng.random(n) < ANSWERED_WITHOUT_NAME)
    rows["cookie"] = np.where(nameless, first_cookie[rows["number"]], NOBODY)
    rows["shows_email"] = ~nameless
    rows["by_account"] = ~nameless & (rng.random(n) < 0.4)
    return record(rng, world, rows)


def social_events(world: World, seed: int) -> Columns:
    """Rows of social/events: at, kind, number, by_account."""
    rng = random_stream(seed, Stream.SOCIAL)
    there = world.contacts["network"] >= 0
    parts = []
    for doing in SOCIAL_DO:
        parts.append(of_kind(SOCIAL, doing.name, draw_doings(rng, world, doing, there)))
    rows = concat(parts)
    rows["by_account"] = rng.random(len(rows["at"])) < 0.5
    return record(rng, world, rows, len(SOCIAL))


def mood_at(
    world: World, number: NDArray[np.int64], at: NDArray[np.int64]
) -> NDArray[np.int64]:
    """How contacts feel about the shop's service by then: -1 soured, 1 pleased, 0."""
    day = (at - world.calendar.start) // DAY
    soured = day >= world.contacts["soured_day"][number]
    pleased = day >= world.contacts["pleased_day"][number]
    return np.where(soured, -1, np.where(pleased, 1, 0))
