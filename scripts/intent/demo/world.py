"""The whole invented world, block by block of contacts.

Each block draws from random streams of its own, and blocks are put together by
number; so it does not matter when or where a block is made.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from intent.demo.basics import (
    NEVER,
    Calendar,
    Catalogue,
    Columns,
    Stream,
    concat,
    make_calendar,
    make_catalogue,
    random_stream,
    take,
)
from intent.demo.earlier import earlier_orders
from intent.demo.mail import Machine, Mail, MailDay, draw_mail
from intent.demo.people import People, draw_people
from intent.demo.play import WebDay, play_visits
from intent.demo.readiness import Mood, Readiness, draw_readiness, first_days
from intent.demo.spec import DemoSpec
from intent.demo.visits import (
    VISITS_AT_PEAK,
    decide_visits,
    in_order,
    plan_visits,
    visits_from_clicks,
)

BLOCK = 4096
"""Contacts per block: bounds memory. Changing it makes another world."""
NOBODY = -1
"""Owner of the cookies of visitors who stay unknown, and of the tablet."""
TRUTH_EVERY_DAYS = 7
"""Days between two samples of the hidden readiness."""

# Narrow types keep ten million events within a few GB.
_NARROW = {
    "kind": np.int8,
    "machine": np.int8,
    "referrer": np.int8,
    "agent": np.int8,
    "country": np.int8,
    "category": np.int8,
    "product": np.int16,
    "query": np.int16,
    "campaign": np.int16,
    "phrase": np.int16,
    "feature": np.int8,
    "form": np.int8,
    "mood": np.int8,
    "number": np.int32,
    "cookie": np.int32,
    "session": np.int32,
    "sent": np.int32,
    "order": np.int32,
}


@dataclass(frozen=True)
class World:
    """All that happened, before tools recorded it with their faults."""

    calendar: Calendar
    catalogue: Catalogue
    contacts: Columns
    """Traits; one row per contact, so the row is the contact's number."""
    cookie_owner: NDArray[np.int32]
    """Contact of each cookie, or NOBODY."""
    sessions: int
    """Number of visits."""
    web: Columns
    identifies: Columns
    orders: Columns
    """Rows in order of time."""
    lines: Columns
    mail: Columns
    service: Columns
    """Calls on the customer service: number, at, mood, about_order."""
    readiness: NDArray[np.float32]
    """Hidden readiness of contacts; shape (contacts, samples)."""


@dataclass(frozen=True)
class _Block:
    people: People
    sessions: int
    web: WebDay
    mail: MailDay
    service: Columns
    readiness: Readiness


def make_world(spec: DemoSpec) -> World:
    """The world of a spec."""
    calendar, catalogue = make_calendar(spec), make_catalogue(spec.seed)
    web, identifies, orders, lines, mail = [], [], [], [], []
    contacts, owners, service, readiness = [], [], [], []
    session = cookie = order = 0
    for index, first in enumerate(range(0, spec.contacts, BLOCK)):
        count = min(BLOCK, spec.contacts - first)
        block = _make_block(spec, calendar, catalogue, (index, first, count))
        day = block.web
        web.append(_shift(day.events, session=session, cookie=cookie, order=order))
        identifies.append(_shift(day.identifies, cookie=cookie))
        orders.append(_shift(day.orders, cookie=cookie))
        lines.append(_shift(day.lines, order=order))
        mail.append(_shift(_numbered(block.mail.events), number=first))
        contacts.append(_contact_rows(block))
        people = block.people.columns
        owners.append(np.repeat([*people["number"], NOBODY], [*people["devices"], 1]))
        service.append(_shift(_numbered(block.service), number=first))
        readiness.append(block.readiness.level[:count, ::TRUTH_EVERY_DAYS])
        session += block.sessions
        cookie += len(owners[-1])
        order += len(day.orders["at"])
    everybody = concat(contacts)
    all_web, in_history = concat(web), concat(orders)
    before, lines_before = earlier_orders(
        random_stream(spec.seed, Stream.EARLIER),
        (calendar, catalogue),
        everybody,
        in_history,
    )
    all_orders = concat([in_history, before])
    all_lines = concat([*lines, _shift(lines_before, order=order)])
    by_time = np.argsort(all_orders["at"], kind="stable")
    rank = np.empty(len(by_time), np.int32)
    rank[by_time] = np.arange(len(by_time), dtype=np.int32)
    has_order = all_web["order"] >= 0
    all_web["order"][has_order] = rank[all_web["order"][has_order]]
    all_lines["order"] = rank[all_lines["order"]]
    return World(
        calendar,
        catalogue,
        everybody,
        np.concatenate(owners).astype(np.int32),
        session,
        all_web,
        concat(identifies),
        take(all_orders, by_time),
        take(all_lines, np.argsort(all_lines["order"], kind="stable")),
        concat(mail),
        concat(service),
        np.concatenate(readiness),
    )


def _make_block(
    spec: DemoSpec,
    calendar: Calendar,
    catalogue: Catalogue,
    place: tuple[int, int, int],
) -> _Block:
    """The block of `place`: its index, first contact and number of contacts."""
    index, first, count = place
    rng = random_stream(spec.seed, Stream.BLOCK, index)
    people = draw_people(rng, spec, calendar, (first, count))
    readiness = draw_readiness(rng, calendar, people, VISITS_AT_PEAK)
    planned = in_order(plan_visits(rng, calendar, people, readiness))
    visits = decide_visits(rng, calendar, people, readiness, planned)
    mail = draw_mail(rng, calendar, people, readiness, visits)
    events = mail.events
    human_click = (events["kind"] == Mail.CLICKED) & (events["machine"] == Machine.NONE)
    clicks = visits_from_clicks(take(events, human_click))
    more = decide_visits(rng, calendar, people, readiness, clicks)
    more["joins"][:] = False  # who clicks in a newsletter has it already
    visits = in_order(concat([visits, more]))
    web = play_visits(rng, calendar, catalogue, people, visits)
    called = calendar.draw_moments(rng, readiness.service["day"])
    service = {**readiness.service, "at": called}
    return _Block(people, len(visits["start"]), web, mail, service, readiness)


def _numbered(columns: Columns) -> Columns:
    """Rows of contacts with the contact's number, which is its row in the block."""
    return {**columns, "number": columns["person"]}


def _shift(columns: Columns, **offsets: int) -> Columns:
    """A block's columns in the world's numbering and in narrow types."""
    shifted = {}
    for name, values in columns.items():
        if name == "person":  # counts within the block only
            continue
        new = values
        if name in offsets:
            new = np.where(values >= 0, values + offsets[name], values)
        shifted[name] = new.astype(_NARROW.get(name, new.dtype))
    return shifted


def _contact_rows(block: _Block) -> Columns:
    """Traits of a block's contacts and what became of them."""
    traits = block.people.traits
    registered = block.web.registered
    count = block.people.contacts
    service = block.readiness.service
    return {
        **traits,
        "from_day": block.people.columns["from_day"][:count],
        "propensity": block.people.columns["propensity"][:count],
        "to_day": block.people.columns["to_day"][:count],
        "soured_day": first_days(service, Mood.SOURED, count),
        "pleased_day": first_days(service, Mood.PLEASED, count),
        "has_account": traits["old_account"] | (registered < NEVER),
        "registered": registered,
        "opted_out": block.mail.opted_out,
    }
