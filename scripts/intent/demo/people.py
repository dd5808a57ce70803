"""Who they are: contacts and anonymous visitors, with their traits and habits."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from intent.demo.basics import (
    CATEGORIES,
    DAY,
    NEVER,
    Calendar,
    Columns,
    take,
)
from intent.demo.declared import COUNTRY_SHARES, buying_factor, draw_declared
from intent.demo.spec import DemoSpec

ANONYMOUS_PER_CONTACT = 3
"""Visitors that never say who they are, per contact."""

# Shares of contacts.
NEVER_ACTIVE = 0.12  # only in the CRM
DORMANT = 0.15  # stopped coming in the first part of history
NEWCOMERS = 0.30  # came first within history
OLD_ACCOUNTS = 0.40  # had a shop account before history
NEW_ACCOUNTS = 0.28  # open one at their first login
IN_CRM = 0.70  # of those who are active at all
BUSINESS = 0.12  # belong to a company
CONTACTS_PER_COMPANY = 4
HAS_PHONE = 0.45
NO_EMAIL = 0.10  # of those never active
OBJECTED = 0.012
SUBSCRIBED_AT_START = 0.40
MAIL_PRIVACY = 0.35  # of mail programs open everything by proxy

DEVICE_SHARES = (0.61, 0.26, 0.10, 0.03)  # one to four devices
SECOND_HAND = 0.30  # of second devices, where the contact before stopped coming
SHARED_MAILBOX = 0
"""The company whose members all use the mailbox info@."""
EVERY_EMPLOYEE, EVERY_TESTER = (500, 7), (700, 11)
"""Of so many contacts, the one at this place is no customer."""

# Habits of contacts who are active.
MEMBERS = (0.10, 0.16)  # of the loyalty programme; and what propensity adds
MEMBERS_AT_START = 0.6
SUBSCRIBERS = 0.03  # get a box each month
RHYTHMIC = 0.015  # buy every so many days
RHYTHM_DAYS = (21, 60)
HABITUAL = 0.02  # log in every week
TRENDS = 0.15  # put more and more into the cart, or less and less
NETWORKED = 0.18  # follow the shop in a social network
NETWORKS = ("instagram", "facebook", "tiktok", "forum")


class Life(IntEnum):
    """How a contact's history goes."""

    ACTIVE = 0
    DORMANT = 1
    NEVER_ACTIVE = 2


class Staff(IntEnum):
    """Who is no customer though it looks so."""

    NONE = 0
    EMPLOYEE = 1
    TEST = 2


@dataclass(frozen=True)
class People:
    """The people of one block: its contacts first, then its anonymous visitors."""

    contacts: int
    columns: Columns
    """One row per person: propensity, favourite (category), country, from_day,
    to_day (when they visit), devices, first_cookie (within the block), agent,
    took_from (the person whose old device is their second one, or -1)."""
    traits: Columns
    """One row per contact: what only contacts have."""

    @property
    def size(self) -> int:
        """Contacts and visitors."""
        return len(self.columns["propensity"])


def draw_people(
    rng: np.random.Generator,
    spec: DemoSpec,
    calendar: Calendar,
    place: tuple[int, int],
) -> People:
    """The block of so many contacts from a number on, `place`, and its visitors."""
    first, contacts = place
    size = contacts * (1 + ANONYMOUS_PER_CONTACT)
    traits = _draw_traits(rng, spec, np.arange(first, first + contacts))
    from_day = np.zeros(size)
    to_day = np.full(size, float(spec.days))

    newcomer = (rng.random(contacts) < NEWCOMERS) & (traits["staff"] == Staff.NONE)
    traits["is_newcomer"] = newcomer
    from_day[:contacts] = np.where(newcomer, rng.random(contacts) * spec.days, 0)
    dormant = traits["life"] == Life.DORMANT
    last = from_day[:contacts] + rng.uniform(0.05, 0.5, contacts) * spec.days
    to_day[:contacts] = np.where(dormant, np.minimum(last, spec.days), spec.days)
    never = traits["life"] == Life.NEVER_ACTIVE
    to_day[:contacts][never] = from_day[:contacts][never]
    # A visitor's cookie lives for some weeks.
    begin = rng.random(size - contacts) * (spec.days + 60) - 60
    from_day[contacts:] = np.maximum(begin, 0)
    lived = begin + rng.exponential(45, size - contacts) + 1
    to_day[contacts:] = np.clip(lived, from_day[contacts:], spec.days)

    devices = rng.choice(len(DEVICE_SHARES), size, p=DEVICE_SHARES) + 1
    devices[contacts:] = 1
    columns = {
        "number": np.concatenate(
            [np.arange(first, first + contacts), np.full(size - contacts, -1)]
        ),
        "propensity": rng.gamma(0.8, 1 / 0.8, size),
        "favourite": rng.integers(0, len(CATEGORIES), size),
        "country": rng.choice(len(COUNTRY_SHARES), size, p=COUNTRY_SHARES),
        "from_day": from_day,
        "to_day": to_day,
        "devices": devices,
        "first_cookie": np.cumsum(devices) - devices,
        "agent": rng.integers(0, 1 << 16, size),
    }
    columns["took_from"] = _second_hand(rng, size, traits, devices)
    own = take(columns, slice(0, contacts))
    traits["country"] = own["country"]
    traits |= draw_declared(rng, calendar, own, traits["company"])
    columns["propensity"][:contacts] *= buying_factor(traits, traits["company"])
    traits |= _draw_habits(rng, spec, traits, columns)
    return People(contacts, columns, traits)


