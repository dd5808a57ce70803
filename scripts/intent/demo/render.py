"""From numbers to the rows that a tool would export, as Arrow tables."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from intent.demo.basics import (
    CATEGORIES,
    DAY,
    NEVER,
    PRODUCTS_PER_CATEGORY,
    SEARCH_WORDS,
    Columns,
)
from intent.demo.dirt import (
    BOT_AGENTS,
    UNKNOWN_EMAIL_NAMES,
    UNKNOWN_WEB_NAMES,
    Dirt,
)
from intent.demo.mail import (
    ABANDONED_CART,
    MAIL_NAMES,
    SCANNER_AT_EVERY,
    Machine,
    Mail,
)
from intent.demo.people import COUNTRIES
from intent.demo.visits import BROWSERS, REFERRERS, WEB_NAMES, Web
from intent.demo.world import World

FIRST_NAMES = (
    *("anna", "ben", "clara", "david", "emma", "felix", "greta", "hugo", "ida"),
    *("jonas", "katja", "leon", "mia", "noah", "olga", "paul", "rosa", "tim"),
)
LAST_NAMES = (
    *("adler", "berg", "conrad", "dorn", "eder", "falk", "graf", "hahn", "imhof"),
    *("jung", "kern", "lang", "moser", "noll", "otto", "pohl", "roth", "stein"),
)
MAIL_DOMAINS = ("example.com", "example.org", "example.net")
PHONES_PER_AREA, FIRST_AREA, AREAS = 100, 200, 800
"""Numbers 555-0100 to 555-0199 of each area are kept free for invented people."""

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
    Web.PUSH_SUBSCRIBED: "/",
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
CURRENCIES = ("EUR", "GBP")
_POUNDS = COUNTRIES.index("GB")
RETURN_REASONS = (
    *("too small", "too large", "not as pictured", "arrived damaged"),
    "changed my mind",
)
_HEX = np.frombuffer(b"0123456789abcdef", np.uint8)


class Names:
    """Identifiers of contacts, as text; one Arrow string per contact."""

    def __init__(self, world: World) -> None:
        """Make the identifiers of all contacts of a world."""
        traits = world.contacts
        n = len(traits["name"])
        number = np.arange(n)
        self.world = world
        self._emails = _email_variants(traits["name"], number)
        self._contacts = n
        self.customers = _numbered("C", 100_000 + number)
        self.crm_ids = _numbered("003", 100_000_000_000 + number)
        self.companies = _numbered("001", 100_000_000_000 + traits["company"])
        self.phones = _phones(traits["has_phone"])

    def emails(
        self, number: NDArray[Any], dirt: NDArray[Any], shown: NDArray[np.bool_]
    ) -> Any:
        """Emails of contacts, untidy where the dirt says so, null if not shown."""
        untidy = (dirt & Dirt.UNTIDY_EMAIL) > 0
        # Alternate between capitals and blanks.
        variant = np.where(untidy, 1 + number.astype(np.int64) % 2, 0)
        return pick(self._emails, variant * self._contacts + number, shown)


def _email_variants(name: NDArray[Any], number: NDArray[Any]) -> Any:
    """Emails of all contacts; then all in capitals; then all between blanks."""
    first = pick(pa.array(FIRST_NAMES), name % len(FIRST_NAMES))
    last = pick(pa.array(LAST_NAMES), name // 32 % len(LAST_NAMES))
    domain = pick(pa.array(MAIL_DOMAINS), name // 1024 % len(MAIL_DOMAINS))
    local = pc.binary_join_element_wise(
        first, last, pa.array(number).cast(pa.string()), "."
    )
    plain = pc.binary_join_element_wise(local, domain, "@")
    blank = pc.binary_join_element_wise(" ", plain, "  ", "")
    return pa.concat_arrays([plain, pc.utf8_upper(plain), blank])


def _phones(has_phone: NDArray[np.bool_]) -> Any:
    """Phones of contacts; null beyond the invented numbers, for none is shared."""
    rank = np.cumsum(has_phone) - 1
    there = has_phone & (rank < AREAS * PHONES_PER_AREA)
    area = FIRST_AREA + rank % AREAS
    number = area * 10_000_000 + 555_0100 + rank // AREAS
    return pick(_numbered("+1", number), np.arange(len(rank)), there)


def pick(
    words: Any, index: NDArray[Any], shown: NDArray[np.bool_] | None = None
) -> Any:
    """The words at an index; null where not shown."""
    if shown is None:
        return words.take(pa.array(index))
    return words.take(pa.array(np.where(shown, index, 0), mask=~shown))


def _numbered(prefix: str, number: NDArray[Any]) -> Any:
    """Texts such as C100001."""
    return pc.binary_join_element_wise(prefix, pa.array(number).cast(pa.string()), "")


def codes(prefix: str, number: NDArray[Any], salt: int) -> Any:
    """Opaque ids, one for one: prefix and 16 hexadecimal digits that tell nothing."""
    mixed = number.astype(np.uint64) + np.uint64(
        0x9E3779B97F4A7C15 * (salt + 1) % 2**64
    )
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    mixed ^= mixed >> np.uint64(31)
    octets = mixed.astype(">u8").view(np.uint8).reshape(-1, 8)
    n, lead = len(number), len(prefix)
    text = np.empty((n, lead + 16), np.uint8)
    text[:, :lead] = np.frombuffer(prefix.encode(), np.uint8)
    text[:, lead::2] = _HEX[octets >> 4]
    text[:, lead + 1 :: 2] = _HEX[octets & 15]
    offsets = np.arange(n + 1, dtype=np.int32) * (lead + 16)
    return pa.StringArray.from_buffers(
        n, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(text))
    )


def times(at: NDArray[np.int64], unit: str = "us") -> Any:
    """Timestamps without zone from ms; null where NEVER or negative."""
    there = (at != NEVER) & (at >= 0)
    stamps = pa.array(np.where(there, at, 0), mask=~there).cast(pa.timestamp("ms"))
    return stamps.cast(pa.timestamp(unit), safe=False)


def event_times(rows: Columns) -> NDArray[np.int64]:
    """Times of events, -1 where the tool lost them."""
    return np.where(rows["dirt"] & Dirt.MISSING_TIME, -1, rows["at"])


def known(rows: Columns) -> NDArray[np.bool_]:
    """Rows whose identifiers are still there."""
    return np.asarray((rows["dirt"] & Dirt.MISSING_IDENTIFIER) == 0)


def _paths() -> Any:
    """Paths of all pages: by event, then by product, then by category."""
    fixed = [_PATHS.get(web, "/") for web in Web]
    products = [f"/p/{i + 1000}" for i in range(_product_count())]
    return pa.array([*fixed, *products, *(f"/c/{c}" for c in CATEGORIES)])


def _product_count() -> int:
    return len(CATEGORIES) * PRODUCTS_PER_CATEGORY


def product_ids(product: NDArray[Any]) -> tuple[Any, Any]:
    """Ids and categories of products; null where -1."""
    shown = product >= 0
    ids = pa.array([f"P{i + 1000}" for i in range(_product_count())])
    category = pick(pa.array(CATEGORIES), product // PRODUCTS_PER_CATEGORY, shown)
    return pick(ids, product, shown), category


def order_ids(order: NDArray[Any]) -> Any:
    """Ids of orders; null where -1."""
    text = _numbered("O", 100_000 + order.astype(np.int64))
    return pick(text, np.arange(len(order)), order >= 0)


def currencies(country: NDArray[Any], shown: NDArray[np.bool_] | None = None) -> Any:
    """Currency by country."""
    pounds = (country == _POUNDS).astype(np.int8)
    return pick(pa.array(CURRENCIES), pounds, shown)


def web_ids(row: NDArray[Any]) -> Any:
    """Ids of web events."""
    return codes("e_", row, 1)


def identify_ids(row: NDArray[Any]) -> Any:
    """Ids of identify calls."""
    return codes("i_", row, 2)


def email_ids(row: NDArray[Any]) -> Any:
    """Ids of email events."""
    return codes("m_", row, 3)


def cookie_ids(cookie: NDArray[Any]) -> Any:
    """Anonymous ids."""
    return codes("anon-", cookie, 4)


def web_events(names: Names, rows: Columns) -> Any:
    """Rows of web/events."""
    kind, product = rows["kind"], rows["product"]
    there = known(rows)
    paths = np.where(product >= 0, len(Web) + product, np.minimum(kind, len(Web) - 1))
    browsing = (kind == Web.PAGE_VIEWED) & (rows["id"] % 3 > 0)
    in_category = len(Web) + _product_count() + rows["category"].astype(np.int64)
    ids, categories = product_ids(product)
    has_value = ~np.isnan(rows["value"])
    queries = [f"{word} {c}" for word in SEARCH_WORDS for c in CATEGORIES]
    shown = there & rows["shows_email"]
    cookies = pick(cookie_ids(rows["cookie"]), np.arange(len(kind)), there)
    return pa.table(
        {
            "event_id": web_ids(rows["id"]),
            "event_name": pick(pa.array(WEB_NAMES + UNKNOWN_WEB_NAMES), kind),
            "event_time": times(event_times(rows)),
            "received_at": times(rows["received"]),
            "anonymous_id": cookies,
            "user_id": pick(
                names.customers, rows["number"], there & rows["with_account"]
            ),
            "email": names.emails(rows["number"], rows["dirt"], shown),
            "session_id": codes("s_", rows["session"], 5),
            "page_path": pick(_paths(), np.where(browsing, in_category, paths)),
            "referrer": pick(
                pa.array(REFERRERS), rows["referrer"], rows["referrer"] > 0
            ),
            "search_query": pick(pa.array(queries), rows["query"], rows["query"] >= 0),
            "product_id": ids,
            "product_category": categories,
            "order_id": order_ids(rows["order"]),
            "quantity": _numbers(rows["quantity"]),
            "value": _numbers(rows["value"]),
            "currency": currencies(rows["country"], has_value),
            "user_agent": pick(pa.array(BROWSERS + BOT_AGENTS), rows["agent"]),
        }
    )


def _numbers(values: NDArray[np.float64]) -> Any:
    """Doubles; null where NaN."""
    return pa.array(values, mask=np.isnan(values))


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
            "user_id": pick(names.customers, number, rows["with_account"]),
            "email": names.emails(number, rows["dirt"], every),
            "phone": pick(names.phones, number, rows["with_account"]),
        }
    )


def email_events(names: Names, rows: Columns) -> Any:
    """Rows of email/events; times are texts, as the tool writes them."""
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
    scanner = len(MAIL_AGENTS) + 1 + company // SCANNER_AT_EVERY % len(SCANNER_AGENTS)
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
            "event_time": _iso(event_times(rows)),
            "received_at": _iso(rows["received"]),
            "email": names.emails(number, rows["dirt"], there),
            "customer_id": pick(names.customers, number, has_account),
            "campaign_id": pick(_campaigns(world), rows["campaign"] + 1, with_campaign),
            "message_id": pick(
                codes(
                    "msg_", number.astype(np.int64) * 10_000 + rows["campaign"] + 1, 6
                ),
                np.arange(len(kind)),
                with_campaign,
            ),
            "url": pick(links, rows["category"], kind == Mail.CLICKED),
            "user_agent": pick(agents, agent, by_agent),
            "is_machine_open": pa.array(machine == Machine.PROXY, mask=~says),
        }
    )


def _campaigns(world: World) -> Any:
    """Ids of the reminder flow and then of the newsletters."""
    last = int(world.mail["campaign"].max(initial=0))
    return pa.array(
        ["flow-cart", *(f"newsletter-{i + 1:03d}" for i in range(last + 1))]
    )


def _iso(at: NDArray[np.int64]) -> Any:
    """Texts such as 2026-01-31T12:34:56Z; null where negative."""
    text = pc.cast(times(at, "s"), pa.string())
    return pc.binary_join_element_wise(
        pc.binary_replace_slice(text, 10, 11, "T"), "Z", ""
    )


def shop_customers(names: Names, rows: Columns) -> Any:
    """Rows of shop/customers."""
    number = rows["number"]
    every = np.ones(len(number), bool)
    return pa.table(
        {
            "customer_id": pick(names.customers, number),
            "email": names.emails(number, rows["dirt"], every),
            "phone": pick(names.phones, number, rows["shows_phone"]),
            "country": _countries(names, number),
            "created_at": times(rows["created"], "s"),
            "updated_at": times(rows["updated"], "s"),
            "received_at": times(rows["received"], "s"),
        }
    )


def _countries(names: Names, number: NDArray[Any]) -> Any:
    """Countries of contacts."""
    return pick(pa.array(COUNTRIES), names.world.contacts["country"][number])


def shop_orders(names: Names, rows: Columns) -> Any:
    """Rows of shop/orders."""
    number = rows["number"]
    every = np.ones(len(number), bool)
    return pa.table(
        {
            "order_id": order_ids(rows["order"]),
            "customer_id": pick(names.customers, number, rows["with_account"]),
            "email": names.emails(number, rows["dirt"], every),
            "phone": pick(names.phones, number, rows["shows_phone"]),
            "ordered_at": times(rows["at"], "s"),
            "cancelled_at": times(rows["cancelled"], "s"),
            "updated_at": times(rows["updated"], "s"),
            "order_total": rows["total"],
            "currency": currencies(rows["country"]),
            "received_at": times(rows["received"], "s"),
        }
    )


def shop_order_lines(_names: Names, rows: Columns) -> Any:
    """Rows of shop/order_lines."""
    ids, categories = product_ids(rows["product"])
    return pa.table(
        {
            "order_line_id": _numbered("L", 100_000 + rows["line"]),
            "order_id": order_ids(rows["order"]),
            "product_id": ids,
            "product_category": categories,
            "quantity": rows["quantity"],
            "unit_price": rows["price"],
            "received_at": times(rows["received"], "s"),
        }
    )


def shop_returns(names: Names, rows: Columns) -> Any:
    """Rows of shop/returns."""
    number = rows["number"]
    every = np.ones(len(number), bool)
    return pa.table(
        {
            "return_id": _numbered("R", 100_000 + rows["id"]),
            "order_id": pick(
                order_ids(rows["order"]), np.arange(len(number)), rows["shows_order"]
            ),
            "customer_id": pick(names.customers, number, rows["with_account"]),
            "email": names.emails(number, rows["dirt"], every),
            "returned_at": times(rows["at"], "s"),
            "is_full_return": rows["full"],
            "amount": rows["amount"],
            "reason": pick(pa.array(RETURN_REASONS), rows["reason"]),
            "received_at": times(rows["received"], "s"),
        }
    )


def crm_contacts(names: Names, rows: Columns) -> Any:
    """Rows of crm/contacts."""
    number = rows["number"]
    traits = names.world.contacts
    company = traits["company"][number] >= 0
    return pa.table(
        {
            "crm_id": pick(names.crm_ids, number),
            "email": names.emails(number, rows["dirt"], traits["has_email"][number]),
            "phone": pick(names.phones, number),
            "customer_id": pick(names.customers, number, rows["knows_customer"]),
            "account_id": pick(names.companies, number, company),
            "country": _countries(names, number),
            "objected_to_profiling": rows["objected"],
            "email_opt_out": rows["opted_out"],
            "push_opt_out": rows["no_push"],
            "call_opt_out": rows["no_call"],
            "created_at": times(rows["created"], "s"),
            "updated_at": times(rows["updated"], "s"),
            "received_at": times(rows["received"], "s"),
        }
    )


def json_lines(table: Any) -> bytes:
    """Newline-delimited JSON; keys of nulls are left out.

    Texts are our own and hold nothing that JSON would have to escape.
    """
    fields = []
    for name, column in zip(table.column_names, table.columns, strict=True):
        values = column.combine_chunks().cast(pa.string())
        quote = '"' if pa.types.is_string(column.type) else ""
        opening = f'"{name}":{quote}'
        fields.append(pc.binary_join_element_wise(opening, values, quote, ""))
    body = pc.binary_join_element_wise(*fields, ",", null_handling="skip")
    lines = pc.binary_join_element_wise("{", body, "}\n", "")
    data = lines.buffers()[2]
    return b"" if data is None else bytes(data)[: _text_end(lines)]


def _text_end(lines: Any) -> int:
    """Length of the texts of a string array, in bytes."""
    offsets = np.frombuffer(lines.buffers()[1], np.int32)
    return int(offsets[len(lines)])


def month_slices(received: NDArray[np.int64]) -> Sequence[tuple[str, slice]]:
    """Months (such as 2026-01) and the slice of each; `received` is in order."""
    if not len(received):
        return []
    months = (received // DAY).astype("datetime64[D]").astype("datetime64[M]")
    starts = np.flatnonzero(np.concatenate([[True], months[1:] != months[:-1]]))
    ends = np.concatenate([starts[1:], [len(months)]])
    return [
        (str(months[a]), slice(int(a), int(b)))
        for a, b in zip(starts, ends, strict=True)
    ]
