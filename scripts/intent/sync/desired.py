"""The rows of the marts that may be sent, in the form in which they are sent."""

from collections.abc import Iterable

from intent.sync.fields import carried, column, literal, quoted
from intent.sync.ledger import Ledger
from intent.sync.source import Source
from intent.sync.spec import Sync

CONSENT = ("is_exportable", "is_holdout")
"""The columns that say whether a contact may be told."""


def note_allowed(ledger: Ledger, sync: Sync, source: Source) -> None:
    """Note in the temporary table `allowed` the keys of which may be told today."""
    ledger.connection.execute(
        "create or replace temp table allowed as select distinct match_key from"
        f" ({desired_rows(sync, source)}) where match_key is not null"
    )


def match_key(sync: Sync) -> str:
    """The match key in one spelling; null where there is none."""
    key = f"nullif(cast({column(sync, sync.match.column)} as varchar), '')"
    return f"lower({key})" if sync.match.ignore_case else key


def desired_rows(sync: Sync, source: Source, names: Iterable[str] = ()) -> str:
    """SQL of the rows that may be sent, with the columns of which some fields are made.

    The values are made of them afterwards, of the few rows that need them.
    """
    columns = {each: None for name in names for each in sync.fields[name].sources}
    fields = "".join(f", {column(sync, name)} as {carried(name)}" for name in columns)
    main = quoted(sync.source)
    joins = "".join(
        f" left join {source.mart(mart)} as {quoted(mart)}"
        f" on {main}.{quoted(sync.row_id)} = {quoted(mart)}.{quoted(sync.row_id)}"
        for mart in sync.also
    )
    consent, contacts = consented(sync, source)
    weight = optional(sync, source, "intent_score", "double")
    since = optional(sync, source, "segment_since", "timestamp")
    return (
        f"select {match_key(sync)} as match_key,"
        f" cast({column(sync, sync.row_id)} as varchar) as row_id,"
        f" {told_segment(sync)} as told_segment,"
        f" {weight} as weight, {since} as since{fields}"
        f" from {source.mart(sync.source)} as {main}{contacts}{joins}"
        f" where {consent}"
    )


def optional(sync: Sync, source: Source, name: str, kind: str) -> str:
    """A column of the source, null where it has none of this name."""
    sql = f"{quoted(sync.source)}.{quoted(name)}"
    return f"cast({sql if source.has(sync.source, name) else 'null'} as {kind})"


def told_segment(sync: Sync) -> str:
    """The segment that is told as an event or list; null where none is."""
    changes = sync.segment_changes
    if changes is None:
        return "cast(null as varchar)"
    return f"cast({column(sync, changes.column)} as varchar)"


def consented(sync: Sync, source: Source) -> tuple[str, str]:
    """The condition on contacts that may be told, and the join that it needs.

    A source without contacts, such as accounts, has sums only: nothing to consent to,
    and the hold-out is not in them.
    """
    main = quoted(sync.source)
    join, contacts = "", main
    if not all(source.has(sync.source, name) for name in CONSENT):
        if not source.has(sync.source, "contact_id"):
            return only_sheet(sync, source) or "true", ""
        contacts = quoted("consent")
        join = (
            f" inner join {source.mart('contact_intent')} as {contacts}"
            f" on {main}.contact_id = {contacts}.contact_id"
        )
    conditions = [
        f"coalesce({contacts}.is_exportable, false)",
        f"not coalesce({contacts}.is_holdout, false)",
    ]
    if sheet := only_sheet(sync, source):
        conditions.append(sheet)
    return " and ".join(conditions), join


def only_sheet(sync: Sync, source: Source) -> str:
    """The condition on the rule sheet, where the source has a row for each."""
    sheet = sync.sheet or (source.sheet if sync.source != "contact_intent" else None)
    if not sheet or not source.has(sync.source, "score_model"):
        return ""
    return f"{quoted(sync.source)}.score_model = {literal(sheet)}"
