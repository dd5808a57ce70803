"""Rows of tracker and email tool, as Arrow tables."""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from intent.demo.basics import CATEGORIES, SEARCH_WORDS, Columns
from intent.demo.cells import (
    Names,
    codes,
    cookie_ids,
    currencies,
    event_times,
    known,
    numbers,
    order_ids,
    pick,
    product_count,
    product_ids,
    times,
)
from intent.demo.machines import BOT_AGENTS
from intent.demo.mail import ABANDONED_CART, MAIL_NAMES, SCANNER_AT, Machine, Mail
from intent.demo.web import (
    ADS,
    BROWSERS,
    ENTRY_SOURCES,
    FEATURES,
    FORMS,
    REFERRERS,
    SEARCH_PHRASES,
    WEB_NAMES,
    Web,
)
from intent.demo.world import World

SITE = "https://shop.example.com"
_PATHS = {
    Web.SESSION_STARTED: "/",
    Web.PAGE_VIEWED: "/",
    Web.PRODUCTS_SEARCHED: "/search",
    Web.CART_VIEWED: "/cart",
    Web.CHECKOUT_STARTED: "/checkout",
    Web.ORDER_COMPLETED: "/checkout/thanks",
    Web.SIGNED_IN: "/account/login",
    Web.FORM_SUBMITTED: "/contact",
    Web.NEWSLETTER_SUBSCRIBED: "/newsletter",
    Web.LANDED: "/landing",
    Web.PRODUCT_LIST_VIEWED: "/lists",
    Web.CART_UPDATED: "/cart",
    Web.WISHLIST_UPDATED: "/wishlist",
    Web.PROFILE_UPDATED: "/account/profile",
    Web.PREFERENCES_UPDATED: "/account/preferences",
    Web.PREFERENCES_CUSTOMISED: "/account/preferences",
    Web.SITE_FEEDBACK: "/feedback",
}
MAIL_AGENTS = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15"
    " (KHTML, like Gecko)",
    "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0"
    " (via ggpht.com GoogleImageProxy)",
    "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.17928; Pro)",
    "Mozilla/5.0 (Linux; Android 15; Pixel 8) AppleWebKit/537.36"
    " (KHTML, like Gecko) Version/4.0 Chrome/138.0.0.0 Mobile Safari/537.36",
)
PROXY_AGENT = "Mozilla/5.0"
SCANNER_AGENTS = (
    "BarracudaCentral/1.0 (link protection)",
    "Proofpoint URL Defense/2.0",
    "Mimecast Targeted Threat Protection/1.1",
)
UNKNOWN_WEB_NAMES = ("Video Watched", "product_viewed")
UNKNOWN_EMAIL_NAMES = ("Printed Email", "email_glanced_at")


def _paths() -> Any:
    """Paths of all pages: by event, then by product, then by category."""
    fixed = [_PATHS.get(web, "/") for web in Web]
    products = [f"/p/{i + 1000}" for i in range(product_count())]
    return pa.array([*fixed, *products, *(f"/c/{c}" for c in CATEGORIES)])


def web_ids(row: NDArray[Any]) -> Any:
    """Ids of web events."""
    return codes("e_", row, 1)


def identify_ids(row: NDArray[Any]) -> Any:
    """Ids of identify calls."""
    return codes("i_", row, 2)


def email_ids(row: NDArray[Any]) -> Any:
    """Ids of email events."""
    return codes("m_", row, 3)


