"""Why a contact's score changed between two clocks."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import duckdb

from intent.diff.clocks import notes_on_clocks, read_clocks
from intent.diff.model import (
    PARTS,
    SMALLEST_CHANGE,
    Clock,
    Comparison,
    ContactDiff,
    Mover,
    Predecessor,
    Standing,
)
from intent.diff.rule_changes import read_rule_changes
from intent.diff.tables import set_changes, set_clocks, set_contacts
from intent.explain.bands import with_segments
from intent.explain.compiled import compiled_queries
from intent.explain.explanation import nights_before
from intent.explain.facts import read_measures, read_sheet
from intent.explain.model import Moment
from intent.explain.past import read_nights
from intent.explain.reading import Row, read_rows
from intent.explain.resolve import IN_FORCE, find_contact
from intent.explain.standing import Asked
from intent.settings import Places
from intent.warehouse import open_warehouse

Connection = duckdb.DuckDBPyConnection


def diff_contact(
    places: Places,
    typed: str,
    before: str | None,
    after: str | None,
    sheet_name: str | None,
) -> ContactDiff:
    """Explain why the score of a contact changed between two clocks.

    Raises:
        BadInputError: there is no such contact, sheet or clock.
        UnavailableError: the warehouse can't be read.
    """
    with open_warehouse(places.warehouse) as connection:
        comparison = read_comparison(connection, before, after, sheet_name)
        found = find_contact(connection, typed, comparison.after.at)
        queries = compiled_queries(places)
        notes = notes_on_clocks(comparison.before, comparison.after)
        if found.goes_by_another_id:
            notes.insert(
                0,
                "The id that was given is another: at the later clock the contact goes "
                "by this one.",
            )
        return contact_diff(connection, queries, found.contact_id, comparison, notes)


def read_comparison(
    connection: Connection, before: str | None, after: str | None, sheet: str | None
) -> Comparison:
    """What is to be compared.

    Raises:
        BadInputError: there is no such sheet or clock.
    """
    earlier, later = read_clocks(connection, before, after)
    shown = read_sheet(connection, sheet)
    versions = (earlier.rule_version, later.rule_version)
    changes = read_rule_changes(connection, shown.score_model, *versions)
    return Comparison(earlier, later, shown, changes)


def contact_diff(
    connection: Connection,
    queries: Mapping[str, str],
    contact_id: str,
    comparison: Comparison,
    notes: Sequence[str],
) -> ContactDiff:
    """Put together what changed the score of a contact."""
    sheet, clocks = comparison.sheet, (comparison.before, comparison.after)
    owners = read_owners(connection, contact_id, *clocks)
    set_contacts(connection, [contact_id, *owners])
    set_clocks(connection, *clocks)
    set_changes(connection, queries["diffed_changes"], sheet.score_model)
    rows = {row["contact_id"]: row for row in read_rows(connection, "from changes")}
    row = rows[contact_id]
    asked = [
        Asked(connection, contact_id, clock.at, sheet, queries) for clock in clocks
    ]
    found = read_movers(asked[1], clocks)
    scores = (row["score_from"], row["score_to"])
    return ContactDiff(
        contact_id=contact_id,
        comparison=comparison,
        notes=[*notes, *notes_on_what_was_said(found, clocks, scores)],
        before=standing(asked[0], row["score_from"], row["from_segment"]),
        after=standing(asked[1], row["score_to"], row["to_segment"]),
        parts={part: row[part] for part in PARTS},
        movers=[each for each in found if abs(each.change) >= SMALLEST_CHANGE],
        predecessors=[
            Predecessor(owner, is_known, rows[owner]["score_from"])
            for owner, is_known in owners.items()
        ],
    )


def standing(asked: Asked, score: float, segment: str | None) -> Standing:
    """How a contact stood at a clock; its segment by the nights before if need be."""
    if segment is None and is_contact(asked.connection, asked.contact_id, asked.at):
        nights = read_nights(asked, nights_before(asked.at))
        moments = [*nights, Moment(asked.at, score)]
        segment = with_segments(moments, asked.sheet.edges)[-1].segment
    return Standing(score, segment)


def is_contact(connection: Connection, contact_id: str, at: datetime) -> bool:
    """Tell whether there was a contact of that id at a clock."""
    return bool(
        read_rows(
            connection,
            f"""
            select identifier from intent_intermediate.int_identifier_contacts
            where
                contact_id = $contact_id
                and not starts_with(identifier, 'anonymous_id:')
                and {IN_FORCE}
            limit 1
            """,
            {"contact_id": contact_id, "at": at},
        )
    )


def read_owners(
    connection: Connection, contact_id: str, before: Clock, after: Clock
) -> dict[str, bool]:
    """Who else had a contact's identifiers at the earlier clock; was it a contact?"""
    at_both = [IN_FORCE.replace("$at", clock) for clock in ("$before", "$after")]
    rows = read_rows(
        connection,
        f"""
        with identifiers as (
            select identifier from intent_intermediate.int_identifier_contacts
            where contact_id = $contact_id and {at_both[1]}
        ),
        owners as (
            select distinct contact_id
            from intent_intermediate.int_identifier_contacts
            inner join identifiers using (identifier)
            where contact_id <> $contact_id and {at_both[0]}
        )
        select
            contact_id,
            bool_or(not starts_with(identifier, 'anonymous_id:')) as is_known
        from owners
        inner join intent_intermediate.int_identifier_contacts using (contact_id)
        where {at_both[0]}
        group by 1
        order by is_known desc, contact_id
        """,
        {"contact_id": contact_id, "before": before.at, "after": after.at},
    )
    return {row["contact_id"]: row["is_known"] for row in rows}


