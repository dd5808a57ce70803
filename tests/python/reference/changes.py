"""Why scores changed between two clocks: the same rows, with and without some of them.

On the way from the earlier clock to the later one thing after the other becomes as it
is at the later: the time, what was done since, what was learned of earlier things, who
is who, the rules. Each step is scored from landing files that hold just what it knows.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from .identity import is_contact
from .rules import Sheet
from .score import (
    DORMANT_BELOW,
    contact_id_of,
    days_at,
    derived_days_at,
    orders_at,
    score_days,
    score_world,
)
from .values import seconds_of
from .world import World

PARTS = ("decay", "new_activity", "corrections", "identity", "rules")
Scores = dict[str, float]
"""By sheet."""


@dataclass(frozen=True)
class Way:
    """Two clocks, and what was told by rows that had come by each.

    Who is who is asked of all rows: links have no other date than their own.
    """

    before: datetime
    after: datetime
    earlier: World
    """Of the rows that were known at the earlier clock."""
    with_news: World
    """Of these, and of the rows that tell what happened since the earlier clock."""
    later: World
    """Of the rows that were known at the later clock."""
    links: World
    sheets_before: Sequence[Sheet]
    sheets_after: Sequence[Sheet]
    said_before: World | None
    """Of the rows by which scores were said at the earlier clock; None: none were."""
    said_after: World | None


@dataclass(frozen=True)
class Change:
    """A row of contact_intent_changes."""

    score_from: float
    score_to: float
    parts: dict[str, float]


def changes(way: Way) -> dict[tuple[str, str], Change]:
    """Return why each score changed, by contact_id and sheet."""
    said_before = said(way.said_before, way.before, way.sheets_before)
    said_after = said(way.said_after, way.after, way.sheets_after)
    found: dict[tuple[str, str], Change] = {}
    for name, members_before, members_after in contacts(way):
        steps = list(scores_on_the_way(way, members_before, members_after))
        contact_id = contact_id_of(name)
        for sheet in sorted({each for step in steps for each in step}):
            scores = [step.get(sheet, 0.0) for step in steps]
            found[contact_id, sheet] = change_of(
                scores,
                said_or_counted(said_before, contact_id, sheet, scores[0]),
                said_or_counted(said_after, contact_id, sheet, scores[-1]),
            )
    # Whose id came to nothing by what was learned of its identifiers.
    for contact_id, sheet in {*ids_said(said_before), *ids_said(said_after)}:
        if (contact_id, sheet) not in found:
            found[contact_id, sheet] = change_of(
                [0.0] * (len(PARTS) + 1),
                said_or_counted(said_before, contact_id, sheet, 0.0),
                said_or_counted(said_after, contact_id, sheet, 0.0),
            )
    return found


def change_of(scores: Sequence[float], score_from: float, score_to: float) -> Change:
    """What was said otherwise than it is counted, was corrected since."""
    parts = {
        part: after - before
        for part, before, after in zip(PARTS, scores, scores[1:], strict=False)
    }
    parts["corrections"] += scores[0] - score_from + score_to - scores[-1]
    return Change(score_from, score_to, parts)


def contacts(way: Way) -> Iterator[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    """Yield who was a contact at one of the clocks: by which name, with whom."""
    identities = way.links.identities
    before, after = (
        {
            members[0]: members
            for members in identities.components(seconds_of(clock))
            if is_contact(members)
        }
        for clock in (way.before, way.after)
    )
    for name in sorted(before | after):
        yield name, before.get(name, ()), after.get(name, ())


def scores_on_the_way(
    way: Way, members_before: tuple[str, ...], members_after: tuple[str, ...]
) -> Iterator[Scores]:
    """Yield the scores by what is known on each step."""
    first_seen = way.links.identities.first_seen
    newcomers = tuple(
        member
        for member in members_after
        if member not in members_before and first_seen[member] >= seconds_of(way.before)
    )
    joined = (*members_before, *newcomers)
    before, after, old = way.before, way.after, way.sheets_before
    yield scores_of(way.earlier, members_before, old, before, before)
    yield scores_of(way.earlier, members_before, old, before, after)
    yield scores_of(way.with_news, joined, old, after, after)
    yield scores_of(way.later, joined, old, after, after)
    yield scores_of(way.later, members_after, old, after, after)
    yield scores_of(way.later, members_after, way.sheets_after, after, after)


def scores_of(
    world: World,
    members: Sequence[str],
    sheets: Sequence[Sheet],
    facts_before: datetime,
    as_of: datetime,
) -> Scores:
    """Return the scores of what identifiers had done before a clock, at another."""
    facts_clock, clock = seconds_of(facts_before), seconds_of(as_of)
    days = days_at(world.facts, members, facts_clock)
    orders = orders_at(world, members, facts_clock)
    days.update(derived_days_at(world, orders, days, clock))
    attributes = world.profiles.attributes(members, orders, clock)
    sizes = {
        name: len(world.profiles.audiences[name])
        for name in world.profiles.audiences_of(attributes)
    }
    return {
        sheet.name: score_days(days, sheet.for_audiences(sizes), clock)[0].intent_score
        for sheet in sheets
    }


def said(
    world: World | None, as_of: datetime, sheets: Sequence[Sheet]
) -> dict[str, Scores] | None:
    """Return what was said at a clock, by contact_id: scores of 0.05 and above."""
    if world is None:
        return None
    kept: dict[str, Scores] = {sheet.name: {} for sheet in sheets}
    result = score_world(world, as_of)
    for (name, sheet), score in result.scores.items():
        if round(score.intent_score, 9) >= DORMANT_BELOW:
            kept[sheet][contact_id_of(name)] = score.intent_score
    return kept


def ids_said(kept: dict[str, Scores] | None) -> Iterator[tuple[str, str]]:
    """Yield whose scores were kept, with the sheets."""
    for sheet, scores in (kept or {}).items():
        for contact_id in scores:
            yield contact_id, sheet


def said_or_counted(
    kept: dict[str, Scores] | None, contact_id: str, sheet: str, counted: float
) -> float:
    """Return what was said; if nothing was, what is counted, if that is as little."""
    if kept is None or sheet not in kept:
        return counted
    if contact_id in kept[sheet]:
        return kept[sheet][contact_id]
    return 0.0 if round(counted, 9) >= DORMANT_BELOW else counted
