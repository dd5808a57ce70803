"""The smallest single activity that lifts a contact to a score, by trying them all."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from .activities import MEASURED, PURCHASE
from .rules import FeedRules, Sheet
from .score import COMPARED_DIGITS, Day, Days, score_days
from .values import midnight_of

ENDED_BY_AN_ORDER = ("purchase_due", "purchase_expected")


class Action(NamedTuple):
    """An activity done once more, and the score then."""

    activity: str
    points: float
    intent_score_after: float


def actions_to_ask_for(
    own_doings: Iterable[str], feed_rules: FeedRules, feeds: Iterable[str]
) -> frozenset[str]:
    """Return what contacts do themselves, one by one, and a feed can tell of."""
    switched_on = set(feeds)
    told = {
        activity
        for (feed, name), activity in feed_rules.activities.items()
        if activity is not None
        and feed in switched_on
        and feed_rules.effects.get((feed, name)) != MEASURED
    }
    return frozenset(told.intersection(own_doings))


def smallest_action(
    days: Days, sheet: Sheet, actions: Iterable[str], clock: int
) -> Action | None:
    """Return the action with the fewest points, then by name, that makes hot."""
    [hot] = [band for band in sheet.bands if band.name == "hot"]
    by_points = sorted(
        (sheet.rules[activity].points, activity)
        for activity in actions
        if activity in sheet.rules and sheet.rules[activity].points > 0
    )
    for points, activity in by_points:
        score, _ = score_days(with_one_more(days, activity, clock), sheet, clock)
        if round(score.intent_score, COMPARED_DIGITS) >= hot.enter_at:
            return Action(activity, points, score.intent_score)
    return None


def with_one_more(days: Days, activity: str, clock: int) -> Mapping[str, list[Day]]:
    """Return the facts with the activity done once more at the clock.

    By the identifier that did it last on the clock's day, if any did.
    """
    after = {name: list(of_name) for name, of_name in days.items()}
    of_activity = after.setdefault(activity, [])
    todays = [
        day for day in of_activity if midnight_of(day.last_at) == midnight_of(clock)
    ]
    today = max(todays, key=lambda day: (day.last_at, day.quantity), default=None)
    if today is None:
        of_activity.append(Day(1, clock))
    else:
        of_activity.remove(today)
        of_activity.append(Day(today.quantity + 1, max(today.last_at, clock)))
    if activity == PURCHASE:
        for ended in ENDED_BY_AN_ORDER:
            after.pop(ended, None)
    return after
