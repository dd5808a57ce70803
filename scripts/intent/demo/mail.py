"""Emails sent to contacts and what becomes of them."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from intent.demo.basics import (
    CATEGORIES,
    DAY,
    HOUR,
    MINUTE,
    NEVER,
    SECOND,
    Calendar,
    Columns,
    concat,
    take,
)
from intent.demo.people import Life, People
from intent.demo.readiness import Readiness


class Mail(IntEnum):
    """Email events; the names that the tool writes are in MAIL_NAMES."""

    RECEIVED = 0
    OPENED = 1
    CLICKED = 2
    UNSUBSCRIBED = 3
    BOUNCED = 4
    SPAM = 5
    SUBSCRIBED = 6
    PREFERENCES = 7


MAIL_NAMES = (
    "Received Email",
    "Opened Email",
    "Clicked Email",
    "Unsubscribed",
    "Bounced Email",
    "Marked Email as Spam",
    "Subscribed to List",
    "Updated Email Preferences",
)


class Machine(IntEnum):
    """Who did it: a person, or a machine in its place."""

    NONE = 0
    PROXY = 1  # mail privacy, as the tool says
    BARE_PROXY = 2  # mail privacy, told only by the bare user agent
    SCANNER = 3  # opens and follows links as soon as the mail is there, and says so
    HIDDEN_SCANNER = 4  # the same, as if it were a browser


NEWSLETTER_EVERY_DAYS = 7
NEWSLETTER_FIRST_DAY = 2
NEWSLETTER_HOUR = 8
ABANDONED_CART = -1
"""Campaign number of the reminder of a cart left behind; newsletters from 0."""
REMINDED = 0.6  # of carts that subscribers leave behind
REMINDED_AFTER = 3 * HOUR

OPENS = (0.08, 0.45)  # times mail interest; and what readiness adds
OPENS_REMINDER = 0.15  # more
CLICKS = (0.06, 0.30)  # of human opens; and what readiness adds
CHANGES_PREFERENCES = 0.03  # of those who click
BOUNCES = 0.004
UNSUBSCRIBES = 0.0018  # of emails received
SPAM_MARKS = 0.0003
PROXY_OPENS = 0.92  # of emails to programs with mail privacy
BARE_PROXY = 0.3  # of these opens
SCANNER_AT = (4, 1)  # of so many companies, the one at this place
HIDDEN_SCANNER_AT = (16, 9)
SCANNED = 0.9  # of emails to companies with a scanner
SCANNED_AFTER = (1, 9)  # seconds
LINKS_SCANNED = (3, 5)
SUBSCRIBES_BY_LIST = 0.05  # of contacts; a tick at a fair, an import


@dataclass(frozen=True)
class MailDay:
    """What the email tool saw of a block's contacts."""

    events: Columns
    """at, kind, person (contact within the block), campaign, machine, category, sent
    (the minute in which the email went out)."""
    opted_out: NDArray[np.int64]
    """When each contact unsubscribed or complained, ms or NEVER."""


def draw_mail(
    rng: np.random.Generator,
    calendar: Calendar,
    people: People,
    readiness: Readiness,
    visits: Columns,
) -> MailDay:
    """All email events of a block; `visits` tell who joined and who left a cart."""
    subscribed, by_list = _subscriptions(rng, calendar, people, visits)
    sent = concat(
        [
            _newsletters(rng, calendar, people),
            _reminders(rng, people, visits),
        ]
    )
    wanted = sent["at"] > subscribed[sent["person"]]
    sent = take(sent, wanted & (sent["at"] < calendar.end))
    n = len(sent["at"])

    leaves = rng.random(n) < UNSUBSCRIBES
    spams = ~leaves & (rng.random(n) < SPAM_MARKS)
    left_at = sent["at"] + rng.integers(5 * MINUTE, 20 * HOUR, n)
    opted_out = np.full(people.contacts, NEVER)
    out = leaves | spams
    np.minimum.at(opted_out, sent["person"][out], left_at[out])
    still = sent["at"] <= opted_out[sent["person"]]
    # Only the first complaint or unsubscription is an event.
    leaves &= left_at == opted_out[sent["person"]]
    spams &= left_at == opted_out[sent["person"]]

    bounced = rng.random(n) < BOUNCES
    parts = [
        _event(sent, still & ~bounced, Mail.RECEIVED, sent["at"]),
        _event(sent, still & bounced, Mail.BOUNCED, sent["at"]),
        _event(sent, leaves, Mail.UNSUBSCRIBED, left_at),
        _event(sent, spams, Mail.SPAM, left_at),
        *_human(rng, calendar, people, readiness, take(sent, still & ~bounced)),
        *_machines(rng, people, take(sent, still & ~bounced)),
        by_list,
    ]
    events = concat(parts)
    return MailDay(take(events, events["at"] < calendar.end), opted_out)


