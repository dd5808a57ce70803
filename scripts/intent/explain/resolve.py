"""Which contact is meant: by an id, the beginning of one, or any identifier.

A contact is named after one of its identifiers, so an id leads to an identifier as
well, and from there to the contact that has it at the clock, by whatever id.
What was typed is never repeated: it may be a person's.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

import duckdb

from intent.erasure.identifiers import GMAIL, KINDS, Identifier, identifier
from intent.errors import BadInputError
from intent.explain.reading import read_rows

LEAST_OF_ID = 8
CONTACTS_NAMED = 5
IN_FORCE = "valid_from < $at and coalesce(valid_to >= $at, true)"
HELP = (
    "Give a contact_id or its first 8 characters or more, an email address, or a kind "
    f"and a value, such as customer_id:123. Kinds: {', '.join(KINDS)}."
)


@dataclass(frozen=True)
class Found:
    """The contact that was meant, at the clock."""

    contact_id: str
    goes_by_another_id: bool
    """True if what was given is an id, and not the one that the contact has."""


def find_contact(
    connection: duckdb.DuckDBPyConnection, typed: str, at: datetime
) -> Found:
    """Find the contact that was meant, with the links in force at a clock.

    Raises:
        BadInputError: there is none, or several, or it is not scored.
    """
    text = typed.strip()
    named = identifiers_meant(connection, text)
    if not named:
        raise BadInputError(
            "No contact is known by what was given (it is not repeated here). Is it "
            "spelt right, and has it landed and been built since? Who was erased is "
            f"not known any more either. {HELP}"
        )
    contacts = contacts_of(connection, named, at)
    # What contacts are called at the clock goes before what they were called.
    called_so = {
        each: is_known
        for each, is_known in contacts.items()
        if each.startswith(text.lower())
    }
    contacts = called_so or contacts
    if len(contacts) > 1:
        listed = ", ".join(sorted(contacts)[:CONTACTS_NAMED])
        more = len(contacts) - CONTACTS_NAMED
        raise BadInputError(
            f"What was given fits {len(contacts)} contacts: {listed}"
            f"{f' and {more} more' if more > 0 else ''}. Give one of them."
        )
    if not contacts or not next(iter(contacts.values())):
        raise BadInputError(not_yet(connection, named, at))
    [contact_id] = contacts
    refuse_suppressed(connection, contact_id, at)
    is_id = re.fullmatch(r"[0-9a-fA-F]+", text) is not None
    is_named = any(each.partition(":")[2] == text for each in named)
    return Found(
        contact_id,
        goes_by_another_id=is_id and not is_named and not called_so,
    )


def identifiers_meant(connection: duckdb.DuckDBPyConnection, text: str) -> list[str]:
    """The identifiers that were meant, as the warehouse spells them.

    Raises:
        BadInputError: the text can name no contact.
    """
    kind, colon, value = text.partition(":")
    kind = kind.strip().lower().replace("-", "_")
    if colon and kind in KINDS:
        return spelt_in_warehouse(connection, identifier(kind, value))
    if "@" in text:
        return spelt_in_warehouse(connection, identifier("email", text))
    if colon or not text:
        raise BadInputError(f"What was given names no kind of identifier. {HELP}")
    values = [f"{each}:{text}" for each in KINDS]
    is_id = re.fullmatch(rf"[0-9a-fA-F]{{{LEAST_OF_ID},32}}", text) is not None
    return texts(
        connection,
        "select identifier from intent_intermediate.int_identifiers "
        "where identifier in $values or ($is_id and starts_with(md5(identifier), $id))",
        {"values": values, "is_id": is_id, "id": text.lower()},
    )


def spelt_in_warehouse(
    connection: duckdb.DuckDBPyConnection, meant: Identifier
) -> list[str]:
    """An identifier in the warehouse's spellings of it; none if it is not known."""
    is_spelt_variously = meant.kind == "phone" or meant.value.endswith(f"@{GMAIL[0]}")
    return texts(
        connection,
        "select identifier from intent_intermediate.int_identifiers "
        "where identifier = $typed or ("
        "$various and starts_with(identifier, $kind) "
        "and regexp_full_match(identifier, $pattern, 'i'))",
        {
            "typed": meant.typed,
            "various": is_spelt_variously,
            "kind": f"{meant.kind}:",
            "pattern": f"{meant.kind}:(?:{meant.pattern})",
        },
    )


def contacts_of(
    connection: duckdb.DuckDBPyConnection, identifiers: Collection[str], at: datetime
) -> dict[str, bool]:
    """Who has some identifiers at a clock; false for visitors that nobody knows."""
    rows = read_rows(
        connection,
        f"""
        with contacts as (
            select distinct contact_id
            from intent_intermediate.int_identifier_contacts
            where identifier in $identifiers and {IN_FORCE}
        )
        select
            contact_id,
            bool_or(not starts_with(identifier, 'anonymous_id:')) as is_known
        from contacts
        inner join intent_intermediate.int_identifier_contacts using (contact_id)
        where {IN_FORCE}
        group by 1
        """,
        {"identifiers": list(identifiers), "at": at},
    )
    return {row["contact_id"]: row["is_known"] for row in rows}


def not_yet(
    connection: duckdb.DuckDBPyConnection, identifiers: Collection[str], at: datetime
) -> str:
    """Why there is no contact by some identifiers at a clock, though they are known."""
    [row] = read_rows(
        connection,
        """
        with contacts as (
            select distinct contact_id
            from intent_intermediate.int_identifier_contacts
            where identifier in $identifiers
        )
        select cast(min(valid_from) as date) as first_day
        from contacts
        inner join intent_intermediate.int_identifier_contacts using (contact_id)
        where not starts_with(identifier, 'anonymous_id:')
        """,
        {"identifiers": list(identifiers)},
    )
    if row["first_day"] is None:
        return (
            "What was given belongs to a visitor who has not told yet who it is. Only "
            "contacts are scored: those with more than a cookie or device."
        )
    if row["first_day"] < at.date():
        return (
            f"At {at:%Y-%m-%d} what was given was no contact's: its links were taken "
            "back. Give another day."
        )
    return (
        f"There was no such contact yet at {at:%Y-%m-%d}: it is known since "
        f"{row['first_day']:%Y-%m-%d}. Give a later day."
    )


def refuse_suppressed(
    connection: duckdb.DuckDBPyConnection, contact_id: str, at: datetime
) -> None:
    """Raise BadInputError if the contact objected; objections hold at every clock."""
    objected = read_rows(
        connection,
        f"""
        select suppressed.contact_id
        from intent_intermediate.int_identifier_contacts as identifiers
        inner join intent_intermediate.int_contact_identifiers as now_of
            on identifiers.identifier = now_of.identifier
        inner join intent_intermediate.int_contacts as suppressed
            on now_of.contact_id = suppressed.contact_id
        where
            identifiers.contact_id = $contact_id
            and {IN_FORCE}
            and suppressed.is_suppressed
        limit 1
        """,
        {"contact_id": contact_id, "at": at},
    )
    if objected:
        raise BadInputError(
            "This contact objected to profiling. It is suppressed: not scored, at no "
            "clock, and in no segment."
        )


def texts(
    connection: duckdb.DuckDBPyConnection, sql: str, values: Mapping[str, object]
) -> list[str]:
    """The only column of a query."""
    return [text for row in read_rows(connection, sql, values) for text in row.values()]
