"""Orders from before the tracker was there: the shop's own records go further back."""

import numpy as np
from numpy.typing import NDArray

from intent.demo.basics import CATEGORIES, DAY, Calendar, Catalogue, Columns

BOUGHT_BEFORE = 0.45  # of old accounts of average propensity
ORDERS_BEFORE = (1, 4)
DAYS_BEFORE = (20, 900)
PIECES = (1, 3)


def earlier_orders(
    rng: np.random.Generator,
    shop: tuple[Calendar, Catalogue],
    contacts: Columns,
    like: Columns,
) -> tuple[Columns, Columns]:
    """Earlier orders of old accounts, with the columns of orders `like`, and lines."""
    calendar, catalogue = shop
    chance = BOUGHT_BEFORE * np.sqrt(contacts["propensity"])
    buys = contacts["old_account"] & (rng.random(len(chance)) < chance)
    buyers = np.flatnonzero(buys)
    number = np.repeat(buyers, rng.integers(*ORDERS_BEFORE, len(buyers)))
    n = len(number)
    before = rng.integers(DAYS_BEFORE[0] * DAY, DAYS_BEFORE[1] * DAY, n)
    lines = _lines(rng, catalogue, n)
    worth = np.bincount(lines["order"], lines["quantity"] * lines["price"], n)
    orders = {
        "at": calendar.start - before,
        "number": number,
        "cookie": np.full(n, -1),
        "with_account": np.ones(n, bool),
        "value": np.round(worth, 2),
        "country": contacts["country"][number],
    }
    return {name: orders[name].astype(like[name].dtype) for name in like}, lines


def _lines(rng: np.random.Generator, catalogue: Catalogue, orders: int) -> Columns:
    """One or two lines for each order."""
    order = np.repeat(np.arange(orders), rng.integers(*PIECES, orders))
    n = len(order)
    product: NDArray[np.int64] = catalogue.draw(
        rng, rng.integers(0, len(CATEGORIES), n)
    )
    return {
        "order": order,
        "product": product,
        "quantity": np.ones(n),
        "price": catalogue.prices[product],
    }