def _event(
    sent: Columns, rows: NDArray[np.bool_], kind: Mail, at: NDArray[np.int64]
) -> Columns:
    """The events of one kind that some of the emails lead to, done by a person."""
    n = int(rows.sum())
    return {
        "at": at[rows],
        "kind": np.full(n, kind, np.int64),
        "person": sent["person"][rows],
        "campaign": sent["campaign"][rows],
        "sent": sent["at"][rows] // MINUTE,
        "machine": np.full(n, Machine.NONE, np.int64),
        "category": sent["category"][rows],
    }


def _subscriptions(
    rng: np.random.Generator, calendar: Calendar, people: People, visits: Columns
) -> tuple[NDArray[np.int64], Columns]:
    """When each contact's subscription began (ms or NEVER), and the list's events.

    Clears `joins` of the visits of those who are subscribed already.
    """
    traits = people.traits
    from_day = people.columns["from_day"][: people.contacts]
    came = calendar.start + (from_day * DAY).astype(np.int64)
    # To a mailbox that many share, the letter comes once.
    spare = traits["shares_mailbox"] & (np.cumsum(traits["shares_mailbox"]) > 1)
    since = np.where(traits["subscribed_at_start"] & ~spare, came, NEVER)
    possible = (traits["life"] != Life.NEVER_ACTIVE) & (since == NEVER) & ~spare
    listed = possible & (rng.random(people.contacts) < SUBSCRIBES_BY_LIST)
    moment = came + (rng.random(people.contacts) * (calendar.end - came)).astype(int)
    since = np.where(listed, moment, since)

    joins = visits["joins"]
    joiners = visits["person"][joins]
    joins[joins] = (since[joiners] == NEVER) & ~spare[joiners]
    rows = np.flatnonzero(joins)
    _, first = np.unique(visits["person"][rows], return_index=True)
    joins[:] = False
    joins[rows[first]] = True  # visits are in order of time, so the first counts
    since[visits["person"][joins]] = visits["start"][joins]

    who = np.flatnonzero(listed)
    nothing = np.full(len(who), -2)
    sent = {"person": who, "campaign": nothing, "category": nothing, "at": moment[who]}
    return since, _event(sent, np.ones(len(who), bool), Mail.SUBSCRIBED, moment[who])


def _newsletters(
    rng: np.random.Generator, calendar: Calendar, people: People
) -> Columns:
    """Every newsletter to every contact; who gets it is decided later."""
    days = np.arange(NEWSLETTER_FIRST_DAY, calendar.days, NEWSLETTER_EVERY_DAYS)
    person = np.tile(np.arange(people.contacts), len(days))
    campaign = np.repeat(np.arange(len(days)), people.contacts)
    spread = rng.integers(0, 40 * MINUTE, len(person))
    start = calendar.start + days[campaign] * DAY + NEWSLETTER_HOUR * HOUR
    return {
        "at": (start + spread) // SECOND * SECOND,
        "person": person,
        "campaign": campaign,
        "category": campaign % len(CATEGORIES),
    }