def _second_hand(
    rng: np.random.Generator, size: int, traits: Columns, devices: NDArray[np.int64]
) -> NDArray[np.int64]:
    """The person whose device each got as a second one, the one before, or -1."""
    life, staff = traits["life"], traits["staff"]
    stopped = np.concatenate([[False], (life == Life.DORMANT)[:-1]])
    takes = stopped & (life == Life.ACTIVE) & (staff == Staff.NONE)
    takes &= (devices[: len(life)] > 1) & (rng.random(len(life)) < SECOND_HAND)
    took_from = np.full(size, -1)
    took_from[: len(life)] = np.where(takes, np.arange(len(life)) - 1, -1)
    return took_from


def _draw_habits(
    rng: np.random.Generator, spec: DemoSpec, traits: Columns, columns: Columns
) -> Columns:
    """What some contacts do time and again; one row per contact."""
    n = len(traits["life"])
    active = traits["life"] == Life.ACTIVE
    customer = active & (traits["staff"] == Staff.NONE)
    holder = traits["old_account"] | traits["may_register"]
    chance = MEMBERS[0] + MEMBERS[1] * columns["propensity"][:n]
    came = columns["from_day"][:n]
    at_start = rng.random(n) < MEMBERS_AT_START
    later = came + rng.random(n) * (spec.days - came) * 0.8
    rhythm = rng.integers(*RHYTHM_DAYS, n)
    trend = rng.integers(0, 2, n) * 2 - 1
    return {
        "member": holder & active & (rng.random(n) < np.minimum(chance, 0.6)),
        "member_from_day": np.where(at_start, came, later),
        "subscriber": holder & active & (rng.random(n) < SUBSCRIBERS),
        "rhythm": np.where(customer & (rng.random(n) < RHYTHMIC), rhythm, 0),
        "habitual": holder & customer & (rng.random(n) < HABITUAL),
        "trend": np.where(rng.random(n) < TRENDS, trend, 0),
        "network": np.where(
            customer & (rng.random(n) < NETWORKED),
            rng.integers(0, len(NETWORKS), n),
            -1,
        ),
    }


def _draw_traits(
    rng: np.random.Generator, spec: DemoSpec, number: NDArray[np.int64]
) -> Columns:
    """What only contacts have; one row per contact."""
    count = len(number)
    draw = rng.random(count)
    life = np.where(
        draw < NEVER_ACTIVE,
        Life.NEVER_ACTIVE,
        np.where(draw < NEVER_ACTIVE + DORMANT, Life.DORMANT, Life.ACTIVE),
    )
    staff = np.where(number % EVERY_TESTER[0] == EVERY_TESTER[1], Staff.TEST, 0)
    staff[number % EVERY_EMPLOYEE[0] == EVERY_EMPLOYEE[1]] = Staff.EMPLOYEE
    insider = staff != Staff.NONE
    life[insider] = Life.ACTIVE
    never = life == Life.NEVER_ACTIVE
    account = np.where(insider, 0, rng.random(count))
    companies = max(1, round(spec.contacts * BUSINESS / CONTACTS_PER_COMPANY))
    company = (rng.random(count) ** 1.5 * companies).astype(np.int64)
    company = np.where((rng.random(count) < BUSINESS) & ~insider, company, -1)
    shares_mailbox = company == SHARED_MAILBOX
    objected = (rng.random(count) < OBJECTED) & ~insider
    window = rng.random(count) * spec.days * DAY
    return {
        "life": life,
        "staff": staff,
        "old_account": ~never & (account < OLD_ACCOUNTS),
        "may_register": ~never
        & (account >= OLD_ACCOUNTS)
        & (account < OLD_ACCOUNTS + NEW_ACCOUNTS),
        "in_crm": (never | (rng.random(count) < IN_CRM)) & ~insider,
        "company": company,
        "shares_mailbox": shares_mailbox,
        "has_phone": rng.random(count) < HAS_PHONE,
        "has_email": ~(never & (rng.random(count) < NO_EMAIL)) | shares_mailbox,
        # ms after the start of history
        "objects_after": np.where(objected, window.astype(np.int64), NEVER),
        "subscribed_at_start": ~never & (rng.random(count) < SUBSCRIBED_AT_START),
        "mail_privacy": rng.random(count) < MAIL_PRIVACY,
        "mail_agent": rng.integers(0, 1 << 16, count),
        "mail_interest": rng.beta(1.6, 2.4, count) * 2.5,
        "name": rng.integers(0, 1 << 16, count),
    }
