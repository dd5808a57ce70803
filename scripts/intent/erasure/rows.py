"""Which rows of a file are an erased contact's. Pure: columns in, a verdict out.

A row belongs to the first identifier it names, the surest kind first, as in the models.

- A row that belongs to an erased identifier goes, and so does one that is keyed by it.
- A row that names an erased identifier beside one of somebody else stays, since it is
  that other's, without the erased identifier. If nobody knows that other one, it goes.
- A row that refers to a record that went (a line of an order, the rating of a ticket)
  goes, unless it belongs to somebody else.
- A text of somebody else in which an erased identifier stands is blanked.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from intent.contracts import Contract
from intent.erasure.identifiers import KINDS, Erased, Identifier, canonical

Mask = NDArray[np.bool_]
Columns = Mapping[str, Any]
"""The columns of some rows: names in small letters, pyarrow arrays of texts."""
ANONYMOUS = "anonymous_id"
SPELT_VARIOUSLY = ("email", "phone")


@dataclass(frozen=True)
class Shape:
    """What a table's columns mean for an erasure."""

    table: str
    own_key: str | None = None
    keys: frozenset[str] = frozenset()
    """Columns that hold keys of records, the table's own or another's."""
    records: frozenset[str] = frozenset()
    """Those of them that are keys of what this table records, such as an order."""
    required: frozenset[str] = frozenset()


@dataclass
class Verdict:
    """What is to become of some rows."""

    removed: Mask
    blanked: dict[str, Mask] = field(default_factory=dict)
    companions: set[Identifier] = field(default_factory=set)
    """Other identifiers of rows that name an erased one."""
    accompanied: set[Identifier] = field(default_factory=set)
    """Erased identifiers that stand beside another one."""
    keys: set[tuple[str, str]] = field(default_factory=set)
    """Keys of the records that go."""
    kept_keys: set[tuple[str, str]] = field(default_factory=set)
    """Keys that went, and that a record which stays has as well."""

    @property
    def changes_nothing(self) -> bool:
        """True if all rows stay as they are."""
        return not self.removed.any() and not self.blanked


def nothing(count: int) -> Verdict:
    """The verdict by which all rows stay as they are."""
    return Verdict(np.zeros(count, bool))


def shapes_of(contracts: Mapping[str, Contract]) -> dict[str, Shape]:
    """Read from the contracts which columns are keys.

    What a table records is known by its own key, and by an id that is named as the
    table is (`subscription_id` in `subscriptions`). Other tables refer to it by the
    same name; a name that is a key in several feeds (`event_id`) refers to nothing.
    """
    records = {
        key: {*each.names} & {own_key(each), f"{each.table.removesuffix('s')}_id"}
        for key, each in contracts.items()
    }
    feeds: dict[str, set[str]] = {}
    for key, names in records.items():
        for name in names - set(KINDS):
            feeds.setdefault(name, set()).add(contracts[key].feed)
    keys = {name for name, all_ in feeds.items() if len(all_) == 1}
    return {
        key: Shape(
            table=key,
            own_key=own_key(contract),
            keys=frozenset(keys & set(contract.names)),
            records=frozenset(keys & records[key]),
            required=frozenset(each.name for each in contract.columns if each.required),
        )
        for key, contract in contracts.items()
    }


def own_key(contract: Contract) -> str | None:
    """The column that a table's rows are keyed by, if it has one."""
    first = contract.columns[0] if contract.columns else None
    if first and first.required and first.name.endswith("_id"):
        return first.name
    return None


def judge(columns: Columns, count: int, shape: Shape, erased: Erased) -> Verdict:
    """Say what is to become of `count` rows."""
    mentions = {name: mentioned(texts, erased) for name, texts in columns.items()}
    named = {
        kind: erased_mask(columns[kind], kind, erased) | mentions[kind]
        for kind in KINDS
        if kind in columns
    }
    owner = owners(columns, count)
    is_named = any_of(named.values(), count)
    is_own = any_of(
        (mask & (owner == KINDS.index(kind)) for kind, mask in named.items()), count
    )
    is_others = any_of(
        (
            (owner == KINDS.index(kind)) & others_mask(columns[kind], kind, erased)
            for kind in named
        ),
        count,
    )
    removed = is_own | (is_named & ~is_others)
    if shape.own_key in named:
        removed |= named[shape.own_key]
    is_somebodys = (owner >= 0) & (owner < KINDS.index(ANONYMOUS)) & ~is_own
    refers = any_of(
        (
            in_set(columns[name], erased.values(name))
            for name in shape.keys
            if name in columns
        ),
        count,
    )
    removed |= refers & ~is_somebodys
    for name in shape.required - set(KINDS):
        if name in mentions:
            removed |= mentions[name]
    verdict = Verdict(removed)
    for name, mask in {**mentions, **named}.items():
        if (mask & ~removed).any():
            verdict.blanked[name] = mask & ~removed
    if is_named.any():
        verdict.companions, verdict.accompanied = neighbours(columns, named, count)
    collect_keys(verdict, columns, shape, erased, is_somebodys)
    return verdict


