"""Puts together what explains a contact's score."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from intent.errors import BadInputError
from intent.explain.bands import LOOKBACK_NIGHTS, since_when, with_segments
from intent.explain.compiled import compiled_queries
from intent.explain.facts import (
    count_identifiers,
    read_clock,
    read_measures,
    read_rules,
    read_sheet,
    read_todays_ids,
)
from intent.explain.fading import Amount, amounts_of, leaves_at, score_after
from intent.explain.live import read_live
from intent.explain.model import Driver, Explanation, Moment, Rule, Since
from intent.explain.past import read_nights, read_past
from intent.explain.resolve import Found, find_contact
from intent.explain.standing import Asked, Standing, Until
from intent.settings import Places
from intent.warehouse import open_warehouse

DAYS_AHEAD = 30
DAY = timedelta(days=1)


def explain(
    places: Places, typed: str, day: date | None, sheet_name: str | None
) -> Explanation:
    """Explain the score of a contact, at the build's clock or at a past midnight.

    Raises:
        BadInputError: there is no such contact, sheet or clock.
        UnavailableError: the warehouse can't be read.
    """
    with open_warehouse(places.warehouse) as connection:
        clock = read_clock(connection)
        at = clock_meant(day, clock)
        found = find_contact(connection, typed, at)
        asked = Asked(
            connection,
            contact_id=found.contact_id,
            at=at,
            sheet=read_sheet(connection, sheet_name),
            queries=compiled_queries(places),
        )
        is_live = at == clock
        return explanation_of(
            asked,
            read_live(asked) if is_live else read_past(asked),
            read_nights(asked, nights_before(at)),
            notes_on(found, asked, is_live),
        )


def clock_meant(day: date | None, clock: datetime) -> datetime:
    """The clock to explain at: that of the build, or a past midnight.

    Raises:
        BadInputError: the day lies after the clock of the build.
    """
    if day is None:
        return clock
    at = datetime(day.year, day.month, day.day)
    if at > clock:
        raise BadInputError(
            f"--as-of: {day} lies after the clock of the last build, {clock} UTC. Give "
            "an earlier day, or build first: `intent build`."
        )
    return at


def nights_before(at: datetime) -> list[datetime]:
    """The midnights before a clock: those shown, and those that their bands need."""
    midnight = datetime(at.year, at.month, at.day)
    last = midnight - DAY if midnight == at else midnight
    count = 2 * LOOKBACK_NIGHTS
    return [last - DAY * back for back in range(count - 1, -1, -1)]


def explanation_of(
    asked: Asked, standing: Standing, nights: Sequence[Moment], notes: Sequence[str]
) -> Explanation:
    """Put together what is told of a contact, what was before, and what will be."""
    moments = with_segments(
        [*nights, Moment(asked.at, standing.intent_score)], asked.sheet.edges
    )
    past = moments[-1 - LOOKBACK_NIGHTS :]
    if standing.segment:
        past[-1] = Moment(asked.at, standing.intent_score, standing.segment)
    segment = past[-1].segment or "cold"
    rules = read_rules(asked.connection, asked.sheet.score_model, standing.audiences)
    drivers = drivers_of(asked, standing, rules)
    amounts = amounts_of(drivers)
    until = standing.until or until_of(asked, segment, amounts)
    return Explanation(
        contact_id=asked.contact_id,
        as_of=asked.at,
        is_live=standing.is_live,
        notes=notes,
        sheet=asked.sheet,
        raw_score=standing.raw_score,
        intent_score=standing.intent_score,
        segment=segment,
        segment_since=Since(standing.segment_since, or_earlier=False)
        if standing.segment_since
        else since_when(past),
        state=standing.state,
        hot_until=until.hot,
        warm_until=until.warm,
        drivers=drivers,
        past=past,
        future=[
            Moment(
                asked.at + DAY * days,
                score_after(amounts, asked.sheet.scale, days * 24 * 60),
            )
            for days in range(1, DAYS_AHEAD + 1)
        ],
        buying_stage=standing.buying_stage,
        fit=standing.fit,
        interests=standing.interests,
        next_step=standing.next_step,
        identifiers=count_identifiers(asked),
    )


def drivers_of(
    asked: Asked, standing: Standing, rules: dict[str, Rule]
) -> list[Driver]:
    """The drivers with the rules behind them, the strongest first."""
    measures = read_measures(asked.connection)
    drivers = [
        Driver(
            activity=row["activity"],
            category=row["category"],
            measure=measures[row["activity"]],
            activity_count=row["activity_count"],
            last_at=row["last_at"],
            age_days=(asked.at - row["last_at"]) / DAY,
            decayed_amount=row["decayed_amount"],
            activity_score=row["activity_score"],
            net_points=row["net_points"],
            contribution=row["contribution"],
            rule=rules[row["activity"]],
        )
        for row in standing.driver_rows
    ]
    return sorted(drivers, key=lambda each: (-round(each.net_points, 9), each.activity))


def until_of(asked: Asked, segment: str, amounts: Sequence[Amount]) -> Until:
    """When a contact will leave the bands that it is in."""
    edges, scale = asked.sheet.edges, asked.sheet.scale
    return Until(
        hot=leaves_at(amounts, scale, edges.hot_exit_below, asked.at)
        if segment == "hot"
        else None,
        warm=leaves_at(amounts, scale, edges.warm_exit_below, asked.at)
        if segment in {"hot", "warm"}
        else None,
    )


def notes_on(found: Found, asked: Asked, is_live: bool) -> list[str]:
    """What a person should know about which contact this is, and which clock."""
    notes = []
    if found.goes_by_another_id:
        went = "goes by this one now" if is_live else "went by this one then"
        notes.append(f"The id that was given is another: the contact {went}.")
    if not is_live:
        today = read_todays_ids(asked)
        if today and set(today) != {asked.contact_id}:
            notes.append(f"Today it goes by {', '.join(today)}.")
        notes.append(
            "Worked out by today's rules, from what had been done by that midnight and "
            "the links between identifiers of then."
        )
    return notes
