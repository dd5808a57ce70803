"""Rows of shop and CRM, as Arrow tables."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from intent.demo.basics import DAY, Columns
from intent.demo.cells import (
    Names,
    currencies,
    numbered,
    order_ids,
    pick,
    product_ids,
    times,
)
from intent.demo.declared import (
    COUNTRIES,
    EDUCATIONS,
    GENDERS,
    INTERESTS,
    JOBS,
    LANGUAGES,
    PLACES,
)
from intent.demo.dirt import Dirt
from intent.demo.records import RETURN_REASONS

ACCOUNT_TYPES = ("private", "business")
INCOME_IN_WORDS, BIRTH_IN_WORDS = "about 50k", "unknown"


def shop_customers(names: Names, rows: Columns) -> Any:
    """Rows of shop/customers."""
    number, traits = rows["number"], names.world.contacts
    region, city = _places(rows)
    every = np.ones(len(number), bool)
    return pa.table(
        {
            "customer_id": pick(names.customers, number),
            "email": names.emails(number, rows["dirt"], every),
            "phone": pick(names.phones, number, rows["shows_phone"]),
            "country": _countries(names, number),
            "region": region,
            "city": city,
            "language": pick(
                pa.array(LANGUAGES), traits["language"][number], rows["knows_language"]
            ),
            "birth_date": _births(names, rows),
            "gender": _spelled(
                GENDERS, traits["gender"][number], number, rows["knows_gender"]
            ),
            "account_type": _account_types(names, rows),
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
            "order_line_id": numbered("L", 100_000 + rows["line"]),
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
            "return_id": numbered("R", 100_000 + rows["id"]),
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
    shown = traits["has_email"][number] & ~rows["no_email"]
    region, city = _places(rows)
    return pa.table(
        {
            "crm_id": pick(names.crm_ids, number),
            "email": names.emails(number, rows["dirt"], shown, rows["work_email"]),
            "phone": pick(names.phones, number),
            "customer_id": pick(names.customers, number, rows["knows_customer"]),
            "account_id": pick(names.companies, number, company),
            "country": _countries(names, number),
            "region": region,
            "city": city,
            "language": pick(
                pa.array(LANGUAGES), traits["language"][number], rows["knows_language"]
            ),
            "birth_date": _births(names, rows),
            "gender": _spelled(
                GENDERS, traits["gender"][number], number, rows["knows_gender"]
            ),
            "income": _incomes(names, rows),
            "education": _spelled(
                EDUCATIONS, traits["education"][number], number, rows["knows_education"]
            ),
            "job_title": pick(pa.array(JOBS), rows["job"], rows["knows_job"]),
            "interests": _interests(names, rows),
            "account_type": _account_types(names, rows),
            "objected_to_profiling": rows["objected"],
            "email_opt_out": rows["opted_out"],
            "push_opt_out": rows["no_push"],
            "call_opt_out": rows["no_call"],
            "created_at": times(rows["created"], "s"),
            "updated_at": times(rows["updated"], "s"),
            "received_at": times(rows["received"], "s"),
        }
    )


def _places(rows: Columns) -> tuple[Any, Any]:
    """Region and city of contacts, null where not known."""
    region, city = (pa.array([place[i] for place in PLACES]) for i in (1, 2))
    return (
        pick(region, rows["place"], rows["knows_region"]),
        pick(city, rows["place"], rows["knows_city"]),
    )


def _spelled(
    words: tuple[str, ...], index: NDArray[Any], number: NDArray[Any], shown: Any
) -> Any:
    """Words, some in capitals or after a blank; null if not shown."""
    variants = [*words, *(w.upper() for w in words), *(f" {w.title()}" for w in words)]
    spelling = np.where(number % 41 == 0, 1, np.where(number % 43 == 0, 2, 0))
    return pick(pa.array(variants), spelling * len(words) + index, shown)


def _births(names: Names, rows: Columns) -> Any:
    """Birth dates as texts; null if not known, sometimes no date or one to come."""
    traits, number, dirt = names.world.contacts, rows["number"], rows["dirt"]
    impossible = (dirt & Dirt.IMPOSSIBLE_VALUE > 0) & (number % 2 == 0)
    in_words = (dirt & Dirt.WRONG_TYPE > 0) & (number % 2 == 0)
    born = np.where(impossible, rows["received"] // DAY + 300, traits["born"][number])
    shown = rows["knows_born"] | impossible
    text = pa.array(born.astype(np.int32), mask=~shown).cast(pa.date32())
    return pc.if_else(pa.array(in_words), BIRTH_IN_WORDS, text.cast(pa.string()))


def _incomes(names: Names, rows: Columns) -> Any:
    """Incomes as texts; null if not known, sometimes words or below zero."""
    number, dirt = rows["number"], rows["dirt"]
    income = names.world.contacts["income"][number].astype(np.int64)
    impossible = (dirt & Dirt.IMPOSSIBLE_VALUE > 0) & (number % 2 == 1)
    in_words = (dirt & Dirt.WRONG_TYPE > 0) & (number % 2 == 1)
    shown = rows["knows_income"] | impossible
    text = pa.array(np.where(impossible, -income, income), mask=~shown)
    return pc.if_else(pa.array(in_words), INCOME_IN_WORDS, text.cast(pa.string()))


def _interests(names: Names, rows: Columns) -> Any:
    """What contacts are interested in, one or two things."""
    traits, number = names.world.contacts, rows["number"]
    one, two = traits["interest_1"][number], traits["interest_2"][number]
    told = rows["knows_interests"]
    words = pa.array(INTERESTS)
    first = pick(words, one, told)
    second = pick(words, two, told & (two >= 0) & (two != one))
    both = pc.binary_join_element_wise(first, second, ";")
    return pc.coalesce(both, first)


def _account_types(names: Names, rows: Columns) -> Any:
    """Whether contacts buy for themselves or for a company."""
    business = names.world.contacts["company"][rows["number"]] >= 0
    return pick(
        pa.array(ACCOUNT_TYPES), business.astype(np.int8), rows["knows_account_type"]
    )