def read_movers(asked: Asked, clocks: tuple[Clock, Clock]) -> list[Mover]:
    """The drivers at both clocks, those that moved most first."""
    set_subjects(asked, clocks)
    rows = read_rows(
        asked.connection,
        f"select * from ({asked.queries['explained_drivers']}) "
        "where score_model = $score_model",
        {"score_model": asked.sheet.score_model},
    )
    return movers(rows, clocks, read_measures(asked.connection))


def notes_on_what_was_said(
    found: Sequence[Mover], clocks: tuple[Clock, Clock], said: tuple[float, float]
) -> list[str]:
    """Where what was said at a clock is not what is counted for it today."""
    counted = (
        sum(each.part_before for each in found),
        sum(each.part_after for each in found),
    )
    return [
        f"At {clock.at:%Y-%m-%d} {was:.2f} was said. By what is known today of who is "
        f"who it was {now:.2f}, which is what the drivers add up to; the difference is "
        "among the corrections."
        for clock, was, now in zip(clocks, said, counted, strict=True)
        if abs(was - now) >= SMALLEST_CHANGE
    ]


def set_subjects(asked: Asked, clocks: tuple[Clock, Clock]) -> None:
    """Make the table of what is to be scored: the contact at both clocks."""
    known = [
        clock
        for clock in clocks
        if is_contact(asked.connection, asked.contact_id, clock.at)
    ]
    read_rows(
        asked.connection,
        """
        create or replace temp table subjects as
        select
            row_number() over (order by as_of) as subject_id,
            $contact_id as contact_id,
            as_of,
            as_of as facts_before,
            as_of as links_as_of,
            rule_version,
            known_until,
            null::timestamp as newcomers_since,
            null::timestamp as earlier_before,
            null::timestamp as earlier_known_until
        from (
            select
                unnest($clocks::timestamp[]) as as_of,
                unnest($known_until::timestamp[]) as known_until,
                unnest($rule_versions::bigint[]) as rule_version
        )
        """,
        {
            "contact_id": asked.contact_id,
            "clocks": [clock.at for clock in known],
            "known_until": [clock.known_until for clock in known],
            "rule_versions": [clock.rule_version for clock in known],
        },
    )


def movers(
    rows: Sequence[Row],
    clocks: tuple[Clock, Clock],
    measures: Mapping[str, str | None],
) -> list[Mover]:
    """The drivers at both clocks, beside each other."""
    before, after = (
        {row["activity"]: row for row in rows if row["as_of"] == clock.at}
        for clock in clocks
    )
    both = [
        Mover(
            activity=activity,
            measure=measures.get(activity),
            count_before=int(value_of(before, activity, "activity_count")),
            count_after=int(value_of(after, activity, "activity_count")),
            part_before=value_of(before, activity, "contribution"),
            part_after=value_of(after, activity, "contribution"),
        )
        for activity in before | after
    ]
    return sorted(both, key=lambda each: (-abs(each.change), each.activity))


def value_of(rows: Mapping[str, Row], activity: str, column: str) -> float:
    """A number of a driver; 0 if it is none."""
    return float(rows[activity][column]) if activity in rows else 0.0
