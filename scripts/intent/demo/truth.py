"""What no tool would know: who is who, what was planted, how ready people were."""

from typing import Any

import numpy as np
import pyarrow as pa

from intent.demo.basics import DAY
from intent.demo.cells import Names, cookie_ids, pick
from intent.demo.people import SHARED_MAILBOX
from intent.demo.world import NOBODY, TRUTH_EVERY_DAYS, World

LIVES = ("active", "dormant", "never_active")
STAFF = ("customer", "internal", "test")


def tables(world: World, names: Names) -> dict[str, Any]:
    """The tables of truth about people, by name."""
    return {
        "contacts": contacts(world, names),
        "cookies": cookies(world),
        "shared_identifiers": shared_identifiers(world),
        "readiness": readiness(world),
    }


def planted(counts: dict[str, dict[str, int]]) -> Any:
    """How many rows of each table bear each kind of dirt."""
    return pa.Table.from_pylist(
        [
            {
                "feed": table.split(".")[0],
                "table_name": table.split(".")[1],
                "kind": kind,
                "rows": rows,
            }
            for table, kinds in counts.items()
            for kind, rows in kinds.items()
        ]
    )


def contacts(world: World, names: Names) -> Any:
    """All contacts with the identifiers that they have, and what kind they are."""
    traits = world.contacts
    number = np.arange(len(traits["name"]))
    clean = np.zeros(len(number), np.int32)
    has_account = traits["has_account"]
    return pa.table(
        {
            "contact_number": pa.array(number, pa.int32()),
            "email": names.emails(number, clean, traits["has_email"]),
            "work_email": names.work_emails(),
            "phone": names.phones,
            "customer_id": pick(names.customers, number, has_account),
            "user_id": pick(names.users, number, has_account),
            "crm_id": pick(names.crm_ids, number, traits["in_crm"]),
            "life": pick(pa.array(LIVES), traits["life"]),
            "staff": pick(pa.array(STAFF), traits["staff"]),
        }
    )


def cookies(world: World) -> Any:
    """Whose each cookie is and on which of the contact's devices, from 1.

    No contact for those who stay anonymous, and for the tablets in the store.
    """
    owner = world.cookie_owner
    place = np.arange(len(owner))
    starts = np.concatenate([[True], owner[1:] != owner[:-1]])
    device = place - np.maximum.accumulate(np.where(starts, place, 0)) + 1
    return pa.table(
        {
            "anonymous_id": cookie_ids(place),
            "contact_number": pa.array(owner, mask=owner == NOBODY),
            "device": pa.array(device, pa.int32(), mask=owner == NOBODY),
        }
    )


def shared_identifiers(world: World) -> Any:
    """Identifiers that several contacts use, one row for each of them."""
    lent = world.web["lent"] & (world.web["number"] >= 0)
    pairs = np.unique(
        np.stack([world.web["cookie"][lent], world.web["number"][lent]]), axis=1
    )
    cookie, user = pairs[0], pairs[1]
    owner = world.cookie_owner[cookie]
    owned = owner != NOBODY
    first = np.unique(np.stack([cookie[owned], owner[owned]]), axis=1)
    sharing = np.flatnonzero(world.contacts["shares_mailbox"])
    parts = (
        (cookie[~owned], user[~owned], "shared_device"),
        (cookie[owned], user[owned], "reused_cookie"),
        (first[0], first[1], "reused_cookie"),
    )
    cookies_of = np.concatenate([part[0] for part in parts])
    kinds = [kind for cookie, _, kind in parts for _ in cookie]
    mailbox = [f"email:info@company-{SHARED_MAILBOX}.example"] * len(sharing)
    identifiers = [f"anonymous_id:{c}" for c in cookie_ids(cookies_of).to_pylist()]
    return pa.table(
        {
            "identifier": pa.array([*identifiers, *mailbox], pa.string()),
            "kind": pa.array([*kinds, *["shared_mailbox"] * len(sharing)], pa.string()),
            "contact_number": pa.array(
                np.concatenate([*(part[1] for part in parts), sharing]), pa.int32()
            ),
        }
    )


def readiness(world: World) -> Any:
    """Hidden readiness of each contact on every seventh day."""
    level = world.readiness
    count, samples = level.shape
    first = world.calendar.start // DAY
    days = (first + TRUTH_EVERY_DAYS * np.arange(samples)).astype(np.int32)
    return pa.table(
        {
            "contact_number": pa.array(
                np.repeat(np.arange(count, dtype=np.int32), samples)
            ),
            "as_of_date": pa.array(np.tile(days, count)).cast(pa.date32()),
            "readiness": level.ravel(),
        }
    )
