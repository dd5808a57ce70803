"""Who is behind an identifier, and what of the identifiers is theirs alone.

A contact's identifiers are those that it has now, and earlier ones that were never
linked to anything but them. What somebody else was linked to as well, a shared tablet,
stays: it is not theirs to erase.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

import duckdb

from intent.erasure.databases import quoted
from intent.erasure.identifiers import GMAIL, KINDS, Identifier, canonical
from intent.errors import UnavailableError

CONTACTS = "int_identifier_contacts"
TABLES = {
    CONTACTS,
    "int_identifiers",
    "int_identifier_links",
    "int_shared_identifiers",
}

Links = Mapping[str, Collection[str]]
"""The identifiers that each is linked to, or ever was."""


@dataclass(frozen=True)
class Contact:
    """What belongs to a contact."""

    identifiers: frozenset[Identifier]
    contact_ids: frozenset[str]
    """The id that it has now, and those that were only its own before."""
    is_known: bool
    """False if no built model knows the identifier."""
    left: Mapping[str, int]
    """How many identifiers stay of each kind, as others were linked to them too."""
    shared: Mapping[str, str]
    """Those of these that join nobody, as too many share them, and since when."""


class Identity:
    """The identity tables of a warehouse."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, database: str) -> None:
        """Find the tables.

        Raises:
            UnavailableError: they are not there.
        """
        self._connection = connection
        rows = connection.execute(
            "select distinct table_name, schema_name from duckdb_columns() "
            "where database_name = ? and table_name in ?",
            [database, sorted(TABLES)],
        ).fetchall()
        tables = {
            name: f"{quoted(database)}.{quoted(schema)}.{quoted(name)}"
            for name, schema in rows
        }
        if tables.keys() != TABLES:
            raise UnavailableError(
                "The warehouse does not say who is who yet. Build it first: "
                "`intent build`."
            )
        self._contacts = tables[CONTACTS]
        self._identifiers = tables["int_identifiers"]
        self._links = tables["int_identifier_links"]
        self._shared = tables["int_shared_identifiers"]

    def find(self, requested: Collection[Identifier]) -> Contact:
        """Find all that belongs to whoever has one of these identifiers."""
        named = self._spellings(requested)
        mine: set[str] = set()
        near = named
        while near - mine:
            mine |= near
            mine |= self._texts(
                f"select identifier from {self._contacts} "
                "where valid_to is null and contact_id in ?",
                self._contacts_of(mine),
            )
            various = [each for each in map(parse, mine) if is_spelt_variously(each)]
            near = self._spellings(various)
        mine, left = with_only_theirs(mine, self._links_of)
        now = self._contacts_of(mine)
        # A contact is named after its eldest identifier: any of them may have been it.
        former = self._texts(
            f"select md5(identifier) from {self._contacts} where identifier in $1 "
            f"union select contact_id from {self._contacts} where identifier in $1 "
            f"except select contact_id from {self._contacts} "
            "where valid_to is null and identifier not in $1",
            mine,
        )
        return Contact(
            identifiers=frozenset({*map(parse, mine), *requested}),
            contact_ids=frozenset(now | former),
            is_known=bool(named),
            left=Counter(parse(each).kind for each in left),
            shared=self._shared_of(left),
        )

    def known(self, identifiers: Collection[Identifier]) -> set[Identifier]:
        """Those of some identifiers that the built models know of."""
        various = [each for each in identifiers if is_spelt_variously(each)]
        found = self._spellings(various) | self._texts(
            f"select identifier from {self._contacts} where identifier in ?",
            {each.typed for each in identifiers},
        )
        return set(identifiers) & {parse(each) for each in found}

    def _contacts_of(self, identifiers: Collection[str]) -> set[str]:
        """The contacts that have one of some identifiers now."""
        return self._texts(
            f"select distinct contact_id from {self._contacts} "
            "where valid_to is null and identifier in ?",
            identifiers,
        )

    def _spellings(self, identifiers: Collection[Identifier]) -> set[str]:
        """The identifiers as the warehouse spells them, each in one way or more."""
        if not identifiers:
            return set()
        pattern = "|".join(f"{each.kind}:(?:{each.pattern})" for each in identifiers)
        return self._texts(
            f"select distinct identifier from {self._contacts} "
            "where regexp_full_match(identifier, ?, 'i')",
            pattern,
        )

    def _links_of(self, identifiers: Collection[str]) -> Links:
        """The links of some identifiers."""
        rows = self._connection.execute(
            f"select one.identifier, other.identifier from {self._links} as links "
            f"inner join {self._identifiers} as one on links.node = one.node "
            f"inner join {self._identifiers} as other "
            "on links.linked_node = other.node "
            "where one.identifier <> other.identifier "
            "and (one.identifier in $1 or other.identifier in $1)",
            [list(identifiers)],
        ).fetchall()
        links: dict[str, set[str]] = {each: set() for each in identifiers}
        for one, other in rows:
            links.setdefault(one, set()).add(other)
            links.setdefault(other, set()).add(one)
        return {each: links[each] for each in identifiers}

    def _shared_of(self, identifiers: Collection[str]) -> dict[str, str]:
        """Since when those of some identifiers are shared that still are."""
        rows = self._connection.execute(
            "select identifiers.identifier, cast(min(shared.shared_from) as text) "
            f"from {self._shared} as shared "
            f"inner join {self._identifiers} as identifiers "
            "on shared.node = identifiers.node "
            "where shared.shared_to is null and identifiers.identifier in ? group by 1",
            [list(identifiers)],
        ).fetchall()
        return dict(rows)

    def _texts(self, sql: str, value: str | Iterable[str]) -> set[str]:
        bound = value if isinstance(value, str) else list(value)
        return {text for (text,) in self._connection.execute(sql, [bound]).fetchall()}


def with_only_theirs(
    mine: Collection[str], links_of: Callable[[Collection[str]], Links]
) -> tuple[set[str], set[str]]:
    """Add the identifiers that were only ever linked to these.

    Returns:
        These and those, and the ones that others were linked to as well.
    """
    found = set(mine)
    while True:
        near = {each for all_ in links_of(found).values() for each in all_} - found
        theirs = {each for each, all_ in links_of(near).items() if set(all_) <= found}
        if not theirs:
            return found, near
        found |= theirs


def parse(typed: str) -> Identifier:
    """Read an identifier as the warehouse has it, with its kind before it."""
    kind, _, value = typed.partition(":")
    return Identifier(kind, canonical(kind, value) if kind in KINDS else value)


def is_spelt_variously(identifier: Identifier) -> bool:
    """True if the warehouse may have the identifier in another spelling than ours."""
    return identifier.kind == "phone" or identifier.value.endswith(f"@{GMAIL[0]}")
