"""The customer service: tickets, and how content it leaves."""

import numpy as np

from intent.demo.basics import (
    DAY,
    HOUR,
    SECOND,
    Columns,
    Stream,
    concat,
    random_stream,
    take,
)
from intent.demo.dirt import Dirt, insider_dirt
from intent.demo.elsewhere import SHARES, has_account, record
from intent.demo.readiness import Mood
from intent.demo.world import World

TOPICS = (
    *("complaint", "defect", "late delivery", "refund"),
    *("question", "invoice", "order status", "product advice"),
)
ANGRY_TOPICS = 4
CHANNELS = ("email", "chat", "phone", "web form")
BY_PHONE = CHANNELS.index("phone")
TICKET_UPDATED = 0.4
TOPIC_FOUND_LATER = 0.12
RATED = 0.45
FIRST_TOPIC = TOPICS.index("question")


def support_tickets(world: World, seed: int) -> Columns:
    """Versions of tickets: ticket, number, at, updated, channel, topic, received."""
    rng = random_stream(seed, Stream.SUPPORT, 1)
    service = world.service
    n = len(service["at"])
    angry = rng.integers(0, ANGRY_TOPICS, n)
    other = rng.integers(ANGRY_TOPICS, len(TOPICS), n)
    topic = np.where(service["mood"] == Mood.SOURED, angry, other)
    found_later = rng.random(n) < TOPIC_FOUND_LATER
    first = {
        "ticket": np.arange(n),
        "number": service["number"],
        "at": service["at"],
        "updated": service["at"],
        "channel": rng.integers(0, len(CHANNELS), n),
        "topic": np.where(found_later, FIRST_TOPIC, topic),
        "by_account": rng.random(n) < 0.4,
    }
    updated = found_later | (rng.random(n) < TICKET_UPDATED)
    second = {
        **first,
        "topic": topic,
        "updated": service["at"] + rng.integers(HOUR, 2 * DAY, n),
    }
    rows = concat([first, take(second, updated)])
    n = len(rows["at"])
    received = rows["updated"] + rng.integers(5, 600, n) * SECOND
    rows["by_account"] &= has_account(world, rows["number"], rows["at"])
    rows["shows_email"] = ~rows["by_account"]
    rows["dirt"] = insider_dirt(world, rows["number"])
    malformed = (rng.random(n) < SHARES.malformed_email) & (rows["dirt"] == 0)
    rows["dirt"][malformed & rows["shows_email"]] = Dirt.MALFORMED_EMAIL
    rows["received"] = received
    there = np.flatnonzero(received < world.calendar.end)
    rows = take(rows, there[np.argsort(received[there], kind="stable")])
    newest = np.zeros(len(service["at"]), np.int64)
    np.maximum.at(newest, rows["ticket"], rows["updated"])
    rows["dirt"][rows["updated"] < newest[rows["ticket"]]] |= Dirt.SUPERSEDED
    return rows


def support_ratings(world: World, seed: int) -> Columns:
    """Rows of support/ratings: at, number, ticket, score."""
    rng = random_stream(seed, Stream.SUPPORT, 2)
    service = world.service
    ticket = np.flatnonzero(rng.random(len(service["at"])) < RATED)
    n = len(ticket)
    low = np.array([1, 3, 4])[service["mood"][ticket]]
    high = np.array([3, 4, 6])[service["mood"][ticket]]
    rows = {
        "at": service["at"][ticket] + rng.integers(2 * HOUR, 3 * DAY, n),
        "number": service["number"][ticket],
        "ticket": ticket,
        "score": (low + rng.random(n) * (high - low)).astype(np.int64).astype(float),
    }
    return record(rng, world, rows)
