"""SQL of a sync's fields: the value that is sent, and when it has changed enough."""

import json
from collections.abc import Iterable, Mapping

from intent.sync.spec import FieldRule, FieldType, Sync, Trigger

SQL_TYPES = {
    FieldType.TEXT: "varchar",
    FieldType.NUMBER: "double",
    FieldType.INTEGER: "bigint",
    FieldType.BOOLEAN: "boolean",
    FieldType.DATETIME: "timestamp",
    FieldType.DATE: "date",
}
SECONDS_A_DAY = 86_400
EQUAL_WITHIN = 1e-9
"""What numbers that were added up in another order may differ by."""
FIRST, LAST = "timestamp '0001-01-01'", "timestamp '9999-12-31 23:59:59'"
"""Moments that can be written with four digits for the year."""
NOT_A_NUMBER = "NOT_A_NUMBER"
NOT_A_MOMENT = "NOT_A_MOMENT"


def quoted(name: str) -> str:
    """A name for SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text for SQL."""
    return "'" + text.replace("'", "''") + "'"


def stored(field: str) -> str:
    """A field's column in the ledger's table of acknowledged values."""
    return quoted(f"field:{field}")


def column(sync: Sync, name: str) -> str:
    """A column that a sync names, with the mart it is of."""
    mart, _, plain = name.rpartition(".")
    return f"{quoted(mart or sync.source)}.{quoted(plain)}"


def carried(name: str) -> str:
    """The name of a column in rows that carry it, whichever mart it is of."""
    return quoted(f"of:{name}")


def values(sync: Sync, names: Iterable[str]) -> str:
    """The values of some fields, as columns of a select."""
    return "".join(f", {value(sync.fields[name])} as {stored(name)}" for name in names)


def value(rule: FieldRule, is_cut: bool = True) -> str:
    """The value that is sent, of the type that it is sent as, made of `carried`.

    Args:
        rule: of the field.
        is_cut: False: leave a text longer than it may be, as cutting takes time.
    """
    if rule.columns:
        parts = ", ".join(
            f"nullif(cast({carried(name)} as varchar), '')" for name in rule.columns
        )
        joined = f"nullif(concat_ws({literal(rule.joined_by)}, {parts}), '')"
        return shortened(joined, rule) if is_cut else joined
    source = carried(rule.column or "")
    if rule.type is FieldType.TEXT:
        text = labelled(f"cast({source} as varchar)", rule)
        return shortened(text, rule) if is_cut else text
    if rule.type is FieldType.NUMBER:
        number = f"cast({source} as double)"
        if rule.decimals is not None:
            number = f"round({number}, {rule.decimals})"
        return f"({number} + 0.0)"  # there is no -0.0 elsewhere
    # What can't be cast is none, and refused as `broken` says: it must not stop others.
    if rule.type is FieldType.DATETIME:
        return f"date_trunc('second', try_cast({source} as timestamp))"
    return f"try_cast({source} as {SQL_TYPES[rule.type]})"


def broken(sync: Sync) -> str:
    """SQL that says why the values of a row can't be sent; null where they can."""
    numbers, moments = [], []
    for rule in sync.fields.values():
        source = carried(rule.column or "")
        if rule.type is FieldType.NUMBER:
            numbers.append(f"not isfinite(cast({source} as double))")
        elif rule.type is FieldType.INTEGER:
            as_integer = f"try_cast({source} as bigint)"
            numbers.append(f"({source} is not null and {as_integer} is null)")
        elif rule.type in (FieldType.DATETIME, FieldType.DATE):
            is_moment = f"try_cast({source} as timestamp) between {FIRST} and {LAST}"
            moments.append(
                f"({source} is not null and not coalesce({is_moment}, false))"
            )
    return (
        f"case when {' or '.join(numbers) or 'false'} then '{NOT_A_NUMBER}'"
        f" when {' or '.join(moments) or 'false'} then '{NOT_A_MOMENT}' end"
    )


def labelled(text: str, rule: FieldRule) -> str:
    """A text by the name that it has over there."""
    if not rule.labels:
        return text
    cases = " ".join(
        f"when {literal(ours)} then {literal(theirs)}"
        for ours, theirs in rule.labels.items()
    )
    return f"case {text} {cases} else {text} end"


def listed(segment: str, lists: Mapping[str, str]) -> str:
    """The list of a segment, null where it has none."""
    if not lists:
        return "cast(null as varchar)"
    cases = " ".join(
        f"when {literal(name)} then {literal(of)}" for name, of in lists.items()
    )
    return f"case {segment} {cases} end"


def shortened(text: str, rule: FieldRule) -> str:
    """A text that is cut to the length asked for."""
    return f"left({text}, {rule.truncate})" if rule.truncate else text


def moved(rule: FieldRule, field: str, any_change: bool = False) -> str:
    """SQL that is true where `desired` differs from `acked` by enough for a write."""
    new, old = f"desired.{stored(field)}", f"acked.{stored(field)}"
    if any_change or not isinstance(rule.trigger, Trigger):
        changed = f"{new} is distinct from {old}"
    else:
        changed = (
            f"(({new} is null) <> ({old} is null)"
            f" or {distance(rule, new, old)} >= {rule.trigger.moved_by - EQUAL_WITHIN})"
        )
    return f"({new} is not null and {changed})" if rule.if_null == "keep" else changed


def distance(rule: FieldRule, new: str, old: str) -> str:
    """How far two values are apart: in units of a number, days of a moment."""
    if rule.type is FieldType.DATE:
        return f"abs({new} - {old})"
    if rule.type is FieldType.DATETIME:
        return f"abs(epoch_us({new}) - epoch_us({old})) / {SECONDS_A_DAY}e6"
    return f"abs({new} - {old})"


def roughly(rule: FieldRule, sql: str) -> str:
    """A value that is the same as long as it has moved by less than counts."""
    if not isinstance(rule.trigger, Trigger):
        return spoken(rule, sql)
    if rule.type is FieldType.DATE:
        sql = f"epoch({sql}) / {SECONDS_A_DAY}"
    elif rule.type is FieldType.DATETIME:
        sql = f"epoch_us({sql}) / {SECONDS_A_DAY}e6"
    return f"floor({sql} / {rule.trigger.moved_by})"


def spoken(rule: FieldRule, sql: str) -> str:
    """A stored value as JSON is to have it."""
    if sql == "null":
        return sql
    if rule.type is FieldType.DATETIME:
        return f"strftime({sql}, '%Y-%m-%dT%H:%M:%SZ')"
    if rule.type is FieldType.DATE:
        return f"strftime({sql}, '%Y-%m-%d')"
    if rule.type is FieldType.NUMBER:
        return f"case when isfinite({sql}) then {sql} end"
    return sql


def as_json(sync: Sync, values: Mapping[str, str]) -> str:
    """A JSON object of some fields by the SQL of their values, nulls included."""
    pairs = ", ".join(
        f"{literal(name)}, {spoken(sync.fields[name], sql)}"
        for name, sql in values.items()
    )
    return f"cast(json_object({pairs}) as varchar)"


def structure(sync: Sync) -> str:
    """The structure by which a payload's JSON is read back into columns."""
    types = {name: SQL_TYPES[rule.type].upper() for name, rule in sync.fields.items()}
    return literal(json.dumps(types))


def rule_text(rule: FieldRule) -> str:
    """A rule as text, to see whether it changed; `trigger` does not change values."""
    return rule.model_dump_json(exclude={"trigger"})