def web_events(names: Names, rows: Columns) -> Any:
    """Rows of web/events."""
    kind, product = rows["kind"], rows["product"]
    there = known(rows)
    paths = np.where(product >= 0, len(Web) + product, np.minimum(kind, len(Web) - 1))
    browsing = np.isin(kind, (Web.PAGE_VIEWED, Web.PAGE_LEFT)) & (
        rows["session"] % 3 > 0
    )
    in_category = len(Web) + product_count() + rows["category"].astype(np.int64)
    ids, categories = product_ids(product)
    has_value = ~np.isnan(rows["value"])
    queries = [f"{word} {c}" for word in SEARCH_WORDS for c in CATEGORIES]
    shown = there & rows["shows_email"]
    every = np.arange(len(kind))
    with_cookie = there & (rows["cookie"] >= 0)
    entered = np.isin(kind, (Web.SESSION_STARTED, Web.LANDED))
    phrases = pa.array([f"{word} {c}" for word in SEARCH_PHRASES for c in CATEGORIES])
    return pa.table(
        {
            "event_id": web_ids(rows["id"]),
            "event_name": pick(pa.array(WEB_NAMES + UNKNOWN_WEB_NAMES), kind),
            "event_time": times(event_times(rows)),
            "received_at": times(rows["received"]),
            "anonymous_id": pick(cookie_ids(rows["cookie"]), every, with_cookie),
            "user_id": pick(names.users, rows["number"], there & rows["with_account"]),
            "email": names.emails(rows["number"], rows["dirt"], shown),
            "session_id": pick(
                codes("s_", rows["session"], 5), every, rows["session"] >= 0
            ),
            "page_path": pick(_paths(), np.where(browsing, in_category, paths)),
            "referrer": pick(
                pa.array(REFERRERS), rows["referrer"], rows["referrer"] > 0
            ),
            "search_query": pick(pa.array(queries), rows["query"], rows["query"] >= 0),
            "product_id": ids,
            "product_category": categories,
            "order_id": order_ids(rows["order"]),
            "quantity": numbers(rows["quantity"]),
            "value": numbers(rows["value"]),
            "currency": currencies(rows["country"], has_value),
            "user_agent": pick(
                pa.array(BROWSERS + BOT_AGENTS), rows["agent"], rows["agent"] >= 0
            ),
            "dwell_seconds": numbers(np.round(rows["dwell"].astype(np.float64), 1)),
            "campaign": pick(
                pa.array([*ADS, *_campaigns(names.world)]),
                rows["campaign"],
                rows["campaign"] >= 0,
            ),
            "entry_source": pick(pa.array(ENTRY_SOURCES), rows["referrer"], entered),
            "search_phrase": pick(phrases, rows["phrase"], rows["phrase"] >= 0),
            "feature": pick(pa.array(FEATURES), rows["feature"], rows["feature"] >= 0),
            "form": pick(pa.array(FORMS), rows["form"], rows["form"] >= 0),
            "form_submission_id": pick(
                form_ids(rows["session"]), every, rows["form"] >= 0
            ),
        }
    )


def form_ids(session: NDArray[Any]) -> Any:
    """Ids of forms sent in: there is one at most in a visit."""
    return codes("f_", session, 9)


def web_identifies(names: Names, rows: Columns) -> Any:
    """Rows of web/identifies."""
    number = rows["number"]
    every = np.ones(len(number), bool)
    return pa.table(
        {
            "event_id": identify_ids(rows["id"]),
            "event_time": times(event_times(rows)),
            "received_at": times(rows["received"]),
            "anonymous_id": cookie_ids(rows["cookie"]),
            "user_id": pick(names.users, number, rows["with_account"]),
            "email": names.emails(number, rows["dirt"], every),
            "phone": pick(names.phones, number, rows["with_account"]),
        }
    )


def email_events(names: Names, rows: Columns) -> Any:
    """Rows of email/events."""
    world, kind = names.world, rows["kind"]
    number, machine = rows["number"], rows["machine"]
    there = known(rows)
    with_campaign = rows["campaign"] >= ABANDONED_CART
    by_agent = (kind == Mail.OPENED) | (kind == Mail.CLICKED)
    agents = pa.array((*MAIL_AGENTS, PROXY_AGENT, *SCANNER_AGENTS))
    agent = world.contacts["mail_agent"][number] % len(MAIL_AGENTS)
    proxied = (machine == Machine.PROXY) | (machine == Machine.BARE_PROXY)
    agent = np.where(proxied, len(MAIL_AGENTS), agent)
    company = world.contacts["company"][number]
    scanner = len(MAIL_AGENTS) + 1 + company // SCANNER_AT[0] % len(SCANNER_AGENTS)
    agent = np.where(machine == Machine.SCANNER, scanner, agent)
    says = (kind == Mail.OPENED) & (
        (machine == Machine.PROXY) | (machine == Machine.NONE)
    )
    has_account = world.contacts["old_account"][number] & there
    links = pa.array([f"{SITE}/c/{c}" for c in CATEGORIES])
    return pa.table(
        {
            "event_id": email_ids(rows["id"]),
            "event_name": pick(pa.array(MAIL_NAMES + UNKNOWN_EMAIL_NAMES), kind),
            "event_time": times(event_times(rows), "s"),
            "received_at": times(rows["received"], "s"),
            "email": names.emails(number, rows["dirt"], there),
            "customer_id": pick(names.customers, number, has_account),
            "campaign_id": pick(
                pa.array(_campaigns(world)), rows["campaign"] + 1, with_campaign
            ),
            "message_id": pick(
                codes("msg_", (number.astype(np.int64) << 26) + rows["sent"], 6),
                np.arange(len(kind)),
                with_campaign,
            ),
            "url": pick(links, rows["category"], kind == Mail.CLICKED),
            "user_agent": pick(agents, agent, by_agent),
            "is_machine_open": pa.array(machine == Machine.PROXY, mask=~says),
        }
    )


def _campaigns(world: World) -> list[str]:
    """Ids of the reminder flow and then of the newsletters."""
    last = int(world.mail["campaign"].max(initial=0))
    return ["flow-cart", *(f"newsletter-{i + 1:03d}" for i in range(last + 1))]
