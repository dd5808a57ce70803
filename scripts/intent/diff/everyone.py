"""Why everyone's scores changed between two clocks."""

import duckdb

from intent.diff.clocks import notes_on_clocks
from intent.diff.contact import read_comparison
from intent.diff.model import (
    PARTS,
    SMALLEST_CHANGE,
    Comparison,
    EveryoneDiff,
    MovedContact,
    Movement,
    PartOfAll,
    Standing,
)
from intent.diff.tables import set_changes, set_clocks, set_everyone
from intent.explain.compiled import compiled_queries
from intent.explain.reading import read_rows
from intent.settings import Places
from intent.warehouse import open_warehouse

Connection = duckdb.DuckDBPyConnection
MOVES_SHOWN = 5
"""So many of those that rose most, and of those that fell most."""


def diff_everyone(
    places: Places, before: str | None, after: str | None, sheet_name: str | None
) -> EveryoneDiff:
    """Explain why everyone's scores changed between two clocks.

    Raises:
        BadInputError: there is no such sheet or clock.
        UnavailableError: the warehouse can't be read.
    """
    with open_warehouse(places.warehouse) as connection:
        comparison = read_comparison(connection, before, after, sheet_name)
        clocks = (comparison.before, comparison.after)
        query = compiled_queries(places)["diffed_changes"]
        set_everyone(connection, *clocks)
        set_clocks(connection, *clocks)
        set_changes(connection, query, comparison.sheet.score_model)
        set_moves(connection)
        return everyone_diff(connection, comparison)


def everyone_diff(connection: Connection, comparison: Comparison) -> EveryoneDiff:
    """Sum up what changed the scores."""
    [totals] = read_rows(
        connection,
        """
        select
            count(*) as contacts,
            count(*) filter (main_part is not null) as moved,
            coalesce(sum(score_from), 0) as total_before,
            coalesce(sum(score_to), 0) as total_after
        from moves
        """,
    )
    is_kept = comparison.before.is_kept and comparison.after.is_kept
    return EveryoneDiff(
        comparison=comparison,
        notes=notes_on_clocks(comparison.before, comparison.after),
        **totals,
        parts=read_parts(connection),
        movements=read_movements(connection) if is_kept else None,
        biggest_moves=[
            *read_biggest_moves(connection, "score_to - score_from > 0", "desc"),
            *read_biggest_moves(connection, "score_to - score_from < 0", "asc"),
        ],
    )


def set_moves(connection: Connection) -> None:
    """Say which part moved each score most, if it moved."""
    by = "sign(score_to - score_from)"
    pulls = ", ".join(f"round({by} * {part}, 9)" for part in PARTS)
    cases = " ".join(
        f"when round({by} * {part}, 9) = greatest({pulls}) then '{part}'"
        for part in PARTS
    )
    read_rows(
        connection,
        f"""
        create or replace temp table moves as
        select
            *,
            case
                when abs(score_to - score_from) < {SMALLEST_CHANGE} then null
                {cases}
            end as main_part
        from changes
        """,
    )


def read_parts(connection: Connection) -> list[PartOfAll]:
    """The five parts, over all contacts."""
    return [
        PartOfAll(part, **row)
        for part in PARTS
        for row in read_rows(
            connection,
            f"""
            select
                coalesce(sum({part}), 0) as total,
                count(*) filter (main_part = $part and score_to > score_from)
                    as raised,
                count(*) filter (main_part = $part and score_to < score_from)
                    as lowered
            from moves
            """,
            {"part": part},
        )
    ]


def read_movements(connection: Connection) -> list[Movement]:
    """How many went from which segment to which."""
    rows = read_rows(
        connection,
        """
        select from_segment, to_segment, count(*) as contacts
        from moves
        where from_segment is not null or to_segment is not null
        group by all
        order by all
        """,
    )
    return [Movement(**row) for row in rows]


def read_biggest_moves(
    connection: Connection, which: str, order: str
) -> list[MovedContact]:
    """The contacts whose scores moved most."""
    rows = read_rows(
        connection,
        f"""
        select * from moves
        where main_part is not null and {which}
        order by round(score_to - score_from, 9) {order}, contact_id
        limit {MOVES_SHOWN}
        """,
    )
    return [
        MovedContact(
            contact_id=row["contact_id"],
            before=Standing(row["score_from"], row["from_segment"]),
            after=Standing(row["score_to"], row["to_segment"]),
            main_part=row["main_part"],
        )
        for row in rows
    ]
