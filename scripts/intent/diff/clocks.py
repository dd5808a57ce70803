"""Which two clocks are meant, and what is recorded of them."""

from dataclasses import replace
from datetime import datetime, timedelta

import duckdb

from intent.diff.model import Clock
from intent.errors import BadInputError
from intent.explain.facts import read_clock
from intent.explain.reading import read_rows

WEEK = timedelta(days=7)


def read_clocks(
    connection: duckdb.DuckDBPyConnection, before: str | None, after: str | None
) -> tuple[Clock, Clock]:
    """The clocks that were given: the earlier a midnight, the later the build's or one.

    Raises:
        BadInputError: they can't be compared.
    """
    newest = read_clock(connection)
    to_at = midnight_of(after, "--to") if after else newest
    from_at = midnight_of(before, "--from") if before else week_before(to_at)
    refuse_impossible(connection, from_at, to_at, newest)
    later = clock_at(connection, to_at, is_live=to_at == newest)
    earlier = clock_at(connection, from_at)
    if not earlier.is_kept:
        earlier = replace(earlier, rule_version=later.rule_version)
    return earlier, later


def midnight_of(text: str, option: str) -> datetime:
    """The midnight of a day that was given.

    Raises:
        BadInputError: it is no day.
    """
    try:
        return datetime.strptime(text, "%Y-%m-%d")
    except ValueError as error:
        raise BadInputError(
            f"{option}: '{text}' is no day of the calendar. Give a UTC midnight, such "
            "as 2026-05-01."
        ) from error


def week_before(clock: datetime) -> datetime:
    """The midnight that began the day 7 days before, as in contact_intent_changes."""
    return datetime(clock.year, clock.month, clock.day) - WEEK


def refuse_impossible(
    connection: duckdb.DuckDBPyConnection,
    before: datetime,
    after: datetime,
    newest: datetime,
) -> None:
    """Raise BadInputError if two clocks can't be compared."""
    for option, at in (("--from", before), ("--to", after)):
        if at > newest:
            raise BadInputError(
                f"{option}: {at:%Y-%m-%d} lies after the clock of the last build, "
                f"{newest} UTC. Give an earlier day, or build first: `intent build`."
            )
    if before >= after:
        raise BadInputError(
            f"--from {before:%Y-%m-%d} does not lie before --to {after:%Y-%m-%d}. Give "
            "the earlier day first."
        )
    [row] = read_rows(
        connection,
        "select min(activity_date) as first_date "
        "from intent_intermediate.int_activity_days",
    )
    first = row["first_date"]
    if first is None or before.date() <= first:
        told = f"the first is of {first}" if first else "there are none"
        raise BadInputError(
            f"--from: {before:%Y-%m-%d} lies before all events, {told}. Nobody had a "
            "score by then. Give a later day."
        )


def clock_at(
    connection: duckdb.DuckDBPyConnection, at: datetime, *, is_live: bool = False
) -> Clock:
    """A clock with what is recorded of it."""
    kept = read_rows(
        connection,
        "select basis, known_until, rule_version from segment_daily "
        "where as_of_date = $at::date and not $is_live limit 1",
        {"at": at, "is_live": is_live},
    )
    if kept:
        return Clock(at, is_live, **kept[0])
    [newest] = read_rows(
        connection,
        "select max(rule_version) as rule_version "
        "from intent_intermediate.int_rule_versions",
    )
    return Clock(at, is_live, None, None, newest["rule_version"])


def notes_on_clocks(before: Clock, after: Clock) -> list[str]:
    """What a person should know of how far the comparison can be trusted."""
    notes = []
    if not before.is_kept:
        notes.append(
            f"{not_kept(before)} by the rules and the knowledge of the later clock, so "
            f"corrections and rules are 0. {how_to_keep(before)}"
        )
    if not after.is_kept:
        notes.append(
            f"{not_kept(after)} by today's rules and all that is known today. "
            f"{how_to_keep(after)}"
        )
    for each in (before, after):
        if each.basis == "restated":
            notes.append(
                f"{each.at:%Y-%m-%d} was written into the history afterwards: by what "
                f"had been received by {each.known_until:%Y-%m-%d %H:%M}."
            )
    return notes


def not_kept(clock: Clock) -> str:
    """That the history has not a clock, up to how its scores are counted."""
    return f"{clock.at:%Y-%m-%d} is not in the history. Its scores are counted anew,"


def how_to_keep(clock: Clock) -> str:
    """The command that puts a clock into the history."""
    day = f"{clock.at:%Y-%m-%d}"
    return f"To keep it: `intent backfill --from {day} --to {day}`."
