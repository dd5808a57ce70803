"""Visits to the shop and the web events of each."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from intent.demo.basics import (
    CATEGORIES,
    DAY,
    NEVER,
    SEARCH_WORDS,
    SECOND,
    Calendar,
    Catalogue,
    Columns,
    take,
)
from intent.demo.people import People, Readiness


class Web(IntEnum):
    """Web events; the names that the tracker sends are in WEB_NAMES."""

    SESSION_STARTED = 0
    PAGE_VIEWED = 1
    PRODUCT_VIEWED = 2
    PRODUCTS_SEARCHED = 3
    RECOMMENDATION_CLICKED = 4
    WISHLIST_ADDED = 5
    PRODUCT_ADDED = 6
    PRODUCT_REMOVED = 7
    CART_VIEWED = 8
    CHECKOUT_STARTED = 9
    ORDER_COMPLETED = 10
    PRODUCT_SHARED = 11
    SIGNED_IN = 12
    FORM_SUBMITTED = 13
    NEWSLETTER_SUBSCRIBED = 14
    PUSH_SUBSCRIBED = 15


WEB_NAMES = (
    "Session Started",
    "Page Viewed",
    "Product Viewed",
    "Products Searched",
    "Recommendation Clicked",
    "Product Added to Wishlist",
    "Product Added",
    "Product Removed",
    "Cart Viewed",
    "Checkout Started",
    "Order Completed",
    "Product Shared",
    "Signed In",
    "Form Submitted",
    "Newsletter Subscribed",
    "Push Subscribed",
)
PRODUCT_EVENTS = (
    Web.PRODUCT_VIEWED,
    Web.RECOMMENDATION_CLICKED,
    Web.WISHLIST_ADDED,
    Web.PRODUCT_ADDED,
    Web.PRODUCT_REMOVED,
    Web.PRODUCT_SHARED,
)
EMAIL_EVENTS = (Web.ORDER_COMPLETED, Web.NEWSLETTER_SUBSCRIBED, Web.FORM_SUBMITTED)
"""Events that carry the email of a contact, logged in or not."""

# Visits that no episode causes, per year of presence.
BASE_VISITS_PER_YEAR = 2.6
ANONYMOUS_VISITS_PER_YEAR = 10.0  # of the few weeks that a cookie lives
VISITS_AT_PEAK = 0.9  # per day at readiness 1
SPONTANEOUS_PURCHASES = 0.004  # of visits that no episode causes

# What happens in a visit, at readiness 0 and what readiness 1 adds.
BOUNCES = (0.52, -0.40)
VIEWS = (0.75, 1.7)  # besides the first
SEARCHES = (0.16, 0.50)
PAGES = (0.30, 0.10)  # besides the first
RECOMMENDATIONS = (0.05, 0.25)
WISHLISTS = (0.02, 0.10)
CARTS = (0.018, 0.36)
CHECKOUTS = (0.20, 0.28)  # of visits with a cart
READINESS_OF_BUYER = 0.85
CART_VIEWED = 0.5  # of visits with a cart
CART_EMPTIED = 0.12  # of visits with a cart that do not buy
MORE_IN_CART = 0.5  # further products per cart
SHARES = 0.008
FORMS = 0.012  # of contacts' visits without bounce
NEWSLETTERS = 0.030  # of contacts' visits without bounce
PUSHES = 0.006
LOGINS = 0.22  # of account holders' visits
BUYERS_AS_GUEST = 0.08  # of account holders' purchases
SAME_PRODUCT = 0.5  # of views are of the visit's main product
FAVOURITE_CATEGORY = 0.65
MAIN_DEVICE = 0.7
ORDER_NOT_TRACKED = 0.06  # ad blockers
SECONDS_PER_EVENT = 38.0

REFERRERS = (
    "",
    "https://www.google.com/",
    "https://www.bing.com/",
    "https://www.instagram.com/",
    "https://www.idealo.de/",
    "https://mail.example.net/",
)
REFERRER_SHARES = (0.42, 0.36, 0.05, 0.09, 0.08)
FROM_MAIL = 5
NO_EVENT_DETAIL = -1

BROWSERS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/138.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15"
    " (KHTML, like Gecko) Version/18.5 Safari/605.1.15",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15"
    " (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 15; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/138.0.0.0 Mobile Safari/537.36",
    # A phone whose name ends as robots' names do.
    "Mozilla/5.0 (Linux; Android 13; CUBOT KINGKONG 9) AppleWebKit/537.36"
    " (KHTML, like Gecko) Chrome/137.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/138.0.0.0 Safari/537.36 Edg/138.0.0.0",
)

# Where in a visit each event stands: earliest place, and how far it may move.
_PLACES = {
    Web.SESSION_STARTED: (0.0, 0.0),
    Web.SIGNED_IN: (0.5, 0.4),
    Web.PAGE_VIEWED: (1.0, 2.0),
    Web.PRODUCTS_SEARCHED: (1.0, 1.8),
    Web.PRODUCT_VIEWED: (1.5, 2.0),
    Web.RECOMMENDATION_CLICKED: (2.0, 1.5),
    Web.WISHLIST_ADDED: (3.0, 1.0),
    Web.PRODUCT_SHARED: (3.0, 1.0),
    Web.PRODUCT_ADDED: (4.0, 1.0),
    Web.CART_VIEWED: (5.0, 0.0),
    Web.PRODUCT_REMOVED: (5.2, 0.3),
    Web.CHECKOUT_STARTED: (7.0, 0.0),
    Web.ORDER_COMPLETED: (8.0, 0.0),
    Web.FORM_SUBMITTED: (9.0, 0.5),
    Web.NEWSLETTER_SUBSCRIBED: (9.0, 0.9),
    Web.PUSH_SUBSCRIBED: (9.0, 0.9),
}
_LOGIN_AT_CHECKOUT = 6.0


def plan_visits(
    rng: np.random.Generator,
    calendar: Calendar,
    people: People,
    readiness: Readiness,
) -> Columns:
    """Visits of a block by their own will: person, start, buys, referrer."""
    p = people.columns
    years = (p["to_day"] - p["from_day"]) / 365
    is_contact = p["number"] >= 0
    rate = np.where(is_contact, BASE_VISITS_PER_YEAR, ANONYMOUS_VISITS_PER_YEAR)
    counts = rng.poisson(rate * years * (0.3 + 0.7 * p["propensity"]))
    base = np.repeat(np.arange(people.size), counts)
    day = calendar.draw_days(rng, p["from_day"][base], p["to_day"][base])
    spontaneous = is_contact[base] & (rng.random(len(base)) < SPONTANEOUS_PURCHASES)

    person = np.concatenate(
        [base, readiness.visits["person"], readiness.purchases["person"]]
    )
    days = np.concatenate([day, readiness.visits["day"], readiness.purchases["day"]])
    buys = np.zeros(len(person), bool)
    buys[: len(base)] = spontaneous
    buys[len(person) - len(readiness.purchases["day"]) :] = True
    return {
        "person": person,
        "start": calendar.draw_moments(rng, days),
        "buys": buys,
        "referrer": rng.choice(len(REFERRER_SHARES), len(person), p=REFERRER_SHARES),
    }


def decide_visits(
    rng: np.random.Generator,
    calendar: Calendar,
    people: People,
    readiness: Readiness,
    visits: Columns,
) -> Columns:
    """The same visits with how far each gets and what else is done in it.

    Adds cookie, agent, category, main (product is drawn later), ready, bounces,
    cart (products added), checkout, login, guest, joins (wants the newsletter).
    """
    person, buys = visits["person"], visits["buys"]
    n = len(person)
    p = take(people.columns, person)
    day = np.clip((visits["start"] - calendar.start) // DAY, 0, calendar.days - 1)
    ready = readiness.level[person, day].astype(np.float64)
    ready = np.where(buys, READINESS_OF_BUYER, ready)

    def chance(rate: tuple[float, float]) -> NDArray[np.bool_]:
        return rng.random(n) < rate[0] + rate[1] * ready

    bounces = chance(BOUNCES) & ~buys
    has_cart = (chance(CARTS) & ~bounces) | buys
    is_contact = p["number"] >= 0
    is_holder = np.zeros(people.size, bool)
    is_holder[: people.contacts] = (
        people.traits["old_account"] | people.traits["may_register"]
    )
    guest = buys & (rng.random(n) < BUYERS_AS_GUEST)
    other = (1 + rng.random(n) * (p["devices"] - 1)).astype(np.int64)
    on_main = (rng.random(n) < MAIN_DEVICE) | (p["devices"] == 1)
    device = np.where(on_main, 0, np.minimum(other, p["devices"] - 1))
    category = np.where(
        rng.random(n) < FAVOURITE_CATEGORY,
        p["favourite"],
        rng.integers(0, len(CATEGORIES), n),
    )
    return {
        **visits,
        "number": p["number"],
        "cookie": p["first_cookie"] + device,
        "agent": (p["agent"] + device * 5) % len(BROWSERS),
        "country": p["country"],
        "category": category,
        "main": Catalogue.draw(rng, category),
        "ready": ready,
        "bounces": bounces,
        "cart": np.where(has_cart, 1 + rng.poisson(MORE_IN_CART, n), 0),
        "checkout": (has_cart & chance(CHECKOUTS)) | buys,
        "login": is_holder[person] & ~guest & ((rng.random(n) < LOGINS) | buys),
        "joins": is_contact & ~bounces & (rng.random(n) < NEWSLETTERS),
    }


def _counts(rng: np.random.Generator, visits: Columns) -> dict[Web, NDArray[np.int64]]:
    """How often each event happens in each visit."""
    n = len(visits["person"])
    ready, buys = visits["ready"], visits["buys"]
    stays = ~visits["bounces"]
    has_cart = visits["cart"] > 0

    def often(rate: tuple[float, float]) -> NDArray[np.int64]:
        return np.asarray(rng.poisson(rate[0] + rate[1] * ready)) * stays

    def once(share: float, mask: NDArray[np.bool_]) -> NDArray[np.int64]:
        return (mask & (rng.random(n) < share)).astype(np.int64)

    is_contact = visits["number"] >= 0
    lands_on_product = rng.random(n) < 0.55
    return {
        Web.SESSION_STARTED: np.ones(n, np.int64),
        Web.PAGE_VIEWED: often(PAGES) + ~lands_on_product,
        Web.PRODUCT_VIEWED: often(VIEWS)
        + (lands_on_product | (stays & (rng.random(n) < 0.5)) | has_cart),
        Web.PRODUCTS_SEARCHED: often(SEARCHES),
        Web.RECOMMENDATION_CLICKED: often(RECOMMENDATIONS),
        Web.WISHLIST_ADDED: often(WISHLISTS),
        Web.PRODUCT_ADDED: visits["cart"],
        Web.PRODUCT_REMOVED: once(CART_EMPTIED, has_cart & ~buys),
        Web.CART_VIEWED: np.maximum(once(CART_VIEWED, has_cart), buys),
        Web.CHECKOUT_STARTED: visits["checkout"].astype(np.int64),
        Web.ORDER_COMPLETED: buys.astype(np.int64),
        Web.PRODUCT_SHARED: once(SHARES, stays),
        Web.SIGNED_IN: visits["login"].astype(np.int64),
        Web.FORM_SUBMITTED: once(FORMS, is_contact & stays),
        Web.NEWSLETTER_SUBSCRIBED: visits["joins"].astype(np.int64),
        Web.PUSH_SUBSCRIBED: once(PUSHES, stays),
    }


@dataclass(frozen=True)
class WebDay:
    """All that the visits of a block leave behind."""

    events: Columns
    """One row per web event, by visit and time. `number` is the contact or -1,
    `session` and `cookie` count within the block, product, query -1 if none."""
    identifies: Columns
    """at, cookie, number, with_account."""
    orders: Columns
    """at, number, session, with_account, total, country."""
    lines: Columns
    """order (row of orders), product, quantity, price, at."""
    registered: NDArray[np.int64]
    """First login of each contact in ms, or NEVER; shape (contacts,)."""


def play_visits(
    rng: np.random.Generator,
    calendar: Calendar,
    catalogue: Catalogue,
    people: People,
    visits: Columns,
) -> WebDay:
    """Every event of the visits."""
    events = _timed(rng, visits, _counts(rng, visits))
    _detail(rng, catalogue, visits, events)
    events = take(events, events["at"] < calendar.end)
    kind, at, cookie = events["kind"], events["at"], events["cookie"]

    cookies = int(np.sum(people.columns["devices"]))
    login = kind == Web.SIGNED_IN
    first_login = np.full(cookies, NEVER)
    np.minimum.at(first_login, cookie[login], at[login])
    events["with_account"] = at >= first_login[cookie]
    registered = np.full(people.contacts, NEVER)
    np.minimum.at(registered, events["person"][login], at[login])

    ordered = kind == Web.ORDER_COMPLETED
    orders = take(events, ordered)
    order_of_session = np.full(len(visits["person"]), -1)
    order_of_session[orders["session"]] = np.arange(len(orders["at"]))
    events["order"] = np.where(ordered, order_of_session[events["session"]], -1)
    in_order = (kind == Web.PRODUCT_ADDED) & (order_of_session[events["session"]] >= 0)
    lines = take(events, in_order)

    newsletter = kind == Web.NEWSLETTER_SUBSCRIBED
    told = login | newsletter | (ordered & (rng.random(len(at)) < 0.7))
    identifies = take(events, told)
    events = take(events, ~(ordered & (rng.random(len(at)) < ORDER_NOT_TRACKED)))
    return WebDay(
        events,
        {name: identifies[name] for name in ("at", "cookie", "number", "with_account")},
        {
            name: orders[name]
            for name in ("at", "number", "session", "with_account", "value", "country")
        },
        {
            "order": order_of_session[lines["session"]],
            "product": lines["product"],
            "quantity": lines["quantity"],
            "price": catalogue.prices[lines["product"]],
        },
        registered,
    )


def _timed(
    rng: np.random.Generator, visits: Columns, counts: dict[Web, NDArray[np.int64]]
) -> Columns:
    """One row per event, in order within each visit: kind, session, at."""
    rows = np.arange(len(visits["person"]))
    session = np.concatenate([np.repeat(rows, n) for n in counts.values()])
    sizes = [int(n.sum()) for n in counts.values()]
    kind = np.repeat(np.array(list(counts), np.int64), sizes)
    place = np.array([_PLACES[web] for web in Web])[kind]
    late_login = (kind == Web.SIGNED_IN) & visits["buys"][session]
    earliest = np.where(late_login, _LOGIN_AT_CHECKOUT, place[:, 0])
    spot = earliest + place[:, 1] * rng.random(len(kind))
    order = np.argsort(session * 16 + spot, kind="stable")
    session, kind = session[order], kind[order]

    pause = rng.exponential(SECONDS_PER_EVENT * SECOND, len(kind)).astype(np.int64)
    clock = np.cumsum(pause + SECOND)
    opening = np.flatnonzero(kind == Web.SESSION_STARTED)  # one per visit
    at = visits["start"][session] + clock - clock[opening][session]
    copied = ("person", "number", "cookie", "agent", "country", "referrer", "category")
    return {
        "kind": kind,
        "session": session,
        "at": at,
        **{name: visits[name][session] for name in copied},
    }


def _detail(
    rng: np.random.Generator, catalogue: Catalogue, visits: Columns, events: Columns
) -> None:
    """Add product, query, quantity and value to the events."""
    kind, session = events["kind"], events["session"]
    n = len(kind)
    about_product = np.isin(kind, PRODUCT_EVENTS)
    product = np.where(
        rng.random(n) < SAME_PRODUCT,
        visits["main"][session],
        catalogue.draw(rng, events["category"]),
    )
    words = rng.integers(0, len(SEARCH_WORDS), n)
    query = words * len(CATEGORIES) + events["category"]
    added = kind == Web.PRODUCT_ADDED
    quantity = 1.0 + (rng.random(n) < 0.13) + (rng.random(n) < 0.03)
    worth = np.where(added, quantity * catalogue.prices[product], 0)
    cart = np.bincount(session, worth, len(visits["person"]))
    totals = (kind == Web.CHECKOUT_STARTED) | (kind == Web.ORDER_COMPLETED)
    value = np.where(totals, cart[session], np.nan)
    events["product"] = np.where(about_product, product, NO_EVENT_DETAIL)
    events["query"] = np.where(kind == Web.PRODUCTS_SEARCHED, query, NO_EVENT_DETAIL)
    removed = kind == Web.PRODUCT_REMOVED
    events["quantity"] = np.where(added, quantity, np.where(removed, 1.0, np.nan))
    events["value"] = np.round(np.where(added, worth, value), 2)


def visits_from_clicks(clicks: Columns) -> Columns:
    """Visits that clicks in emails cause; takes person and at of the clicks."""
    n = len(clicks["person"])
    return {
        "person": clicks["person"],
        "start": clicks["at"] + 2 * SECOND,
        "buys": np.zeros(n, bool),
        "referrer": np.full(n, FROM_MAIL),
    }


def in_order(visits: Columns) -> Columns:
    """Visits in the order of their start within each person."""
    return take(visits, np.lexsort((visits["start"], visits["person"])))
