"""The web events of each visit."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from intent.demo.basics import (
    CATEGORIES,
    NEVER,
    SEARCH_WORDS,
    SECOND,
    Calendar,
    Catalogue,
    Columns,
    concat,
    take,
)
from intent.demo.people import People
from intent.demo.visits import tablet_of
from intent.demo.web import (
    FEATURES,
    FORMS,
    LEFT_AFTER,
    LOGIN_AT_CHECKOUT,
    PRODUCT_EVENTS,
    SEARCH_PHRASES,
    STEPS,
    Web,
)

# How often it happens in a visit, at readiness 0 and what readiness 1 adds.
VIEWS = (0.75, 1.7)  # besides the first
SEARCHES = (0.16, 0.50)
PAGES = (0.30, 0.10)  # besides the first
RECOMMENDATIONS = (0.05, 0.25)
WISHLISTS = (0.02, 0.10)
CART_VIEWED = 0.5  # of visits with a cart
CART_EMPTIED = 0.12  # of visits with a cart that do not buy
SHARES = 0.008
SUBMITS = 0.012  # of contacts' visits without bounce
PUSHES = 0.006
LISTS = (0.04, 0.02)
FEATURES_USED = (0.04, 0.12)
PERSONALISED = (0.015, 0.10)
CART_UPDATES = 0.15  # of visits with a cart
WISHLIST_REMOVALS, WISHLIST_UPDATES = 0.006, 0.004
PROFILE_UPDATES, PREFERENCE_UPDATES, CUSTOMISATIONS = 0.04, 0.025, 0.015  # of logins
SITE_FEEDBACKS = 0.004
REVIEWED = 0.02  # of logins
SAME_PRODUCT = 0.5  # of views are of the visit's main product
ORDER_NOT_TRACKED = 0.06  # ad blockers
SECONDS_PER_EVENT = (28.0, 24.0)
LEAST_PAUSE = 2 * SECOND
NO_EVENT_DETAIL = -1


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
    login = visits["login"]
    led = (visits["campaign"] >= 0) | visits["searched"]
    lands_on_product = led | (rng.random(n) < 0.55)
    return {
        Web.SESSION_STARTED: np.ones(n, np.int64),
        Web.LANDED: led.astype(np.int64),
        Web.PAGE_VIEWED: often(PAGES) + ~lands_on_product,
        Web.PRODUCT_VIEWED: often(VIEWS)
        + ((lands_on_product & ~led) | (stays & (rng.random(n) < 0.5)) | has_cart),
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
        Web.FORM_SUBMITTED: once(SUBMITS, is_contact & stays),
        Web.NEWSLETTER_SUBSCRIBED: visits["joins"].astype(np.int64),
        Web.PUSH_SUBSCRIBED: once(PUSHES, stays),
        Web.PRODUCT_LIST_VIEWED: often(LISTS),
        Web.FEATURE_USED: often(FEATURES_USED),
        Web.PERSONALISED_CLICKED: often(PERSONALISED),
        Web.CART_UPDATED: once(CART_UPDATES, has_cart),
        Web.WISHLIST_REMOVED: once(WISHLIST_REMOVALS, stays),
        Web.WISHLIST_UPDATED: once(WISHLIST_UPDATES, stays),
        Web.PROFILE_UPDATED: once(PROFILE_UPDATES, login),
        Web.PREFERENCES_UPDATED: once(PREFERENCE_UPDATES, login),
        Web.PREFERENCES_CUSTOMISED: once(CUSTOMISATIONS, login),
        Web.SITE_FEEDBACK: once(SITE_FEEDBACKS, stays),
        Web.PRODUCT_REVIEWED: once(REVIEWED, login),
    }


@dataclass(frozen=True)
class WebDay:
    """All that the visits of a block leave behind."""

    events: Columns
    """One row per web event. `number` is the contact or -1, `session` and `cookie`
    count within the block, what an event has not is -1 or NaN. `lent` says that the
    cookie is not the person's own: the tablet's or one of a second-hand device."""
    identifies: Columns
    """at, cookie, lent, number, with_account."""
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
    kind, at = events["kind"], events["at"]
    # On the tablet, who logs in logs out at the end.
    browsers = tablet_of(people) + len(visits["person"])
    own = np.where(
        visits["at_counter"],
        tablet_of(people) + np.arange(len(visits["person"])),
        visits["cookie"],
    )
    browser = own[events["session"]]
    login = kind == Web.SIGNED_IN
    first_login = np.full(browsers, NEVER)
    np.minimum.at(first_login, browser[login], at[login])
    events["with_account"] = at >= first_login[browser]
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
    events = concat([events, _leavings(rng, calendar, events)])
    return WebDay(
        events,
        {
            name: identifies[name]
            for name in ("at", "cookie", "lent", "number", "with_account")
        },
        {
            name: orders[name]
            for name in ("at", "number", "cookie", "with_account", "value", "country")
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
    place = np.array([STEPS.get(web, (0.0, 0.0)) for web in Web])[kind]
    late_login = (kind == Web.SIGNED_IN) & visits["buys"][session]
    earliest = np.where(late_login, LOGIN_AT_CHECKOUT, place[:, 0])
    spot = earliest + place[:, 1] * rng.random(len(kind))
    order = np.argsort(session * 16 + spot, kind="stable")
    session, kind = session[order], kind[order]

    # Who is ready looks longer.
    mean = (SECONDS_PER_EVENT[0] + SECONDS_PER_EVENT[1] * visits["ready"]) * SECOND
    pause = rng.exponential(mean[session]).astype(np.int64)
    clock = np.cumsum(pause + LEAST_PAUSE)
    opening = np.flatnonzero(kind == Web.SESSION_STARTED)  # one per visit
    at = visits["start"][session] + clock - clock[opening][session]
    copied = ("person", "number", "agent", "country", "referrer", "category")
    return {
        "kind": kind,
        "session": session,
        "at": at,
        "cookie": visits["shown"][session],
        "lent": (visits["shown"] != visits["cookie"])[session],
        **{name: visits[name][session] for name in copied},
    }


def _detail(
    rng: np.random.Generator, catalogue: Catalogue, visits: Columns, events: Columns
) -> None:
    """Add to the events what each is about, how much of it, and where it came from."""
    kind, session = events["kind"], events["session"]
    n = len(kind)
    about_product = np.isin(kind, PRODUCT_EVENTS)
    product = np.where(
        rng.random(n) < SAME_PRODUCT,
        visits["main"][session],
        catalogue.draw(rng, events["category"]),
    )
    query = rng.integers(0, len(SEARCH_WORDS), n) * len(CATEGORIES) + events["category"]
    phrase = rng.integers(0, len(SEARCH_PHRASES), n) * len(CATEGORIES)
    phrase += events["category"]
    landed = kind == Web.LANDED
    by_phrase = landed & visits["searched"][session]
    added = kind == Web.PRODUCT_ADDED
    quantity = 1.0 + (rng.random(n) < 0.13) + (rng.random(n) < 0.03)
    worth = np.where(added, quantity * catalogue.prices[product], 0)
    cart = np.bincount(session, worth, len(visits["person"]))
    totals = (kind == Web.CHECKOUT_STARTED) | (kind == Web.ORDER_COMPLETED)
    value = np.where(totals, cart[session], np.nan)
    for name, shown, values in (
        ("product", about_product, product),
        ("query", kind == Web.PRODUCTS_SEARCHED, query),
        ("campaign", landed, visits["campaign"][session]),
        ("phrase", by_phrase, phrase),
        ("feature", kind == Web.FEATURE_USED, rng.integers(0, len(FEATURES), n)),
        ("form", kind == Web.FORM_SUBMITTED, rng.integers(0, len(FORMS), n)),
    ):
        events[name] = np.where(shown, values, NO_EVENT_DETAIL)
    events["dwell"] = np.full(n, np.nan, np.float32)
    removed = kind == Web.PRODUCT_REMOVED
    events["quantity"] = np.where(added, quantity, np.where(removed, 1.0, np.nan))
    events["value"] = np.round(np.where(added, worth, value), 2)


def _leavings(rng: np.random.Generator, calendar: Calendar, events: Columns) -> Columns:
    """The events that tell how long pages were looked at."""
    kind, at, session = events["kind"], events["at"], events["session"]
    n = len(kind)
    share = np.array([LEFT_AFTER.get(web, 0.0) for web in Web])[kind]
    seen = np.flatnonzero(rng.random(n) < share)
    last = rng.exponential(SECONDS_PER_EVENT[0] * SECOND, n).astype(np.int64)
    until = at + LEAST_PAUSE + last
    more = session[:-1] == session[1:]
    until[:-1] = np.where(more, at[1:], until[:-1])
    until = np.maximum(until - rng.integers(100, SECOND, n), at + SECOND // 2)[seen]
    left = take(events, seen)
    left["dwell"] = np.round((until - left["at"]) / SECOND, 1).astype(np.float32)
    of_product = left["kind"] == Web.PRODUCT_VIEWED
    left["kind"] = np.where(of_product, Web.PRODUCT_LEFT, Web.PAGE_LEFT)
    left["at"] = until
    for name in ("campaign", "phrase"):
        left[name] = np.full(len(seen), NO_EVENT_DETAIL)
    return take(left, until < calendar.end)
