"""Keyed hashes of what was erased: all that we keep of it.

The key comes from the environment and is stored nowhere. Without it nobody can tell
from a hash whose it is, not even by trying all addresses.
"""

import hmac
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from intent.erasure.files import write_whole
from intent.erasure.identifiers import Identifier
from intent.errors import BadInputError, UnavailableError

KEY_VARIABLE = "INTENT_ERASURE_KEY"
SHORTEST_KEY = 16
FILE = "hashes"
CHECK = "key"
"""The first word of the line by which a key is known for the right one."""


@dataclass(frozen=True)
class Keyring:
    """The secret, and what it does."""

    secret: bytes

    def hash(self, kind: str, value: str) -> str:
        """The keyed hash of an identifier, or of a record's key."""
        return hmac.digest(self.secret, f"{kind}:{value}".encode(), "sha256").hex()

    def hash_all(self, identifiers: Iterable[Identifier]) -> set[str]:
        """The keyed hashes of several identifiers."""
        return {self.hash(each.kind, each.value) for each in identifiers}

    @property
    def check(self) -> str:
        """What tells this key from others."""
        return self.hash(CHECK, "intent forget")


@dataclass(frozen=True)
class Hashes:
    """The file of the keyed hashes, as it was read."""

    file: Path
    check: str | None
    by_erasure: dict[str, frozenset[str]]

    @property
    def all(self) -> frozenset[str]:
        """All hashes."""
        return frozenset().union(*self.by_erasure.values())

    def erasure_of(self, hashes: Iterable[str]) -> list[str]:
        """The erasures that know one of these hashes, in order of their ids."""
        wanted = set(hashes)
        return sorted(id_ for id_, kept in self.by_erasure.items() if kept & wanted)

    def add(self, erasure: str, hashes: Iterable[str], keyring: Keyring) -> "Hashes":
        """Write further hashes of an erasure down."""
        kept = self.by_erasure.get(erasure, frozenset()) | frozenset(hashes)
        added = Hashes(self.file, keyring.check, {**self.by_erasure, erasure: kept})
        lines = [f"{CHECK} {keyring.check}\n"]
        for id_, all_ in sorted(added.by_erasure.items()):
            lines += [f"{id_} {each}\n" for each in sorted(all_)]
        write_whole(self.file, "".join(lines).encode())
        return added


def read_hashes(erasures: Path) -> Hashes:
    """Read the keyed hashes of all erasures; there are none before the first.

    Raises:
        UnavailableError: the file can't be read.
        BadInputError: it is not what we wrote.
    """
    file = erasures / FILE
    try:
        text = file.read_text(encoding="ascii") if file.exists() else ""
    except OSError as error:
        raise UnavailableError(f"{file} can't be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise damaged(file) from error
    check, found = None, dict[str, set[str]]()
    for line in text.splitlines():
        words = line.split()
        if len(words) != 2 or len(words[1]) != 64:
            raise damaged(file)
        if words[0] == CHECK:
            check = words[1]
        else:
            found.setdefault(words[0], set()).add(words[1])
    return Hashes(file, check, {id_: frozenset(all_) for id_, all_ in found.items()})


def damaged(file: Path) -> BadInputError:
    """The fault of a file of hashes that is not as it was written."""
    return BadInputError(
        f"{file} is damaged. It keeps erased contacts from coming back: put it back "
        "from a copy."
    )


def open_keyring(hashes: Hashes) -> Keyring:
    """Take the key from the environment, and see that it is the one used before.

    Raises:
        BadInputError: it is not set, too short, or another one.
    """
    secret = os.environ.get(KEY_VARIABLE, "")
    if not secret:
        raise BadInputError(
            f"{KEY_VARIABLE} is not set. It is the secret with which erased contacts "
            "are known again when their rows come back. Set it in the environment: the "
            "same as before, or for the first erasure one that you make and keep, such "
            "as that of `openssl rand -hex 32`."
        )
    if len(secret) < SHORTEST_KEY:
        raise BadInputError(
            f"{KEY_VARIABLE} has fewer than {SHORTEST_KEY} signs, so it could be "
            "guessed. Make one with `openssl rand -hex 32`."
        )
    keyring = Keyring(secret.encode())
    if hashes.check and not hmac.compare_digest(hashes.check, keyring.check):
        raise BadInputError(
            f"{KEY_VARIABLE} is not the key with which contacts were erased before: "
            f"by this one {hashes.file} tells nothing. Set the one used then."
        )
    return keyring
