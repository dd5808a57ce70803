"""The tables that the compiled query of changes reads, temporary ones."""

from collections.abc import Mapping, Sequence

import duckdb

from intent.diff.model import Clock
from intent.explain.reading import read_rows
from intent.explain.resolve import IN_FORCE


def set_contacts(
    connection: duckdb.DuckDBPyConnection, contact_ids: Sequence[str]
) -> None:
    """Compare some contacts."""
    read_rows(
        connection,
        "create or replace temp table contacts_compared as "
        "select unnest($contact_ids::varchar[]) as contact_id",
        {"contact_ids": list(contact_ids)},
    )


def set_everyone(
    connection: duckdb.DuckDBPyConnection, before: Clock, after: Clock
) -> None:
    """Compare all who were contacts at one of the clocks, or were kept as such.

    Who objected to profiling has no score, at no clock.
    """
    at_either = " or ".join(
        f"({IN_FORCE.replace('$at', clock)})" for clock in ("$before", "$after")
    )
    read_rows(
        connection,
        f"""
        create or replace temp table contacts_compared as
        with identifiers as (
            select identifier, contact_id
            from intent_intermediate.int_identifier_contacts
            where {at_either}
        ),
        suppressed as (
            select distinct identifiers.contact_id
            from identifiers
            inner join intent_intermediate.int_contact_identifiers as now_of
                on identifiers.identifier = now_of.identifier
            inner join intent_intermediate.int_contacts as contacts
                on now_of.contact_id = contacts.contact_id
            where contacts.is_suppressed
        )
        select contact_id from identifiers
        where not starts_with(identifier, 'anonymous_id:')
        union
        select contact_id from contact_intent_history
        where segment is not null and as_of_date::timestamp in ($before, $after)
        except
        select contact_id from suppressed
        """,
        {"before": before.at, "after": after.at},
    )


def set_clocks(
    connection: duckdb.DuckDBPyConnection, before: Clock, after: Clock
) -> None:
    """Compare the contacts between two clocks, and with what was said at them."""
    read_rows(
        connection,
        """
        create or replace temp table pairs as
        select
            row_number() over (order by contact_id) as pair_id,
            contact_id,
            $from_as_of::timestamp as from_as_of,
            $to_as_of::timestamp as to_as_of,
            $from_known_until::timestamp as from_known_until,
            $to_known_until::timestamp as to_known_until,
            $from_rule_version::bigint as from_rule_version,
            $to_rule_version::bigint as to_rule_version
        from contacts_compared
        """,
        {**clock_values("from", before), **clock_values("to", after)},
    )
    set_what_was_said(connection, "from", before)
    set_what_was_said(connection, "to", after)


def clock_values(name: str, clock: Clock) -> Mapping[str, object]:
    """What the pairs say of a clock."""
    return {
        f"{name}_as_of": clock.at,
        f"{name}_known_until": clock.known_until,
        f"{name}_rule_version": clock.rule_version,
    }


def set_what_was_said(
    connection: duckdb.DuckDBPyConnection, name: str, clock: Clock
) -> None:
    """Look up the scores that were kept at a clock, and of which sheets they were."""
    scores = "contact_scores" if clock.is_live else "contact_intent_history"
    sheets = "contact_scores" if clock.is_live else "segment_daily"
    is_then = "$at is not null" if clock.is_live else "as_of_date = $at::date"
    for table, columns, source in (
        ("said", "contact_id, score_model, intent_score, segment", scores),
        ("sheets", "score_model", sheets),
    ):
        read_rows(
            connection,
            f"create or replace temp table {table}_{name} as "
            f"select distinct {columns} from {source} where {is_then}",
            {"at": clock.at},
        )
    read_rows(connection, f"delete from said_{name} where segment is null")


def set_changes(
    connection: duckdb.DuckDBPyConnection, query: str, score_model: str
) -> None:
    """Work out what changed the scores of a sheet."""
    read_rows(
        connection,
        "create or replace temp table changes as "
        f"select * from ({query}) where score_model = $score_model",
        {"score_model": score_model},
    )