def _reminders(rng: np.random.Generator, people: People, visits: Columns) -> Columns:
    """Reminders of carts left behind by contacts."""
    left = (visits["cart"] > 0) & ~visits["buys"] & (visits["number"] >= 0)
    left &= rng.random(len(left)) < REMINDED
    left &= visits["person"] < people.contacts
    return {
        "at": (visits["start"][left] + REMINDED_AFTER) // SECOND * SECOND,
        "person": visits["person"][left],
        "campaign": np.full(int(left.sum()), ABANDONED_CART),
        "category": visits["category"][left],
    }


def _human(
    rng: np.random.Generator,
    calendar: Calendar,
    people: People,
    readiness: Readiness,
    sent: Columns,
) -> list[Columns]:
    """What people do with the emails that they got."""
    n = len(sent["at"])
    interest = people.traits["mail_interest"][sent["person"]]
    day = (sent["at"] - calendar.start) // DAY
    ready = readiness.level[sent["person"], day]
    present = people.columns["to_day"][sent["person"]] > day  # the dormant are not
    reminder = (sent["campaign"] == ABANDONED_CART) * OPENS_REMINDER
    chance = interest * (OPENS[0] + reminder + OPENS[1] * ready) * (0.2 + 0.8 * present)
    opened = rng.random(n) < chance
    after = rng.lognormal(np.log(2.5 * HOUR), 1.4, n).astype(np.int64)
    opened_at = sent["at"] + np.minimum(after, 6 * DAY) // SECOND * SECOND + MINUTE
    clicked = opened & (rng.random(n) < CLICKS[0] + CLICKS[1] * ready)
    changes = clicked & (rng.random(n) < CHANGES_PREFERENCES)
    clicked_at = opened_at + rng.integers(4, 120, n) * SECOND
    return [
        _event(sent, opened, Mail.OPENED, opened_at),
        _event(sent, clicked, Mail.CLICKED, clicked_at),
        _event(sent, changes, Mail.PREFERENCES, clicked_at + MINUTE),
    ]


def _machines(rng: np.random.Generator, people: People, sent: Columns) -> list[Columns]:
    """What proxies and scanners do with the emails."""
    n = len(sent["at"])
    proxied = people.traits["mail_privacy"][sent["person"]]
    proxied = proxied & (rng.random(n) < PROXY_OPENS)
    after = rng.integers(30, 5 * 3600, n) * SECOND
    proxy = _event(sent, proxied, Mail.OPENED, sent["at"] + after)
    bare = rng.random(len(proxy["at"])) < BARE_PROXY
    proxy["machine"] = np.where(bare, Machine.BARE_PROXY, Machine.PROXY)

    return [proxy, *_scanners(rng, people, sent)]


def _scanners(rng: np.random.Generator, people: People, sent: Columns) -> list[Columns]:
    """What companies' scanners do: open, and follow every link within 2 seconds."""
    n = len(sent["at"])
    company = people.traits["company"][sent["person"]]
    scanned = (company % SCANNER_AT[0] == SCANNER_AT[1]) & (company >= 0)
    scanned &= rng.random(n) < SCANNED
    hides = company % HIDDEN_SCANNER_AT[0] == HIDDEN_SCANNER_AT[1]
    machine = np.where(hides, Machine.HIDDEN_SCANNER, Machine.SCANNER)[scanned]
    after = rng.integers(*SCANNED_AFTER, n) * SECOND
    links = rng.integers(*LINKS_SCANNED, n)
    parts = [_event(sent, scanned, Mail.OPENED, sent["at"] + after)]
    parts[0]["machine"] = machine
    for link in range(LINKS_SCANNED[1] - 1):
        at = sent["at"] + after + rng.integers(0, 2, n) * SECOND
        clicks = _event(sent, scanned, Mail.CLICKED, at)
        clicks["machine"] = machine
        clicks["category"] = (clicks["category"] + link) % len(CATEGORIES)
        parts.append(take(clicks, links[scanned] > link))
    return parts
