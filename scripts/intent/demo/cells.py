"""From numbers to texts: identifiers, emails, products, times, as Arrow arrays."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from intent.demo.basics import CATEGORIES, NEVER, PRODUCTS_PER_CATEGORY, Columns
from intent.demo.declared import COUNTRIES
from intent.demo.dirt import Dirt
from intent.demo.people import SHARED_MAILBOX, Staff
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
STAFF_DOMAIN = "demo-shop.example"
MALFORMED = ("n/a", "unknown", "@@", "@example", "")
"""What is no email: words, or what stands between a name and its end."""
CURRENCIES = ("EUR", "CHF", "GBP")
_HEX = np.frombuffer(b"0123456789abcdef", np.uint8)
_PLAIN, _CAPITALS, _BLANKS, _MALFORMED, _WORK = range(5)


class Names:
    """Identifiers of contacts, as text; one Arrow string per contact."""

    def __init__(self, world: World) -> None:
        """Make the identifiers of all contacts of a world."""
        traits = world.contacts
        n = len(traits["name"])
        number = np.arange(n)
        self.world = world
        self._emails = _email_variants(traits)
        self._contacts = n
        self.customers = numbered("C", 100_000 + number)
        self.users = numbered("U", 1_000_000 + number)
        self.crm_ids = numbered("003", 100_000_000_000 + number)
        self.companies = numbered("001", 100_000_000_000 + traits["company"])
        self.phones = _phones(traits["has_phone"])

    def emails(
        self,
        number: NDArray[Any],
        dirt: NDArray[Any],
        shown: NDArray[np.bool_],
        at_work: NDArray[np.bool_] | None = None,
    ) -> Any:
        """Emails of contacts, faulty where the dirt says so, null if not shown."""
        untidy = (dirt & Dirt.UNTIDY_EMAIL) > 0
        # Alternate between capitals and blanks.
        capitals = number.astype(np.int64) % 2 == 1
        variant = np.where(untidy, np.where(capitals, _CAPITALS, _BLANKS), _PLAIN)
        if at_work is not None:
            variant = np.where(at_work & ~untidy, _WORK, variant)
        variant = np.where(dirt & Dirt.MALFORMED_EMAIL, _MALFORMED, variant)
        return pick(self._emails, variant * self._contacts + number, shown)

    def work_emails(self) -> Any:
        """The emails that contacts have at their company; null for the others."""
        number = np.arange(self._contacts)
        company = self.world.contacts["company"] >= 0
        return pick(self._emails, _WORK * self._contacts + number, company)


def _email_variants(traits: Columns) -> Any:
    """Emails of all contacts; then in capitals, between blanks, malformed, at work."""
    name, number = traits["name"], np.arange(len(traits["name"]))
    join = pc.binary_join_element_wise
    digits = pa.array(number).cast(pa.string())
    first = pick(pa.array(FIRST_NAMES), name % len(FIRST_NAMES))
    last = pick(pa.array(LAST_NAMES), name // 32 % len(LAST_NAMES))
    domain = pick(pa.array(MAIL_DOMAINS), name // 1024 % len(MAIL_DOMAINS))
    local = join(first, last, digits, ".")
    tester = pick(pa.array(["test+", "qa."]), number % 2, traits["staff"] == Staff.TEST)
    insider = join(
        join(tester, pc.if_else(pa.array(number % 2 == 1), first, ""), digits, ""),
        pick(pa.array(["example.com", "example.org"]), number % 2),
        "@",
    )
    plain = pc.coalesce(insider, join(local, domain, "@"))
    employee = pa.array(traits["staff"] == Staff.EMPLOYEE)
    plain = pc.if_else(employee, join(local, STAFF_DOMAIN, "@"), plain)
    mailbox = f"info@company-{SHARED_MAILBOX}.example"
    plain = pc.if_else(pa.array(traits["shares_mailbox"]), mailbox, plain)
    blank = join(" ", plain, "  ", "")
    fault = number % len(MALFORMED)
    between = pick(pa.array(MALFORMED), fault)
    twice = pc.if_else(pa.array(fault == 2), join(first, domain, "@@"), first)
    malformed = pc.if_else(pa.array(fault < 2), between, twice)
    malformed = pc.if_else(pa.array(fault == 3), join(first, between, ""), malformed)
    company = join("company-", pa.array(traits["company"]).cast(pa.string()), "")
    work = join(local, join(company, ".example", ""), "@")
    return pa.concat_arrays([plain, pc.utf8_upper(plain), blank, malformed, work])


def _phones(has_phone: NDArray[np.bool_]) -> Any:
    """Phones of contacts; null beyond the invented numbers, for none is shared."""
    rank = np.cumsum(has_phone) - 1
    there = has_phone & (rank < AREAS * PHONES_PER_AREA)
    area = FIRST_AREA + rank % AREAS
    number = area * 10_000_000 + 555_0100 + rank // AREAS
    return pick(numbered("+1", number), np.arange(len(rank)), there)


def pick(
    words: Any, index: NDArray[Any], shown: NDArray[np.bool_] | None = None
) -> Any:
    """The words at an index; null where not shown."""
    if shown is None:
        return words.take(pa.array(index))
    return words.take(pa.array(np.where(shown, index, 0), mask=~shown))


def numbered(prefix: str, number: NDArray[Any]) -> Any:
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


def product_count() -> int:
    """How many products there are."""
    return len(CATEGORIES) * PRODUCTS_PER_CATEGORY


def product_ids(product: NDArray[Any]) -> tuple[Any, Any]:
    """Ids and categories of products; null where -1."""
    shown = product >= 0
    ids = pa.array([f"P{i + 1000}" for i in range(product_count())])
    category = pick(pa.array(CATEGORIES), product // PRODUCTS_PER_CATEGORY, shown)
    return pick(ids, product, shown), category


def order_ids(order: NDArray[Any]) -> Any:
    """Ids of orders; null where -1."""
    text = numbered("O", 100_000 + order.astype(np.int64))
    return pick(text, np.arange(len(order)), order >= 0)


def currencies(country: NDArray[Any], shown: NDArray[np.bool_] | None = None) -> Any:
    """Currency by country."""
    by_country = np.zeros(len(COUNTRIES), np.int8)
    by_country[COUNTRIES.index("CH")] = CURRENCIES.index("CHF")
    by_country[COUNTRIES.index("GB")] = CURRENCIES.index("GBP")
    return pick(pa.array(CURRENCIES), by_country[country], shown)


def cookie_ids(cookie: NDArray[Any]) -> Any:
    """Anonymous ids."""
    return codes("anon-", cookie, 4)


def numbers(values: NDArray[Any]) -> Any:
    """Doubles; null where NaN."""
    return pa.array(values, mask=np.isnan(values))
