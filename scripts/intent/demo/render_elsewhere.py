"""Rows of loyalty, reviews, support, surveys, social and sales, as Arrow tables."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from intent.demo.basics import Columns
from intent.demo.cells import (
    Names,
    codes,
    cookie_ids,
    currencies,
    event_times,
    known,
    numbered,
    numbers,
    pick,
    product_ids,
    times,
)
from intent.demo.dirt import Dirt
from intent.demo.loyalty import LOYALTY, SUBSCRIPTION, TIERS
from intent.demo.people import NETWORKS
from intent.demo.render_events import form_ids
from intent.demo.sales import AUTHORS, CAMPAIGNS, INTERACTIONS
from intent.demo.service import BY_PHONE, CHANNELS, TOPICS
from intent.demo.voices import SOCIAL, SURVEYS

UNKNOWN_LOYALTY = ("Points Transferred", "Card Printed")
UNKNOWN_SUBSCRIPTIONS = ("Subscription Paused", "subscription_skipped")
UNKNOWN_INTERACTIONS = ("Fax Received", "call_answered")
UNKNOWN_SOCIAL = ("Saved", "story_viewed")
STARS_IN_WORDS = "five"


def loyalty_events(names: Names, rows: Columns) -> Any:
    """Rows of loyalty/events."""
    return pa.table(
        {
            "event_id": codes("l_", rows["id"], 10),
            "event_name": pick(pa.array(LOYALTY + UNKNOWN_LOYALTY), rows["kind"]),
            "event_time": times(event_times(rows), "s"),
            "received_at": times(rows["received"], "s"),
            **_customer(names, rows),
            "points": numbers(rows["points"]),
            "tier": pick(pa.array(TIERS), rows["tier"], rows["tier"] >= 0),
        }
    )


def subscription_events(names: Names, rows: Columns) -> Any:
    """Rows of shop/subscriptions."""
    country = names.world.contacts["country"][rows["number"]]
    paid = ~np.isnan(rows["amount"])
    return pa.table(
        {
            "subscription_event_id": codes("sub_", rows["id"], 11),
            "event_name": pick(
                pa.array(SUBSCRIPTION + UNKNOWN_SUBSCRIPTIONS), rows["kind"]
            ),
            "event_time": times(event_times(rows), "s"),
            "received_at": times(rows["received"], "s"),
            "subscription_id": numbered("S", 10_000 + rows["subscription"]),
            "customer_id": pick(names.customers, rows["number"], known(rows)),
            "email": names.emails(rows["number"], rows["dirt"], known(rows)),
            "amount": numbers(rows["amount"]),
            "currency": currencies(country, paid),
        }
    )


def crm_interactions(names: Names, rows: Columns) -> Any:
    """Rows of crm/interactions."""
    traits, number, there = names.world.contacts, rows["number"], known(rows)
    by_id = rows["by"] == 0
    email = there & (~by_id & traits["has_email"][number])
    phone = there & (rows["by"] == 2)
    joined = rows["kind"] == INTERACTIONS.index("Campaign Joined")
    with_form = rows["form"] >= 0
    # Who has neither email nor phone is named by the CRM's own id.
    by_id = there & (by_id | ~traits["has_email"][number])
    return pa.table(
        {
            "interaction_id": codes("int_", rows["id"], 12),
            "event_name": pick(
                pa.array(INTERACTIONS + UNKNOWN_INTERACTIONS), rows["kind"]
            ),
            "occurred_at": times(event_times(rows), "s"),
            "received_at": times(rows["received"], "s"),
            "crm_id": pick(names.crm_ids, number, by_id),
            "customer_id": pa.nulls(len(number), pa.string()),
            "email": names.emails(number, rows["dirt"], email),
            "phone": pick(names.phones, number, phone),
            "campaign_id": pick(pa.array(CAMPAIGNS), rows["campaign"], joined),
            "form_submission_id": pick(
                form_ids(rows["form"]), np.arange(len(number)), with_form
            ),
            "points": numbers(rows["points"]),
            "author": pick(pa.array(AUTHORS), rows["author"]),
            "expires_at": times(rows["expires"], "s"),
        }
    )


def identifier_links(names: Names, rows: Columns) -> Any:
    """Rows of crm/identifier_links."""
    number, with_cookie = rows["number"], rows["cookie"] >= 0
    every = np.arange(len(number))
    has_account = names.world.contacts["has_account"][number]
    return pa.table(
        {
            "event_id": codes("link_", rows["id"], 17),
            "customer_id": pick(names.customers, number, ~with_cookie),
            "user_id": pick(names.users, number, with_cookie & has_account),
            "crm_id": pick(names.crm_ids, number, ~with_cookie),
            "email": names.emails(number, rows["dirt"], with_cookie & ~has_account),
            "phone": pa.nulls(len(number), pa.string()),
            "anonymous_id": pick(cookie_ids(rows["cookie"]), every, with_cookie),
            "is_withdrawn": rows["withdrawn"],
            "event_time": times(rows["at"], "s"),
            "received_at": times(rows["received"], "s"),
        }
    )


def product_reviews(names: Names, rows: Columns) -> Any:
    """Rows of reviews/reviews; some stars are words."""
    products, categories = product_ids(rows["product"])
    in_words = pa.array(rows["dirt"] & Dirt.WRONG_TYPE > 0)
    return pa.table(
        {
            "review_id": codes("rev_", rows["id"], 13),
            "reviewed_at": times(event_times(rows), "s"),
            "received_at": times(rows["received"], "s"),
            **_customer(names, rows),
            "product_id": products,
            "product_category": categories,
            "rating": pc.if_else(in_words, STARS_IN_WORDS, _whole(rows["score"])),
            "is_testimonial": rows["testimonial"],
        }
    )


def support_tickets(names: Names, rows: Columns) -> Any:
    """Rows of support/tickets."""
    by_phone = rows["channel"] == BY_PHONE
    return pa.table(
        {
            "ticket_id": numbered("T", 100_000 + rows["ticket"]),
            "opened_at": times(rows["at"], "s"),
            "updated_at": times(rows["updated"], "s"),
            "received_at": times(rows["received"], "s"),
            **_customer(names, rows),
            "phone": pick(names.phones, rows["number"], by_phone),
            "channel": pick(pa.array(CHANNELS), rows["channel"]),
            "topic": pick(pa.array(TOPICS), rows["topic"]),
        }
    )


def support_ratings(names: Names, rows: Columns) -> Any:
    """Rows of support/ratings."""
    return pa.table(
        {
            "rating_id": codes("rat_", rows["id"], 14),
            "rated_at": times(event_times(rows), "s"),
            "received_at": times(rows["received"], "s"),
            "score": rows["score"],
            "ticket_id": numbered("T", 100_000 + rows["ticket"]),
            "customer_id": pa.nulls(len(rows["id"]), pa.string()),
            "email": names.emails(rows["number"], rows["dirt"], known(rows)),
        }
    )


def survey_responses(names: Names, rows: Columns) -> Any:
    """Rows of surveys/responses."""
    kinds = pa.array([survey.name for survey in SURVEYS])
    nameless = rows["cookie"] >= 0
    named = known(rows) & ~nameless
    by_account = rows["by_account"]
    by_shop, by_site = _accounts(rows, named & by_account)
    return pa.table(
        {
            "response_id": codes("ans_", rows["id"], 15),
            "answered_at": times(event_times(rows), "s"),
            "received_at": times(rows["received"], "s"),
            "survey_kind": pick(kinds, rows["survey"]),
            "customer_id": pick(names.customers, rows["number"], by_shop),
            "user_id": pick(names.users, rows["number"], by_site),
            "email": names.emails(rows["number"], rows["dirt"], named & ~by_account),
            "anonymous_id": pick(
                cookie_ids(rows["cookie"]),
                np.arange(len(nameless)),
                nameless & known(rows),
            ),
            "score": numbers(rows["score"]),
        }
    )


def social_events(names: Names, rows: Columns) -> Any:
    """Rows of social/events."""
    network = names.world.contacts["network"][rows["number"]]
    named, by_account = known(rows), rows["by_account"]
    by_shop, by_site = _accounts(rows, named & by_account)
    return pa.table(
        {
            "event_id": codes("soc_", rows["id"], 16),
            "event_name": pick(pa.array(SOCIAL + UNKNOWN_SOCIAL), rows["kind"]),
            "event_time": times(event_times(rows), "s"),
            "received_at": times(rows["received"], "s"),
            "network": pick(pa.array(NETWORKS), network),
            "customer_id": pick(names.customers, rows["number"], by_shop),
            "user_id": pick(names.users, rows["number"], by_site),
            "email": names.emails(rows["number"], rows["dirt"], named & ~by_account),
        }
    )


def _customer(names: Names, rows: Columns) -> dict[str, Any]:
    """Who it was, by customer id or by email."""
    named, by_account = known(rows), rows["by_account"]
    return {
        "customer_id": pick(names.customers, rows["number"], named & by_account),
        "email": names.emails(rows["number"], rows["dirt"], named & ~by_account),
    }


def _accounts(rows: Columns, by_account: NDArray[np.bool_]) -> tuple[Any, Any]:
    """Who is named by the shop's id, and who by the website's."""
    by_shop = rows["id"] % 2 == 0
    return by_account & by_shop, by_account & ~by_shop


def _whole(values: NDArray[np.float64]) -> Any:
    """Whole numbers as texts; null where NaN."""
    there = ~np.isnan(values)
    whole = pa.array(np.where(there, values, 0).astype(np.int64), mask=~there)
    return whole.cast(pa.string())
