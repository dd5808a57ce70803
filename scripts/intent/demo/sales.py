"""What sales and service people note in the CRM."""

import numpy as np

from intent.demo.basics import (
    DAY,
    HOUR,
    MINUTE,
    NEVER,
    SECOND,
    Columns,
    Stream,
    concat,
    random_stream,
    take,
)
from intent.demo.elsewhere import Doing, draw_doings, kinds_of, of_kind, record
from intent.demo.web import Web
from intent.demo.world import NOBODY, World

INTERACTIONS = (
    "Call Answered",
    "Call Missed",
    "Meeting Held",
    "Training Attended",
    "Webinar Attended",
    "Campaign Joined",
    "Interest Declared",
    "Email Replied",
    "Score Raised",
    "Score Lowered",
    "Note Written",
    "Form Received",
)
SALES_DO = (
    Doing("Call Answered", 0.12, 4),
    Doing("Call Missed", 0.15),
    Doing("Meeting Held", 0.03, 15),
    Doing("Training Attended", 0.02, 2),
    Doing("Webinar Attended", 0.04, 4),
    Doing("Campaign Joined", 0.20, 2),
    Doing("Interest Declared", 0.06, 25),
    Doing("Email Replied", 0.10, 5),
    Doing("Score Raised", 0.03, 15),
    Doing("Score Lowered", 0.02),
    Doing("Note Written", 0.20, 2),
)
MORE_FOR_COMPANIES = 3.0
FORMS_IN_CRM = 0.6
IDENTIFIED_BY = (0.85, 0.95)  # by CRM id; by email; the rest by phone, or email
EXPIRES_AFTER = 60 * DAY
CAMPAIGNS = ("spring fair", "open house", "catalogue mailing", "win-back")
TIED_BY_HAND = 0.02  # of those who have an account
GIVEN_AWAY_TOLD = 0.5  # of devices
AUTHORS = ("sales-1", "sales-2", "sales-3", "service-1")


def crm_interactions(world: World, seed: int) -> Columns:
    """Rows of crm/interactions: at, kind, number, by, points, expires, form, ..."""
    rng = random_stream(seed, Stream.INTERACTIONS)
    traits = world.contacts
    more = np.where(traits["company"] >= 0, MORE_FOR_COMPANIES, 1.0)
    parts = []
    for doing in SALES_DO:
        often = more * traits["in_crm"]
        rows = draw_doings(rng, world, doing, often, lifelong=True)
        parts.append(of_kind(INTERACTIONS, doing.name, rows))
    web = world.web
    sent = np.flatnonzero((web["kind"] == Web.FORM_SUBMITTED) & (web["number"] >= 0))
    sent = sent[traits["in_crm"][web["number"][sent]]]
    sent = sent[rng.random(len(sent)) < FORMS_IN_CRM]
    later = rng.integers(MINUTE, 30 * MINUTE, len(sent))
    forms = {"number": web["number"][sent], "at": web["at"][sent] + later}
    parts.append(of_kind(INTERACTIONS, "Form Received", forms))
    rows = concat(parts)
    n = len(rows["at"])
    rows["form"] = np.full(n, -1)
    rows["form"][n - len(sent) :] = web["session"][sent]
    scored = np.isin(
        rows["kind"], kinds_of(INTERACTIONS, "Score Raised", "Score Lowered")
    )
    rows["points"] = np.where(scored, rng.integers(1, 6, n), np.nan)
    expires = scored & (rng.random(n) < 0.5)
    rows["expires"] = np.where(expires, rows["at"] // DAY * DAY + EXPIRES_AFTER, NEVER)
    rows["campaign"] = rng.integers(0, len(CAMPAIGNS), n)
    rows["author"] = rng.integers(0, len(AUTHORS), n)
    rows["by"] = np.searchsorted(IDENTIFIED_BY, rng.random(n), "right")
    rows["shows_email"] = (rows["by"] > 0) & traits["has_email"][rows["number"]]
    return record(rng, world, rows, len(INTERACTIONS))


def identifier_links(world: World, seed: int) -> Columns:
    """Rows of crm/identifier_links: at, number, cookie (-1 if none), withdrawn.

    Sales ties contacts to customers by hand, and takes devices from those who gave
    them away.
    """
    rng = random_stream(seed, Stream.INTERACTIONS, 2)
    traits, web = world.contacts, world.web
    tied = np.flatnonzero(traits["in_crm"] & traits["old_account"])
    tied = tied[rng.random(len(tied)) < TIED_BY_HAND]
    since = traits["from_day"][tied]
    day = since + rng.random(len(tied)) * (world.calendar.days - since)
    owner = world.cookie_owner[np.minimum(web["cookie"], len(world.cookie_owner) - 1)]
    lent = web["lent"] & (owner != NOBODY)
    cookie, first = np.unique(web["cookie"][lent], return_index=True)
    taken = rng.random(len(cookie)) < GIVEN_AWAY_TOLD
    rows = {
        "at": np.concatenate(
            [
                world.calendar.draw_moments(rng, day.astype(np.int64)),
                web["at"][lent][first][taken] - HOUR,
            ]
        ),
        "number": np.concatenate([tied, owner[lent][first][taken]]),
        "cookie": np.concatenate([np.full(len(tied), -1), cookie[taken]]),
        "withdrawn": np.repeat([False, True], [len(tied), int(taken.sum())]),
    }
    n = len(rows["at"])
    rows |= {"id": np.arange(n), "dirt": np.zeros(n, np.int32)}
    rows["received"] = rows["at"] + rng.integers(2, 300, n) * SECOND
    there = np.flatnonzero(rows["received"] < world.calendar.end)
    return take(rows, there[np.argsort(rows["received"][there], kind="stable")])
