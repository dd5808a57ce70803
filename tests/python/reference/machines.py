"""What no person did: the rules of the seed `hygiene_rules`, asked of all events."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence

from .activities import Event
from .rules import HygieneRule
from .values import midnight_of

RECEIVED = "email_received"
EMAIL = "email:"

Members = Iterable[tuple[str, ...]]
"""The identifiers of each contact."""


def machine_reasons(
    events: Sequence[Event], rules: Iterable[HygieneRule], contacts: Members
) -> dict[str, str]:
    """Return the reasons of the events that some rule knows, by their business keys.

    Where several rules know an event, the first in the alphabet tells the reason.
    """
    contacts = list(contacts)
    reasons: dict[str, str] = {}
    for rule in sorted(rules, key=lambda rule: rule.name):
        asked = [event for event in events if rule.asks_about(event)]
        for event in METHODS[rule.method](rule, asked, events, contacts):
            reasons.setdefault(event.business_key, rule.reason)
    return reasons


Found = Iterator[Event]
Asked = Sequence[Event]
Contacts = Sequence[tuple[str, ...]]
Method = Callable[[HygieneRule, Asked, Asked, Contacts], Found]


def _by_user_agent(rule: HygieneRule, asked: Asked, *_: object) -> Found:
    matches: dict[str, bool] = {}
    for event in asked:
        agent = event.user_agent
        if agent is None:
            continue
        if agent not in matches:
            matches[agent] = rule.matches(agent.lower())
        if matches[agent]:
            yield event


def _by_tool_flag(_: HygieneRule, asked: Asked, *__: object) -> Found:
    return (event for event in asked if event.is_machine_flagged)


def _by_email(rule: HygieneRule, asked: Asked, _: Asked, contacts: Contacts) -> Found:
    internal = {
        identifier
        for members in contacts
        if any(
            member.startswith(EMAIL) and rule.matches(member.removeprefix(EMAIL))
            for member in members
        )
        for identifier in members
    }
    return (event for event in asked if event.identifier in internal)


def _by_burst(rule: HygieneRule, asked: Asked, *_: object) -> Found:
    days: dict[tuple[str, int], list[Event]] = defaultdict(list)
    for event in asked:
        if event.activity != RECEIVED:
            days[event.identifier, midnight_of(event.time)].append(event)
    for day in days.values():
        times = sorted(event.time for event in day)
        for event in day:
            if _is_in_burst(event.time, times, rule):
                yield event


def _is_in_burst(time: int, times: Sequence[int], rule: HygieneRule) -> bool:
    """Whether some span of the rule's length that covers the time is full enough."""
    starts = (start for start in times if time - rule.within_seconds <= start <= time)
    return any(
        bisect_right(times, start + rule.within_seconds) - times.index(start)
        >= rule.least_count
        for start in starts
    )


def _after_delivery(
    rule: HygieneRule, asked: Asked, events: Asked, _: Contacts
) -> Found:
    delivered: dict[tuple[str, str], int] = {}
    for event in events:
        if event.activity == RECEIVED and event.message_id is not None:
            message = event.identifier, event.message_id
            delivered[message] = min(event.time, delivered.get(message, event.time))
    near: dict[tuple[str, str], list[Event]] = defaultdict(list)
    for event in asked:
        message = event.identifier, event.message_id or ""
        if event.activity == RECEIVED or message not in delivered:
            continue
        if abs(event.time - delivered[message]) <= rule.within_seconds:
            near[message].append(event)
    for handled in near.values():
        if len(handled) >= rule.least_count:
            yield from handled


METHODS: dict[str, Method] = {
    "user_agent": _by_user_agent,
    "tool_flag": _by_tool_flag,
    "email": _by_email,
    "burst": _by_burst,
    "after_delivery": _after_delivery,
}