def collect_keys(
    verdict: Verdict, columns: Columns, shape: Shape, erased: Erased, others: Mask
) -> None:
    """Note the keys of records that go, and those that somebody else's record keeps."""
    going, staying = verdict.removed, others & ~verdict.removed
    for name in shape.records & set(columns):
        if going.any():
            verdict.keys |= {(name, each) for each in distinct(columns[name], going)}
        if staying.any():
            known = in_set(columns[name], erased.values(name))
            verdict.kept_keys |= {
                (name, each) for each in distinct(columns[name], staying & known)
            }


def owners(columns: Columns, count: int) -> NDArray[np.int8]:
    """For each row, the place of its first identifier's kind among the kinds; or -1."""
    owner = np.full(count, -1, np.int8)
    for place, kind in enumerate(KINDS):
        if kind in columns:
            present = numpy_mask(pc.not_equal(trimmed(columns[kind]), ""))
            if kind == "email":  # what has not the form of one names nobody
                present &= numpy_mask(pc.match_substring(columns[kind], "@"))
            owner[(owner < 0) & present] = place
    return owner


def erased_mask(texts: Any, kind: str, erased: Erased) -> Mask:
    """True where an identifier is erased, however it is spelt."""
    return spelt_in_set(texts, kind, erased.values(kind))


def others_mask(texts: Any, kind: str, erased: Erased) -> Mask:
    """True where an identifier is known to be somebody else's."""
    values = frozenset(each.value for each in erased.others if each.kind == kind)
    return spelt_in_set(texts, kind, values)


def spelt_in_set(texts: Any, kind: str, values: frozenset[str]) -> Mask:
    """True where an identifier is one of those, however it is spelt."""
    if not values:
        return np.zeros(len(texts), bool)
    if kind not in SPELT_VARIOUSLY:
        return in_set(texts, values)
    spellings = [
        each
        for each in pc.unique(texts).to_pylist()
        if each is not None and canonical(kind, each) in values
    ]
    return numpy_mask(pc.is_in(texts, pa.array(spellings, texts.type)))


def in_set(texts: Any, values: frozenset[str]) -> Mask:
    """True where a text without blanks around it is one of those."""
    if not values:
        return np.zeros(len(texts), bool)
    return numpy_mask(pc.is_in(trimmed(texts), pa.array(sorted(values), texts.type)))


def mentioned(texts: Any, erased: Erased) -> Mask:
    """True where a text holds an erased identifier."""
    if erased.mentions is None or not len(texts):
        return np.zeros(len(texts), bool)
    coded = pc.dictionary_encode(texts)
    found = pc.match_substring_regex(
        coded.dictionary, erased.mentions, ignore_case=True
    )
    if not pc.any(found).as_py():
        return np.zeros(len(texts), bool)
    return numpy_mask(pc.take(found, coded.indices))


def neighbours(
    columns: Columns, named: Mapping[str, Mask], count: int
) -> tuple[set[Identifier], set[Identifier]]:
    """The identifiers beside erased ones, and the erased ones beside others."""
    is_named = any_of(named.values(), count)
    others = {
        kind: numpy_mask(pc.not_equal(trimmed(columns[kind]), "")) & ~mask
        for kind, mask in named.items()
    }
    is_accompanied = is_named & any_of(others.values(), count)
    return (
        identifiers_in(columns, {k: is_named & mask for k, mask in others.items()}),
        identifiers_in(
            columns, {k: is_accompanied & mask for k, mask in named.items()}
        ),
    )


def identifiers_in(columns: Columns, where: Mapping[str, Mask]) -> set[Identifier]:
    """The different identifiers of some rows, by kind."""
    return {
        Identifier(kind, canonical(kind, text))
        for kind, mask in where.items()
        for text in distinct(columns[kind], mask)
    }


def distinct(texts: Any, where: Mask) -> set[str]:
    """The different texts of some rows, without blanks around them."""
    found = pc.unique(trimmed(texts.filter(pa.array(where))))
    return {each for each in found.to_pylist() if each}


def trimmed(texts: Any) -> Any:
    """Texts without blanks around them."""
    return pc.utf8_trim_whitespace(texts)


def any_of(masks: Iterable[Mask], count: int) -> Mask:
    """True where one of the masks is."""
    found = np.zeros(count, bool)
    for mask in masks:
        found |= mask
    return found


def numpy_mask(values: Any) -> Mask:
    """A pyarrow array of truth values; what is not known is not true."""
    mask: Mask = pc.fill_null(values, False).to_numpy(zero_copy_only=False)
    return mask
