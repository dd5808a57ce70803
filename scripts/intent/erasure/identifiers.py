"""Identifiers: their kinds, when two spellings are the same, and how to find them.

Patterns are written for RE2, which pyarrow and DuckDB share, and are to be matched
without regard to case.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from intent.errors import BadInputError

KINDS = ("customer_id", "user_id", "crm_id", "email", "phone", "anonymous_id")
"""The surest first, as the macro `identifier_kinds` has them."""
PERSONAL = ("customer_id", "user_id", "crm_id", "email")
"""Kinds of which a person mostly has one: several may be several people."""
GMAIL = ("gmail.com", "googlemail.com")
LEAST_DIGITS = 7
LEAST_LENGTH = 6
LONGEST = 320
AT = r"(?:@|%40|\\u0040)"
# What may stand around an address, an id or a number that is mentioned in a text.
BEFORE_EMAIL = r"(?:^|%[0-9a-f]{2}|\\[nrt]|[^a-z0-9_.+%-])"
AFTER_EMAIL = r"(?:$|[^a-z0-9.-]|\.(?:$|[^a-z0-9]))"
BEFORE_ID = r"(?:^|%[0-9a-f]{2}|\\[nrt]|[^a-z0-9])"
AFTER_ID = r"(?:$|[^a-z0-9])"


@dataclass(frozen=True, order=True)
class Identifier:
    """One identifier in the spelling that all its spellings share."""

    kind: str
    value: str

    @property
    def typed(self) -> str:
        """The identifier with its kind, as the warehouse has it."""
        return f"{self.kind}:{self.value}"

    @property
    def is_distinctive(self) -> bool:
        """True if the value can't well be anything else, wherever it stands."""
        if self.kind == "email":
            return "@" in self.value
        if self.kind == "phone":
            return sum(each.isdigit() for each in self.value) >= LEAST_DIGITS
        return len(self.value) >= LEAST_LENGTH and bool(re.search(r"\d", self.value))

    @property
    def pattern(self) -> str:
        """A pattern of the value in all its spellings."""
        if self.kind == "email" and "@" in self.value:
            local, _, domain = self.value.rpartition("@")
            if domain in GMAIL:
                signs = r"\.*".join(re.escape(each) for each in local)
                domains = "|".join(re.escape(each) for each in GMAIL)
                return rf"{signs}(?:(?:\+|%2b)[^@%\s]*)?{AT}(?:{domains})"
            return f"{re.escape(local)}{AT}{re.escape(domain)}"
        if self.kind == "phone" and self.value.lstrip("+").isdigit():
            digits = r"[ ()./-]*".join(self.value.lstrip("+"))
            international = self.value.startswith("+")
            return rf"(?:\+|00|%2b)[ ()./-]*{digits}" if international else digits
        return re.escape(self.value)

    @property
    def mention(self) -> str:
        """A pattern of the value inside of other text."""
        if self.kind == "email":
            return f"{BEFORE_EMAIL}{self.pattern}{AFTER_EMAIL}"
        return f"{BEFORE_ID}{self.pattern}{AFTER_ID}"


@dataclass(frozen=True)
class Erased:
    """What is to be found no more: identifiers, keys of records, contact ids."""

    identifiers: frozenset[Identifier] = frozenset()
    keys: frozenset[tuple[str, str]] = frozenset()
    """Keys of records that went with the contact, such as `("order_id", "O17")`."""
    contact_ids: frozenset[str] = frozenset()
    others: frozenset[Identifier] = frozenset()
    """Identifiers that stand beside erased ones in some row, and are other people's."""

    @cached_property
    def _by_name(self) -> dict[str, frozenset[str]]:
        found: dict[str, set[str]] = {}
        pairs = {(each.kind, each.value) for each in self.identifiers} | self.keys
        for name, value in pairs:
            found.setdefault(name, set()).add(value)
        return {name: frozenset(values) for name, values in found.items()}

    def values(self, name: str) -> frozenset[str]:
        """The values of one kind of identifier, or of one key."""
        return self._by_name.get(name, frozenset())

    @cached_property
    def distinctive(self) -> list[Identifier]:
        """The identifiers that are looked for everywhere."""
        return sorted(each for each in self.identifiers if each.is_distinctive)

    @cached_property
    def mentions(self) -> str | None:
        """A pattern of all that is found inside of other text; None if nothing is."""
        parts = [each.mention for each in self.distinctive]
        parts += [f"{BEFORE_ID}{each}{AFTER_ID}" for each in sorted(self.contact_ids)]
        return "|".join(parts) or None

    @cached_property
    def anywhere(self) -> re.Pattern[bytes]:
        """A pattern of the same in raw bytes, whatever stands around it."""
        parts = [each.pattern for each in self.distinctive] + sorted(self.contact_ids)
        return re.compile("|".join(parts or [r"\Z\A"]).encode(), re.IGNORECASE)


def canonical(kind: str, text: str) -> str:
    """The spelling that all spellings of an identifier share; empty if it is blank.

    Case doesn't matter in email addresses, nor do dots and what follows a `+` where
    the provider ignores them. Phone numbers are their digits.
    """
    value = text.strip()
    if kind == "email":
        value = value.lower()
        local, _, domain = value.rpartition("@")
        if domain in GMAIL:
            return f"{local.partition('+')[0].replace('.', '')}@{GMAIL[0]}"
        return value
    if kind == "phone":
        digits = re.sub(r"\D", "", value)
        if value.startswith("+"):
            return f"+{digits}"
        if value.startswith("00"):
            return f"+{digits[2:]}"
        return digits or value
    return value


def identifier(kind: str, text: str) -> Identifier:
    """Read an identifier that a person gave.

    Raises:
        BadInputError: it can be none of that kind. The message doesn't repeat it.
    """
    value = canonical(kind, text)
    looks_right = {
        "email": re.fullmatch(r"[^@\s]+@[^@\s]+", value) is not None,
        "phone": re.fullmatch(r"\+?\d{4,}", value) is not None,
    }
    if not looks_right.get(kind, bool(value)) or len(value) > LONGEST:
        raise BadInputError(
            f"What was given as {kind} is none (it is not repeated here). "
            f"Right would be, for example: {EXAMPLES[kind]}"
        )
    return Identifier(kind, value)


EXAMPLES = {
    "customer_id": "C100011",
    "user_id": "C100011",
    "crm_id": "003100000000130",
    "email": "anna@example.net",
    "phone": "+49 170 1234567",
    "anonymous_id": "5f3a9c1e-7b1d-4c55-9a43-0c7d9f0e2b11",
}


def parse_identifiers(lines: Iterable[str]) -> list[Identifier]:
    """Read identifiers from text, one a line: `email: anna@example.net`.

    An email may stand alone. Empty lines and those that begin with `#` are passed by.

    Raises:
        BadInputError: a line is of no known kind, or what it names is none.
    """
    found = []
    for number, line in enumerate(lines, start=1):
        text = line.strip().lstrip("\ufeff")
        if not text or text.startswith("#"):
            continue
        kind, colon, value = text.partition(":")
        kind = kind.strip().lower().replace("-", "_")
        if colon and kind in KINDS:
            found.append(identifier(kind, value))
        elif "@" in text and not colon:
            found.append(identifier("email", text))
        else:
            raise BadInputError(
                f"Line {number} names no kind of identifier. Write one a line, such "
                f"as `email: {EXAMPLES['email']}`. Kinds: {', '.join(KINDS)}."
            )
    return found
